import assert from "node:assert/strict";
import fc from "fast-check";
import { createTextIndex } from "./text_index.ts";

Deno.test("createTextIndex() finds what a Map finds", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ unit: "binary", maxLength: 4 })),
      fc.array(fc.string({ unit: "binary", maxLength: 4 })),
      (texts, others) => {
        const index = createTextIndex(texts, () => assert.fail("no duplicates"));
        const ids = new Map(texts.map((text, id) => [text, id]));
        for (const text of [...texts, ...others]) {
          assert.equal(index.find(text), ids.get(text) ?? -1);
          assert.equal(index.find(`<${text}>`, 1, 1 + text.length), ids.get(text) ?? -1);
        }
      },
    ),
  );
});

Deno.test("createTextIndex() tells of duplicates and keeps the first", () => {
  const told: number[][] = [];
  const index = createTextIndex(["a", "b", "a"], (...ids) => told.push(ids));
  assert.deepEqual(told, [[0, 2]]);
  assert.equal(index.find("a"), 0);
});
