import { CommandError, type Io } from "./verb.ts";

/**
 * Has a file written as a whole: `write` gets a path beside `path`, whose file takes its place when
 * it is complete and goes if anything fails. What is no regular file, such as /dev/stdout, is written
 * to directly. Ctrl+C aborts the signal that `write` gets, from before there is a file to remove.
 *
 * @throws {CommandError} If the disk is full.
 */
export async function writeWholeFile(
  path: string,
  io: Io,
  write: (path: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = io.interruption();
  const { rename, rm, stat } = await import("node:fs/promises");
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && !there.isFile()) return await write(path, signal);
  const partial = `${path}.partial`;
  try {
    await write(partial, signal);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    if ((error as { code?: unknown }).code !== "ENOSPC") throw error;
    throw new CommandError(`${path}: the disk is full`);
  }
}

/**
 * Checks that a file may be written: one that is there is replaced only when asked for, and anything
 * else (a device, a directory) never.
 *
 * @throws {CommandError} If it may not.
 */
export async function checkTarget(path: string, force: boolean): Promise<void> {
  const { stat } = await import("node:fs/promises");
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isFile()) throw new CommandError(`${path} is there and is no regular file`);
  if (!force) throw new CommandError(`${path} is there already; --force replaces it`);
}
