import fc from "fast-check";
import {
  assertClose,
  assertSameBits,
  inBothBuilds,
  inTwoParts,
  randomFloats,
} from "./comparing.ts";
import { rmsNorm } from "./oracles/norm.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory();

function run(x: Float32Array, weight: Float32Array, epsilon: number, cut = 0): Float32Array {
  return inBothBuilds(memory, (kernels) => {
    memory.reset();
    const [from, by, to] = [memory.put(x), memory.put(weight), memory.reserve(4 * x.length)];
    inTwoParts(
      x.length / weight.length,
      cut,
      (start, end) => kernels.rmsNorm(start, end, from, by, to, weight.length, epsilon),
    );
    memory.assertGuards();
    return memory.floats(to, x.length);
  });
}

// The factor, two products and the oracle's result are each rounded to f32 once.
const tolerance = (expected: number) => 4 * 2 ** -24 * Math.abs(expected) + 2 ** -149;

Deno.test("rmsNorm() agrees with its oracle for any shape and any split of rows", () => {
  fc.assert(fc.property(
    SEED,
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 70 }),
    fc.constantFrom(0, 1e-6, 1e-5),
    fc.constantFrom(1e-3, 1, 1e4),
    fc.nat(),
    (seed, rows, columns, epsilon, scale, cut) => {
      const x = randomFloats(seed, rows * columns, scale);
      const weight = randomFloats(seed + 1, columns, 2);
      const whole = run(x, weight, epsilon);
      assertClose(whole, rmsNorm(x, weight, Math.fround(epsilon)), tolerance);
      assertSameBits(run(x, weight, epsilon, cut), whole);
    },
  ));
});

Deno.test("rmsNorm() gives the values worked out by hand", () => {
  // mean(9, 16, 0, 0, 0) = 5, so 3 / sqrt(5 + 4) * 1 = 1, 4 / 3 * 0.75 = 1
  const x = Float32Array.of(3, 4, 0, 0, 0);
  const weight = Float32Array.of(1, 0.75, 1, 1, 1);
  assertClose(run(x, weight, 4), Float32Array.of(1, 1, 0, 0, 0), () => 2 ** -23);
});

Deno.test("rmsNorm() does not overflow where the squares exceed f32", () => {
  const x = Float32Array.of(1e30, -1e30, 1e30, -1e30, 1e30);
  const ones = new Float32Array(5).fill(1);
  assertClose(run(x, ones, 1e-6), Float32Array.of(1, -1, 1, -1, 1), () => 2 ** -22);
});

Deno.test("rmsNorm() of zeros is zeros", () => {
  const zeros = new Float32Array(9);
  assertClose(run(zeros, new Float32Array(9).fill(1), 1e-6), zeros, () => 0);
});

Deno.test("rmsNorm() works in place", () => {
  const x = randomFloats(1, 3 * 23);
  const weight = randomFloats(2, 23);
  const inPlace = inBothBuilds(memory, (kernels) => {
    memory.reset();
    const [at, by] = [memory.put(x), memory.put(weight)];
    kernels.rmsNorm(0, 3, at, by, at, 23, 1e-6);
    return memory.floats(at, x.length);
  });
  assertSameBits(inPlace, run(x, weight, 1e-6));
});
