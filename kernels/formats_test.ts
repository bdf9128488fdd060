import assert from "node:assert/strict";
import {
  activationBytes,
  ACTIVATIONS,
  isWeightType,
  WEIGHT_FORMATS,
  weightRowBytes,
  type WeightType,
} from "./formats.ts";

const TYPES = Object.keys(WEIGHT_FORMATS) as WeightType[];

Deno.test("isWeightType() knows the types that have a matmul, and no others", () => {
  assert(TYPES.every(isWeightType));
  assert(!["Q2_K", "IQ4_XS", "q4_k", "", "toString"].some(isWeightType));
});

Deno.test("weightRowBytes() counts whole blocks", () => {
  // One expert of Qwen3-30B-A3B, [768, 2048], is 884,736 bytes of Q4_K or 1,290,240 of Q6_K.
  assert.equal(768 * weightRowBytes("Q4_K", 2048), 884736);
  assert.equal(768 * weightRowBytes("Q6_K", 2048), 1290240);
  assert.equal(weightRowBytes("F32", 7), 28);
  assert.throws(() => weightRowBytes("Q4_K", 300), {
    name: "RangeError",
    message: "300 columns can not be Q4_K: they must be a positive multiple of 256",
  });
  assert.throws(() => weightRowBytes("Q8_0", 0), RangeError);
});

Deno.test("activationBytes() is a multiple of 16 for block formats and 4 a column for others", () => {
  assert.equal(activationBytes("f16", 7), 28);
  for (const format of ["q8_0", "q8_k"] as const) {
    const { blockSize } = ACTIVATIONS[format];
    for (const blocks of [1, 2, 5]) {
      assert.equal(activationBytes(format, blocks * blockSize) % 16, 0);
    }
    assert.throws(() => activationBytes(format, blockSize + 1), RangeError);
  }
});
