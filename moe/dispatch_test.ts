import assert from "node:assert/strict";
import fc from "fast-check";
import { groupByExpert, splitIntoWaves } from "./dispatch.ts";

Deno.test("groupByExpert() lists each expert's pairs in rising order", () => {
  // Three tokens, two choices each: token 0 takes experts 3 and 1, and so on.
  const ids = Int32Array.from([3, 1, 1, 0, 3, 1]);
  assert.deepEqual(groupByExpert(ids, 4), [
    { expert: 0, pairs: [3] },
    { expert: 1, pairs: [1, 2, 5] },
    { expert: 3, pairs: [0, 4] },
  ]);
});

Deno.test("groupByExpert() keeps every pair once, whatever was chosen", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 130 }),
    fc.array(fc.nat(), { maxLength: 600 }),
    (experts, choices) => {
      const ids = Int32Array.from(choices, (choice) => choice % experts);
      const groups = groupByExpert(ids, experts);
      const pairs = groups.flatMap((group) => group.pairs);
      assert.deepEqual(pairs.toSorted((a, b) => a - b), choices.map((_, pair) => pair));
      for (const group of groups) {
        for (const pair of group.pairs) assert.equal(ids[pair], group.expert);
      }
    },
  ));
});

Deno.test("groupByExpert() refuses an expert that is not there", () => {
  assert.throws(() => groupByExpert(Int32Array.from([0, 4]), 4), /chose expert 4 of 4/);
  assert.throws(() => groupByExpert(Int32Array.from([-1]), 4), /chose expert -1 of 4/);
});

Deno.test("splitIntoWaves() keeps waves within their room and groups whole and in order", () => {
  const group = (expert: number, size: number) => ({ expert, pairs: new Array(size).fill(0) });
  const groups = [group(0, 5), group(1, 4), group(2, 2), group(3, 10), group(4, 1), group(5, 1)];
  const experts = (most: number) =>
    splitIntoWaves(groups, 10, most).map((wave) => wave.map(({ expert }) => expert));
  assert.deepEqual(experts(8), [[0, 1], [2], [3], [4, 5]]);
  assert.deepEqual(experts(1), [[0], [1], [2], [3], [4], [5]]);
  assert.deepEqual(splitIntoWaves([], 10, 8), []);
});
