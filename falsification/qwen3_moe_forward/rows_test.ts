import assert from "node:assert/strict";
import { cosine, joined, logSoftmax, relativeError } from "./rows.ts";

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

Deno.test("cosine() is that of the angle, whatever the lengths", () => {
  // 3·4 + 4·3 = 24 over 5·5, and over 5·10 where one is twice as long.
  assert.equal(cosine([3, 4], [4, 3]), 0.96);
  assert.equal(cosine([3, 4], [8, 6]), 0.96);
  assert.equal(cosine([1, 0], [0, -2]), 0);
  assert.equal(cosine([1, 0], [-2, 0]), -1);
});

Deno.test("relativeError() is the difference's length over the expected one's", () => {
  // (6, 8) - (3, 4) = (3, 4), of length 5, over 5.
  assert.equal(relativeError([6, 8], [3, 4]), 1);
  assert.equal(relativeError([3, 4], [3, 4]), 0);
});

Deno.test("cosine() and relativeError() are NaN, and so within no bar, where a number is", () => {
  assert.ok(Number.isNaN(cosine([NaN, 1], [1, 1])));
  assert.ok(Number.isNaN(relativeError([NaN, 1], [1, 1])));
  assert.ok(Number.isNaN(relativeError([1], [1, 1])), "an element is missing");
});

Deno.test("joined() puts rows one after another", () => {
  assert.deepEqual(joined([[1, 2], Float64Array.of(3)]), Float32Array.of(1, 2, 3));
});
