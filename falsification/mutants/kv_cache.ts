import { roundToHalf } from "../../kernels/oracles/half.ts";
import { roundKv } from "../../kernels/oracles/kv.ts";
import { ContextLengthError } from "../../model/errors.ts";
import { checkKvHeads } from "../../model/kv_cache.ts";
import { attentionTruth } from "../kernels/attention_truth.ts";
import {
  type Cache,
  type CacheShape,
  kvCache,
  type KvCaches,
  type Stored,
} from "../kv_cache/kv_cache.ts";
import type { ModelUnderTest } from "../model.ts";
import type { Timeline } from "../kv_cache/sessions.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** The parts of a cache that are replaced. */
interface CacheParts {
  /** the row, of [capacity, kvHeads], where a key lies */
  row(position: number, head: number, shape: CacheShape): number;
  /** the layer whose cache is taken */
  layer(layer: number): number;
  round(value: number): number;
  /** what q8_0 makes of a head's key or value */
  roundQ8_0(row: Float32Array): Float32Array;
  /** positions that a query sees */
  visible(position: number): number;
}

const RIGHT: CacheParts = {
  row: (position, head, { kvHeads }) => position * kvHeads + head,
  layer: (layer) => layer,
  round: roundToHalf,
  roundQ8_0: (row) => roundKv("q8_0", row),
  visible: (position) => position + 1,
};

/** A cache in plain TypeScript. */
function plainCache(shape: CacheShape, parts: CacheParts): Cache {
  const { kvHeads, headSize, capacity } = shape;
  const layers: Stored[] = Array.from({ length: shape.layers }, () => ({
    keys: new Float32Array(capacity * kvHeads * headSize),
    values: new Float32Array(capacity * kvHeads * headSize),
  }));
  const of = (layer: number) => layers[parts.layer(layer)]!;

  function put(firstPosition: number, x: Float32Array, to: Float32Array): void {
    for (let i = 0; i < x.length / headSize; i++) {
      const position = firstPosition + Math.floor(i / kvHeads);
      const row = parts.row(position, i % kvHeads, shape) % (capacity * kvHeads);
      const head = x.subarray(i * headSize, (i + 1) * headSize);
      const rounded = shape.format === "q8_0" ? parts.roundQ8_0(head) : head.map(parts.round);
      to.set(rounded, row * headSize);
    }
  }

  return {
    append(layer, firstPosition, keys, values) {
      put(firstPosition, keys, of(layer).keys);
      put(firstPosition, values, of(layer).values);
    },
    read: of,
    attend: (layer, firstPosition, q) =>
      attentionTruth({ ...shape, ...of(layer), q, firstPosition }, { visible: parts.visible }),
  };
}

/** The engine's sessions with a broken cache beside them. */
function cache(broken: Partial<CacheParts>, takesAnyHead = false): () => Promise<KvCaches> {
  return async () => ({
    ...await kvCache.subject(),
    async cache(shape) {
      if (!shape.format || takesAnyHead) return await plainCache(shape, { ...RIGHT, ...broken });
      checkKvHeads(shape.format, { namedArchitecture: "test", headSize: shape.headSize });
      return plainCache(shape, { ...RIGHT, ...broken });
    },
  });
}

/** Rounds the elements of each block of 32, whose largest is 127 steps. */
function inBlocks(
  row: Float32Array,
  round: (value: number, step: number) => number,
): Float32Array {
  return row.map((value, i) => {
    const block = row.subarray(i - i % 32, i - i % 32 + 32);
    const step = roundToHalf(Math.max(...block.map(Math.abs)) / 127);
    return step === 0 ? 0 : round(value, step);
  });
}

/** Room for what a broken session computes beyond what it should. */
const EXTRA = 3;

/** What a broken session knows of its own and of all sessions' history. */
interface History {
  /** the tokens of this session's last call */
  readonly before: readonly number[];
  /** the tokens of the last call on any session */
  readonly lastOfAll: readonly number[];
  /** whether the last call was stopped */
  readonly stopped: boolean;
  readonly context: number;
}

/** The engine's sessions, which compute other tokens than they are asked for. */
function sessions(
  computed: (tokens: readonly number[], history: History) => readonly number[],
  refuses = true,
): () => Promise<KvCaches> {
  return async () => {
    const engine = await kvCache.subject();
    let lastOfAll: readonly number[] = [];

    async function open(model: ModelUnderTest, context: number): Promise<Timeline> {
      const session = await engine.open(model, context + EXTRA);
      let [before, stopped]: [readonly number[], boolean] = [[], false];
      return {
        get tokens() {
          return stopped ? [] : before;
        },
        async sync(tokens, options) {
          if (refuses && tokens.length > context) {
            throw new ContextLengthError(tokens.length, context);
          }
          const history = { before, lastOfAll, stopped, context };
          [before, lastOfAll, stopped] = [tokens, tokens, options?.signal !== undefined];
          return await session.sync(computed(tokens, history), options);
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    }
    return { ...engine, open };
  };
}

/** `tokens`, but what stood in the cache at the same positions before stays, the last aside. */
function over(stale: readonly number[], tokens: readonly number[]): number[] {
  return tokens.map((token, i) => i < tokens.length - 1 ? stale[i] ?? token : token);
}

export const kvCacheMutants: BoundMutant[] = mutants(kvCache, [
  {
    name: "appended one position too far",
    caughtBy: ["F-KV-001", "F-KV-004"],
    subject: cache({ row: (position, head, shape) => RIGHT.row(position + 1, head, shape) }),
  },
  {
    name: "heads a row apart instead of a capacity",
    caughtBy: ["F-KV-001", "F-KV-003"],
    subject: cache({ row: (position, head) => position + head }),
  },
  {
    name: "one cache for all layers",
    caughtBy: ["F-KV-001", "F-KV-003"],
    subject: cache({ layer: () => 0 }),
  },
  {
    name: "the last position not read",
    caughtBy: ["F-KV-004"],
    subject: cache({ visible: (position) => position }),
  },
  {
    name: "rounded towards zero",
    caughtBy: ["F-KV-002"],
    subject: cache({
      round(value) {
        const nearest = roundToHalf(value);
        if (Math.abs(nearest) <= Math.abs(value)) return nearest;
        // One step back: half of it less rounds to the f16 below.
        return Math.sign(value) * roundToHalf(Math.abs(value) * (1 - 2 ** -11));
      },
    }),
  },
  {
    name: "one step of q8_0 for a whole head",
    caughtBy: ["F-KV-001", "F-KV-011"],
    subject: cache({
      roundQ8_0(row) {
        const largest = Math.max(...row.map(Math.abs));
        const step = Math.fround(largest / 127);
        return row.map((value) => step === 0 ? 0 : Math.round(value / step) * step);
      },
    }),
  },
  {
    name: "quants of q8_0 cut off instead of rounded",
    caughtBy: ["F-KV-001", "F-KV-011", "F-KV-012"],
    subject: cache({
      roundQ8_0: (row) => inBlocks(row, (value, step) => Math.trunc(value / step) * step),
    }),
  },
  {
    name: "quants of q8_0 to 128 steps, which i8 has on one side only",
    caughtBy: ["F-KV-001", "F-KV-011"],
    subject: cache({
      roundQ8_0: (row) =>
        inBlocks(row, (value, step) => {
          const wider = step * 127 / 128;
          return Math.max(-128, Math.min(127, Math.round(value / wider))) * wider;
        }),
    }),
  },
  {
    name: "heads of any size taken in q8_0",
    caughtBy: ["F-KV-013"],
    subject: cache({}, true),
  },
  {
    name: "keys and values swapped",
    caughtBy: ["F-KV-001"],
    subject: async () => {
      const engine = await kvCache.subject();
      return {
        ...engine,
        async cache(shape) {
          const made = await engine.cache(shape);
          const append: Cache["append"] = (layer, first, keys, values) =>
            made.append(layer, first, values, keys);
          return { ...made, append };
        },
      };
    },
  },
  {
    name: "a token alone does not see the one before it",
    caughtBy: ["F-KV-005"],
    subject: sessions((tokens, { before }) =>
      tokens.length === before.length + 1 ? [...tokens.slice(0, -2), ...tokens.slice(-1)] : tokens
    ),
  },
  {
    name: "going back leaves the old tokens where they were",
    caughtBy: ["F-KV-006"],
    subject: sessions((tokens, { before, stopped }) => stopped ? tokens : over(before, tokens)),
  },
  {
    name: "all sessions share a cache",
    caughtBy: ["F-KV-007"],
    subject: sessions((tokens, { lastOfAll }) => over(lastOfAll, tokens)),
  },
  {
    name: "a new session sees a token of the closed one",
    caughtBy: ["F-KV-008"],
    subject: sessions((tokens, { before, lastOfAll }) =>
      before.length > 0 ? tokens : [...lastOfAll.slice(-1), ...tokens]
    ),
  },
  {
    name: "positions beyond the capacity wrap round",
    caughtBy: ["F-KV-009"],
    subject: sessions((tokens, { context }) => tokens.slice(-context), false),
  },
  {
    name: "tokens of a stopped call taken for computed",
    caughtBy: ["F-KV-010"],
    subject: sessions((tokens, { before, stopped }) => stopped ? over(before, tokens) : tokens),
  },
]);
