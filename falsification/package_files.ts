/**
 * Files of this package, wherever it was loaded from.
 *
 * @module
 */

/** @param path such as "models/small.gguf", from the package's root */
export async function packageBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL(`../${path}`, import.meta.url);
  if (url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return new Uint8Array(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param path such as "contracts/tensor-names-v1.yaml", from the package's root */
export async function packageText(path: string): Promise<string> {
  return new TextDecoder().decode(await packageBytes(path));
}
