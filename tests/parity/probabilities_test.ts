import assert from "node:assert/strict";
import { logProbabilities } from "./probabilities.ts";

Deno.test("logProbabilities() puts probabilities into the order of the ids", () => {
  const row = logProbabilities(new Map([[2, 0.5], [0, 0.375], [1, 0.125]]), 3);
  // ln(3/8), ln(1/8), ln(1/2)
  assert.deepEqual(row, Float32Array.of(-0.9808292530117262, -2.0794415416798357, -Math.LN2));
});

Deno.test("logProbabilities() removes the rounding of the sum they were divided by", () => {
  const row = logProbabilities(new Map([[0, 0.5001], [1, 0.5001]]), 2);
  assert.deepEqual(row, Float32Array.of(-Math.LN2, -Math.LN2));
});

Deno.test("logProbabilities() gives -Infinity for a probability of zero", () => {
  assert.deepEqual(logProbabilities(new Map([[1, 1], [0, 0]]), 2), Float32Array.of(-Infinity, 0));
});

Deno.test("logProbabilities() refuses a row that a sampler has filtered", () => {
  assert.throws(() => logProbabilities(new Map([[0, 0.7], [2, 0.3]]), 3), /token id 1/);
  assert.throws(() => logProbabilities(new Map([[0, 0.7], [1, 0.3]]), 1), /vocabulary of 1/);
});
