import assert from "node:assert/strict";
import { TENSOR_TYPES } from "../gguf/mod.ts";
import { dequantizeRow } from "../kernels/oracles/dequantize.ts";
import { randomBlocks, type RandomType } from "./blocks.ts";
import { randomWordsOf } from "./random.ts";

const TYPES: readonly RandomType[] = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"];
const QUANTIZED = TYPES.filter((type) => type.startsWith("Q"));
const COLUMNS = 2 ** 18;

/** Random bytes of a type, for `COLUMNS` weights. */
function randomBytes(type: RandomType, mean: number, deviation: number): Uint8Array {
  const { blockSize, blockBytes } = TENSOR_TYPES[type];
  const blocks = COLUMNS / blockSize;
  const buffer = new ArrayBuffer(blocks * blockBytes);
  randomBlocks(type, { mean, deviation }, randomWordsOf(5, "test"))(buffer, blocks);
  return new Uint8Array(buffer);
}

function moments(weights: Float32Array): { mean: number; deviation: number } {
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  const square = weights.reduce((sum, weight) => sum + (weight - mean) ** 2, 0) / weights.length;
  return { mean, deviation: Math.sqrt(square) };
}

for (const type of TYPES) {
  Deno.test(`randomBlocks() makes ${type} weights of the deviation asked for, with mean 0`, () => {
    for (const wanted of [1, 0.02]) {
      const weights = dequantizeRow(type, randomBytes(type, 0, wanted), COLUMNS);
      const { mean, deviation } = moments(weights);
      assert.ok(Math.abs(deviation / wanted - 1) < 0.02, `deviation ${deviation}, not ${wanted}`);
      // Weights that share a scale share its error too, so the mean of 2^18 is not within 2^-9.
      assert.ok(Math.abs(mean) < 0.02 * wanted, `mean ${mean}`);
    }
  });
}

Deno.test("randomBlocks() makes float weights of the mean asked for", () => {
  for (const type of ["F32", "F16", "BF16"] as const) {
    const { mean } = moments(dequantizeRow(type, randomBytes(type, 1, 0.1), COLUMNS));
    assert.ok(Math.abs(mean - 1) < 0.002, `${type}: mean ${mean}`);
  }
});

Deno.test("randomBlocks() makes Gaussian-like floats: a third beyond one deviation, few beyond three", () => {
  const weights = dequantizeRow("F32", randomBytes("F32", 0, 1), COLUMNS);
  const beyond = (limit: number) =>
    weights.filter((weight) => Math.abs(weight) > limit).length / COLUMNS;
  assert.ok(Math.abs(beyond(1) - 0.32) < 0.02);
  assert.ok(beyond(3) > 0 && beyond(3) < 0.003);
});

Deno.test("randomBlocks() gives Q8_0 every quant but -128, which quantizing never gives", () => {
  const bytes = new Int8Array(randomBytes("Q8_0", 0, 1).buffer);
  const counts = new Map<number, number>();
  bytes.forEach((byte, at) => {
    if (at % 34 >= 2) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  });
  assert.deepEqual(
    [...counts.keys()].sort((a, b) => a - b),
    Array.from({ length: 255 }, (_, index) => index - 127),
  );
  // -127 stands for two of the 256 bytes; 2^18 / 256 = 1024 of each.
  assert.ok(counts.get(-127)! > 1.8 * counts.get(-126)!);
  for (const [quant, count] of counts) {
    if (quant !== -127) assert.ok(Math.abs(count - 1024) < 200, `${count} times ${quant}`);
  }
});

Deno.test("randomBlocks() varies scales, so that blocks differ", () => {
  for (const type of QUANTIZED) {
    const { blockBytes } = TENSOR_TYPES[type];
    const bytes = randomBytes(type, 0, 1);
    const at = type === "Q6_K" ? 208 : 0;
    const scales = new Set<number>();
    for (let block = 0; block < 1024; block++) {
      scales.add(bytes[block * blockBytes + at]! | (bytes[block * blockBytes + at + 1]! << 8));
    }
    assert.equal(scales.size, type === "Q4_0" ? 32 : 16, type);
  }
});
