import type { ByteSink } from "./writer.ts";

/** A file that is being written. */
export interface FileSink extends ByteSink {
  /** Cuts or extends the file to `bytes`. What is added reads as zero and, on file systems with
   * sparse files, takes no room. */
  setSize(bytes: number): Promise<void>;
  /** Closes the file. */
  close(): Promise<void>;
  /** Closes the file. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Creates a file to write to from its beginning (Node, Deno, Bun). What is no regular file, such as a
 * pipe, will do too.
 *
 * @param flags "w" empties a file that is there; "wx" fails where anything is there, a link too
 * @throws The operating system's error, if the file can not be created.
 */
export async function fileSink(path: string, flags: "w" | "wx" = "w"): Promise<FileSink> {
  const { open } = await import("node:fs/promises");
  const handle = await open(path, flags);
  let isOpen = true;

  async function write(chunk: Uint8Array): Promise<void> {
    let done = 0;
    while (done < chunk.length) {
      // Without a position, which a pipe has not.
      const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, null);
      done += bytesWritten;
    }
  }

  async function close(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    await handle.close();
  }

  return { write, setSize: (bytes) => handle.truncate(bytes), close, [Symbol.asyncDispose]: close };
}
