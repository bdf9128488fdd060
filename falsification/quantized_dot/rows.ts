/**
 * The tests of quantized-dot-v1 that speak of rows, tokens and what they have to do with each other.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertSameBits, randomFloats } from "../../kernels/comparing.ts";
import { WEIGHT_FORMATS } from "../../kernels/formats.ts";
import { assertWithin } from "../comparing.ts";
import type { CodeTest } from "../falsification.ts";
import {
  assertProducts,
  fewColumns,
  productsInF64,
  type QuantizedDot,
  randomActivations,
  randomWeights,
  roundings,
  shapes,
  type StoredWeights,
  TYPES,
} from "./cases.ts";
import { rowsOf } from "../kernels/rows.ts";
import { SCALE_OFFSETS } from "./weight_blocks.ts";

/** The rows from `start` up to `end` as weights of their own. */
function slice(weights: StoredWeights, start: number, end: number): StoredWeights {
  const rowBytes = weights.bytes.length / weights.rows;
  const bytes = weights.bytes.slice(start * rowBytes, end * rowBytes);
  return { ...weights, rows: end - start, bytes };
}

/** So many rows that are the given ones over and over. */
function repeated(weights: StoredWeights, rows: number): StoredWeights {
  const { length } = weights.bytes;
  const bytes = new Uint8Array(rows * length / weights.rows);
  for (let at = 0; at < bytes.length; at += length) {
    bytes.set(weights.bytes.subarray(0, bytes.length - at), at);
  }
  return { ...weights, rows, bytes };
}

/** One row's products with all tokens, of [tokens, rows]. */
function productsOf(products: Float32Array, rows: number, row: number): Float32Array {
  return products.filter((_, i) => i % rows === row);
}

/** The weights with one scale, or weight, of a row made infinite. */
function withInfinity(
  weights: StoredWeights,
  row: number,
  block: number,
  offset: number,
): StoredWeights {
  const { type, rows } = weights;
  const bytes = weights.bytes.slice();
  const at = row * bytes.length / rows + block * WEIGHT_FORMATS[type].blockBytes + offset;
  const view = new DataView(bytes.buffer);
  if (type === "F32") view.setFloat32(at, Infinity, true);
  else view.setUint16(at, type === "BF16" ? 0xff80 : 0xfc00, true);
  return { ...weights, bytes };
}

/** Rows and tokens: F-QDOT-006 to 011. */
export const rowTests: readonly CodeTest<QuantizedDot>[] = [
  {
    id: "F-QDOT-006",
    title: "tokens have the same bits together and alone",
    run({ multiply }) {
      for (const type of TYPES) {
        const columns = fewColumns(type);
        const weights = randomWeights(type, 2, columns, 1);
        const x = randomActivations(7 * columns, 2);
        const alone = rowsOf(x, columns).flatMap((token) => [...multiply(weights, token.slice())]);
        // Every rest that is left beside batches of 4 and of 2.
        for (const tokens of [2, 3, 4, 5, 7]) {
          const together = multiply(weights, x.slice(0, tokens * columns));
          assertSameBits(together, Float32Array.from(alone.slice(0, tokens * weights.rows)));
        }
      }
    },
  },
  {
    id: "F-QDOT-007",
    title: "a product depends on its own row and its own token alone",
    run({ multiply }) {
      for (const type of TYPES) {
        const columns = fewColumns(type);
        const weights = randomWeights(type, 5, columns, 3);
        const x = randomActivations(5 * columns, 4);
        const expected = multiply(weights, x);
        const rowBytes = weights.bytes.length / 5;
        for (let kept = 0; kept < 5; kept++) {
          // All bits set are NaN as a float and as a scale.
          const bytes = new Uint8Array(weights.bytes.length).fill(0xff);
          const ownBytes = weights.bytes.subarray(kept * rowBytes, (kept + 1) * rowBytes);
          bytes.set(ownBytes, kept * rowBytes);
          const ofRow = multiply({ ...weights, bytes }, x);
          assertSameBits(productsOf(ofRow, 5, kept), productsOf(expected, 5, kept));

          const others = new Float32Array(x.length).fill(NaN);
          others.set(rowsOf(x, columns)[kept]!, kept * columns);
          const ofToken = multiply(weights, others);
          assertSameBits(rowsOf(ofToken, 5)[kept]!, rowsOf(expected, 5)[kept]!);
        }
      }
    },
  },
  {
    id: "F-QDOT-008",
    title: "each row begins where the one before it ends, in a part of the rows as in the whole",
    run({ multiply, rowBytes }) {
      for (const type of TYPES) {
        const columns = 512;
        // Rows are taken in tiles of 64 KiB: one tile and a few rows of the next.
        const tile = Math.floor(65_536 / rowBytes(type, columns));
        const rows = tile + 5;
        const weights = repeated(randomWeights(type, 7, columns, 5), rows);
        const x = randomActivations(3 * columns, 6);
        const whole = multiply(weights, x);
        const [start, end] = [Math.floor(rows / 3), rows - 2];
        const part = multiply(weights, x, { start, end });
        for (const row of [0, 1, start - 1, start, tile - 1, tile, end - 1, end]) {
          const own = multiply(slice(weights, row, row + 1), x);
          assertSameBits(productsOf(whole, rows, row), own);
          const inPart = productsOf(part, rows, row);
          if (row >= start && row < end) assertSameBits(inPart, own);
          else assert.ok(inPart.every(Number.isNaN), `${type}: row ${row} was written`);
        }
      }
    },
  },
  {
    id: "F-QDOT-009",
    title: "activations times a power of two give that times the products, negated the negative",
    run({ multiply }) {
      for (const { type, columns } of shapes()) {
        const weights = randomWeights(type, 3, columns, columns + 1);
        // Multiples of 1/64 up to 1, so that some lie in the middle of two steps.
        const x = randomFloats(columns, columns, 64).map((value) => Math.round(value) / 64);
        x[0] = 1;
        const products = multiply(weights, x);
        for (const factor of [4, 0.25]) {
          const scaled = multiply(weights, x.map((value) => value * factor));
          assertSameBits(scaled, products.map((product) => product * factor));
        }
        // Which lane sums what may depend on an activation's sign, so the last bits may as well.
        const { sizes } = productsInF64(weights, x);
        const negated = multiply(weights, x.map((value) => -value));
        const allowed = (_: number, row: number) => 2 * roundings(weights) * sizes[row]!;
        assertWithin(negated, products.map((product) => -product), allowed);
      }
    },
  },
  {
    id: "F-QDOT-010",
    title: "zeros give zero, and a block of zeros changes nothing beside it",
    run({ multiply }) {
      for (const type of TYPES) {
        const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
        const columns = 3 * Math.max(blockSize, 32);
        const weights = randomWeights(type, 3, columns, 8);
        const bytes = new Uint8Array(3 * columns / blockSize * blockBytes);
        const x = randomActivations(2 * columns, 9);
        for (const product of multiply(weights, new Float32Array(2 * columns))) {
          assert.ok(product === 0, `${type}: activations of zero give ${product}`);
        }
        for (const product of multiply({ ...weights, bytes }, x)) {
          assert.ok(product === 0, `${type}: bytes of zero give ${product}`);
        }
        // The middle third is zero, and with 8-bit activations has no step to divide by.
        for (const token of rowsOf(x, columns)) token.fill(0, columns / 3, 2 * columns / 3);
        assertProducts(multiply(weights, x), weights, x);
      }
    },
  },
  {
    id: "F-QDOT-011",
    title: "NaN and infinity spoil their own row or token, and do not pass for numbers",
    run({ multiply }) {
      for (const type of TYPES) {
        const columns = fewColumns(type);
        const weights = randomWeights(type, 2, columns, 7);
        const x = randomActivations(3 * columns, 8);
        for (const bad of [NaN, Infinity, -Infinity]) {
          for (const column of [0, columns - 1]) {
            const products = multiply(weights, x.with(columns + column, bad));
            const finite = Array.from(products, Number.isFinite);
            const message = `${type}: ${bad} in column ${column} of token 1`;
            assert.deepEqual(finite, [true, true, false, false, true, true], message);
          }
        }
        for (let block = 0; block < columns / WEIGHT_FORMATS[type].blockSize; block++) {
          for (const offset of SCALE_OFFSETS[type]) {
            const products = multiply(withInfinity(weights, 1, block, offset), x);
            const finite = Array.from(products, Number.isFinite);
            const message = `${type}: infinity at ${offset} in block ${block} of row 1`;
            assert.deepEqual(finite, [true, false, true, false, true, false], message);
          }
        }
      }
    },
  },
];
