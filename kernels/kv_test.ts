import assert from "node:assert/strict";
import fc from "fast-check";
import { assertSameBits, inBothBuilds, inTwoParts, randomFloats } from "./comparing.ts";
import { KV_FORMATS, kvBytes, type KvFormat } from "./kv_formats.ts";
import { appendKv, type KvShape, readCache } from "./oracles/kv.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory(2 << 20);

/** Appends to a cache whose every f16 is NaN, and every i8 -1. Returns the cache as f32. */
function run(
  format: KvFormat,
  what: "keys" | "values",
  x: Float32Array,
  firstPosition: number,
  shape: KvShape,
  cut = 0,
): Float32Array {
  const { kvHeads, headSize, capacity } = shape;
  const length = kvBytes(format, kvHeads, headSize, capacity);
  const { appendKeys, appendValues } = KV_FORMATS[format];
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
    return readCache(format, what, memory.bytes(cache, length), shape);
  });
}

for (const format of ["f16", "q8_0"] as const) {
  const { blockSize } = KV_FORMATS[format];
  const headSize = fc.integer({ min: 1, max: format === "f16" ? 21 : 4 });

  Deno.test(`appending to a cache in ${format} agrees with its oracle for any shape and split of tokens`, () => {
    fc.assert(fc.property(
      SEED,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      headSize,
      fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 120, max: 260 })),
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom(1e-6, 1, 1e6),
      fc.nat(),
      (seed, tokens, kvHeads, blocks, firstPosition, spare, scale, cut) => {
        const capacity = firstPosition + tokens + spare;
        const shape = { kvHeads, headSize: blocks * blockSize, capacity };
        const x = randomFloats(seed, tokens * kvHeads * shape.headSize, scale);
        const expected = new Float32Array(kvHeads * capacity * shape.headSize).fill(NaN);
        appendKv(format, x, expected, firstPosition, shape);
        for (const what of ["keys", "values"] as const) {
          assertSameBits(run(format, what, x, firstPosition, shape), expected);
          assertSameBits(run(format, what, x, firstPosition, shape, cut), expected);
        }
      },
    ));
  });
}

Deno.test("appending rounds to the nearest f16, ties to even, and keeps what is not a number", () => {
  // Around 2048 an f16 steps by 2, in the subnormals by 2^-24; the largest is 65504.
  const x = Float32Array.of(2049, 2051, -0, 2 ** -25, 3 * 2 ** -25, 65519, 65520, -Infinity, NaN);
  for (const what of ["keys", "values"] as const) {
    const cache = run("f16", what, x, 0, { kvHeads: 1, headSize: 9, capacity: 1 });
    assert.deepEqual(
      Array.from(cache),
      [2048, 2052, -0, 0, 2 ** -23, 65504, Infinity, -Infinity, NaN],
    );
  }
});

Deno.test("appending to q8_0 rounds to 255 steps of the largest, of each 32 elements", () => {
  // d is 2, in the second block 1: ties go to the even quant. A third has nothing, d is 0.
  const x = new Float32Array(96);
  x.set([254, 1, 3, -3, -253, 0.9, -254], 0);
  x.set([-127, 2.5, 3.5, 126.4], 32);
  const expected = new Float32Array(96);
  expected.set([254, 0, 4, -4, -252, 0, -254], 0);
  expected.set([-127, 2, 4, 126], 32);
  for (const what of ["keys", "values"] as const) {
    const cache = run("q8_0", what, x, 2, { kvHeads: 1, headSize: 96, capacity: 3 });
    assert.deepEqual(cache.slice(2 * 96), expected);
  }
});

Deno.test("appending to q8_0 makes NaN of 32 elements with one that is not finite", () => {
  for (const special of [NaN, Infinity, -Infinity]) {
    const x = new Float32Array(64).fill(1);
    x[40] = special;
    for (const what of ["keys", "values"] as const) {
      const cache = run("q8_0", what, x, 0, { kvHeads: 1, headSize: 64, capacity: 1 });
      assert.ok(cache.slice(0, 32).every((value) => Math.abs(value - 1) < 2 ** -10));
      assert.ok(cache.slice(32).every(Number.isNaN));
    }
  }
});

Deno.test("appending to q8_0 traps where heads are no multiple of 32 elements", () => {
  const shape = { kvHeads: 1, headSize: 40, capacity: 1 };
  for (const what of ["keys", "values"] as const) {
    assert.throws(
      () => run("q8_0", what, new Float32Array(40), 0, shape),
      WebAssembly.RuntimeError,
    );
  }
});
