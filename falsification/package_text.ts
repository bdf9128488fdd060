/**
 * Text files of this package, wherever it was loaded from.
 *
 * @module
 */

/** @param path such as "contracts/tensor-names-v1.yaml", from the package's root */
export async function packageText(path: string): Promise<string> {
  const url = new URL(`../${path}`, import.meta.url);
  if (url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return await readFile(url, "utf8");
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return await response.text();
}
