import fc from "fast-check";
import {
  assertClose,
  assertSameBits,
  inBothBuilds,
  inTwoParts,
  randomFloats,
} from "./comparing.ts";
import { swiglu } from "./oracles/swiglu.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory();

function run(gate: Float32Array, up: Float32Array, columns: number, cut = 0): Float32Array {
  return inBothBuilds(memory, (kernels) => {
    memory.reset();
    const [a, b, to] = [memory.put(gate), memory.put(up), memory.reserve(4 * gate.length)];
    inTwoParts(
      gate.length / columns,
      cut,
      (start, end) => kernels.swiglu(start, end, a, b, to, columns),
    );
    memory.assertGuards();
    return memory.floats(to, gate.length);
  });
}

// e^x within 2e-7, then a sum, a quotient, a product and the oracle's result rounded once each.
const tolerance = (expected: number) => (2e-7 + 4 * 2 ** -24) * Math.abs(expected);

Deno.test("swiglu() agrees with its oracle for any shape and any split of rows", () => {
  fc.assert(fc.property(
    SEED,
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 40 }),
    fc.constantFrom(1e-3, 4, 80),
    fc.nat(),
    (seed, rows, columns, scale, cut) => {
      const gate = randomFloats(seed, rows * columns, scale);
      const up = randomFloats(seed + 1, rows * columns, 3);
      const whole = run(gate, up, columns);
      assertClose(whole, swiglu(gate, up), tolerance);
      assertSameBits(run(gate, up, columns, cut), whole);
    },
  ));
});

Deno.test("swiglu() is right for gates of any size", () => {
  const gate = Float32Array.of(1e30, -1e30, 3e38, -3e38, 100, -100, 1e-38, 0, -0);
  const ones = new Float32Array(9).fill(1);
  const expected = Float32Array.of(1e30, -0, 3e38, -0, 100, -0, 5e-39, 0, -0);
  // -100 / (1 + e^100) is -4e-42: e^100 exceeds f32, and the quotient is -0.
  assertClose(run(gate, ones, 9), expected, () => 2 ** -149);
});

Deno.test("swiglu() gives the values worked out by hand", () => {
  // silu(ln 3) = ln 3 / (1 + 1/3) = 3/4 ln 3, silu(-ln 3) = -1/4 ln 3
  const gate = Float32Array.of(Math.log(3), -Math.log(3));
  const values = run(gate, Float32Array.of(4, 4), 2);
  assertClose(values, Float32Array.of(3 * Math.log(3), -Math.log(3)), tolerance);
});

Deno.test("swiglu() keeps NaN to its own element", () => {
  const values = run(Float32Array.of(1, NaN, 1), Float32Array.of(0, 1, 0), 3);
  assertClose(values, Float32Array.of(0, NaN, 0), () => 0);
});

Deno.test("swiglu() works in place of the gate", () => {
  const [gate, up] = [randomFloats(1, 2 * 11, 4), randomFloats(2, 2 * 11)];
  const inPlace = inBothBuilds(memory, (kernels) => {
    memory.reset();
    const [a, b] = [memory.put(gate), memory.put(up)];
    kernels.swiglu(0, 2, a, b, a, 11);
    return memory.floats(a, gate.length);
  });
  assertSameBits(inPlace, run(gate, up, 11));
});
