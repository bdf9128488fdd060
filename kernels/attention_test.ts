import assert from "node:assert/strict";
import fc from "fast-check";
import {
  assertClose,
  assertSameBits,
  inBothBuilds,
  inTwoParts,
  randomFloats,
} from "./comparing.ts";
import { ATTENTION_TILE, MAX_HEAD_SIZE } from "./constants.ts";
import { attention, type AttentionShape } from "./oracles/attention.ts";
import { halfValue } from "./oracles/half.ts";
import { SEED } from "./seed.ts";
import { type KernelMemory, kernelMemory } from "./testing.ts";

const memory = await kernelMemory(8 << 20);

const HALF_NAN = 0x7e00;

/** A cache, [kvHeads, capacity, headSize] f16: random where written, NaN from `length` positions on. */
function randomCache(seed: number, length: number, shape: AttentionShape): Uint16Array {
  const { kvHeads, headSize, capacity } = shape;
  const random = randomFloats(seed, kvHeads * capacity * headSize, 2 ** 15);
  return Uint16Array.from(random, (value, i) => {
    if (Math.floor(i / headSize) % capacity >= length) return HALF_NAN;
    // Any sign and mantissa, and an exponent field of 9 to 16: magnitudes from 1/64 to 4.
    const bits = Math.round(value) & 0xffff;
    return bits & 0x83ff | (9 + (bits >> 10 & 7)) << 10;
  });
}

interface Case {
  readonly q: Float32Array;
  readonly keys: Uint16Array;
  readonly values: Uint16Array;
  readonly firstPosition: number;
  readonly shape: AttentionShape;
}

function randomCase(
  seed: number,
  tokens: number,
  firstPosition: number,
  kvHeads: number,
  group: number,
  headSize: number,
): Case {
  const shape: AttentionShape = {
    heads: kvHeads * group,
    kvHeads,
    headSize,
    capacity: firstPosition + tokens + seed % 3,
    scale: Math.fround(1 / Math.sqrt(headSize)),
  };
  return {
    q: randomFloats(seed, tokens * shape.heads * headSize, 2),
    keys: randomCache(seed + 1, firstPosition + tokens, shape),
    values: randomCache(seed + 2, firstPosition + tokens, shape),
    firstPosition,
    shape,
  };
}

function run(
  { q, keys, values, firstPosition, shape }: Case,
  cut = 0,
  within: KernelMemory = memory,
): Float32Array {
  const { heads, kvHeads, headSize, capacity, scale } = shape;
  const tokens = q.length / (heads * headSize);
  return inBothBuilds(within, (kernels) => {
    within.reset();
    const [at, k, v] = [within.put(q), within.put(keys), within.put(values)];
    const out = within.reserve(4 * q.length);
    inTwoParts(
      kvHeads * Math.ceil(tokens / ATTENTION_TILE),
      cut,
      (start, end) =>
        // deno-fmt-ignore
        kernels.attention(start, end, at, k, v, out, firstPosition, tokens, heads, kvHeads, headSize, capacity, scale),
    );
    within.assertGuards();
    return within.floats(out, q.length);
  });
}

function oracle({ q, keys, values, firstPosition, shape }: Case): Float32Array {
  const [k, v] = [keys, values].map((cache) => Float32Array.from(cache, halfValue));
  return attention(q, k!, v!, firstPosition, shape);
}

/** The same case with some of its tokens only; the cache still holds the later ones. */
function tokensOf(whole: Case, start: number, end: number): Case {
  const rowLength = whole.shape.heads * whole.shape.headSize;
  return {
    ...whole,
    q: whole.q.subarray(start * rowLength, end * rowLength),
    firstPosition: whole.firstPosition + start,
  };
}

const CASE = fc.tuple(
  SEED,
  fc.integer({ min: 1, max: 19 }),
  fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 40, max: 150 })),
  fc.integer({ min: 1, max: 3 }),
  fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(7, 8, 16)),
  fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(64, 80, 96, 128)),
).map((sizes) => randomCase(...sizes));

// Scores reach about 10 here. Their f32 rounding, some 2^-24 times 10 times the root of the head
// size, is the relative error of a weight; values are below 4.
const tolerance = () => 4 * 8e-6;

Deno.test("attention() agrees with its oracle for any shape and any split of units", () => {
  fc.assert(
    fc.property(CASE, fc.nat(), (whole, cut) => {
      const out = run(whole);
      assertClose(out, oracle(whole), tolerance);
      assertSameBits(run(whole, cut), out);
    }),
    { numRuns: 60 },
  );
});

Deno.test("attention() gives a token the same bits alone, in any batch and whatever lies beyond", () => {
  fc.assert(
    fc.property(CASE, fc.nat(), (whole, cut) => {
      const tokens = whole.q.length / (whole.shape.heads * whole.shape.headSize);
      const alone = Array.from({ length: tokens }, (_, t) => run(tokensOf(whole, t, t + 1)));
      const middle = cut % (tokens + 1);
      const parts = [run(tokensOf(whole, 0, middle)), run(tokensOf(whole, middle, tokens))];
      const out = run(whole);
      assertSameBits(concatenate(alone), out);
      assertSameBits(concatenate(parts), out);
    }),
    { numRuns: 40 },
  );
});

function concatenate(arrays: Float32Array[]): Float32Array {
  return Float32Array.from(arrays.flatMap((array) => Array.from(array)));
}

Deno.test("attention() keeps the infinities of later positions from earlier tokens of a tile", () => {
  const clean = randomCase(1, ATTENTION_TILE, 60, 1, 3, 16);
  const spoilt = { ...clean, values: clean.values.map((half, i) => i < 64 * 16 ? half : 0x7c00) };
  const rowLength = 3 * 16;
  assertSameBits(
    run(spoilt).subarray(0, 4 * rowLength).slice(),
    run(clean).subarray(0, 4 * rowLength).slice(),
  );
});

Deno.test("attention() gives the values worked out by hand", () => {
  // Scores 0 and ln 3: weights 1/4 and 3/4 of the values 4 and 8. Token 0 sees the first alone.
  const shape = { heads: 1, kvHeads: 1, headSize: 2, capacity: 2, scale: Math.log(3) };
  const [one, four, eight] = [0x3c00, 0x4400, 0x4800];
  const out = run({
    q: Float32Array.of(1, 0, 1, 0),
    keys: Uint16Array.of(0, one, one, one),
    values: Uint16Array.of(four, one, eight, one),
    firstPosition: 0,
    shape,
  });
  assertClose(out, Float32Array.of(4, 1, 7, 1), () => 2 ** -20);
});

Deno.test("attention() holds where scores differ by thousands", () => {
  const extreme = randomCase(3, 3, 100, 2, 4, 32);
  const q = extreme.q.map((x) => x * 1000);
  const out = run({ ...extreme, q });
  // The largest score's value alone remains but for scores within some units of it.
  assertClose(out, oracle({ ...extreme, q }), () => 4 * 2e-2);
  assert(out.every(Number.isFinite));
});

Deno.test("attention() takes the largest head size and traps beyond it", () => {
  const largest = randomCase(5, 9, 70, 1, 2, MAX_HEAD_SIZE);
  assertClose(run(largest), oracle(largest), tolerance);
  const beyond = randomCase(5, 1, 0, 1, 1, MAX_HEAD_SIZE + 1);
  assert.throws(() => run(beyond), WebAssembly.RuntimeError);
});

Deno.test("attention() works above 2 GiB", async () => {
  const far = await kernelMemory(1 << 20, 3 * 2 ** 30);
  const some = randomCase(9, 10, 70, 2, 4, 80);
  assertSameBits(run(some, 0, far), run(some));
});
