import assert from "node:assert/strict";
import fc from "fast-check";
import { randomFloats } from "./comparing.ts";
import { argMax } from "./oracles/arg_max.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory(4 << 20);

function run(x: Float32Array): number {
  memory.reset();
  const at = memory.put(x);
  const [simd, relaxed] = memory.builds.map(({ kernels }) => kernels.argMax(at, x.length));
  assert.equal(simd, relaxed);
  return simd!;
}

Deno.test("argMax() agrees with its oracle for any length, with NaN among the values", () => {
  fc.assert(fc.property(SEED, fc.integer({ min: 1, max: 300 }), (seed, length) => {
    const x = randomFloats(seed, length).map((value) => value < -0.6 ? NaN : value);
    assert.equal(run(x), argMax(x));
  }));
});

Deno.test("argMax() agrees with its oracle for ties and infinities", () => {
  const values = [NaN, -Infinity, -1, -0, 0, 1, Infinity];
  // Of the first few only, so that the largest is not always infinity.
  fc.assert(fc.property(
    SEED,
    fc.integer({ min: 1, max: 100 }),
    fc.integer({ min: 1, max: values.length }),
    (seed, length, few) => {
      const x = randomFloats(seed, length, 0.5)
        .map((value) => values[Math.floor((value + 0.5) * few)]!);
      assert.equal(run(x), argMax(x));
    },
  ));
});

Deno.test("argMax() takes the lowest position on a tie, skips NaN and finds minus infinity", () => {
  assert.equal(run(Float32Array.of(1, 7, 3, 7, 7, 2)), 1);
  assert.equal(run(Float32Array.of(-0, 0)), 0);
  assert.equal(run(Float32Array.of(NaN, 1, NaN, 2, NaN)), 3);
  assert.equal(run(Float32Array.of(NaN, -Infinity, NaN)), 1);
  assert.equal(run(Float32Array.of(NaN, NaN)), 0);
});

Deno.test("argMax() finds the last of a vocabulary, and in an empty one answers 0", () => {
  const logits = randomFloats(5, 151_936, 10);
  logits[151_935] = 11;
  assert.equal(run(logits), 151_935);
  assert.equal(run(new Float32Array(0)), 0);
});
