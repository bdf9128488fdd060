import assert from "node:assert/strict";
import fc from "fast-check";
import { assertClose, assertSameBits, inTwoParts, randomFloats } from "./comparing.ts";
import { ATTENTION_TILE, MAX_HEAD_SIZE } from "./constants.ts";
import {
  attentionSpans,
  KV_FORMATS,
  kvBytes,
  type KvFormat,
  spanRecordBytes,
} from "./kv_formats.ts";
import type { KernelBuild } from "./kernels.ts";
import type { Operations } from "./operations.ts";
import { attention, type AttentionShape } from "./oracles/attention.ts";
import { halfValue } from "./oracles/half.ts";
import { appendKv } from "./oracles/kv.ts";
import { SEED } from "./seed.ts";
import { type KernelMemory, kernelMemory } from "./testing.ts";

const memory = await kernelMemory(16 << 20);

/** Keys or values, [positions, kvHeads, headSize], as f16 has them: magnitudes from 1/64 to 4. */
function randomCached(seed: number, positions: number, shape: AttentionShape): Float32Array {
  const { kvHeads, headSize } = shape;
  return randomFloats(seed, positions * kvHeads * headSize, 2 ** 15).map((value) => {
    // Any sign and mantissa, and an exponent field of 9 to 16.
    const bits = Math.round(value) & 0xffff;
    return halfValue(bits & 0x83ff | (9 + (bits >> 10 & 7)) << 10);
  });
}

interface Case {
  readonly format: KvFormat;
  readonly q: Float32Array;
  /** [positions, kvHeads, headSize], each in a cache that holds NaN at all other positions */
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly firstPosition: number;
  readonly shape: AttentionShape;
}

function randomCase(
  format: KvFormat,
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
    format,
    q: randomFloats(seed, tokens * shape.heads * headSize, 2),
    keys: randomCached(seed + 1, firstPosition + tokens, shape),
    values: randomCached(seed + 2, firstPosition + tokens, shape),
    firstPosition,
    shape,
  };
}

/** Puts the keys and values of a case into caches. */
function fill(
  { format, keys, values, shape: { kvHeads, headSize, capacity } }: Case,
  kernels: Operations,
  within: KernelMemory,
): [keys: number, values: number] {
  const { appendKeys, appendValues } = KV_FORMATS[format];
  return ([[appendKeys, keys], [appendValues, values]] as const).map(([append, x]) => {
    const from = within.put(x);
    const cache = within.reserve(kvBytes(format, kvHeads, headSize, capacity));
    const positions = x.length / (kvHeads * headSize);
    kernels[append](0, positions, from, cache, 0, kvHeads, headSize, capacity);
    return cache;
  }) as [number, number];
}

function kernelsOf({ builds }: KernelMemory, build: KernelBuild): Operations {
  return builds.find((one) => one.build === build)!.kernels;
}

function run(
  build: KernelBuild,
  attended: Case,
  cut = 0,
  within: KernelMemory = memory,
): Float32Array {
  const { format, q, firstPosition, shape } = attended;
  const { heads, kvHeads, headSize, capacity, scale } = shape;
  const tokens = q.length / (heads * headSize);
  const kernels = kernelsOf(within, build);
  within.reset();
  const [k, v] = fill(attended, kernels, within);
  const at = within.put(q);
  const out = within.reserve(4 * q.length);
  inTwoParts(
    kvHeads * Math.ceil(tokens / ATTENTION_TILE),
    cut,
    (start, end) =>
      // deno-fmt-ignore
      kernels[KV_FORMATS[format].attention](start, end, at, k, v, out, firstPosition, tokens, heads, kvHeads, headSize, capacity, scale),
  );
  within.assertGuards();
  return within.floats(out, q.length);
}

/** The only token of a case, span by span. */
function runSpans(
  build: KernelBuild,
  attended: Case,
  cut = 0,
  within: KernelMemory = memory,
): Float32Array {
  const { format, q, firstPosition: position, shape } = attended;
  const { heads, kvHeads, headSize, capacity, scale } = shape;
  const kernels = kernelsOf(within, build);
  within.reset();
  const [k, v] = fill(attended, kernels, within);
  const at = within.put(q);
  const units = kvHeads * attentionSpans(position + 1);
  const records = within.reserve(units * spanRecordBytes(heads / kvHeads, headSize));
  inTwoParts(
    units,
    cut,
    (start, end) =>
      // deno-fmt-ignore
      kernels[KV_FORMATS[format].attendSpans](start, end, at, k, v, records, position, heads, kvHeads, headSize, capacity, scale),
  );
  const out = within.reserve(4 * q.length);
  inTwoParts(
    kvHeads,
    cut,
    (start, end) =>
      kernels.mergeSpans(start, end, records, out, position, heads, kvHeads, headSize),
  );
  within.assertGuards();
  return within.floats(out, q.length);
}

function oracle({ format, q, keys, values, firstPosition, shape }: Case): Float32Array {
  const [k, v] = [keys, values].map((x) => {
    const cache = new Float32Array(shape.kvHeads * shape.capacity * shape.headSize).fill(NaN);
    appendKv(format, x, cache, 0, shape);
    return cache;
  });
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

const HEAD_SIZES: Readonly<Record<KvFormat, fc.Arbitrary<number>>> = {
  f16: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(64, 80, 96, 128)),
  q8_0: fc.constantFrom(32, 64, 96, 128),
};

const casesOf = (format: KvFormat) =>
  fc.tuple(
    SEED,
    fc.integer({ min: 1, max: 19 }),
    fc.oneof(
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 100, max: 300 }),
      fc.integer({ min: 490, max: 530 }),
      fc.constantFrom(1023, 1150),
    ),
    fc.integer({ min: 1, max: 3 }),
    fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(7, 8, 16)),
    HEAD_SIZES[format],
  ).map((sizes) => randomCase(format, ...sizes));

// Scores reach about 10 here. Their f32 rounding, some 2^-24 times 10 times the root of the head
// size, is the relative error of a weight; values are below 4.
const tolerance = () => 4 * 8e-6;

function concatenate(arrays: Float32Array[]): Float32Array {
  return Float32Array.from(arrays.flatMap((array) => Array.from(array)));
}

for (const { build } of memory.builds) {
  for (const format of ["f16", "q8_0"] as const) {
    Deno.test(`${build}: attention() to ${format} agrees with its oracle for any shape and any split of units`, () => {
      fc.assert(
        fc.property(casesOf(format), fc.nat(), (whole, cut) => {
          const out = run(build, whole);
          assertClose(out, oracle(whole), tolerance);
          assertSameBits(run(build, whole, cut), out);
        }),
        { numRuns: 60 },
      );
    });

    Deno.test(`${build}: attention() to ${format} gives a token the same bits alone, in spans, in any batch and whatever lies beyond`, () => {
      fc.assert(
        fc.property(casesOf(format), fc.nat(), (whole, cut) => {
          const tokens = whole.q.length / (whole.shape.heads * whole.shape.headSize);
          const each = Array.from({ length: tokens }, (_, t) => tokensOf(whole, t, t + 1));
          const middle = cut % (tokens + 1);
          const parts = [
            run(build, tokensOf(whole, 0, middle)),
            run(build, tokensOf(whole, middle, tokens)),
          ];
          const out = run(build, whole);
          assertSameBits(concatenate(each.map((token) => run(build, token))), out);
          assertSameBits(concatenate(each.map((token) => runSpans(build, token, cut))), out);
          assertSameBits(concatenate(parts), out);
        }),
        { numRuns: 40 },
      );
    });
  }

  Deno.test(`${build}: attention() keeps the infinities of later positions from earlier tokens of a tile`, () => {
    // Groups of 3: the lanes of a vector are of several tokens.
    const clean = randomCase("f16", 1, ATTENTION_TILE, 60, 1, 3, 16);
    for (const special of [Infinity, -Infinity, NaN]) {
      for (const what of ["keys", "values"] as const) {
        const spoilt = {
          ...clean,
          [what]: clean[what].map((x, i) => i < 64 * 16 ? x : special),
        };
        const rowLength = 3 * 16;
        assertSameBits(
          run(build, spoilt).subarray(0, 4 * rowLength).slice(),
          run(build, clean).subarray(0, 4 * rowLength).slice(),
        );
      }
    }
  });

  Deno.test(`${build}: attention() passes on what is not a number`, () => {
    const clean = randomCase("f16", 2, 3, 20, 1, 2, 12);
    for (const special of [Infinity, -Infinity, NaN]) {
      const values = clean.values.slice();
      values[20 * 12 + 5] = special;
      // The first token is at position 20, and has seen it.
      const out = run(build, { ...clean, values });
      const expected = run(build, clean).map((x, i) => i % 12 === 5 ? special : x);
      assertSameBits(out.map((x) => x * 1), expected);
    }
  });

  Deno.test(`${build}: attention() gives the values worked out by hand`, () => {
    // Scores 0 and ln 3: weights 1/4 and 3/4 of the values 4 and 8. Token 0 sees the first alone.
    const shape = { heads: 1, kvHeads: 1, headSize: 2, capacity: 2, scale: Math.log(3) };
    const out = run(build, {
      format: "f16",
      q: Float32Array.of(1, 0, 1, 0),
      keys: Float32Array.of(0, 1, 1, 1),
      values: Float32Array.of(4, 1, 8, 1),
      firstPosition: 0,
      shape,
    });
    assertClose(out, Float32Array.of(4, 1, 7, 1), () => 2 ** -20);
  });

  Deno.test(`${build}: attention() holds where scores differ by thousands`, () => {
    const extreme = randomCase("f16", 3, 3, 100, 2, 4, 32);
    const q = extreme.q.map((x) => x * 1000);
    const out = run(build, { ...extreme, q });
    // The largest score's value alone remains but for scores within some units of it.
    assertClose(out, oracle({ ...extreme, q }), () => 4 * 2e-2);
    assert(out.every(Number.isFinite));
  });

  Deno.test(`${build}: attention() takes the largest head size and traps beyond it`, () => {
    const largest = randomCase("f16", 5, 9, 70, 1, 2, MAX_HEAD_SIZE);
    assertClose(run(build, largest), oracle(largest), tolerance);
    const beyond = randomCase("f16", 5, 1, 0, 1, 1, MAX_HEAD_SIZE + 1);
    assert.throws(() => run(build, beyond), WebAssembly.RuntimeError);
  });

  Deno.test(`${build}: attention() works above 2 GiB`, async () => {
    const far = await kernelMemory(1 << 20, 3 * 2 ** 30);
    for (const format of ["f16", "q8_0"] as const) {
      const some = randomCase(format, 9, 10, 70, 2, 4, 96);
      assertSameBits(run(build, some, 0, far), run(build, some));
      const last = tokensOf(some, 9, 10);
      assertSameBits(runSpans(build, last, 0, far), run(build, last));
    }
  });
}
