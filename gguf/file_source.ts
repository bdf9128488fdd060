import { GgufError, messageOf } from "./errors.ts";
import type { ByteSource, Interruption, SourceDescriptor } from "./source.ts";
import { checkVersion } from "./version.ts";

/** Bytes asked of the operating system at once. Node caps a read at 2 GiB; larger pieces than this
 * are no faster. */
const READ_BYTES = 64 * 2 ** 20;

/**
 * Opens a file on disk (Node, Deno, Bun).
 *
 * @throws {GgufError} If the path is no readable regular file.
 */
export async function openFile(
  descriptor: Extract<SourceDescriptor, { kind: "file" }>,
  interruption: Interruption,
): Promise<ByteSource> {
  const name = descriptor.path;
  const { open, stat } = await import("node:fs/promises");

  // Asked before opening, because opening a named pipe would wait for a writer.
  const status = await stat(name).catch((cause) => {
    throw unreadable(name, cause);
  });
  if (!status.isFile()) {
    throw new GgufError({
      file: name,
      found: status.isDirectory() ? "a directory" : "something that is no regular file",
      expected: "a GGUF file",
    });
  }
  const handle = await open(name, "r").catch((cause) => {
    throw unreadable(name, cause);
  });
  /** Of what was opened, for meanwhile the name may have become another file's. */
  async function checkedStatus(before: string | undefined) {
    const status = await handle.stat().catch((cause) => {
      throw unreadable(name, cause);
    });
    const version = fileVersion(status);
    checkVersion(name, version, before);
    return { size: status.size, version };
  }

  const { size, version } = await checkedStatus(descriptor.version).catch(async (error) => {
    await handle.close();
    throw error;
  });

  async function read(offset: number, into: Uint8Array): Promise<void> {
    let done = 0;
    while (done < into.length) {
      interruption()?.throwIfAborted();
      const length = Math.min(READ_BYTES, into.length - done);
      const { bytesRead } = await handle.read(into, done, length, offset + done).catch((cause) => {
        throw unreadable(name, cause, offset + done);
      });
      if (bytesRead === 0) {
        throw new GgufError({
          file: name,
          offset: offset + done,
          found: "the end of the file",
          expected: `${into.length - done} more bytes`,
          wayOut: "The file was cut short: fetch or copy it again",
        });
      }
      done += bytesRead;
    }
    await checkedStatus(version);
  }

  return {
    name,
    size,
    descriptor: { ...descriptor, version },
    read,
    close: () => handle.close(),
  };
}

/** What changes where a file is replaced or written to. */
export function fileVersion(status: {
  readonly dev: number | bigint;
  readonly ino: number | bigint | null;
  readonly size: number | bigint;
  readonly mtime: Date | null;
}): string {
  return [status.dev, status.ino, status.size, status.mtime?.getTime()].join(":");
}

function unreadable(name: string, cause: unknown, offset?: number): GgufError {
  return new GgufError({
    file: name,
    offset,
    found: messageOf(cause),
    expected: "a readable GGUF file",
    wayOut: "Check the path and its permissions",
    cause,
  });
}
