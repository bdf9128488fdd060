/**
 * Weights and activations that tests of dot products multiply, and what the products are.
 *
 * @module
 */
import { randomFloats } from "../../kernels/comparing.ts";
import { WEIGHT_FORMATS, type WeightType } from "../../kernels/formats.ts";
import { halfValue } from "../../kernels/oracles/half.ts";
import { roundActivations } from "../../kernels/oracles/quantize.ts";
import { assertWithin } from "../comparing.ts";
import { type RowRange, rowsOf } from "../kernels/rows.ts";
import {
  type BlockFields,
  FIELD_RANGES,
  type ListRange,
  packBlock,
  termsOf,
} from "./weight_blocks.ts";

/** Weights as a file stores them. */
export interface StoredWeights {
  readonly type: WeightType;
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns], row-major */
  readonly bytes: Uint8Array;
}

/** Dot products under test. */
export interface QuantizedDot {
  /**
   * @param x [tokens, columns]
   * @param range the rows to multiply with; the others' products are NaN. All rows by default.
   * @returns [tokens, rows]
   */
  multiply(weights: StoredWeights, x: Float32Array, range?: RowRange): Float32Array;
  /**
   * As {@linkcode QuantizedDot.multiply}, with the weights in the kernels' own order.
   *
   * @param weights of a type that is packed, rows in groups of 8
   */
  multiplyPacked(weights: StoredWeights, x: Float32Array): Float32Array;
  /** @throws {RangeError} unless the columns are whole blocks */
  rowBytes(type: WeightType, columns: number): number;
}

/** Every type that is multiplied. */
export const TYPES = Object.keys(WEIGHT_FORMATS) as WeightType[];

/** 1 in f16. */
export const HALF_ONE = 0x3c00;

/** Weights of which it is known what they are. */
export interface KnownWeights extends StoredWeights {
  /** [rows, columns] */
  readonly values: Float64Array;
  /** [rows, columns]: the magnitudes of what sums up to each weight; rounding is relative to these */
  readonly magnitudes: Float64Array;
}

/** Weights made of blocks that a function gives, in the order of the file. */
export function weightsOf(
  type: WeightType,
  rows: number,
  columns: number,
  fieldsOf: (block: number) => BlockFields,
): KnownWeights {
  const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
  const blocks = rows * columns / blockSize;
  const bytes = new Uint8Array(blocks * blockBytes);
  const values = new Float64Array(rows * columns);
  const magnitudes = new Float64Array(rows * columns);
  for (let block = 0; block < blocks; block++) {
    const fields = fieldsOf(block);
    bytes.set(packBlock(type, fields), block * blockBytes);
    // A weight of Q8_0 may be multiplied as its complement, which is one step off, and be corrected.
    const correction = type === "Q8_0" ? Math.abs(halfValue(fields.d)) : 0;
    for (let i = 0; i < blockSize; i++) {
      const terms = termsOf(type, fields, i);
      values[block * blockSize + i] = terms.reduce((a, b) => a + b);
      magnitudes[block * blockSize + i] = terms.reduce(
        (sum, term) => sum + Math.abs(term),
        correction,
      );
    }
  }
  return { type, rows, columns, bytes, values, magnitudes };
}

/** Weights of which every bit is random, but that f16 and bf16 are below 2 in magnitude. */
export function randomWeights(
  type: WeightType,
  rows: number,
  columns: number,
  seed: number,
): KnownWeights {
  const random = randomFloats(seed, 4096);
  let next = 0;
  const draw = (low: number, high: number) =>
    low + Math.floor((random[next++ % 4096]! + 1) / 2 * (high + 1 - low));
  const list = ([low, high, count]: ListRange) =>
    Array.from({ length: count }, () => draw(low, high));
  const half = () => draw(0, 0xffff) & 0xbfff;
  const { scales, mins, quants } = FIELD_RANGES[type];
  return weightsOf(type, rows, columns, () => ({
    // A float between -1 and 1; bf16 is the upper half of one.
    d: type === "F32"
      ? floatBits(draw(-9999, 9999) / 1e4)
      : type === "BF16"
      ? floatBits(draw(-9999, 9999) / 1e4) >>> 16
      : half(),
    dmin: half(),
    scales: list(scales),
    mins: list(mins),
    quants: list(quants),
  }));
}

function floatBits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!;
}

/** Activations of which few are large. */
export function randomActivations(length: number, seed: number): Float32Array {
  const exponents = randomFloats(seed + 1, length, 4);
  return randomFloats(seed, length).map((value, i) => value * 2 ** exponents[i]!);
}

/** The smallest number of columns with everything in it that a type has, at least 21. */
export function fewColumns(type: WeightType): number {
  const { blockSize } = WEIGHT_FORMATS[type];
  // Of floats every way that columns are summed: by 16, by 4, singly.
  return blockSize === 1 ? 21 : 2 * blockSize;
}

/** Rows of every type, from one block to the width of Qwen3-30B-A3B. */
export function* shapes(): Generator<{ type: WeightType; columns: number }, void, void> {
  for (const type of TYPES) {
    const { blockSize } = WEIGHT_FORMATS[type];
    const blocks = blockSize === 1 ? [1, 2, 3, 4, 5, 15, 16, 17, 21, 64, 150] : [1, 2, 3, 5];
    for (const count of blocks) yield { type, columns: count * blockSize };
    yield { type, columns: 2048 };
  }
}

/**
 * What rounding may take from a sum of products, as a share of the magnitudes of its terms.
 *
 * Any order of additions is right, and integers within a block are exact. So a term is rounded once
 * for each block that is added, and up to 8 times more: as an activation, in the product of the two
 * steps, as an integer sum, in the product of both, in the difference from the mins, and where three
 * sums of lanes are added.
 */
export function roundings({ type, columns }: StoredWeights): number {
  return (columns / WEIGHT_FORMATS[type].blockSize + 8) * 2 ** -24;
}

/**
 * Products of one token's activations, as their format rounds these, in f64.
 *
 * @returns the products and the sums of their terms' magnitudes. Both [rows]
 */
export function productsInF64(
  { type, rows, columns, values, magnitudes }: KnownWeights,
  token: Float32Array,
): { products: Float64Array; sizes: Float64Array } {
  const rounded = roundActivations(WEIGHT_FORMATS[type].activation, token);
  const products = new Float64Array(rows);
  const sizes = new Float64Array(rows);
  for (let i = 0; i < rows * columns; i++) {
    const [row, value] = [Math.floor(i / columns), rounded[i % columns]!];
    products[row]! += values[i]! * value;
    sizes[row]! += magnitudes[i]! * Math.abs(value);
  }
  return { products, sizes };
}

/** Fails unless the products are the weights' with the activations as their format rounds these. */
export function assertProducts(actual: Float32Array, weights: KnownWeights, x: Float32Array): void {
  const ofTokens = rowsOf(actual, weights.rows);
  rowsOf(x, weights.columns).forEach((token, t) => {
    const { products, sizes } = productsInF64(weights, token);
    assertWithin(ofTokens[t]!, products, (_, row) => roundings(weights) * sizes[row]!);
  });
}
