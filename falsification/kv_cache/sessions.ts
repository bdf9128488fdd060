/**
 * The tests of contract kv-cache-v1 that speak of sessions: what a session gives does not depend on
 * what its memory went through. They use few and short forward passes, for models of any size.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertSameBits } from "../../kernels/comparing.ts";
import { ContextLengthError } from "../../model/errors.ts";
import type { FalsificationTest } from "../falsification.ts";
import type { ModelUnderTest } from "../model.ts";

/** What tests need of a session. */
export interface Timeline extends AsyncDisposable {
  /** the tokens that are computed */
  readonly tokens: readonly number[];
  /** @returns [vocabulary] f32, the logits after a token prefix */
  sync(tokens: readonly number[], options?: { signal?: AbortSignal }): Promise<Float32Array>;
}

/** Sessions under test. */
export interface Timelines {
  /** @param context positions that the session holds */
  open(model: ModelUnderTest, context: number): Promise<Timeline>;
}

/** Positions of the sessions that say what is expected: no other session of a test has as many. */
const ANEW = 11;
/** Positions of a test's own sessions. */
const CONTEXT = 7;

/**
 * Two token sequences that part after the first token and end alike, and their logits in memory
 * that was never used.
 */
interface Expected {
  readonly long: readonly number[];
  readonly short: readonly number[];
  readonly afterLong: Float32Array;
  readonly afterShort: Float32Array;
}

const expectations = new WeakMap<ModelUnderTest, Promise<Expected>>();

/** Computed once for a model: each forward pass of a large one costs seconds. */
function expected(model: ModelUnderTest): Promise<Expected> {
  let made = expectations.get(model);
  if (made === undefined) expectations.set(model, made = computeExpected(model));
  return made;
}

async function computeExpected(model: ModelUnderTest): Promise<Expected> {
  const [a, b, c, d] = model.tokens(4) as [number, number, number, number];
  const [long, short] = [[a, b, c, d], [a, c, d]];
  const loaded = await model.loaded();
  // Both open at once, so that the second does not get the first one's memory.
  await using first = loaded.session({ context: ANEW });
  await using second = loaded.session({ context: ANEW });
  const afterLong = await first.sync(long);
  return { long, short, afterLong, afterShort: await second.sync(short) };
}

/** The tests of kv-cache-v1 that need a model. */
export const KV_SESSION_TESTS: readonly FalsificationTest<Timelines>[] = [
  {
    id: "F-KV-005",
    title: "n tokens and then one give the bits of n + 1 at once",
    of: "model",
    async run({ open }, model) {
      const { long, afterLong } = await expected(model);
      await using session = await open(model, CONTEXT);
      await session.sync(long.slice(0, -1));
      assertSameBits(await session.sync(long), afterLong);
    },
  },
  {
    id: "F-KV-006",
    title: "going back to a prefix and on from there gives the bits of a new session",
    of: "model",
    async run({ open }, model) {
      const { long, short, afterShort } = await expected(model);
      await using session = await open(model, CONTEXT);
      await session.sync(long);
      assertSameBits(await session.sync(short), afterShort);
      assert.deepEqual(session.tokens, short);
    },
  },
  {
    id: "F-KV-007",
    title: "two sessions of a model do not see each other",
    of: "model",
    async run({ open }, model) {
      const { long, short, afterLong, afterShort } = await expected(model);
      await using session = await open(model, CONTEXT);
      await using other = await open(model, CONTEXT);
      await session.sync(long.slice(0, -1));
      assertSameBits(await other.sync(short), afterShort);
      assertSameBits(await session.sync(long), afterLong);
    },
  },
  {
    id: "F-KV-008",
    title: "a session in a closed one's memory gives the bits of a new memory",
    of: "model",
    async run({ open }, model) {
      const { long, short, afterShort } = await expected(model);
      {
        await using closed = await open(model, CONTEXT);
        await closed.sync(long);
      }
      await using session = await open(model, CONTEXT);
      assert.deepEqual(session.tokens, []);
      assertSameBits(await session.sync(short), afterShort);
    },
  },
  {
    id: "F-KV-009",
    title: "a context is filled to its last position, and a token more is refused",
    of: "model",
    async run({ open }, model) {
      const { long, short, afterShort } = await expected(model);
      await using session = await open(model, short.length);
      assertSameBits(await session.sync(short), afterShort);
      await assert.rejects(session.sync(long), (error) => {
        assert.ok(error instanceof ContextLengthError, `${error}`);
        assert.deepEqual([error.tokens, error.context], [long.length, short.length]);
        return true;
      });
      assert.deepEqual(session.tokens, short);
      assertSameBits(await session.sync(short), afterShort);
    },
  },
  {
    id: "F-KV-010",
    title: "a session goes on after a call that was stopped",
    of: "model",
    async run({ open }, model) {
      const { long, short, afterShort } = await expected(model);
      await using session = await open(model, CONTEXT);
      const reason = new Error("stopped by the test");
      const isReason = (error: unknown) => {
        assert.equal(error, reason);
        return true;
      };
      await assert.rejects(session.sync(long, { signal: AbortSignal.abort(reason) }), isReason);
      assert.deepEqual(session.tokens, []);
      // Stopped on its way, wherever that is; it may as well have come to its end before.
      const controller = new AbortController();
      const stopped = session.sync(long, { signal: controller.signal }).catch(isReason);
      await new Promise((resolve) => setTimeout(resolve));
      controller.abort(reason);
      await stopped;
      assertSameBits(await session.sync(short), afterShort);
    },
  },
];
