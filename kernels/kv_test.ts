import assert from "node:assert/strict";
import fc from "fast-check";
import { assertSameBits, inBothBuilds, inTwoParts, randomFloats } from "./comparing.ts";
import { KV_FORMATS, kvBytes } from "./kv_formats.ts";
import { appendKv, type KvShape, readCache } from "./oracles/kv.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory(2 << 20);

const { appendKeys, appendValues } = KV_FORMATS.f16;

/** Appends to a cache whose every f16 is NaN. Returns the cache as f32. */
function run(
  what: "keys" | "values",
  x: Float32Array,
  firstPosition: number,
  shape: KvShape,
  cut = 0,
): Float32Array {
  const { kvHeads, headSize, capacity } = shape;
  const length = kvBytes("f16", kvHeads, headSize, capacity);
  const operation = what === "keys" ? appendKeys : appendValues;
  return inBothBuilds(memory, (kernels) => {
    memory.reset();
    const [from, cache] = [memory.put(x), memory.reserve(length)];
    inTwoParts(
      x.length / (kvHeads * headSize),
      cut,
      (start, end) =>
        kernels[operation](start, end, from, cache, firstPosition, kvHeads, headSize, capacity),
    );
    memory.assertGuards();
    return readCache(what, memory.bytes(cache, length), shape);
  });
}

Deno.test("appendKeys and appendValues agree with their oracle for any shape and any split of tokens", () => {
  fc.assert(fc.property(
    SEED,
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 21 }),
    fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 120, max: 260 })),
    fc.integer({ min: 0, max: 4 }),
    fc.constantFrom(1e-6, 1, 1e6),
    fc.nat(),
    (seed, tokens, kvHeads, headSize, firstPosition, spare, scale, cut) => {
      const shape = { kvHeads, headSize, capacity: firstPosition + tokens + spare };
      const x = randomFloats(seed, tokens * kvHeads * headSize, scale);
      const expected = new Float32Array(kvHeads * shape.capacity * headSize).fill(NaN);
      appendKv(x, expected, firstPosition, shape);
      for (const what of ["keys", "values"] as const) {
        assertSameBits(run(what, x, firstPosition, shape), expected);
        assertSameBits(run(what, x, firstPosition, shape, cut), expected);
      }
    },
  ));
});

Deno.test("appendKeys and appendValues round to the nearest f16, ties to even, and keep what is not a number", () => {
  // Around 2048 an f16 steps by 2, in the subnormals by 2^-24; the largest is 65504.
  const x = Float32Array.of(2049, 2051, -0, 2 ** -25, 3 * 2 ** -25, 65519, 65520, -Infinity, NaN);
  for (const what of ["keys", "values"] as const) {
    const cache = run(what, x, 0, { kvHeads: 1, headSize: 9, capacity: 1 });
    assert.deepEqual(
      Array.from(cache),
      [2048, 2052, -0, 0, 2 ** -23, 65504, Infinity, -Infinity, NaN],
    );
  }
});
