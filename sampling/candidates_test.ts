import assert from "node:assert/strict";
import fc from "fast-check";
import { selectCandidates } from "./candidates.ts";

const off = { topK: 0, topP: 1, minP: 0 };

/** The set kept, ascending. */
function kept(logits: ArrayLike<number>, options: Partial<typeof off>): number[] {
  const array = Float32Array.from(logits);
  return [...selectCandidates(array, Math.max(...array), { ...off, ...options })].sort(byValue);
}

function byValue(a: number, b: number): number {
  return a - b;
}

interface Token {
  id: number;
  logit: number;
  probability: number;
}

/** Oracle: everything sorted, best first, equal logits by id, with probabilities over these ids. */
function ranked(logits: Float32Array, ids: number[] = [...logits.keys()]): Token[] {
  const best = Math.max(...ids.map((id) => logits[id]!));
  const total = ids.reduce((sum, id) => sum + Math.exp(logits[id]! - best), 0);
  return ids
    .map((id) => ({ id, logit: logits[id]!, probability: Math.exp(logits[id]! - best) / total }))
    .sort((a, b) => b.logit - a.logit || a.id - b.id);
}

function massOf(tokens: Token[]): number {
  return tokens.reduce((sum, { probability }) => sum + probability, 0);
}

/** Logits with many ties, a wide range, and now and then -Infinity; at least one is finite. */
const logitsArbitrary = fc.oneof(
  fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 300 }),
  fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 300 }),
  fc.array(fc.oneof(fc.integer({ min: -60, max: 60 }), fc.constant(-Infinity)), { maxLength: 100 })
    .map((logits) => [...logits, 0]),
).map((logits) => Float32Array.from(logits));

Deno.test("selectCandidates() keeps the k best, of equal ones the lowest ids", () => {
  fc.assert(fc.property(logitsArbitrary, fc.integer({ min: 1, max: 320 }), (logits, topK) => {
    const expected = ranked(logits).slice(0, topK).map(({ id }) => id).sort(byValue);
    assert.deepEqual(kept(logits, { topK }), expected);
  }));
});

Deno.test("selectCandidates() keeps the smallest top-ranked set that reaches top-p", () => {
  const topPArbitrary = fc.double({ min: 0.001, max: 0.999, noNaN: true });
  const topKArbitrary = fc.integer({ min: 0, max: 320 });
  fc.assert(
    fc.property(logitsArbitrary, topKArbitrary, topPArbitrary, (logits, topK, topP) => {
      const survivors = ranked(logits).slice(0, topK || logits.length).map(({ id }) => id);
      const order = ranked(logits, survivors);
      const ids = kept(logits, { topK, topP });
      const nucleus = order.slice(0, ids.length);
      assert.deepEqual(ids, nucleus.map(({ id }) => id).sort(byValue));
      // Sums in another order differ by rounding, so the two bounds have that much slack.
      assert(massOf(nucleus) >= topP - 1e-9, "the set reaches top-p");
      assert(massOf(nucleus.slice(0, -1)) < topP + 1e-9, "no smaller set does");
    }),
  );
});

Deno.test("selectCandidates() keeps what is at least min-p times as likely as the best", () => {
  const minPArbitrary = fc.double({ min: 1e-9, max: 1, noNaN: true });
  fc.assert(fc.property(logitsArbitrary, minPArbitrary, (logits, minP) => {
    const tokens = ranked(logits);
    const ratio = ({ probability }: Token) => probability / tokens[0]!.probability;
    // Where rounding would decide, nothing is expected.
    const isBest = ({ logit }: Token) => logit === tokens[0]!.logit;
    fc.pre(tokens.every((token) => Math.abs(ratio(token) / minP - 1) > 1e-9 || isBest(token)));
    const expected = tokens.filter((token) => ratio(token) >= minP).map(({ id }) => id);
    assert.deepEqual(kept(logits, { minP }), expected.sort(byValue));
  }));
});

Deno.test("selectCandidates() judges top-p among the top-k and min-p among both", () => {
  // Probabilities 0.4, 0.3, 0.2, 0.1.
  const logits = [0.4, 0.3, 0.2, 0.1].map(Math.log);
  assert.deepEqual(kept(logits, { topP: 0.65 }), [0, 1]);
  assert.deepEqual(kept(logits, { topP: 0.75 }), [0, 1, 2]);
  // Of 0.4 and 0.3 alone the first has 0.57.
  assert.deepEqual(kept(logits, { topK: 2, topP: 0.55 }), [0]);
  assert.deepEqual(kept(logits, { topK: 3, topP: 0.95, minP: 0.7 }), [0, 1]);
  assert.deepEqual(kept(logits, { topP: 0.75, minP: 0.7 }), [0, 1]);
});

Deno.test("selectCandidates() takes ties at the edge of top-p in the order of their ids", () => {
  // Sixteen tokens of 1/16 each.
  assert.deepEqual(kept(new Array(16).fill(5), { topP: 0.25 }), [0, 1, 2, 3]);
});

Deno.test("selectCandidates() keeps the best token however small the options are", () => {
  assert.deepEqual(kept([1, 2, 3], { topP: 1e-12 }), [2]);
  assert.deepEqual(kept([1, 2, 3], { minP: 1 }), [2]);
  assert.deepEqual(kept([1, 2, 3], { topK: 1 }), [2]);
});

Deno.test("selectCandidates() keeps everything when every option is off", () => {
  assert.deepEqual(kept([1, 2, 3], off), [0, 1, 2]);
  assert.deepEqual(kept([1, 2, 3], { topK: 3 }), [0, 1, 2]);
});
