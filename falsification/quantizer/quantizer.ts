/**
 * The tests of contract quantizer-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomFloats } from "../../kernels/comparing.ts";
import { WEIGHT_FORMATS, weightRowBytes, type WeightType } from "../../kernels/formats.ts";
import { dequantizeRow } from "../../kernels/oracles/dequantize.ts";
import { fittingType, mixedType, quantizeRow } from "../../quantize/mod.ts";
import type { Falsification } from "../falsification.ts";
import {
  BLOCK_TYPES,
  furthest,
  plainBlock,
  representableBlock,
  weightedError,
} from "./plain_block.ts";
import { mixTests } from "./mixes.ts";

/** A quantizer under test. */
export interface Quantizer {
  /**
   * @param x [columns]
   * @returns the bytes of the row
   * @throws unless the columns are whole blocks and all weights finite
   */
  quantize(type: WeightType, x: Float32Array): Uint8Array;
  /** The type that a recipe stores a matrix in. */
  mixedType: typeof mixedType;
  /** The type for rows of a length. */
  fittingType: typeof fittingType;
}

const TYPES = Object.keys(WEIGHT_FORMATS) as WeightType[];

/** What quantizing makes of a row. */
function roundTrip({ quantize }: Quantizer, type: WeightType, x: Float32Array): Float32Array {
  return dequantizeRow(type, quantize(type, x), x.length);
}

/** Rows of two blocks as models have them: about 0 or away from it, even or with few large weights. */
function* rows(type: WeightType): Generator<Float32Array, void, void> {
  const { blockSize } = WEIGHT_FORMATS[type];
  for (let seed = 1; seed <= 6; seed++) {
    for (const shift of [0, 2, -2]) {
      for (const power of [1, 3]) {
        yield randomFloats(seed, 2 * blockSize)
          .map((weight) => 0.02 * (weight ** power + shift));
      }
    }
  }
}

/** {@linkcode plainBlock} for each block of a row. */
function plainRow(type: WeightType, x: Float32Array): Float32Array {
  const { blockSize } = WEIGHT_FORMATS[type];
  const out = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += blockSize) {
    out.set(plainBlock(type, x.subarray(at, at + blockSize)), at);
  }
  return out;
}

/** Numbers with a Gaussian's shape: sums of twelve uniform ones (Irwin-Hall). */
function gaussian(length: number): Float32Array {
  const uniform = randomFloats(9, 12 * length);
  return Float32Array.from(
    { length },
    (_, i) => uniform.subarray(12 * i, 12 * i + 12).reduce((sum, x) => sum + x) / 2,
  );
}

/** The tests of quantizer-v1. */
export const quantizer: Falsification<Quantizer> = {
  contract: "quantizer-v1",

  subject: () => ({
    quantize(type, x) {
      const bytes = new Uint8Array(weightRowBytes(type, x.length));
      quantizeRow(type, x, bytes);
      return bytes;
    },
    mixedType,
    fittingType,
  }),

  tests: [
    {
      id: "F-QUANT-001",
      title: "rows become whole blocks of the published size, or are refused",
      run({ quantize }) {
        for (const type of TYPES) {
          const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
          for (const blocks of [1, 3]) {
            const bytes = quantize(type, randomFloats(blocks, blocks * blockSize));
            assert.equal(bytes.length, blocks * blockBytes, type);
          }
          if (blockSize === 1) continue;
          const part = randomFloats(1, blockSize + blockSize / 2);
          assert.throws(() => quantize(type, part), RangeError, type);
        }
      },
    },
    {
      id: "F-QUANT-002",
      title: "no block is further from its weights than one whose ranges are divided evenly",
      run(subject) {
        for (const type of BLOCK_TYPES) {
          for (const x of rows(type)) {
            const found = weightedError(x, roundTrip(subject, type, x));
            const plain = weightedError(x, plainRow(type, x));
            const size = weightedError(x, new Float32Array(x.length));
            assert.ok(found <= plain + 1e-12 * size, `${type}: ${found}, evenly ${plain}`);
          }
        }
      },
    },
    {
      id: "F-QUANT-003",
      title: "Gaussian weights lose at least 3% less than with ranges divided evenly",
      run(subject) {
        const x = gaussian(16 * 256);
        for (const type of BLOCK_TYPES) {
          const square = (y: Float32Array) => x.reduce((sum, v, i) => sum + (v - y[i]!) ** 2, 0);
          const ratio = square(roundTrip(subject, type, x)) / square(plainRow(type, x));
          assert.ok(Math.sqrt(ratio) <= 0.97, `${type}: ${Math.sqrt(ratio)}`);
        }
      },
    },
    {
      id: "F-QUANT-004",
      title: "weights that a block can store exactly come back",
      run(subject) {
        for (const type of BLOCK_TYPES) {
          for (let seed = 1; seed <= 20; seed++) {
            const parts = randomFloats(seed, 1024).map((part) => (part + 1) / 2);
            let next = 0;
            const random = (low: number, high: number) =>
              Math.min(high, low + Math.floor((high - low + 1) * parts[next++]!));
            const d = 2 ** -(seed % 8) * (1 + parts[1000]!);
            const x = representableBlock(type, d, d * (0.5 + parts[1001]!), random);
            const largest = Math.abs(furthest(x));
            roundTrip(subject, type, x).forEach((weight, i) => {
              const distance = Math.abs(weight - x[i]!);
              assert.ok(distance <= 2 ** -22 * largest, `${type}: ${weight}, not ${x[i]}`);
            });
          }
        }
      },
    },
    {
      id: "F-QUANT-005",
      title: "NaN and infinity are refused, wherever they are",
      run({ quantize }) {
        for (const type of TYPES) {
          for (const value of [NaN, Infinity, -Infinity]) {
            for (const at of [0, 31, 255, 300]) {
              const x = randomFloats(at + 1, 512);
              x[at] = value;
              assert.throws(() => quantize(type, x), RangeError, `${type}: ${value} at ${at}`);
            }
          }
        }
      },
    },
    {
      id: "F-QUANT-006",
      title: "finite weights stay finite, zeros zero, and constants what they are",
      run(subject) {
        for (const type of TYPES) {
          for (const scale of [2 ** -149, 1e-40, 1e-8, 1, 1e4, 1e9, 3e38]) {
            const x = randomFloats(7, 512, scale);
            assert.ok(roundTrip(subject, type, x).every(Number.isFinite), `${type}: ${scale}`);
          }
          assert.ok(roundTrip(subject, type, new Float32Array(512)).every((x) => x === 0), type);
          for (const constant of [1, -1, 0.03, -0.03, 300]) {
            for (const weight of roundTrip(subject, type, new Float32Array(256).fill(constant))) {
              const relative = Math.abs(weight / constant - 1);
              assert.ok(relative <= 2 ** -8, `${type}: ${weight}, not ${constant}`);
            }
          }
        }
      },
    },
    {
      id: "F-QUANT-007",
      title: "a block has the same bytes alone and among others",
      run({ quantize }) {
        for (const type of TYPES) {
          const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
          const x = Float32Array.from(
            randomFloats(3, 5 * blockSize),
            (weight, i) => weight * 4 ** Math.floor(i / blockSize),
          );
          const bytes = quantize(type, x);
          for (let block = 0; block < 5; block++) {
            const own = x.slice(block * blockSize, (block + 1) * blockSize);
            assert.deepEqual(
              bytes.subarray(block * blockBytes, (block + 1) * blockBytes),
              quantize(type, own),
              `${type}: block ${block}`,
            );
          }
        }
      },
    },
    ...mixTests,
  ],
};
