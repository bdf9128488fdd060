/**
 * The tests of contract rmsnorm-kernel-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertSameBits, randomFloats } from "../../kernels/comparing.ts";
import { assertWithin } from "../comparing.ts";
import type { Falsification } from "../falsification.ts";
import { ownKernels } from "./own_kernels.ts";
import { type RowRange, rowsOf } from "./rows.ts";

/** A row as it is normalized: x, result: [rows, columns]; weight: [columns]. */
export interface RmsNorm {
  /** @param range the rows to compute; the others of the result are NaN. All rows by default. */
  normalize(x: Float32Array, weight: Float32Array, epsilon: number, range?: RowRange): Float32Array;
  /** The same of all rows, the result written over x, as the norms of queries and keys do it. */
  normalizeInPlace(x: Float32Array, weight: Float32Array, epsilon: number): Float32Array;
}

/** The factor of the row, its product with x and that with the weight, each rounded to f32 once. */
const RELATIVE = 3.01 * 2 ** -24;

/** Ends of a row beside vectors of 4 and 8, the size of a head and that of Qwen3-30B-A3B's rows. */
const COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 128, 2048];
const EPSILONS = [1e-6, 1e-5];

function ones(columns: number): Float32Array {
  return new Float32Array(columns).fill(1);
}

/** The norm of one row in f64. */
function exact(x: Float32Array, weight: Float32Array, epsilon: number): Float64Array {
  const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  const factor = 1 / Math.sqrt(meanSquare + Math.fround(epsilon));
  return Float64Array.from(x, (value, i) => value * factor * weight[i]!);
}

/** The tests of rmsnorm-kernel-v1. */
export const rmsnormKernel: Falsification<RmsNorm> = {
  contract: "rmsnorm-kernel-v1",

  subject: async () => {
    const { kernels, memory } = await ownKernels();
    return {
      normalize(x, weight, epsilon, { start, end } = { start: 0, end: x.length / weight.length }) {
        memory.reset();
        const [from, by] = [memory.put(x), memory.put(weight)];
        const out = memory.reserve(4 * x.length);
        kernels.rmsNorm(start, end, from, by, out, weight.length, epsilon);
        memory.assertGuards();
        return memory.floats(out, x.length);
      },
      normalizeInPlace(x, weight, epsilon) {
        memory.reset();
        const [at, by] = [memory.put(x), memory.put(weight)];
        kernels.rmsNorm(0, x.length / weight.length, at, by, at, weight.length, epsilon);
        memory.assertGuards();
        return memory.floats(at, x.length);
      },
    };
  },

  tests: [
    {
      id: "F-RMSNORM-001",
      title: "x is divided by its root mean square and multiplied by the weight",
      run({ normalize }) {
        for (const columns of COLUMNS) {
          for (const epsilon of EPSILONS) {
            for (const scale of [1e-3, 1, 1e4, 1e25]) {
              const x = randomFloats(columns, columns, scale);
              const weight = randomFloats(columns + 1, columns, 2);
              assertWithin(
                normalize(x, weight, epsilon),
                exact(x, weight, epsilon),
                (y) => RELATIVE * Math.abs(y) + 2 ** -149,
              );
            }
          }
        }
      },
    },
    {
      id: "F-RMSNORM-002",
      title: "epsilon is added to the mean square, under the root",
      run({ normalize }) {
        const tolerance = (y: number) => RELATIVE * Math.abs(y);
        // By hand: mean(9, 16, 0, 0, 0) = 5, and sqrt(5 + 4) = 3.
        const x = Float32Array.of(3, 4, 0, 0, 0);
        assertWithin(normalize(x, ones(5), 4), [1, 4 / 3, 0, 0, 0], tolerance);
        // mean(9, 0, 0) = 3, and sqrt(3 + 1) = 2.
        assertWithin(normalize(Float32Array.of(3, 0, 0), ones(3), 1), [1.5, 0, 0], tolerance);
        // Where x² vanishes beside it, epsilon = 2^-20 alone is left: x is multiplied by 2^10.
        const tiny = Float32Array.of(2 ** -60, -(2 ** -40), 2 ** -50, 0);
        const grown = [2 ** -50, -(2 ** -30), 2 ** -40, 0];
        assertWithin(normalize(tiny, ones(4), 2 ** -20), grown, tolerance);
      },
    },
    {
      id: "F-RMSNORM-003",
      title: "a row of zeros stays zeros",
      run({ normalize }) {
        for (const columns of COLUMNS) {
          for (const epsilon of [...EPSILONS, 1e-12]) {
            const weight = randomFloats(columns, columns, 100);
            const result = normalize(new Float32Array(columns), weight, epsilon);
            for (const y of result) assert.ok(y === 0, `zero became ${y}`);
          }
        }
      },
    },
    {
      id: "F-RMSNORM-004",
      title:
        "without epsilon a row times a power of two has the same bits, beyond f32's squares too",
      run({ normalize }) {
        for (const columns of [1, 7, 128, 2048]) {
          const x = randomFloats(columns, columns);
          const weight = randomFloats(columns + 1, columns);
          const expected = normalize(x, weight, 0);
          assert.ok(expected.every(Number.isFinite));
          for (const exponent of [-100, -80, -1, 1, 80, 100]) {
            for (const sign of [1, -1]) {
              const scaled = x.map((value) => sign * value * 2 ** exponent);
              assertSameBits(normalize(scaled, weight, 0), expected.map((y) => sign * y));
            }
          }
        }
      },
    },
    {
      id: "F-RMSNORM-005",
      title: "a normalized row has the mean square 1",
      run({ normalize }) {
        for (const columns of [1, 2, 5, 128, 2048, 8191]) {
          for (const scale of [1e-10, 1, 1e10]) {
            const result = normalize(randomFloats(columns, columns, scale), ones(columns), 0);
            const mean = result.reduce((sum, y) => sum + y * y, 0) / columns;
            // Two roundings of each element, which the square doubles.
            assert.ok(Math.abs(mean - 1) <= 4.01 * 2 ** -24, `${columns} columns: ${mean}`);
          }
        }
      },
    },
    {
      id: "F-RMSNORM-006",
      title: "a row of one number becomes ones of its sign, however long",
      run({ normalize }) {
        for (const columns of [1, 4, 6, 2048, 16_384]) {
          for (const value of [1, -7, 0.1, -1e-15, 1e30]) {
            const row = new Float32Array(columns).fill(value);
            const expected = new Float64Array(columns).fill(Math.sign(value));
            assertWithin(normalize(row, ones(columns), 0), expected, () => RELATIVE);
          }
        }
      },
    },
    {
      id: "F-RMSNORM-007",
      title: "each column is multiplied by its own weight, after the division",
      run({ normalize }) {
        const weights = [1, -1, 2, 0.25, 0, 1024, -(2 ** -30), 0.5];
        for (const columns of COLUMNS) {
          const x = randomFloats(columns, columns, 3);
          const plain = normalize(x, ones(columns), 1e-6);
          const weight = Float32Array.from(plain, (_, i) => weights[i % weights.length]!);
          // Powers of two change no bit of a mantissa, so nothing is rounded again.
          assertSameBits(normalize(x, weight, 1e-6), plain.map((y, i) => y * weight[i]!));
        }
      },
    },
    {
      id: "F-RMSNORM-008",
      title: "rows do not depend on each other, and only those of the range are written",
      run({ normalize }) {
        for (const columns of [1, 3, 8, 13, 128]) {
          const x = randomFloats(columns, 5 * columns);
          x.fill(NaN, 0, columns);
          x.fill(1e30, 4 * columns);
          const weight = randomFloats(columns + 1, columns);
          const whole = rowsOf(normalize(x, weight, 1e-6), columns);
          const alone = rowsOf(x, columns).map((row) => normalize(row.slice(), weight, 1e-6));
          const part = rowsOf(normalize(x, weight, 1e-6, { start: 1, end: 3 }), columns);
          for (const row of [1, 2, 3, 4]) assertSameBits(whole[row]!, alone[row]!);
          for (const row of [1, 2]) assertSameBits(part[row]!, whole[row]!);
          for (const row of [0, 3, 4]) assert.ok(part[row]!.every(Number.isNaN), `row ${row}`);
          assert.ok(whole.slice(1).every((row) => row.every(Number.isFinite)));
        }
      },
    },
    {
      id: "F-RMSNORM-009",
      title: "written over its input the result has the same bits",
      run({ normalize, normalizeInPlace }) {
        for (const columns of COLUMNS) {
          const x = randomFloats(columns, 3 * columns, 5);
          const weight = randomFloats(columns + 1, columns);
          assertSameBits(normalizeInPlace(x, weight, 1e-6), normalize(x, weight, 1e-6));
        }
      },
    },
  ],
};
