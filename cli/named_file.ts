/**
 * The bytes of a file that the user named.
 *
 * @throws The operating system's error, whose message says which file: of a directory it does not.
 */
export async function readNamedFile(path: string): Promise<Uint8Array> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && !error.message.includes(path)) {
      error.message = `${path}: ${error.message}`;
    }
    throw error;
  }
}
