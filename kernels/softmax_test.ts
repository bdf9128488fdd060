import fc from "fast-check";
import {
  assertClose,
  assertSameBits,
  inBothBuilds,
  inTwoParts,
  randomFloats,
} from "./comparing.ts";
import { softmax } from "./oracles/softmax.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory(4 << 20);

function run(x: Float32Array, columns: number, cut = 0): Float32Array {
  return inBothBuilds(memory, (kernels) => {
    memory.reset();
    const [from, to] = [memory.put(x), memory.reserve(4 * x.length)];
    inTwoParts(
      x.length / columns,
      cut,
      (start, end) => kernels.softmax(start, end, from, to, columns),
    );
    memory.assertGuards();
    return memory.floats(to, x.length);
  });
}

/** Rounding `x - largest` to f32 changes e^x by that much; e^x itself is within 2e-7. */
function tolerance(x: Float32Array, columns: number): (expected: number, i: number) => number {
  const largest = Array.from(
    { length: x.length / columns },
    (_, row) => x.subarray(row * columns, (row + 1) * columns).reduce((a, b) => Math.max(a, b)),
  );
  return (expected, i) => {
    const distance = largest[Math.floor(i / columns)]! - x[i]!;
    return expected * (3.5e-7 + distance * 2 ** -24) + 2 ** -148;
  };
}

Deno.test("softmax() agrees with its oracle for any shape and any split of rows", () => {
  fc.assert(fc.property(
    SEED,
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 70 }),
    fc.constantFrom(0.1, 5, 60),
    fc.nat(),
    (seed, rows, columns, scale, cut) => {
      const x = randomFloats(seed, rows * columns, scale);
      const whole = run(x, columns);
      assertClose(whole, softmax(x, columns), tolerance(x, columns));
      assertSameBits(run(x, columns, cut), whole);
    },
  ));
});

Deno.test("softmax() is exact to f32 over the whole range of e^x, subnormal results included", () => {
  // Rows of [0, x, x - 1, x - 2, x - 3]: the first is the largest, so nothing is rounded before e^x.
  const rows = 20_000;
  const x = new Float32Array(5 * rows);
  for (let row = 0; row < rows; row++) {
    const at = -110 * row / rows;
    x.set([0, at, at - 1, at - 2, at - 3], 5 * row);
  }
  // e^x within 2e-7, then the factor, the product and the oracle's result rounded once each.
  const relative = 2e-7 + 3 * 2 ** -24;
  assertClose(run(x, 5), softmax(x, 5), (expected) => relative * expected + 2 ** -149);
});

Deno.test("softmax() of a vocabulary of logits agrees with its oracle", () => {
  const x = randomFloats(7, 151_936, 12);
  assertClose(run(x, x.length), softmax(x, x.length), tolerance(x, x.length));
});

Deno.test("softmax() gives minus infinity no weight and survives the largest numbers", () => {
  const x = Float32Array.of(-Infinity, 1e38, 1e38, -1e38, -Infinity);
  assertClose(run(x, 5), Float32Array.of(0, 0.5, 0.5, 0, 0), () => 0);
});

Deno.test("softmax() of a row that holds NaN is NaN, and of no other row", () => {
  const x = Float32Array.of(1, 1, NaN, 1, 1, 2, 2, 2, 2, 2);
  const fifths = [NaN, NaN, NaN, NaN, NaN, 0.2, 0.2, 0.2, 0.2, 0.2];
  assertClose(run(x, 5), Float32Array.from(fifths), () => 2 ** -25);
});

Deno.test("softmax() works in place", () => {
  const x = randomFloats(3, 2 * 13, 4);
  const inPlace = inBothBuilds(memory, (kernels) => {
    memory.reset();
    const at = memory.put(x);
    kernels.softmax(0, 2, at, at, 13);
    return memory.floats(at, x.length);
  });
  assertSameBits(inPlace, run(x, 13));
});
