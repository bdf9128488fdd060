/**
 * The tests of contract silu-kernel-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertSameBits, randomFloats } from "../../kernels/comparing.ts";
import { assertWithin } from "../comparing.ts";
import type { Falsification } from "../falsification.ts";
import { ownKernels } from "./own_kernels.ts";

/** The activation function under test. */
export interface Silu {
  /** silu of each value, in the values' order */
  silu(x: Float32Array): Float32Array;
}

/** -W(1/e), where W is Lambert's function, and 1 less. */
const MINIMUM = -0.2784645427610738;
const MINIMUM_AT = -1.2784645427610738;

/** e^-x within 2e-7, and the sum and the quotient rounded to f32 once each. */
const RELATIVE = 2e-7 + 2 * 2 ** -24;

const LARGEST_F32 = (2 - 2 ** -23) * 2 ** 127;

/** The multiples of `step` from `first` to `last`. */
function multiples(step: number, first: number, last: number): Float32Array {
  const from = Math.ceil(first / step);
  const length = Math.floor(last / step) - from + 1;
  return Float32Array.from({ length }, (_, i) => (from + i) * step);
}

/** silu in f64. */
function exact(x: number): number {
  return x / (1 + Math.exp(-x));
}

/** The tests of silu-kernel-v1. */
export const siluKernel: Falsification<Silu> = {
  contract: "silu-kernel-v1",

  // The engine's silu is a part of its swiglu: the whole of it where every up is 1.
  subject: async () => {
    const { kernels, memory } = await ownKernels();
    return {
      silu(x) {
        memory.reset();
        const gate = memory.put(x);
        const up = memory.put(new Float32Array(x.length).fill(1));
        const out = memory.reserve(4 * x.length);
        kernels.swiglu(0, 1, gate, up, out, x.length);
        memory.assertGuards();
        return memory.floats(out, x.length);
      },
    };
  },

  tests: [
    {
      id: "F-SILU-001",
      title: "silu is x / (1 + e^-x) from -88 to 88 and for tiny numbers",
      run({ silu }) {
        const ranges = [
          multiples(1 / 256, -88, 88),
          randomFloats(1, 1000, 1e-3),
          randomFloats(2, 1000, 1e-20),
          randomFloats(3, 1000, 1e-38),
        ];
        for (const x of ranges) {
          const expected = Float64Array.from(x, exact);
          // A subnormal result is rounded to a multiple of 2^-149.
          assertWithin(silu(x), expected, (y) => RELATIVE * Math.abs(y) + 2 ** -150);
        }
        // By hand: e^-ln 3 = 1/3, so silu(ln 3) = 3/4 ln 3, and silu(-ln 3) = -1/4 ln 3.
        const x = Float32Array.of(Math.log(3), -Math.log(3));
        const byHand = [0.8239592165010823, -0.27465307216702745];
        // The argument is rounded to f32 too.
        assertWithin(silu(x), byHand, () => RELATIVE + 2 ** -24);
      },
    },
    {
      id: "F-SILU-002",
      title: "silu of zero is zero, and of the smallest numbers a half of them",
      run({ silu }) {
        for (const y of silu(Float32Array.of(0, -0))) assert.ok(y === 0, `silu(0) is ${y}`);
        // 1 + e^-x is 2 to f32 long before x is subnormal; halves of even multiples are exact.
        const x = Float32Array.of(2 ** -148, -(2 ** -148), 2 ** -126, -(2 ** -126), 2 ** -60);
        assertSameBits(silu(x), x.map((value) => value / 2));
      },
    },
    {
      id: "F-SILU-003",
      title: "the smallest silu is -0.27846454 at -1.27846454",
      run({ silu }) {
        const allowed = RELATIVE * -MINIMUM;
        const x = multiples(2 ** -12, -2, -0.5);
        const y = silu(x);
        const least = Math.min(...y);
        assert.ok(Math.abs(least - MINIMUM) <= allowed, `the minimum is ${least}`);
        // silu's second derivative is 0.218 there: in 1.3e-3 it rises by as much as it may be off.
        const place = x[y.indexOf(least)]!;
        assert.ok(Math.abs(place - MINIMUM_AT) <= 2e-3, `the minimum is at ${place}`);
        for (const value of silu(multiples(1 / 64, -200, 200))) {
          assert.ok(value >= MINIMUM - allowed, `${value} is below the minimum`);
        }
      },
    },
    {
      id: "F-SILU-004",
      title: "silu falls up to its minimum and rises from there",
      run({ silu }) {
        // Steps at which silu changes by more than it may be off.
        const falling = silu(multiples(1 / 16, -87, -1.3125));
        const rising = silu(multiples(1 / 16, -1.25, 200));
        assert.ok(falling.length > 1000 && rising.length > 1000);
        for (let i = 1; i < falling.length; i++) {
          assert.ok(falling[i]! < falling[i - 1]!, `${falling[i]} comes after ${falling[i - 1]}`);
        }
        for (let i = 1; i < rising.length; i++) {
          assert.ok(rising[i]! > rising[i - 1]!, `${rising[i]} comes after ${rising[i - 1]}`);
        }
      },
    },
    {
      id: "F-SILU-005",
      title: "silu(x) and silu(-x) differ by x",
      run({ silu }) {
        for (const scale of [1e-6, 1, 10, 88]) {
          const x = randomFloats(5, 3000, scale);
          const [y, mirrored] = [silu(x), silu(x.map((value) => -value))];
          const differences = Float64Array.from(y, (value, i) => value - mirrored[i]!);
          // Together their magnitudes are abs(x), so their errors are a share of that.
          assertWithin(differences, x, (value) => RELATIVE * Math.abs(value));
        }
      },
    },
    {
      id: "F-SILU-006",
      title: "numbers from 18 on are passed as they are",
      run({ silu }) {
        // e^-18 is 1.5e-8: less than a quarter of the step from 1 to the next f32.
        const x = Float32Array.of(18, 20.5, 88.5, 89, 104, 1e4, 1e20, 3e38, LARGEST_F32);
        assertSameBits(silu(x), x);
      },
    },
    {
      id: "F-SILU-007",
      title: "numbers below -88 vanish without becoming NaN",
      run({ silu }) {
        const x = [-88.5, -88.72, -88.73, -89, -92, -104, -1e4, -1e20, -3e38, -LARGEST_F32];
        silu(Float32Array.from(x)).forEach((y, i) =>
          // -88.5 e^-88.5 by hand: -3.3e-37.
          assert.ok(y <= 0 && y >= -3.3e-37, `silu(${x[i]}) is ${y}`)
        );
      },
    },
    {
      id: "F-SILU-008",
      title: "a value has the same silu in any place of an array of any length",
      run({ silu }) {
        for (let length = 1; length <= 17; length++) {
          const x = randomFloats(length, length, 6);
          const singly = Array.from(x, (value) => silu(Float32Array.of(value))[0]!);
          assertSameBits(silu(x), Float32Array.from(singly));
        }
      },
    },
    {
      id: "F-SILU-009",
      title: "NaN stays NaN, and stays alone",
      run({ silu }) {
        for (let length = 1; length <= 9; length++) {
          for (let place = 0; place < length; place++) {
            const x = new Float32Array(length).fill(20);
            x[place] = NaN;
            assert.deepEqual([...silu(x)], [...x]);
          }
        }
      },
    },
  ],
};
