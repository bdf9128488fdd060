import assert from "node:assert/strict";
import { logProbabilities, logSoftmax } from "./probabilities.ts";

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

Deno.test("logSoftmax() subtracts the logarithm of the sum of powers", () => {
  // Powers 1, 2 and 5 of a sum of 8: ln(1/8), ln(1/4), ln(5/8).
  const row = logSoftmax(Float32Array.of(0, Math.log(2), Math.log(5)));
  [-2.0794415, -1.3862944, -0.4700036].forEach((expected, id) =>
    assert.ok(Math.abs(row[id]! - expected) < 1e-6)
  );
});

Deno.test("logSoftmax() holds large logits", () => {
  assert.deepEqual(logSoftmax(Float32Array.of(1000, 1000)), Float32Array.of(-Math.LN2, -Math.LN2));
});
