import assert from "node:assert/strict";
import { FALSIFICATION_TESTS, falsify, ModelUnderTest } from "../mod.ts";
import { MUTANTS } from "./mod.ts";

for (const mutant of MUTANTS) {
  Deno.test(`${mutant.contract} catches: ${mutant.name}`, async () => {
    await using model = await ModelUnderTest.open();
    const verdicts = await Array.fromAsync(falsify(mutant.tests, model));
    const failed = verdicts.filter(({ status }) => status === "failed").map(({ id }) => id);
    for (const id of mutant.caughtBy) assert.ok(failed.includes(id), `${id} let it pass`);
  });
}

Deno.test("at least two broken implementations are held against every contract", () => {
  for (const contract of new Set(FALSIFICATION_TESTS.map(({ contract }) => contract))) {
    const own = MUTANTS.filter((mutant) => mutant.contract === contract);
    assert.ok(own.length >= 2, `${contract} has ${own.length}`);
  }
});
