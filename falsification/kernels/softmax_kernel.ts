/**
 * The tests of contract softmax-kernel-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertSameBits, randomFloats } from "../../kernels/comparing.ts";
import type { Operations } from "../../kernels/operations.ts";
import type { KernelMemory } from "../../kernels/testing.ts";
import { assertWithin } from "../comparing.ts";
import type { Falsification } from "../falsification.ts";
import { ownKernels } from "./own_kernels.ts";
import { rowsOf } from "./rows.ts";

/** One place where softmax is computed. */
export interface Distribution {
  /** which place, for messages */
  readonly name: string;
  /** the longest rows that it is made for */
  readonly maxColumns: number;
  /** x, returned: [rows, columns] */
  softmax(x: Float32Array, columns: number): Float32Array;
}

/** Every softmax under test. */
export type Softmax = readonly Distribution[];

/** Ends of a row beside vectors of 4 and 8, and counts of experts. */
const COLUMNS = [...Array.from({ length: 17 }, (_, i) => i + 1), 60, 128, 512];
/** The vocabulary of Qwen3. */
const VOCABULARY = 151_936;

/** Softmax as the kernel of that name has it. */
function ofKernel(kernels: Operations, memory: KernelMemory): Distribution {
  return {
    name: "softmax",
    maxColumns: VOCABULARY,
    softmax(x, columns) {
      memory.reset();
      const [from, out] = [memory.put(x), memory.reserve(4 * x.length)];
      kernels.softmax(0, x.length / columns, from, out, columns);
      memory.assertGuards();
      return memory.floats(out, x.length);
    },
  };
}

/** Softmax inside of the router: all experts are chosen, then put in their own order again. */
function ofRouter(kernels: Operations, memory: KernelMemory): Distribution {
  return {
    name: "route",
    maxColumns: 512,
    softmax(x, columns) {
      memory.reset();
      const [from, idsAt, weightsAt] = [
        memory.put(x),
        memory.reserve(4 * x.length),
        memory.reserve(4 * x.length),
      ];
      kernels.route(0, x.length / columns, from, idsAt, weightsAt, columns, columns, 0);
      memory.assertGuards();
      const ids = new Int32Array(memory.bytes(idsAt, 4 * x.length).buffer);
      const out = new Float32Array(x.length).fill(NaN);
      memory.floats(weightsAt, x.length).forEach((weight, i) =>
        out[i - i % columns + ids[i]!] = weight
      );
      return out;
    },
  };
}

/** Softmax of one row in f64, and how far below the row's largest its values are, on average. */
function exact(x: Float32Array): { shares: Float64Array; meanDistance: number } {
  const largest = x.reduce((a, b) => Math.max(a, b));
  const powers = Float64Array.from(x, (value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b);
  const shares = powers.map((power) => power / sum);
  const distances = shares.map((share, i) => share * (largest - x[i]!));
  return { shares, meanDistance: distances.reduce((a, b) => a + b) };
}

/**
 * Fails unless a row is its softmax. e^x is within 2e-7, and rounding x - largest to f32 changes it
 * by 2^-24 of their distance; both count once for the power itself and once for the sum. Then the
 * sum's inverse and the product are rounded. A power or share that is subnormal loses 2^-150 each.
 */
function assertSoftmax(actual: Float32Array, x: Float32Array): void {
  const { shares, meanDistance } = exact(x);
  const largest = x.reduce((a, b) => Math.max(a, b));
  assertWithin(actual, shares, (share, i) => {
    const distance = largest - x[i]! + meanDistance;
    return share * (2 * 2e-7 + (2 + distance) * 2 ** -24) + 2 ** -149;
  });
}

/** The tests of softmax-kernel-v1. */
export const softmaxKernel: Falsification<Softmax> = {
  contract: "softmax-kernel-v1",

  // The engine has no call of the kernel itself: its router computes the softmax of its logits, and
  // attention a running one, of which attention-kernel-v1 speaks.
  subject: async () => {
    const { kernels, memory } = await ownKernels(4 << 20);
    return [ofKernel(kernels, memory), ofRouter(kernels, memory)];
  },

  tests: [
    {
      id: "F-SOFTMAX-001",
      title: "every share is e^x over the sum of all e^x",
      run(places) {
        for (const { softmax, maxColumns } of places) {
          for (const columns of [...COLUMNS, VOCABULARY]) {
            if (columns > maxColumns) continue;
            for (const scale of [0.1, 5, 40]) {
              const x = randomFloats(columns, columns, scale);
              assertSoftmax(softmax(x, columns), x);
            }
          }
        }
      },
    },
    {
      id: "F-SOFTMAX-002",
      title: "the base of the powers is e",
      run(places) {
        for (const { softmax } of places) {
          // By hand: e^0 + e^ln 2 + e^ln 5 = 8. The logarithms are rounded to f32.
          const x = Float32Array.of(0, Math.log(2), Math.log(5));
          assertWithin(softmax(x, 3), [1 / 8, 2 / 8, 5 / 8], () => 6e-7);
          // One below the largest: 1 and 1/e, of 1 + 1/e together.
          const pair = softmax(Float32Array.of(-3, -4), 2);
          assertWithin(pair, [0.7310585786300049, 0.2689414213699951], () => 4e-7);
        }
      },
    },
    {
      id: "F-SOFTMAX-003",
      title: "the shares of a row sum to 1, of a whole vocabulary too",
      run(places) {
        for (const { name, softmax, maxColumns } of places) {
          for (const columns of [...COLUMNS, VOCABULARY]) {
            if (columns > maxColumns) continue;
            for (const scale of [0.01, 6, 60, 1e4]) {
              const shares = softmax(randomFloats(columns + 1, columns, scale), columns);
              const sum = shares.reduce((a, b) => a + b, 0);
              // Dividing by the sum takes two roundings, whatever the exponentials are.
              const error = Math.abs(sum - 1);
              assert.ok(error <= 2.01 * 2 ** -24, `${name} of ${columns} columns sums to ${sum}`);
            }
          }
        }
      },
    },
    {
      id: "F-SOFTMAX-004",
      title: "adding a number to all values changes no bit",
      run(places) {
        for (const { softmax } of places) {
          for (const columns of COLUMNS) {
            // Multiples of 1/64 below 8 in magnitude: their sums with these numbers are exact.
            const x = randomFloats(columns, columns, 512).map((value) => Math.round(value) / 64);
            const expected = softmax(x, columns);
            for (const shift of [1, -8, 100, -100, 4096, -65_536]) {
              assertSameBits(softmax(x.map((value) => value + shift), columns), expected);
            }
          }
        }
      },
    },
    {
      id: "F-SOFTMAX-005",
      title: "values of 89 and far beyond overflow nothing",
      run(places) {
        for (const { softmax } of places) {
          // e^89 is no f32, and 3e38 - -3e38 isn't either.
          for (const base of [89, 1e4, -1e4, 1e20, 3e38, -3e38]) {
            const even = softmax(Float32Array.of(base, base, base, base), 4);
            assertWithin(even, [0.25, 0.25, 0.25, 0.25], () => 2 ** -24);
          }
          const byHand = [0.7310585786300049, 0.2689414213699951];
          for (const base of [89, 1e4, -1e4, 1e6]) {
            assertWithin(softmax(Float32Array.of(base, base - 1), 2), byHand, () => 4e-7);
          }
          assert.deepEqual([...softmax(Float32Array.of(-3e38, 3e38, -1e4), 3)], [0, 1, 0]);
          assert.deepEqual([...softmax(Float32Array.of(-1e30, -3e38, -2e30), 3)], [1, 0, 0]);
        }
      },
    },
    {
      id: "F-SOFTMAX-006",
      title: "a larger value has no smaller share, and equal values have equal ones",
      run(places) {
        for (const { name, softmax } of places) {
          // Steps of 1/4096 and coarser, with repetitions, in no order.
          for (const step of [2 ** -12, 2 ** -6, 1 / 4, 1]) {
            for (const columns of [2, 5, 17, 512]) {
              const x = randomFloats(columns, columns, 200).map((value) =>
                Math.round(value) * step
              );
              const shares = softmax(x, columns);
              const rising = Array.from(x.keys()).sort((a, b) => x[a]! - x[b]!);
              for (let i = 1; i < columns; i++) {
                const [low, high] = [rising[i - 1]!, rising[i]!];
                const kept = x[low] === x[high]
                  ? shares[low] === shares[high]
                  : shares[low]! <= shares[high]!;
                assert.ok(
                  kept,
                  `${name}: ${x[low]} has ${shares[low]}, ${x[high]} ${shares[high]}`,
                );
              }
            }
          }
        }
      },
    },
    {
      id: "F-SOFTMAX-007",
      title: "minus infinity, and all that is 104 below the largest, has no share",
      run(places) {
        for (const { softmax } of places) {
          for (const low of [-Infinity, -104.5, -200, -1e10]) {
            for (let place = 0; place < 9; place++) {
              const x = new Float32Array(9).fill(low);
              x[place] = 0;
              // e^-104.5 is 0.6 of half the smallest f32.
              assert.deepEqual([...softmax(x, 9)], [...new Float32Array(9).with(place, 1)]);
            }
          }
          // Two that share, between three that do not.
          const masked = softmax(Float32Array.of(-Infinity, 2, -Infinity, 2, -Infinity), 5);
          assert.deepEqual([...masked], [0, 0.5, 0, 0.5, 0]);
        }
      },
    },
    {
      id: "F-SOFTMAX-008",
      title: "small shares are right down to the smallest numbers of f32",
      run(places) {
        for (const { softmax } of places) {
          // The first of each row is the largest and a zero, so no difference is rounded.
          const x = Float32Array.from({ length: 5 * 1024 }, (_, i) => {
            const row = Math.floor(i / 5);
            return i % 5 === 0 ? 0 : -row / 10 - i % 5;
          });
          rowsOf(softmax(x, 5), 5).forEach((shares, row) => {
            const values = rowsOf(x, 5)[row]!;
            const relative = 2 * 2e-7 + 2 * 2 ** -24;
            assertWithin(shares, exact(values).shares, (y) => relative * y + 2 ** -149);
          });
        }
      },
    },
    {
      id: "F-SOFTMAX-009",
      title: "a single value has the whole share, and equal values share evenly",
      run(places) {
        for (const { softmax } of places) {
          for (const value of [0, 1, -50, 1e30, -1e30]) {
            assert.deepEqual([...softmax(Float32Array.of(value), 1)], [1]);
          }
          for (const columns of COLUMNS) {
            const even = new Float64Array(columns).fill(1 / columns);
            const shares = softmax(new Float32Array(columns).fill(-2.5), columns);
            assertWithin(shares, even, (share) => share * 2.01 * 2 ** -24);
          }
        }
      },
    },
    {
      id: "F-SOFTMAX-010",
      title: "a row has the same bits alone and among others, be these NaN",
      run(places) {
        for (const { softmax } of places) {
          for (const columns of COLUMNS) {
            const x = randomFloats(columns, 5 * columns, 5);
            x[columns] = NaN;
            x[4 * columns - 1] = 1e30;
            const together = rowsOf(softmax(x, columns), columns);
            for (const row of [0, 2, 3, 4]) {
              const alone = softmax(rowsOf(x, columns)[row]!.slice(), columns);
              assertSameBits(together[row]!, alone);
              assert.ok(alone.every(Number.isFinite));
            }
          }
        }
      },
    },
  ],
};
