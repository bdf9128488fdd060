/**
 * Blocks without any search for better ones, and how far blocks are from their weights.
 *
 * @module
 */
import { WEIGHT_FORMATS, type WeightType } from "../../kernels/formats.ts";
import { dequantizeRow } from "../../kernels/oracles/dequantize.ts";
import { halfValue } from "../../kernels/oracles/half.ts";
import { halfBits } from "../../quantize/mod.ts";
import { FIELD_RANGES, type ListRange, packBlock } from "../quantized_dot/weight_blocks.ts";

/** Types whose weights lie in blocks. */
export const BLOCK_TYPES = (Object.keys(WEIGHT_FORMATS) as WeightType[])
  .filter((type) => WEIGHT_FORMATS[type].blockSize > 1);

/** The bits of the f16 nearest to a number. */
export function f16Bits(value: number): number {
  return halfBits(new Int32Array(Float32Array.of(value).buffer)[0]!);
}

/** The number that is furthest from 0, with its sign. */
export function furthest(x: ArrayLike<number>): number {
  return Array.from(x).reduce((far, value) => Math.abs(value) > Math.abs(far) ? value : far, 0);
}

/** The smallest and the largest quant that quantizing gives: Q8_0 leaves -128 out. */
export function quantRange(type: WeightType): readonly [low: number, high: number] {
  const [low, high] = FIELD_RANGES[type].quants;
  return [type === "Q8_0" ? -127 : low, high];
}

/** Weights that share a scale. */
export function groupSize(type: WeightType): number {
  return WEIGHT_FORMATS[type].blockSize / Math.max(1, FIELD_RANGES[type].scales[2]);
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/** The nearest number of a range to a multiple of a unit. */
function stored(value: number, unit: number, [low, high]: ListRange): number {
  return unit === 0 ? 0 : clamp(Math.round(value / unit), low, high);
}

/**
 * A block whose groups have their ranges divided into equal steps, each step rounded to what can be
 * stored.
 *
 * @param x [block size]
 * @param round a weight, in steps, to its quant
 * @returns the weights that the block stands for
 */
export function plainBlock(
  type: WeightType,
  x: Float32Array,
  round: (steps: number) => number = Math.round,
): Float32Array {
  return dequantizeRow(type, plainBytes(type, x, round), x.length);
}

/** The bytes of a {@linkcode plainBlock}. */
export function plainBytes(
  type: WeightType,
  x: Float32Array,
  round: (steps: number) => number = Math.round,
): Uint8Array {
  const { scales, mins } = FIELD_RANGES[type];
  const size = groupSize(type);
  const groups = Array.from(
    { length: x.length / size },
    (_, group) => x.subarray(group * size, (group + 1) * size),
  );
  const [low, high] = quantRange(type);
  // Of Q4_0 and Q6_K half of the levels are below zero.
  const zero = type === "Q4_0" ? 8 : type === "Q6_K" ? 32 : 0;
  const hasMins = mins[2] > 0;
  const minimums = groups.map((own) => hasMins ? -Math.min(0, ...own) : 0);
  const steps = groups.map((own, group) =>
    hasMins ? (Math.max(...own) + minimums[group]!) / high : furthest(own) / (low - zero)
  );
  const hasScales = scales[2] > 0;
  const dBits = f16Bits(furthest(steps) / (hasScales ? hasMins ? 63 : -128 : 1));
  const dminBits = f16Bits(Math.max(...minimums) / 63);
  const [d, dmin] = [halfValue(dBits), halfValue(dminBits)];
  const ownScales = steps.map((step) => hasScales ? stored(step, d, scales) : 1);
  const ownMins = minimums.map((minimum) => hasMins ? stored(minimum, dmin, mins) : 0);
  return packBlock(type, {
    d: dBits,
    dmin: dminBits,
    scales: hasScales ? ownScales : [],
    mins: hasMins ? ownMins : [],
    quants: Array.from(x, (weight, i) => {
      const group = Math.floor(i / size);
      const step = d * ownScales[group]!;
      const quant = step === 0 ? 0 : round((weight + dmin * ownMins[group]!) / step);
      return clamp(quant + zero, low, high);
    }),
  });
}

/** Σ (|x| + r) · (x - y)², r the root mean square of 32 weights. x, y: [columns] */
export function weightedError(x: Float32Array, y: Float32Array): number {
  let error = 0;
  for (let group = 0; group < x.length; group += 32) {
    const own = Array.from(x.subarray(group, group + 32));
    const rms = Math.sqrt(own.reduce((sum, weight) => sum + weight * weight, 0) / 32);
    own.forEach((weight, i) => error += (Math.abs(weight) + rms) * (weight - y[group + i]!) ** 2);
  }
  return error;
}

/**
 * A block that dividing ranges evenly finds again: every group has the lowest and the highest quant,
 * the first one the furthest scale, and the second the furthest minimum.
 *
 * @param random a whole number of a range
 * @returns its weights
 */
export function representableBlock(
  type: WeightType,
  d: number,
  dmin: number,
  random: (low: number, high: number) => number,
): Float32Array {
  const { scales, mins } = FIELD_RANGES[type];
  const [low, high] = quantRange(type);
  const size = groupSize(type);
  const { blockSize } = WEIGHT_FORMATS[type];
  const block = packBlock(type, {
    d: f16Bits(d),
    dmin: f16Bits(dmin),
    // Without a scale a group's quants mean nothing.
    scales: Array.from(
      { length: scales[2] },
      (_, i) => i === 0 ? scales[0] || scales[1] : random(scales[0] || 1, scales[1]),
    ),
    mins: Array.from({ length: mins[2] }, (_, i) => i === 1 ? mins[1] : random(mins[0], mins[1])),
    quants: Array.from(
      { length: blockSize },
      (_, i) => i % size === 0 ? low : i % size === 1 ? high : random(low, high),
    ),
  });
  return dequantizeRow(type, block, blockSize);
}
