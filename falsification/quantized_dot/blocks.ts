/**
 * The tests of quantized-dot-v1 that speak of what is in a block.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomFloats } from "../../kernels/comparing.ts";
import { type ActivationFormat, WEIGHT_FORMATS, type WeightType } from "../../kernels/formats.ts";
import { assertWithin } from "../comparing.ts";
import type { CodeTest } from "../falsification.ts";
import { BLOCKS_BY_HAND } from "./by_hand.ts";
import {
  assertProducts,
  HALF_ONE,
  type KnownWeights,
  type QuantizedDot,
  roundings,
  type StoredWeights,
  TYPES,
  weightsOf,
} from "./cases.ts";
import { rowsOf } from "../kernels/rows.ts";
import { type BlockFields, FIELD_RANGES } from "./weight_blocks.ts";

/** Every format of activations has this value exactly: the 8-bit ones as ±127 steps of ±1. */
const UNIT = 127;

/** Fails unless a row has these weights in these columns, exactly, but for the sign of a zero. */
function assertWeights(
  { multiply }: QuantizedDot,
  stored: StoredWeights,
  expected: ArrayLike<number>,
  places: readonly number[] = Array.from(expected, (_, i) => i),
): void {
  const { type, columns } = stored;
  // Each token is zeros but for one column, and so reads out that column's weight.
  const x = new Float32Array(places.length * columns);
  places.forEach((column, token) => x[token * columns + column] = UNIT);
  const products = multiply(stored, x);
  assert.equal(products.length, places.length);
  places.forEach((column, token) => {
    const [product, weight] = [products[token]!, expected[column]!];
    assert.ok(
      product === UNIT * weight,
      `${type}: weight ${column} is ${product / UNIT}, not ${weight}`,
    );
  });
}

/** The quant that stands for zero, where that is not 0. */
const ZERO_QUANT: Partial<Record<WeightType, number>> = { Q4_0: 8, Q6_K: 32 };

/** A block of weights that are d times a factor; of floats, of the weight that d is. */
function blockOf(
  type: WeightType,
  d: number,
  factor: (i: number) => number,
): BlockFields {
  const { scales, mins, quants } = FIELD_RANGES[type];
  const zero = ZERO_QUANT[type] ?? 0;
  return {
    d,
    dmin: HALF_ONE,
    scales: new Array(scales[2]).fill(1),
    mins: new Array(mins[2]).fill(0),
    quants: Array.from({ length: quants[2] }, (_, i) => zero + factor(i)),
  };
}

/** The bits of 1 where a type has its d. */
function bitsOfOne(type: WeightType): number {
  return type === "F32" ? 0x3f800000 : type === "BF16" ? 0x3f80 : HALF_ONE;
}

/** A square matrix that leaves activations as they are. */
function identity(type: WeightType): KnownWeights {
  const { blockSize } = WEIGHT_FORMATS[type];
  if (blockSize > 1) {
    return weightsOf(type, blockSize, blockSize, (row) => {
      const fields = blockOf(type, HALF_ONE, (i) => i === row ? 1 : 0);
      const group = Math.floor(row * fields.scales.length / blockSize);
      return { ...fields, scales: fields.scales.map((scale, i) => i === group ? scale : 0) };
    });
  }
  const size = 21;
  return weightsOf(type, size, size, (i) => {
    const onDiagonal = Math.floor(i / size) === i % size;
    return blockOf(type, onDiagonal ? bitsOfOne(type) : 0, () => 1);
  });
}

/**
 * How far a value may be from what it is rounded to, given the largest magnitude of its block. For
 * "q8_0" a step is rounded to f16, which 127 steps make a sixteenth of a step.
 */
const HALF_STEPS: Readonly<Record<ActivationFormat, (x: number, largest: number) => number>> = {
  f32: () => 0,
  f16: (x) => Math.max(Math.abs(x) * 2 ** -11, 2 ** -25),
  bf16: (x) => Math.abs(x) * 2 ** -8,
  q8_0: (_, largest) => (1 / 2 + 1 / 16) * largest / 127,
  q8_k: (_, largest) => (1 / 2 + 1e-4) * largest / 127,
};

/**
 * Bits of both zeros, of small and large numbers that are subnormal and normal, of -1: of the f16 all
 * there are at the ends, of the wider types those that UNIT times are exact.
 */
const EXTREME_BITS = {
  F32: [0, 0x80000000, 1, 0x807f0000, 0x00800000, 0xbf800000, 0x7b800000],
  BF16: [0, 0x8000, 1, 0x807f, 0x0080, 0xbf80, 0x7b80],
  f16: [0, 0x8000, 1, 0x83ff, 0x0400, 0xbc00, 0x7bff, 0xfbff],
} as const;

/** Blocks with all of their numbers as low or as high as they can be. */
function* extremeBlocks(type: WeightType): Generator<BlockFields, void, void> {
  const { scales, mins, quants } = FIELD_RANGES[type];
  for (const scale of new Set(scales.slice(0, 2))) {
    for (const min of new Set(mins.slice(0, 2))) {
      for (const quant of new Set(quants.slice(0, 2))) {
        yield {
          d: bitsOfOne(type),
          dmin: HALF_ONE,
          scales: new Array(scales[2]).fill(scale),
          mins: new Array(mins[2]).fill(min),
          quants: new Array(quants[2]).fill(quant),
        };
      }
    }
  }
}

/** What is in a block: F-QDOT-002 to 005. */
export const blockTests: readonly CodeTest<QuantizedDot>[] = [
  {
    id: "F-QDOT-002",
    title: "blocks worked out by hand have exactly the weights that their layouts say",
    run(subject) {
      assert.deepEqual(BLOCKS_BY_HAND.map(({ type }) => type).sort(), TYPES.toSorted());
      for (const { type, bytes, weights } of BLOCKS_BY_HAND) {
        const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
        const block = new Uint8Array(blockBytes);
        for (const [offset, byte] of bytes) block[offset] = byte;
        const expected = new Float64Array(blockSize);
        for (const [first, weight] of weights) expected.fill(weight, first);
        assertWeights(subject, { type, rows: 1, columns: blockSize, bytes: block }, expected);
      }
    },
  },
  {
    id: "F-QDOT-003",
    title: "activations are rounded to the nearest value of their format",
    run({ multiply }) {
      for (const type of TYPES) {
        const weights = identity(type);
        const { columns } = weights;
        for (const scale of [0.05, 1, 300]) {
          const x = randomFloats(columns, 3 * columns, scale);
          rowsOf(multiply(weights, x), columns).forEach((rounded, token) => {
            const own = rowsOf(x, columns)[token]!;
            const largest = own.reduce((far, value) => Math.max(far, Math.abs(value)), 0);
            const halfStep = HALF_STEPS[WEIGHT_FORMATS[type].activation];
            // What is zero but for an offset, as quants of 32 in Q6_K, is summed and subtracted.
            const rounding = Float64Array.from(
              rowsOf(weights.magnitudes, columns),
              (row) => roundings(weights) * row.reduce((a, b) => a + b) * largest,
            );
            assertWithin(rounded, own, (value, i) => halfStep(value, largest) + rounding[i]!);
          });
        }
      }
    },
  },
  {
    id: "F-QDOT-004",
    title: "the largest and smallest quants, scales and mins overflow nothing",
    run({ multiply }) {
      for (const type of TYPES) {
        const { blockSize } = WEIGHT_FORMATS[type];
        const columns = Math.max(blockSize, 32) * 4;
        for (const fields of extremeBlocks(type)) {
          const weights = weightsOf(type, 1, columns, () => fields);
          for (const rest of [1, -1]) {
            for (const first of [1, -1]) {
              // All activations are ±127 steps; the first decides which sign the steps have.
              const x = new Float32Array(columns).fill(rest);
              for (let i = 0; i < columns; i += blockSize) x[i] = first;
              assertProducts(multiply(weights, x), weights, x);
            }
          }
        }
      }
    },
  },
  {
    id: "F-QDOT-005",
    title: "scales of every magnitude that f16 has are read exactly, subnormal ones too",
    run(subject) {
      for (const type of TYPES) {
        const columns = WEIGHT_FORMATS[type].blockSize;
        const patterns = EXTREME_BITS[type === "F32" || type === "BF16" ? type : "f16"];
        for (const bits of patterns) {
          const ofD = blockOf(type, bits, () => 1);
          const ofDmin: BlockFields = {
            ...blockOf(type, HALF_ONE, () => 0),
            dmin: bits,
            mins: ofD.mins.map(() => 1),
          };
          const hasMins = ofD.mins.length > 0;
          for (const fields of hasMins ? [ofD, ofDmin] : [ofD]) {
            const stored = weightsOf(type, 1, columns, () => fields);
            assertWeights(subject, stored, stored.values, [0, columns - 1]);
          }
        }
      }
    },
  },
];
