import { type FileSink, fileSink, type GgufFile } from "../gguf/mod.ts";
import { CommandError, type Io } from "./verb.ts";

/**
 * Has a file written as a whole: what `write` gives the sink goes to a new file beside `path`, which
 * takes its place when it is complete and goes if anything fails. What is no regular file, such as a
 * pipe, is written to directly. Ctrl+C aborts the signal that `write` gets, from before there is a
 * file to remove.
 *
 * @throws {CommandError} If the file can't be written.
 */
export async function writeWholeFile(
  path: string,
  io: Io,
  write: (sink: FileSink, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = io.interruption();
  const { realpath, rename, rm, stat } = await import("node:fs/promises");
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && !there.isFile()) {
    await using sink = await fileSink(path);
    return await write(sink, signal);
  }
  // A link stays: the file that it leads to is replaced.
  const target = there === undefined ? path : await realpath(path);
  const partial = `${target}.${crypto.randomUUID().slice(0, 8)}.partial`;
  let sink: FileSink | undefined;
  try {
    sink = await fileSink(partial, "wx");
    await write(sink, signal);
    await sink.close();
    await rename(partial, target);
  } catch (error) {
    // What failed first is told, not what fails because of it.
    await sink?.close().catch(() => {});
    if (sink !== undefined) await rm(partial, { force: true }).catch(() => {});
    throw withPath(error, path, partial);
  }
}

/** An error of the operating system, told of the path that the user gave; any other as it is. */
function withPath(error: unknown, path: string, partial: string): unknown {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return error;
  if (error.code === "ENOSPC") return new CommandError(`${path}: the disk is full`);
  const message = error.message.replaceAll(partial, path);
  return new CommandError(message.includes(path) ? message : `${path}: ${message}`);
}

/**
 * Checks that a file may be written: one that is there is replaced only when asked for, and anything
 * else (a device, a directory) never.
 *
 * @param allowStreams a pipe and a device of characters, such as a terminal, may be written to
 * @throws {CommandError} If it may not.
 */
export async function checkTarget(
  path: string,
  force: boolean,
  allowStreams: boolean = false,
): Promise<void> {
  const { stat } = await import("node:fs/promises");
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return;
  if (allowStreams && (found.isFIFO() || found.isCharacterDevice())) return;
  if (!found.isFile()) throw new CommandError(`${path} is there and is no regular file`);
  if (!force) throw new CommandError(`${path} is there already; --force replaces it`);
}

/**
 * Checks that a file is none of a model's: they can't be replaced by what is made of them.
 *
 * @param role what the verb calls the file, such as "OUT"
 * @throws {CommandError} If it is one, by whatever name or link.
 */
export async function checkOtherFile(model: GgufFile, path: string, role: string): Promise<void> {
  const { stat } = await import("node:fs/promises");
  const target = await stat(path, { bigint: true }).catch(() => undefined);
  if (target === undefined) return;
  for (const { descriptor } of model.sources) {
    if (descriptor.kind !== "file") continue;
    const { dev, ino } = await stat(descriptor.path, { bigint: true });
    if (dev === target.dev && ino === target.ino) {
      throw new CommandError(`${path} is the file that is read: give ${role} another name`);
    }
  }
}
