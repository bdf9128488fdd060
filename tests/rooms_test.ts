import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../", import.meta.url);

/** A room may import from rooms of earlier lines, and from those before it in its own. */
const ORDER = [
  ["kernels", "gguf", "contracts"],
  ["tokenizer", "moe", "model"],
  ["sampling", "chat"],
  ["quantize"],
  ["synth"],
  ["engine"],
  ["falsification"],
  ["mod.ts"],
  ["cli"],
  ["cli.ts"],
].flat();

/** The room of a path within the repository: its folder, or itself at the top. */
function roomOf(path: string): string {
  return path.split("/")[0]!;
}

/** Modules that users run: no tests, and not the assembly, which is another language. */
function modules(): string[] {
  return ORDER.flatMap((room) => {
    if (room.endsWith(".ts")) return [room];
    return readdirSync(new URL(`${room}/`, ROOT), { recursive: true })
      .map((path) => `${room}/${String(path)}`)
      .filter((path) => path.endsWith(".ts") && !path.endsWith("_test.ts"))
      .filter((path) => !path.startsWith("kernels/assembly/"));
  });
}

/** The files of this repository that a module names in its imports. */
function importsOf(module: string): string[] {
  const url = new URL(module, ROOT);
  const source = readFileSync(url, "utf8").replaceAll(/\/\*[^]*?\*\//g, "");
  return Array.from(
    source.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g),
    ([, path]) => fileURLToPath(new URL(path!, url)).slice(fileURLToPath(ROOT).length),
  );
}

Deno.test("a room imports only from rooms before it", () => {
  const paths = modules();
  assert.ok(paths.length > 100, `only ${paths.length} modules were found`);
  for (const module of paths) {
    for (const imported of importsOf(module)) {
      const [from, to] = [roomOf(module), roomOf(imported)];
      if (to === "deno.json") continue;
      assert.ok(
        ORDER.includes(to) && ORDER.indexOf(to) <= ORDER.indexOf(from),
        `${module} imports ${imported}`,
      );
    }
  }
});
