import assert from "node:assert/strict";
import { logProbability, logSumExp, PerplexityEstimate, windowsOf } from "./perplexity.ts";

const near = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.abs(expected), `${actual}`);

Deno.test("logProbability() is the logarithm of a softmax", () => {
  // e^(ln 1), e^(ln 2), e^(ln 5): probabilities 1/8, 2/8, 5/8. In f32 to 24 bits.
  const logits = Float32Array.of(0, Math.log(2), Math.log(5));
  [1 / 8, 2 / 8, 5 / 8].forEach((probability, token) => {
    near(logProbability(logits, token), Math.log(probability), 1e-7);
  });
  // A thousand more is no other probability, and no infinity.
  const shifted = logits.map((logit) => logit + 1024);
  near(logProbability(shifted, 0), Math.log(1 / 8), 1e-4);
  assert.equal(logSumExp(Float32Array.of(3)), 3);
});

Deno.test("perplexity is the exponential of the mean negative log-probability", () => {
  const estimate = new PerplexityEstimate();
  // Probabilities 1/2, 1/4 and 1/8: the mean of 1, 2 and 3 bits is 2 bits, a choice of 4.
  for (const probability of [1 / 2, 1 / 4, 1 / 8]) estimate.add(Math.log(probability));
  near(estimate.perplexity, 4);
  assert.equal(estimate.tokens, 3);
  // Sample variance of 1, 2, 3: 1. Standard error of the mean √(1/3) bits, times ln 2 and 4.
  near(estimate.error, Math.sqrt(1 / 3) * Math.LN2 * 4);
});

Deno.test("perplexity of certain tokens is 1 without an error, and of one token has no error", () => {
  const certain = new PerplexityEstimate();
  for (let i = 0; i < 10; i++) certain.add(0);
  assert.deepEqual([certain.perplexity, certain.error], [1, 0]);
  const one = new PerplexityEstimate();
  one.add(Math.log(1 / 7));
  near(one.perplexity, 7);
  assert.ok(Number.isNaN(one.error));
});

Deno.test("windowsOf() cuts whole windows, begins each as a text, and scores its second half", () => {
  const tokens = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  assert.deepEqual(windowsOf(tokens, 4, undefined), [
    { tokens: [1, 2, 3, 4], from: 2 },
    { tokens: [5, 6, 7, 8], from: 2 },
  ]);
  assert.deepEqual(windowsOf(tokens, 5, 0).map((window) => window.tokens), [
    [0, 2, 3, 4, 5],
    [0, 7, 8, 9, 10],
  ]);
  assert.deepEqual(windowsOf(tokens, 512, undefined), [{ tokens, from: 5 }]);
});

Deno.test("logSumExp() refuses logits that no probability comes of", () => {
  const refused = (logits: number[], message: RegExp) =>
    assert.throws(() => logSumExp(Float32Array.from(logits)), { name: "RangeError", message });
  refused([1, NaN, 2], /^The logit of token 1 is NaN/);
  refused([1, 2, Infinity], /^The logit of token 2 is Infinity/);
  refused([-Infinity, -Infinity], /all of the 2 logits are -Infinity$/);
  // One token alone may be impossible.
  near(logSumExp(Float32Array.of(-Infinity, 3)), 3);
});
