/**
 * The tests of contract kv-cache-v1: those of the cache itself. Those of sessions stand in sessions.ts,
 * those of q8_0 alone in q8_0.ts.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertSameBits, randomFloats } from "../../kernels/comparing.ts";
import { compileKernels, detectBuild } from "../../kernels/kernels.ts";
import { kvBytes, type KvFormat } from "../../kernels/kv_formats.ts";
import { roundToHalf } from "../../kernels/oracles/half.ts";
import { readCache, roundKv } from "../../kernels/oracles/kv.ts";
import { Team } from "../../kernels/team.ts";
import { appendJobs, attentionJobs } from "../../model/attention.ts";
import type { HyperParameters } from "../../model/hyperparameters.ts";
import { checkKvHeads, createKvCache } from "../../model/kv_cache.ts";
import { firstElements, type HeadShape } from "../kernels/attention_truth.ts";
import type { Falsification, FalsificationTest } from "../falsification.ts";
import { KV_Q8_0_TESTS } from "./q8_0.ts";
import { KV_SESSION_TESTS, type Timelines } from "./sessions.ts";

/** The sizes of a cache. */
export interface CacheShape extends HeadShape {
  readonly layers: number;
  /** positions that fit */
  readonly capacity: number;
  /** tokens that are appended or attend at once, at most */
  readonly batch: number;
  /** f16 where absent */
  readonly format?: KvFormat;
  /** windows are no larger than this, so that layers lie in several */
  readonly maxWindowBytes?: number;
}

/** What a layer's cache holds: [capacity, kvHeads, headSize] each. */
export interface Stored {
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** A cache of all layers. */
export interface Cache {
  /** Puts [tokens, kvHeads, headSize] each into a layer, token t at position firstPosition + t. */
  append(layer: number, firstPosition: number, keys: Float32Array, values: Float32Array): void;
  read(layer: number): Stored;
  /**
   * What queries read from a layer.
   *
   * @param q [tokens, heads, headSize], token t at position firstPosition + t
   * @returns the same shape
   */
  attend(layer: number, firstPosition: number, q: Float32Array): Float32Array;
}

/** A KV cache under test, and the sessions that keep their tokens in one. */
export interface KvCaches extends Timelines {
  /** @throws {UnsupportedOperationError} If the format can't keep heads of this size. */
  cache(shape: CacheShape): Promise<Cache>;
}

/** A cache where the engine has it, read and written by what its layers run. */
async function engineCache(team: Team, shape: CacheShape, firstWindow: number): Promise<Cache> {
  const { heads, kvHeads, headSize, capacity, batch, maxWindowBytes } = shape;
  const format = shape.format ?? "f16";
  checkKvHeads(format, { namedArchitecture: "test", headSize });
  const { threads } = team;
  const options = { capacity, format, batch, threads, firstWindow, maxWindowBytes };
  const made = createKvCache(shape as CacheShape & HyperParameters, options);
  const { layers, windows } = made;
  await team.changeWindows(windows);
  const memoryOf = (window: number) => windows.find(({ id }) => id === window)!.memory.buffer;
  const row = kvHeads * headSize;

  /** [kvHeads, capacity, headSize] as [capacity, kvHeads, headSize] */
  function stored(what: "keys" | "values", window: number, address: number): Float32Array {
    const bytes = kvBytes(format, kvHeads, headSize, capacity);
    const cache = readCache(format, what, new Uint8Array(memoryOf(window), address, bytes), shape);
    return cache.map((_, i) => {
      const [position, head] = [Math.floor(i / row), Math.floor(i % row / headSize)];
      return cache[(head * capacity + position) * headSize + i % headSize]!;
    });
  }

  return {
    append(layer, firstPosition, keys, values) {
      const { window, stage } = layers[layer]!;
      new Float32Array(memoryOf(window), stage.k).set(keys);
      new Float32Array(memoryOf(window), stage.v).set(values);
      team.run(appendJobs(shape, made, firstPosition, keys.length / row, layers[layer]!));
    },
    read(layer) {
      const { window, keys, values } = layers[layer]!;
      return { keys: stored("keys", window, keys), values: stored("values", window, values) };
    },
    attend(layer, firstPosition, q) {
      const { window, stage } = layers[layer]!;
      new Float32Array(memoryOf(window), stage.q).set(q);
      const tokens = q.length / (heads * headSize);
      const jobs = attentionJobs(shape, made, firstPosition, tokens, layers[layer]!);
      for (const job of jobs) team.run([job]);
      return new Float32Array(memoryOf(window), stage.attended, q.length).slice();
    },
  };
}

/** With and without a remainder of lanes; the last in f16 has a window for each layer. */
const SHAPES: readonly CacheShape[] = [
  { layers: 2, heads: 4, kvHeads: 2, headSize: 64, capacity: 20, batch: 8 },
  { layers: 3, heads: 3, kvHeads: 3, headSize: 10, capacity: 9, batch: 8 },
  { layers: 1, heads: 1, kvHeads: 1, headSize: 2, capacity: 5, batch: 5 },
  {
    layers: 3,
    heads: 8,
    kvHeads: 4,
    headSize: 128,
    capacity: 24,
    batch: 16,
    maxWindowBytes: 800_000,
  },
  { layers: 2, heads: 2, kvHeads: 2, headSize: 96, capacity: 20, batch: 8, format: "q8_0" },
  { layers: 2, heads: 8, kvHeads: 2, headSize: 32, capacity: 140, batch: 64, format: "q8_0" },
];

/** A layer's keys and values of all positions, before they are rounded. */
function randomLayer({ kvHeads, headSize, capacity }: CacheShape, seed: number): Stored {
  const length = capacity * kvHeads * headSize;
  return { keys: randomFloats(seed, length, 3), values: randomFloats(seed + 100, length, 3) };
}

/** Appends the positions `start` to `end` of a layer, batch by batch. */
function fill(
  cache: Cache,
  { kvHeads, headSize, batch }: CacheShape,
  layer: number,
  { keys, values }: Stored,
  [start, end]: readonly [number, number],
): void {
  const row = kvHeads * headSize;
  for (let first = start; first < end; first += batch) {
    const last = Math.min(first + batch, end);
    const part = (x: Float32Array) => x.slice(first * row, last * row);
    cache.append(layer, first, part(keys), part(values));
  }
}

/** What a cache makes of a layer's keys and values. */
function rounded({ keys, values }: Stored, { format = "f16", headSize }: CacheShape): Stored {
  const inHeads = (x: Float32Array) => {
    const out = new Float32Array(x.length);
    for (let i = 0; i < x.length; i += headSize) {
      out.set(roundKv(format, x.subarray(i, i + headSize)), i);
    }
    return out;
  };
  return { keys: inHeads(keys), values: inHeads(values) };
}

/** Fails unless a layer holds these keys and values. */
function assertHolds(cache: Cache, layer: number, expected: Stored): void {
  const { keys, values } = cache.read(layer);
  assertSameBits(keys, expected.keys);
  assertSameBits(values, expected.values);
}

const KV_TESTS: readonly FalsificationTest<KvCaches>[] = [
  {
    id: "F-KV-001",
    title: "what is appended at a position is read at it, in its head and layer",
    async run({ cache }) {
      for (const shape of SHAPES) {
        const made = await cache(shape);
        const layers = Array.from({ length: shape.layers }, (_, i) => randomLayer(shape, i));
        // A prompt, one token, and the rest, layer by layer as a forward pass goes.
        for (const part of [[0, 3], [3, 4], [4, shape.capacity]] as const) {
          layers.forEach((layer, i) => fill(made, shape, i, layer, part));
        }
        layers.forEach((layer, i) => assertHolds(made, i, rounded(layer, shape)));
      }
    },
  },
  {
    id: "F-KV-002",
    title: "keys and values are rounded to the nearest f16, ties to even",
    async run({ cache }) {
      // An f16 has 10 bits behind the point: around 1 it steps by 2^-10, around 2048 by 2, below
      // 2^-14 by 2^-24. The largest is 65504; from 65520 on the nearest is infinity.
      const rounded = [
        [1 + 2 ** -11, 1],
        [1 + 3 * 2 ** -11, 1 + 2 ** -9],
        [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
        [-2049, -2048],
        [2051, 2052],
        [2 ** -25, 0],
        [-3 * 2 ** -25, -(2 ** -23)],
        [2 ** -15 + 2 ** -24, 2 ** -15 + 2 ** -24],
        [65519, 65504],
        [65520, Infinity],
      ] as const;
      const count = rounded.length;
      const shape = { layers: 1, heads: 1, kvHeads: 1, headSize: count, capacity: count };
      const made = await cache({ ...shape, batch: count });
      // Every number in every place: lanes and the remainder after them.
      const turned = (column: 0 | 1) =>
        Float32Array.from(
          { length: count ** 2 },
          (_, i) => rounded[(i + Math.floor(i / count)) % count]![column],
        );
      made.append(0, 0, turned(0), turned(0));
      const { keys, values } = made.read(0);
      assert.deepEqual([...keys], [...turned(1)]);
      assert.deepEqual([...values], [...turned(1)]);
    },
  },
  {
    id: "F-KV-003",
    title: "appending leaves every other position, head and layer as it was",
    async run({ cache }) {
      for (const shape of SHAPES) {
        const { layers, kvHeads, headSize, capacity } = shape;
        const row = kvHeads * headSize;
        const made = await cache(shape);
        const before = Array.from(
          { length: layers },
          (_, i) => rounded(randomLayer(shape, i), shape),
        );
        before.forEach((layer, i) => fill(made, shape, i, layer, [0, capacity]));
        for (const [start, end] of [[0, 1], [2, 5], [capacity - 1, capacity]] as const) {
          const changed = rounded(randomLayer(shape, 50 + start), shape);
          const own = (i: number) => i >= start * row && i < end * row;
          for (let layer = 0; layer < layers; layer++) {
            fill(made, shape, layer, changed, [start, end]);
            const { keys, values } = before[layer]!;
            before[layer] = {
              keys: keys.map((key, i) => own(i) ? changed.keys[i]! : key),
              values: values.map((value, i) => own(i) ? changed.values[i]! : value),
            };
            before.forEach((expected, i) => assertHolds(made, i, expected));
          }
        }
      }
    },
  },
  {
    id: "F-KV-004",
    title: "a query reads the positions up to its own, and its own",
    async run({ cache }) {
      const shape = { layers: 2, heads: 4, kvHeads: 2, headSize: 16, capacity: 520, batch: 13 };
      const made = await cache(shape);
      // Each position's key scores 200 above the one before (q . k / 4 = 200 p), so that the last
      // that is seen brings its value unmixed: e^-200 is 0 in f32.
      const keys = firstElements(520 * 2, 16, (row) => row >> 1);
      const layers = [0, 1].map((layer) => ({ keys, values: randomLayer(shape, layer).values }));
      layers.forEach((layer, i) => fill(made, shape, i, layer, [0, 520]));
      for (const tokens of [1, 13]) {
        const q = firstElements(tokens * 4, 16, () => 800);
        for (let first = 0; first < 520; first += tokens) {
          layers.forEach(({ values }, layer) => {
            const expected = Float32Array.from(q, (_, i) => {
              const [token, kvHead] = [Math.floor(i / 64), Math.floor(i % 64 / 32)];
              return roundToHalf(values[((first + token) * 2 + kvHead) * 16 + i % 16]!);
            });
            assertSameBits(made.attend(layer, first, q), expected);
          });
        }
      }
    },
  },
];

/** The tests of kv-cache-v1. */
export const kvCache: Falsification<KvCaches> = {
  contract: "kv-cache-v1",

  subject: async () => {
    const team = await Team.of([], await compileKernels(await detectBuild()));
    let nextWindow = 0;
    return {
      cache(shape) {
        const firstWindow = nextWindow;
        // No cache has more windows than layers.
        nextWindow += shape.layers;
        return engineCache(team, shape, firstWindow);
      },
      open: async (model, context) => (await model.loaded()).session({ context }),
    };
  },

  tests: [...KV_TESTS, ...KV_SESSION_TESTS, ...KV_Q8_0_TESTS],
};
