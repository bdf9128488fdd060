import { roundToHalf } from "../../kernels/oracles/half.ts";
import { type Silu, siluKernel } from "../kernels/silu_kernel.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** silu in f64, rounded to f32 once. */
const plain = (x: number) => x / (1 + Math.exp(-x));

/** A silu that computes each value by itself. */
function elementwise(of: (x: number) => number): () => Silu {
  return () => ({ silu: (x) => x.map(of) });
}

export const siluKernelMutants: BoundMutant[] = mutants(siluKernel, [
  {
    name: "x · sigmoid(1.702 x), the quick form of GELU",
    caughtBy: ["F-SILU-001", "F-SILU-003"],
    subject: elementwise((x) => x / (1 + Math.exp(-1.702 * x))),
  },
  {
    name: "hard swish, silu in straight pieces",
    caughtBy: ["F-SILU-001", "F-SILU-003", "F-SILU-004"],
    subject: elementwise((x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1)),
  },
  {
    name: "the sigmoid itself",
    caughtBy: ["F-SILU-001", "F-SILU-002"],
    subject: elementwise((x) => 1 / (1 + Math.exp(-x))),
  },
  {
    name: "e^x above and below the line, which overflow together",
    caughtBy: ["F-SILU-006"],
    subject: elementwise((x) => {
      const power = Math.fround(Math.exp(x));
      return x * (power / (1 + power));
    }),
  },
  {
    name: "an exponent that wraps round where e^-x exceeds f32",
    caughtBy: ["F-SILU-007"],
    subject: elementwise((x) => {
      const exponent = ((-x / Math.LN2 + 127) % 256 + 256) % 256 - 127;
      return x / (1 + 2 ** exponent);
    }),
  },
  {
    name: "values from a table of f16",
    caughtBy: ["F-SILU-001", "F-SILU-005"],
    subject: elementwise((x) => roundToHalf(plain(roundToHalf(x)))),
  },
  {
    name: "what vanishes beside 1 left away",
    caughtBy: ["F-SILU-001", "F-SILU-004"],
    subject: elementwise((x) => x < -20 ? 0 : plain(x)),
  },
  {
    name: "the last values of an array, fewer than four, left as they are",
    caughtBy: ["F-SILU-008"],
    subject: () => ({
      silu: (x) => x.map((value, i) => x.length > 4 && i >= (x.length & ~3) ? value : plain(value)),
    }),
  },
  {
    name: "NaN taken for the smallest number",
    caughtBy: ["F-SILU-009"],
    subject: elementwise((x) => Number.isNaN(x) ? -0 : plain(x)),
  },
]);
