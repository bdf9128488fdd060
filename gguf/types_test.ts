import assert from "node:assert/strict";
import { GGMLQuantizationType } from "@huggingface/gguf";
import { rowBytes, TENSOR_TYPES, type TensorType, tensorTypeById } from "./types.ts";

Deno.test("TENSOR_TYPES has the names and ids that @huggingface/gguf has", () => {
  const theirs = Object.entries(GGMLQuantizationType)
    .filter((entry): entry is [string, number] => typeof entry[1] === "number");
  const ours = Object.entries(TENSOR_TYPES).map(([name, { id }]) => [name, id]);
  assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(theirs));
});

Deno.test("TENSOR_TYPES has the bits per weight that ggml's comments state", () => {
  // ggml-common.h, the comment above each block. IQ2_S, IQ1_M and the ternary types likewise.
  const bitsPerWeight: Partial<Record<TensorType, number>> = {
    Q2_K: 2.625,
    Q3_K: 3.4375,
    Q4_K: 4.5,
    Q5_K: 5.5,
    Q6_K: 6.5625,
    TQ1_0: 1.6875,
    TQ2_0: 2.0625,
    IQ2_XXS: 2.0625,
    IQ2_XS: 2.3125,
    IQ2_S: 2.5625,
    IQ3_XXS: 3.0625,
    IQ3_S: 3.4375,
    IQ1_S: 1.5625,
    IQ1_M: 1.75,
    IQ4_XS: 4.25,
    IQ4_NL: 4.5,
    Q4_0: 4.5,
    Q8_0: 8.5,
    MXFP4: 4.25,
    NVFP4: 4.5,
    Q1_0: 1.125,
    Q2_0: 2.25,
    BF16: 16,
  };
  for (const [name, bits] of Object.entries(bitsPerWeight)) {
    const { blockBytes, blockSize } = TENSOR_TYPES[name as TensorType];
    assert.equal((8 * blockBytes) / blockSize, bits, name);
  }
});

Deno.test("rowBytes() gives the published size of a Qwen3-30B-A3B expert's matrix", () => {
  assert.equal(768 * rowBytes("Q4_K", 2048), 884_736);
  assert.equal(2048 * rowBytes("Q6_K", 768), 1_290_240);
});

Deno.test("rowBytes() refuses a row that is no whole number of blocks", () => {
  assert.throws(() => rowBytes("Q4_K", 255), RangeError);
  assert.throws(() => rowBytes("Q8_0", -32), RangeError);
  assert.equal(rowBytes("F32", 3), 12);
});

Deno.test("tensorTypeById() knows no type for the ids that ggml has removed", () => {
  for (const id of [4, 5, 31, 32, 33, 36, 37, 38, 43]) assert.equal(tensorTypeById(id), undefined);
  assert.equal(tensorTypeById(12)?.name, "Q4_K");
});
