import { rmsNorm } from "../../kernels/oracles/norm.ts";
import { type RmsNorm, rmsnormKernel } from "../kernels/rmsnorm_kernel.ts";
import { rowsOf } from "../kernels/rows.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** The norm of one row. x, weight, returned: [columns] */
type Formula = (x: Float32Array, weight: Float32Array, epsilon: number) => Float32Array;

/** A norm that treats each row by a formula. */
function rowwise(formula: Formula): () => RmsNorm {
  return () =>
    normOf((x, weight, epsilon) => {
      const rows = rowsOf(x, weight.length).map((row) => formula(row, weight, epsilon));
      return Float32Array.from(rows.flatMap((row) => [...row]));
    });
}

/** A norm by a formula over all rows; rows outside of the range are blanked. */
function normOf(formula: Formula, broken: Partial<RmsNorm> = {}): RmsNorm {
  return {
    normalize: (x, weight, epsilon, { start, end } = { start: 0, end: x.length / weight.length }) =>
      formula(x, weight, epsilon).map((y, i) => {
        const row = Math.floor(i / weight.length);
        return row >= start && row < end ? y : NaN;
      }),
    normalizeInPlace: formula,
    ...broken,
  };
}

const total = (x: Float32Array) => x.reduce((a, b) => a + b, 0);
const meanSquare = (x: Float32Array) => x.reduce((sum, value) => sum + value ** 2, 0) / x.length;

/** Divides a row by a number and multiplies it by the weight. */
function divided(x: Float32Array, weight: Float32Array, divisor: number): Float32Array {
  return x.map((value, i) => value / divisor * weight[i]!);
}

export const rmsnormKernelMutants: BoundMutant[] = mutants(rmsnormKernel, [
  {
    name: "without epsilon",
    caughtBy: ["F-RMSNORM-002", "F-RMSNORM-003"],
    subject: rowwise((x, weight) => rmsNorm(x, weight, 0)),
  },
  {
    name: "epsilon added to the root",
    caughtBy: ["F-RMSNORM-002"],
    subject: rowwise((x, weight, epsilon) =>
      divided(x, weight, Math.sqrt(meanSquare(x)) + epsilon)
    ),
  },
  {
    name: "the mean subtracted first, as LayerNorm does",
    caughtBy: ["F-RMSNORM-001", "F-RMSNORM-006"],
    subject: rowwise((x, weight, epsilon) => {
      const mean = total(x) / x.length;
      return rmsNorm(x.map((value) => value - mean), weight, epsilon);
    }),
  },
  {
    name: "divided by the root of the sum, which is the length",
    caughtBy: ["F-RMSNORM-001", "F-RMSNORM-005"],
    subject: rowwise((x, weight, epsilon) =>
      divided(x, weight, Math.sqrt(meanSquare(x) * x.length + epsilon))
    ),
  },
  {
    name: "divided by the mean magnitude",
    caughtBy: ["F-RMSNORM-001", "F-RMSNORM-005"],
    subject: rowwise((x, weight, epsilon) =>
      divided(x, weight, total(x.map(Math.abs)) / x.length + epsilon)
    ),
  },
  {
    name: "squares summed in f32",
    caughtBy: ["F-RMSNORM-004", "F-RMSNORM-006"],
    subject: rowwise((x, weight, epsilon) => {
      const sum = x.reduce((sum, value) => Math.fround(sum + Math.fround(value * value)), 0);
      return divided(x, weight, Math.sqrt(sum / x.length + epsilon));
    }),
  },
  {
    name: "the last columns, fewer than four, left out of the sum",
    caughtBy: ["F-RMSNORM-001", "F-RMSNORM-005"],
    subject: rowwise((x, weight, epsilon) => {
      const counted = x.subarray(0, Math.max(x.length & ~3, 1));
      return divided(x, weight, Math.sqrt(meanSquare(counted) + epsilon));
    }),
  },
  {
    name: "weight + 1, as checkpoints of Gemma mean it",
    caughtBy: ["F-RMSNORM-001", "F-RMSNORM-007"],
    subject: rowwise((x, weight, epsilon) => rmsNorm(x, weight.map((w) => w + 1), epsilon)),
  },
  {
    name: "multiplied by the weight first",
    caughtBy: ["F-RMSNORM-001", "F-RMSNORM-007"],
    subject: rowwise((x, weight, epsilon) =>
      rmsNorm(x.map((value, i) => value * weight[i]!), weight.map(() => 1), epsilon)
    ),
  },
  {
    name: "the first row's root mean square for all rows",
    caughtBy: ["F-RMSNORM-008"],
    subject: () =>
      normOf((x, weight, epsilon) => {
        const divisor = Math.sqrt(meanSquare(x.subarray(0, weight.length)) + epsilon);
        return x.map((value, i) => value / divisor * weight[i % weight.length]!);
      }),
  },
  {
    name: "in place, squares of values that are already normalized",
    caughtBy: ["F-RMSNORM-009"],
    subject: () =>
      normOf(rmsNorm, {
        normalizeInPlace: (x, weight, epsilon) => {
          const once = rmsNorm(x, weight, epsilon);
          return rmsNorm(once, weight.map(() => 1), epsilon);
        },
      }),
  },
]);
