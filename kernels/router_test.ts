import assert from "node:assert/strict";
import fc from "fast-check";
import { assertClose, assertSameBits, inTwoParts, randomFloats } from "./comparing.ts";
import { route, type Routes } from "./oracles/router.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory();

function run(
  logits: Float32Array,
  experts: number,
  k: number,
  normalize: boolean,
  cut = 0,
): Routes {
  const tokens = logits.length / experts;
  const [simd, relaxed] = memory.builds.map(({ kernels }): Routes => {
    memory.reset();
    const from = memory.put(logits);
    const [ids, weights] = [memory.reserve(4 * tokens * k), memory.reserve(4 * tokens * k)];
    inTwoParts(
      tokens,
      cut,
      (start, end) => kernels.route(start, end, from, ids, weights, experts, k, normalize ? 1 : 0),
    );
    memory.assertGuards();
    return {
      ids: new Int32Array(memory.bytes(ids, 4 * tokens * k).buffer),
      weights: memory.floats(weights, tokens * k),
    };
  });
  assertSameRoutes(relaxed!, simd!);
  return simd!;
}

function assertSameRoutes(actual: Routes, expected: Routes): void {
  assert.deepEqual(actual.ids, expected.ids);
  assertSameBits(actual.weights, expected.weights);
}

/** experts and k, from one expert to 512, k up to all of them */
const SIZES = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(64, 128, 512)).chain(
  (experts) => fc.tuple(fc.constant(experts), fc.integer({ min: 1, max: Math.min(experts, 24) })),
);

// e^x within 2e-7, its argument rounded to f32 (here 20 at most), a quotient, the oracle's rounding.
const tolerance = (expected: number) => (2e-7 + 22 * 2 ** -24) * expected + 2 ** -149;

Deno.test("route() agrees with its oracle for any shape and any split of tokens", () => {
  fc.assert(fc.property(
    SEED,
    fc.integer({ min: 1, max: 5 }),
    SIZES,
    fc.boolean(),
    fc.nat(),
    (seed, tokens, [experts, k], normalize, cut) => {
      const logits = randomFloats(seed, tokens * experts, 10);
      const whole = run(logits, experts, k, normalize);
      const expected = route(logits, experts, k, normalize);
      assert.deepEqual(whole.ids, expected.ids);
      assertClose(whole.weights, expected.weights, tolerance);
      assertSameRoutes(run(logits, experts, k, normalize, cut), whole);
    },
  ));
});

Deno.test("route() with normalize gives weights that sum to 1", () => {
  fc.assert(fc.property(SEED, SIZES, (seed, [experts, k]) => {
    const { weights } = run(randomFloats(seed, experts, 10), experts, k, true);
    const sum = weights.reduce((a, b) => a + b, 0);
    assert(Math.abs(sum - 1) <= 1e-6, `the weights sum to ${sum}`);
  }));
});

Deno.test("route() gives the softmax's values, worked out by hand", () => {
  // e^logits are 1, 4, 1, 2: of 8 in all, 6 in the two that are chosen
  const logits = Float32Array.of(0, Math.log(4), 0, Math.log(2));
  for (const [normalize, sum] of [[false, 8], [true, 6]] as const) {
    const { ids, weights } = run(logits, 4, 2, normalize);
    assert.deepEqual(Array.from(ids), [1, 3]);
    assertClose(weights, Float32Array.of(4 / sum, 2 / sum), tolerance);
  }
});

Deno.test("route() takes the lower expert first on a tie", () => {
  fc.assert(fc.property(
    fc.array(fc.constantFrom(-1, -0, 0, 1), { minLength: 1, maxLength: 40 }),
    fc.nat(),
    (logits, choice) => {
      const k = 1 + choice % logits.length;
      const { ids } = run(Float32Array.from(logits), logits.length, k, true);
      const byHand = [1, 0, -1].flatMap((value) =>
        logits.flatMap((logit, expert) => logit === value ? [expert] : [])
      );
      assert.deepEqual(Array.from(ids), byHand.slice(0, k));
    },
  ));
});

Deno.test("route() names distinct experts that exist, whatever the logits are", () => {
  const logit = fc.oneof(
    fc.constantFrom(NaN, Infinity, -Infinity, 3.4e38, -3.4e38, 0),
    fc.float(),
  );
  fc.assert(fc.property(
    fc.array(logit, { minLength: 1, maxLength: 40 }),
    fc.nat(),
    fc.boolean(),
    (row, choice, normalize) => {
      const [logits, k] = [Float32Array.from(row), 1 + choice % row.length];
      const { ids, weights } = run(logits, row.length, k, normalize);
      assert.equal(new Set(ids).size, k);
      assert(ids.every((id) => id >= 0 && id < row.length));
      assert(weights.every((weight) => weight >= 0 && weight <= 1));
      assert.deepEqual(ids, route(logits, row.length, k, normalize).ids);
    },
  ));
});

Deno.test("route() counts NaN as the lowest logit and shares weight evenly among nothing else", () => {
  const { ids, weights } = run(Float32Array.of(NaN, 5, NaN, NaN), 4, 2, true);
  assert.deepEqual([...ids, ...weights], [1, 0, 1, 0]);
  const broken = run(new Float32Array(4).fill(NaN), 4, 2, true);
  assert.deepEqual([...broken.ids, ...broken.weights], [0, 1, 0.5, 0.5]);
});

Deno.test("route() refuses to choose more experts than there are, or none", () => {
  for (const { kernels } of memory.builds) {
    for (const k of [0, 5]) {
      assert.throws(
        () => kernels.route(0, 1, 65536, 65536, 65536, 4, k, 1),
        WebAssembly.RuntimeError,
      );
    }
  }
});
