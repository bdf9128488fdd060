import { swiglu } from "../../kernels/oracles/swiglu.ts";
import type { RowRange } from "../kernels/rows.ts";
import { type SwiGlu, swigluKernel } from "../kernels/swiglu_kernel.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

type Formula = (gate: Float32Array, up: Float32Array, columns: number) => Float32Array;

/** Computes by a formula over all rows, and blanks those outside of the range. */
function within(formula: Formula): SwiGlu["swiglu"] {
  return (gate, up, columns, range = { start: 0, end: gate.length / columns }) =>
    formula(gate, up, columns).map((y, i) => contains(range, Math.floor(i / columns)) ? y : NaN);
}

function contains({ start, end }: RowRange, row: number): boolean {
  return row >= start && row < end;
}

/** A gate in plain TypeScript with another formula, or with one of its parts replaced. */
function gated(formula: Formula, broken: Partial<SwiGlu> = {}): () => SwiGlu {
  return () => ({ swiglu: within(formula), swigluOverGate: formula, ...broken });
}

export const swigluKernelMutants: BoundMutant[] = mutants(swigluKernel, [
  {
    name: "gate and up swapped",
    caughtBy: ["F-SWIGLU-001", "F-SWIGLU-002"],
    subject: gated((gate, up) => swiglu(up, gate)),
  },
  {
    name: "the sigmoid of the gate in silu's place, as in the first gated units",
    caughtBy: ["F-SWIGLU-001", "F-SWIGLU-004"],
    subject: gated((gate, up) => gate.map((x, i) => up[i]! / (1 + Math.exp(-x)))),
  },
  {
    name: "silu of the product",
    caughtBy: ["F-SWIGLU-002", "F-SWIGLU-003"],
    subject: gated((gate, up) => {
      const product = gate.map((x, i) => x * up[i]!);
      return swiglu(product, product.map(() => 1));
    }),
  },
  {
    name: "up + 1, as gates with a bias have it",
    caughtBy: ["F-SWIGLU-001", "F-SWIGLU-003", "F-SWIGLU-004"],
    subject: gated((gate, up) => swiglu(gate, up.map((value) => value + 1))),
  },
  {
    name: "e^x above and below the line, which overflow together",
    caughtBy: ["F-SWIGLU-005"],
    subject: gated((gate, up) =>
      gate.map((x, i) => {
        const power = Math.fround(Math.exp(x));
        return x * (power / (1 + power)) * up[i]!;
      })
    ),
  },
  {
    name: "over the gate, up multiplied once more",
    caughtBy: ["F-SWIGLU-006"],
    subject: gated(swiglu, {
      swigluOverGate: (gate, up) => swiglu(gate, up).map((y, i) => y * up[i]!),
    }),
  },
  {
    name: "the first row's up for all rows",
    caughtBy: ["F-SWIGLU-001", "F-SWIGLU-007"],
    subject: gated((gate, up, columns) => swiglu(gate, up.map((_, i) => up[i % columns]!))),
  },
  {
    name: "a thread that computes one row too many",
    caughtBy: ["F-SWIGLU-007"],
    subject: gated(swiglu, {
      swiglu: (gate, up, columns, range = { start: 0, end: gate.length / columns }) =>
        within(swiglu)(gate, up, columns, { start: range.start, end: range.end + 1 }),
    }),
  },
  {
    name: "NaN taken for zero",
    caughtBy: ["F-SWIGLU-008"],
    subject: gated((gate, up) => swiglu(gate, up).map((y) => Number.isNaN(y) ? 0 : y)),
  },
]);
