import assert from "node:assert/strict";
import { TABLES } from "./tables.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("TABLES are what their contracts generate", async () => {
  for (const { contract, path, generate } of TABLES) {
    const yaml = await Deno.readTextFile(new URL(`contracts/${contract}.yaml`, ROOT));
    const committed = await Deno.readTextFile(new URL(path, ROOT));
    assert.equal(committed, generate(yaml), `${path} is old: run deno task generate`);
  }
});

Deno.test("TABLES have a path and a contract each of their own", () => {
  for (const key of ["contract", "path"] as const) {
    assert.equal(new Set(TABLES.map((table) => table[key])).size, TABLES.length);
  }
});
