import assert from "node:assert/strict";
import fc from "fast-check";
import { type MergeRules, mergeSymbols } from "./merge.ts";

interface Rule {
  left: number;
  right: number;
  product: number;
  priority: number;
}

function asMergeRules(rules: readonly Rule[]): MergeRules {
  return {
    find: (left, right) => rules.findIndex((rule) => rule.left === left && rule.right === right),
    priority: Int32Array.from(rules, (rule) => rule.priority),
    product: Int32Array.from(rules, (rule) => rule.product),
  };
}

/** The definition, word for word: find the best pair anew after each merge. */
function mergeSlowly(ids: readonly number[], rules: readonly Rule[]): number[] {
  const symbols = [...ids];
  for (;;) {
    let best = Infinity;
    let at = -1;
    let product = -1;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rule = rules.find((r) => r.left === symbols[i] && r.right === symbols[i + 1]);
      if (rule && rule.priority < best) {
        best = rule.priority;
        at = i;
        product = rule.product;
      }
    }
    if (at < 0) return symbols;
    symbols.splice(at, 2, product);
  }
}

Deno.test("mergeSymbols() gives what merging the best pair again and again gives", () => {
  const small = fc.integer({ min: 0, max: 5 });
  const rule = fc.record({ left: small, right: small, product: small, priority: small });
  // As in a vocabulary: a pair has one rule.
  const rules = fc.uniqueArray(rule, { selector: ({ left, right }) => 6 * left + right });
  fc.assert(
    fc.property(fc.array(small, { maxLength: 40 }), rules, (input, rules) => {
      const ids = Int32Array.from(input);
      const survivors = mergeSymbols(ids, ids.length, asMergeRules(rules));
      assert.deepEqual([...ids.subarray(0, survivors)], mergeSlowly(input, rules));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("mergeSymbols() says which symbols each survivor covers", () => {
  const rules = asMergeRules([{ left: 1, right: 2, product: 3, priority: 0 }]);
  const ids = Int32Array.of(0, 1, 2, 1);
  const ends = new Int32Array(4);
  const survivors = mergeSymbols(ids, 4, rules, ends);
  assert.deepEqual([...ids.subarray(0, survivors)], [0, 3, 1]);
  assert.deepEqual([...ends.subarray(0, survivors)], [1, 3, 4]);
});
