import { roundToHalf } from "../../kernels/oracles/half.ts";
import { softmaxOf } from "../../kernels/oracles/softmax.ts";
import { rowsOf } from "../kernels/rows.ts";
import { type Softmax, softmaxKernel } from "../kernels/softmax_kernel.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** A softmax that treats each row by a formula. */
function rowwise(formula: (row: Float32Array) => ArrayLike<number>): () => Softmax {
  return () => [{
    name: "broken",
    maxColumns: 151_936,
    softmax(x, columns) {
      const out = new Float32Array(x.length);
      rowsOf(x, columns).forEach((row, i) => out.set(formula(row), i * columns));
      return out;
    },
  }];
}

const largestOf = (row: Float32Array) => row.reduce((a, b) => Math.max(a, b), -Infinity);

/** Powers divided by their sum. */
function shares(powers: Float32Array): Float32Array {
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** e^(x - largest), to f32. */
function powersOf(row: Float32Array): Float32Array {
  const largest = largestOf(row);
  return row.map((value) => Math.exp(value - largest));
}

export const softmaxKernelMutants: BoundMutant[] = mutants(softmaxKernel, [
  {
    name: "without the largest value subtracted",
    caughtBy: ["F-SOFTMAX-005"],
    subject: rowwise((row) => shares(row.map((value) => Math.exp(value)))),
  },
  {
    name: "the largest magnitude subtracted in the largest value's place",
    caughtBy: ["F-SOFTMAX-005"],
    subject: rowwise((row) => {
      const largest = row.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      return shares(row.map((value) => Math.exp(value - largest)));
    }),
  },
  {
    name: "powers of two",
    caughtBy: ["F-SOFTMAX-001", "F-SOFTMAX-002"],
    subject: rowwise((row) => {
      const largest = largestOf(row);
      return shares(row.map((value) => 2 ** (value - largest)));
    }),
  },
  {
    name: "the sum in f32, one after another",
    caughtBy: ["F-SOFTMAX-003"],
    subject: rowwise((row) => {
      const powers = powersOf(row);
      const sum = powers.reduce((a, b) => Math.fround(a + b), 0);
      return powers.map((power) => power / sum);
    }),
  },
  {
    name: "an epsilon added to the sum",
    caughtBy: ["F-SOFTMAX-003", "F-SOFTMAX-009"],
    subject: rowwise((row) => {
      const powers = powersOf(row);
      const sum = powers.reduce((a, b) => a + b, 1e-6);
      return powers.map((power) => power / sum);
    }),
  },
  {
    name: "one more in the sum, for attending to nothing",
    caughtBy: ["F-SOFTMAX-001", "F-SOFTMAX-003"],
    subject: rowwise((row) => {
      const powers = powersOf(row);
      const sum = powers.reduce((a, b) => a + b, 1);
      return powers.map((power) => power / sum);
    }),
  },
  {
    name: "exponentials from a table of f16",
    caughtBy: ["F-SOFTMAX-001", "F-SOFTMAX-008"],
    subject: rowwise((row) => shares(powersOf(row).map(roundToHalf))),
  },
  {
    name: "values rounded to f16 before the largest is subtracted",
    caughtBy: ["F-SOFTMAX-004"],
    subject: rowwise((row) => shares(powersOf(row.map(roundToHalf)))),
  },
  {
    name: "the smallest in the largest value's place, so that the order is turned round",
    caughtBy: ["F-SOFTMAX-006"],
    subject: rowwise((row) => {
      const smallest = row.reduce((a, b) => Math.min(a, b), Infinity);
      return shares(row.map((value) => Math.exp(smallest - value)));
    }),
  },
  {
    name: "masked values at -10 instead of minus infinity",
    caughtBy: ["F-SOFTMAX-007"],
    subject: rowwise((row) => softmaxOf(Array.from(row, (value) => Math.max(value, -10)))),
  },
  {
    name: "small shares set to zero",
    caughtBy: ["F-SOFTMAX-008"],
    subject: rowwise((row) => shares(powersOf(row).map((power) => power < 1e-30 ? 0 : power))),
  },
  {
    name: "the largest value of all rows subtracted from each",
    caughtBy: ["F-SOFTMAX-010"],
    subject: () => [{
      name: "broken",
      maxColumns: 151_936,
      softmax(x, columns) {
        const largest = largestOf(x);
        const out = x.map((value) => Math.exp(value - largest));
        rowsOf(out, columns).forEach((row) => row.set(shares(row)));
        return out;
      },
    }],
  },
]);
