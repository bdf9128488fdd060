/**
 * What the quantizers of all types work with: a block of weights in f64, and how much each counts.
 *
 * @module
 */
import { halfBits } from "./half.ts";

/** Quantizes a block into its bytes. Returns the sum of its weights' squared errors. */
export type QuantizeBlock = (block: Block, out: DataView) => number;

/** A block of weights. */
export interface Block {
  readonly weights: Float64Array;
  /** How much each weight's squared error counts: a number above 0, or 0 in a group that is 0. */
  readonly importance: Float64Array;
}

/** The largest finite f16. */
export const LARGEST_HALF = 65504;

const LARGEST_HALF_BITS = 0x7bff;
const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/**
 * The bits of the f16 for a scale: the nearest one that is finite, and not 0 unless the scale is, for
 * with a scale of 0 a whole block would be.
 */
export function scaleBits(scale: number): number {
  float[0] = scale;
  const bits = halfBits(word[0]!);
  const sign = bits & 0x8000;
  const magnitude = Math.min(bits & 0x7fff, LARGEST_HALF_BITS);
  return sign | (magnitude === 0 && scale !== 0 ? 1 : magnitude);
}
