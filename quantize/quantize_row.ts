import { WEIGHT_FORMATS, weightRowBytes, type WeightType } from "../kernels/formats.ts";
import { type Block, LARGEST_HALF, type QuantizeBlock } from "./block.ts";
import { quantizeBF16, quantizeF16, quantizeF32, type QuantizeFloats } from "./floats.ts";
import { quantizeQ4_K, quantizeQ5_K } from "./q4_k_q5_k.ts";
import { quantizeQ6_K } from "./q6_k.ts";
import { quantizeQ4_0, quantizeQ8_0 } from "./q8_0_q4_0.ts";

/** How weights of each type are made. */
type Quantizer =
  | { readonly floats: QuantizeFloats }
  | { readonly block: QuantizeBlock; readonly largest: number };

const QUANTIZERS: Readonly<Record<WeightType, Quantizer>> = {
  F32: { floats: quantizeF32 },
  F16: { floats: quantizeF16 },
  BF16: { floats: quantizeBF16 },
  Q8_0: { block: quantizeQ8_0, largest: 127 * LARGEST_HALF },
  Q4_0: { block: quantizeQ4_0, largest: 8 * LARGEST_HALF },
  Q4_K: { block: quantizeQ4_K, largest: 63 * LARGEST_HALF },
  Q5_K: { block: quantizeQ5_K, largest: 63 * LARGEST_HALF },
  Q6_K: { block: quantizeQ6_K, largest: 128 * 32 * LARGEST_HALF },
};

/** The largest magnitude, of either sign, that a type can hold. */
export function largestWeight(type: WeightType): number {
  const quantizer = QUANTIZERS[type];
  if ("largest" in quantizer) return quantizer.largest;
  // Of bf16, what an f32 has its upper half of.
  return type === "F16" ? LARGEST_HALF : (2 - (type === "F32" ? 2 ** -23 : 2 ** -7)) * 2 ** 127;
}

/** Weights whose importance is judged together. */
const NEIGHBOURS = 32;

/** Room for one block, taken anew by every block. */
const weights = new Float64Array(256);
const importance = new Float64Array(256);
const BLOCKS = new Map<number, Block>(
  [32, 256].map((size) => [size, {
    weights: weights.subarray(0, size),
    importance: importance.subarray(0, size),
  }]),
);

/**
 * Quantizes a row of weights, or several whole rows one after another.
 *
 * Of the values that a block can stand for, those near its weights are searched for the least squared
 * error, in which a weight w among others of root mean square r counts |w| + r: large weights move
 * what is computed further. What is beyond the type's range becomes the nearest value within it.
 *
 * @param x [columns]
 * @param out the bytes of the blocks, all of which are written
 * @returns the sum of the weights' squared errors
 * @throws {RangeError} If `columns` are no whole blocks, `out` is not as long as they are, or a weight
 * is NaN or infinite.
 */
export function quantizeRow(type: WeightType, x: Float32Array, out: Uint8Array): number {
  const expected = weightRowBytes(type, x.length);
  if (out.length !== expected) {
    throw new RangeError(
      `a ${type} row of ${x.length} columns has ${expected} bytes, not ${out.length}`,
    );
  }
  const quantizer = QUANTIZERS[type];
  if ("floats" in quantizer) {
    requireFinite(x);
    return quantizer.floats(x, out);
  }
  const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
  const block = BLOCKS.get(blockSize)!;
  let squaredError = 0;
  for (let index = 0; index < x.length / blockSize; index++) {
    loadBlock(x, index * blockSize, block);
    const bytes = new DataView(out.buffer, out.byteOffset + index * blockBytes, blockBytes);
    squaredError += quantizer.block(block, bytes);
  }
  return squaredError;
}

function requireFinite(x: Float32Array): void {
  const index = x.findIndex((weight) => !Number.isFinite(weight));
  if (index >= 0) throw new RangeError(`weight ${index} is ${x[index]}`);
}

function loadBlock(x: Float32Array, start: number, { weights, importance }: Block): void {
  for (let group = 0; group < weights.length; group += NEIGHBOURS) {
    let square = 0;
    for (let i = group; i < group + NEIGHBOURS; i++) {
      const weight = x[start + i]!;
      weights[i] = weight;
      square += weight * weight;
    }
    // The square of every finite f32 is a finite f64.
    if (!Number.isFinite(square)) requireFinite(x);
    const rms = Math.sqrt(square / NEIGHBOURS);
    for (let i = group; i < group + NEIGHBOURS; i++) importance[i] = Math.abs(weights[i]!) + rms;
  }
}
