/**
 * How long the verbs take that read a header only, Deno's start included, on the 48-layer preset with
 * Qwen's vocabulary of 151,936 tokens: `deno bench -A bench/cli_bench.ts`.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../cli.ts", import.meta.url));
const VOCABULARY = fileURLToPath(new URL("../../shared/vocab/qwen.gguf", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "bench-"));
const model = join(directory, "sparse.gguf");

async function cli(...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, ...args],
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
}

await cli("synth", model, "--preset", "qwen3-30b-a3b", "--vocab-from", VOCABULARY, "--sparse");
globalThis.addEventListener("unload", () => rmSync(directory, { recursive: true }));

for (const verb of ["inspect", "tensors", "names"]) {
  Deno.bench(`${verb} on the header of 17.3 GiB`, async () => {
    await cli(verb, model);
  });
}
