import { CommandError } from "./verb.ts";

/**
 * Has a file written as a whole: `write` gets a path beside `path`, whose file takes its place when
 * it is complete and goes if anything fails. What is no regular file, such as /dev/stdout, is written
 * to directly.
 *
 * @throws {CommandError} If the disk is full.
 */
export async function writeWholeFile(
  path: string,
  write: (path: string) => Promise<void>,
): Promise<void> {
  const { rename, rm, stat } = await import("node:fs/promises");
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && !there.isFile()) return await write(path);
  const partial = `${path}.partial`;
  try {
    await write(partial);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    if ((error as { code?: unknown }).code !== "ENOSPC") throw error;
    throw new CommandError(`${path}: the disk is full`);
  }
}
