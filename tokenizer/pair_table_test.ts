import assert from "node:assert/strict";
import fc from "fast-check";
import { createPairTable } from "./pair_table.ts";

Deno.test("createPairTable() keeps the first value of each pair", () => {
  const id = fc.oneof(fc.nat(8), fc.nat(2 ** 22));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(id, id, fc.nat())),
      fc.tuple(id, id),
      (entries, [left, right]) => {
        const table = createPairTable(entries.length);
        const expected = new Map<string, number>();
        for (const [left, right, value] of entries) {
          table.add(left, right, value);
          if (!expected.has(`${left} ${right}`)) expected.set(`${left} ${right}`, value);
        }
        for (const [left, right] of entries) {
          assert.equal(table.get(left, right), expected.get(`${left} ${right}`));
        }
        assert.equal(table.get(left, right), expected.get(`${left} ${right}`) ?? -1);
      },
    ),
  );
});
