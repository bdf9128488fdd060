/**
 * Writes the tables that the engine reads, from the contracts that say what they hold.
 *
 * ```sh
 * deno run -A contracts/generate.ts          # each table of tables.ts, from its contract
 * deno run -A contracts/generate.ts --check  # exit 1 if a table is not what its contract says
 * ```
 *
 * The engine thus needs no YAML parser, and a contract can't be changed without the table, nor the
 * table without the contract.
 *
 * @module
 */
import { COMMAND } from "./tables/generated_source.ts";
import { type Table, TABLES } from "./tables/tables.ts";

const ROOT = new URL("../", import.meta.url);

/** What a table should be, and where it stands. */
async function generated({ contract, path, generate }: Table): Promise<{ url: URL; text: string }> {
  const yaml = await Deno.readTextFile(new URL(`contracts/${contract}.yaml`, ROOT));
  return { url: new URL(path, ROOT), text: generate(yaml) };
}

if (import.meta.main) {
  const old: string[] = [];
  for (const table of TABLES) {
    const { url, text } = await generated(table);
    if (await Deno.readTextFile(url).catch(() => "") === text) continue;
    old.push(table.path);
    if (!Deno.args.includes("--check")) await Deno.writeTextFile(url, text);
  }
  if (Deno.args.includes("--check") && old.length > 0) {
    console.error(`${old.join(", ")}: not what the contracts say. Run: ${COMMAND}`);
    Deno.exit(1);
  }
}
