import assert from "node:assert/strict";
import { penalizeRepetition } from "./repetition.ts";

function penalized(logits: number[], recent: number[], penalty: number): number[] {
  const result = new Float32Array(logits.length);
  penalizeRepetition(Float32Array.from(logits), recent, penalty, result);
  return [...result];
}

Deno.test("penalizeRepetition() divides positive and multiplies negative logits, each id once", () => {
  assert.deepEqual(penalized([4, -4, 0, 8], [0, 1, 2, 0, 0, 1], 2), [2, -8, 0, 8]);
});

Deno.test("penalizeRepetition() leaves a token that is ruled out ruled out", () => {
  assert.deepEqual(penalized([1, -Infinity], [1], 1.5), [1, -Infinity]);
});

Deno.test("penalizeRepetition() refuses a token outside the vocabulary", () => {
  assert.throws(() => penalized([1, 2], [2], 2), {
    name: "RangeError",
    message: "'history' has token 2, but there are 2 logits",
  });
});
