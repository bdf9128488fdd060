/**
 * The tests of contract swiglu-kernel-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertSameBits, randomFloats } from "../../kernels/comparing.ts";
import { assertWithin } from "../comparing.ts";
import type { Falsification } from "../falsification.ts";
import { ownKernels } from "./own_kernels.ts";
import { type RowRange, rowsOf } from "./rows.ts";

/** The gate of a feed-forward layer under test. All arrays: [rows, columns]. */
export interface SwiGlu {
  /** @param range the rows to compute; the others of the result are NaN. All rows by default. */
  swiglu(gate: Float32Array, up: Float32Array, columns: number, range?: RowRange): Float32Array;
  /** The same of all rows, the result written over the gate, as experts do it. */
  swigluOverGate(gate: Float32Array, up: Float32Array, columns: number): Float32Array;
}

/** e^-x within 2e-7; the sum, the quotient and the product rounded to f32 once each. */
const RELATIVE = 2e-7 + 3 * 2 ** -24;

/** Every way that a row can end beside vectors of 4, and the expert width of Qwen3-30B-A3B. */
const COLUMNS = [...Array.from({ length: 17 }, (_, i) => i + 1), 768];

/** silu(gate) · up in f64. */
function exact(gate: Float32Array, up: Float32Array): Float64Array {
  return Float64Array.from(gate, (x, i) => x / (1 + Math.exp(-x)) * up[i]!);
}

/** The tests of swiglu-kernel-v1. */
export const swigluKernel: Falsification<SwiGlu> = {
  contract: "swiglu-kernel-v1",

  subject: async () => {
    const { kernels, memory } = await ownKernels();
    return {
      swiglu(gate, up, columns, { start, end } = { start: 0, end: gate.length / columns }) {
        memory.reset();
        const [gateAt, upAt] = [memory.put(gate), memory.put(up)];
        const out = memory.reserve(4 * gate.length);
        kernels.swiglu(start, end, gateAt, upAt, out, columns);
        memory.assertGuards();
        return memory.floats(out, gate.length);
      },
      swigluOverGate(gate, up, columns) {
        memory.reset();
        const [gateAt, upAt] = [memory.put(gate), memory.put(up)];
        kernels.swiglu(0, gate.length / columns, gateAt, upAt, gateAt, columns);
        memory.assertGuards();
        return memory.floats(gateAt, gate.length);
      },
    };
  },

  tests: [
    {
      id: "F-SWIGLU-001",
      title: "every element is silu of the gate times up, in rows of any length",
      run({ swiglu }) {
        for (const columns of COLUMNS) {
          for (const scale of [1e-3, 4, 80]) {
            const gate = randomFloats(columns, 3 * columns, scale);
            const up = randomFloats(columns + 1, 3 * columns, 3);
            const expected = exact(gate, up);
            const tolerance = (y: number) => RELATIVE * Math.abs(y) + 2 ** -149;
            assertWithin(swiglu(gate, up, columns), expected, tolerance);
          }
        }
      },
    },
    {
      id: "F-SWIGLU-002",
      title: "the gate goes through silu, and up does not",
      run({ swiglu }) {
        // silu(20) is 20 to f32. By hand: -5 / (1 + e^5) = -5 / 149.4131591 · 16 = -0.5354280739.
        const [first, second] = swiglu(Float32Array.of(20, -5), Float32Array.of(-5, 16), 2);
        assertWithin(
          [first!, second!],
          [-100, -0.5354280739],
          (y) => RELATIVE * Math.abs(y),
        );
      },
    },
    {
      id: "F-SWIGLU-003",
      title: "up times a power of two gives that power times the result, to the bit",
      run({ swiglu }) {
        for (const columns of COLUMNS) {
          const gate = randomFloats(columns, columns, 8);
          const up = randomFloats(columns + 7, columns, 2);
          const whole = swiglu(gate, up, columns);
          for (const factor of [-1, 2, -4, 2 ** 20, 2 ** -20]) {
            const scaled = swiglu(gate, up.map((value) => value * factor), columns);
            assertSameBits(scaled, whole.map((value) => value * factor));
          }
        }
      },
    },
    {
      id: "F-SWIGLU-004",
      title: "a gate of zero and an up of zero both give zero",
      run({ swiglu }) {
        const others = Float32Array.of(0, 1e-30, 5, -5, 88, -3e38, 3e38);
        const zeros = new Float32Array(others.length);
        const columns = others.length;
        const results = [
          ...swiglu(zeros, others, columns),
          ...swiglu(others, zeros, columns),
        ];
        for (const y of results) assert.ok(y === 0, `a factor of zero gives ${y}`);
      },
    },
    {
      id: "F-SWIGLU-005",
      title: "no result is larger than its gate times its up",
      run({ swiglu }) {
        const sizes = [1e-20, 1, 20, 88, 89, 1e4, 1.5e38];
        const gate = Float32Array.from(sizes.flatMap((size) => [size, -size]));
        for (const factor of [1, -1, 2, 1e-30]) {
          const up = new Float32Array(gate.length).fill(factor);
          swiglu(gate, up, gate.length).forEach((y, i) => {
            const bound = Math.abs(gate[i]! * up[i]!) * (1 + RELATIVE) + 2 ** -149;
            assert.ok(
              Math.abs(y) <= bound,
              `a gate of ${gate[i]} and an up of ${factor} give ${y}`,
            );
          });
        }
      },
    },
    {
      id: "F-SWIGLU-006",
      title: "written over the gate the result has the same bits",
      run({ swiglu, swigluOverGate }) {
        for (const columns of COLUMNS) {
          const gate = randomFloats(columns, 3 * columns, 4);
          const up = randomFloats(columns + 1, 3 * columns);
          assertSameBits(swigluOverGate(gate, up, columns), swiglu(gate, up, columns));
        }
      },
    },
    {
      id: "F-SWIGLU-007",
      title: "a part of the rows has the bits of the whole, and no other row is written",
      run({ swiglu }) {
        for (const columns of [1, 3, 4, 11, 768]) {
          const gate = randomFloats(columns, 5 * columns, 4);
          const up = randomFloats(columns + 1, 5 * columns);
          const whole = rowsOf(swiglu(gate, up, columns), columns);
          const part = rowsOf(swiglu(gate, up, columns, { start: 1, end: 4 }), columns);
          for (const row of [1, 2, 3]) assertSameBits(part[row]!, whole[row]!);
          for (const row of [0, 4]) assert.ok(part[row]!.every(Number.isNaN), `row ${row}`);
          whole.forEach((values, row) => {
            const [ownGate, ownUp] = [gate, up].map((array) =>
              rowsOf(array, columns)[row]!.slice()
            );
            assertSameBits(swiglu(ownGate!, ownUp!, columns), values);
          });
        }
      },
    },
    {
      id: "F-SWIGLU-008",
      title: "NaN in the gate or in up is NaN there and nowhere else",
      run({ swiglu }) {
        const columns = 7;
        for (let place = 0; place < 2 * columns; place++) {
          const sound = new Float32Array(2 * columns).fill(1);
          const broken = sound.with(place, NaN);
          for (const result of [swiglu(broken, sound, columns), swiglu(sound, broken, columns)]) {
            result.forEach((y, i) => assert.equal(Number.isNaN(y), i === place, `element ${i}`));
          }
        }
      },
    },
  ],
};
