/**
 * The tests of contract moe-expert-dispatch-v1. Those of whole files are in
 * moe_expert_dispatch_files.ts.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { GgufFile } from "../../gguf/mod.ts";
import { assertSameBits } from "../../kernels/comparing.ts";
import { readHyperParameters } from "../../model/hyperparameters.ts";
import { resolveTensors } from "../../model/tensors.ts";
import {
  assertNear,
  expectedOutput,
  type ExpertBatch,
  randomBatch,
  tokenOf,
} from "./expert_batches.ts";
import {
  expertBytes,
  expertOutput,
  type ExpertStacks,
  PARTS,
  randomStacks,
} from "./expert_stacks.ts";
import type { Falsification, FalsificationTest } from "../falsification.ts";
import { dispatchOfFiles } from "./files.ts";
import { denseBatch, dispatchBatch, type ExpertWhereabouts } from "./own_dispatch.ts";
import { rowsOf } from "../kernels/rows.ts";

/** The mixture's feed-forward under test. */
export interface Dispatcher {
  /**
   * `residual + sum over j of weights[t, j] * expert ids[t, j] of x[t]`, [tokens, hidden].
   *
   * @param where the experts are computed; nothing may depend on it
   * @throws if the layer has no expert of one of the ids
   */
  dispatch(
    stacks: ExpertStacks,
    batch: ExpertBatch,
    where?: ExpertWhereabouts,
  ): Promise<Float32Array>;
  /** The feed-forward of a dense layer whose matrices are the first expert's, [tokens, hidden]. */
  dense(stacks: ExpertStacks, x: Float32Array): Promise<Float32Array>;
  /** @throws unless the engine computes with every tensor of the file */
  check(file: GgufFile): void;
}

/** f32 sums of up to 64 products, three deep: some 3e-7 of the result. */
const F32_ERROR = 1e-6;

/** A prime number of experts, so that steps of any length choose different ones. */
const SIZES = [
  { hidden: 64, width: 32, experts: 5 },
  { hidden: 20, width: 36, experts: 11 },
];

const tests: readonly FalsificationTest<Dispatcher>[] = [
  {
    id: "F-DISPATCH-001",
    title: "the whole weight on one expert gives that expert",
    async run({ dispatch }) {
      for (const [seed, sizes] of SIZES.entries()) {
        const { experts, hidden } = sizes;
        const stacks = randomStacks(seed, sizes);
        for (const k of [1, 2, 5]) {
          const batch = randomBatch(seed, sizes, experts, k);
          // Token t wants expert t, as the choice of number t % k; the others follow it.
          const behind = (pair: number) => (pair % k - Math.floor(pair / k) % k + k) % k;
          const ids = batch.ids.map((_, pair) => (Math.floor(pair / k) + behind(pair)) % experts);
          const weights = batch.weights.map((_, pair) => behind(pair) === 0 ? 1 : 0);
          const residual = new Float32Array(batch.residual.length);
          const out = await dispatch(stacks, { ...batch, ids, weights, residual });
          const xs = rowsOf(batch.x, hidden);
          for (const [expert, row] of rowsOf(out, hidden).entries()) {
            const expected = await expertOutput(stacks, expert, xs[expert]!);
            assertNear(row, expected, F32_ERROR, `expert ${expert} of ${experts}, k ${k}`);
          }
        }
      }
    },
  },
  {
    id: "F-DISPATCH-002",
    title: "equal weights give the mean of the chosen experts",
    async run({ dispatch }) {
      for (const [seed, sizes] of SIZES.entries()) {
        const stacks = randomStacks(seed, sizes);
        for (const k of [2, 3, sizes.experts]) {
          const batch = randomBatch(seed, sizes, 3, k);
          const weights = batch.weights.map(() => 1 / k);
          const residual = new Float32Array(batch.residual.length);
          const out = await dispatch(stacks, { ...batch, weights, residual });
          const xs = rowsOf(batch.x, sizes.hidden);
          for (const [token, row] of rowsOf(out, sizes.hidden).entries()) {
            const mean = new Float64Array(sizes.hidden);
            for (const id of batch.ids.subarray(token * k, (token + 1) * k)) {
              const output = await expertOutput(stacks, id, xs[token]!);
              output.forEach((value, i) => mean[i]! += value / k);
            }
            assertNear(row, mean, F32_ERROR, `the mean of ${k} experts`);
          }
        }
      }
    },
  },
  {
    id: "F-DISPATCH-003",
    title: "each token gets its residual and its own experts, each by its weight",
    async run({ dispatch }) {
      for (const [seed, sizes] of SIZES.entries()) {
        const stacks = randomStacks(seed, sizes);
        for (const [tokens, k] of [[1, 2], [7, 3], [30, 4]] as const) {
          const batch = randomBatch(seed, sizes, tokens, k);
          const expected = rowsOf(
            Float32Array.from(await expectedOutput(stacks, batch)),
            sizes.hidden,
          );
          const out = rowsOf(await dispatch(stacks, batch), sizes.hidden);
          assert.equal(out.length, tokens);
          out.forEach((row, token) =>
            assertNear(row, expected[token]!, F32_ERROR, `token ${token} of ${tokens}`)
          );
        }
      }
    },
  },
  {
    id: "F-DISPATCH-004",
    title: "a single expert of weight 1 is the dense feed-forward",
    async run({ dispatch, dense }) {
      for (const [seed, sizes] of SIZES.entries()) {
        const stacks = randomStacks(seed, { ...sizes, experts: 1 });
        const batch = randomBatch(seed, stacks, 6, 1);
        const residual = new Float32Array(batch.residual.length);
        const out = await dispatch(stacks, { ...batch, residual });
        const feedForward = await dense(stacks, batch.x);
        assertNear(out, feedForward, 1e-5, "the mixture of one");
        const xs = rowsOf(batch.x, sizes.hidden);
        for (const [token, row] of rowsOf(feedForward, sizes.hidden).entries()) {
          const expected = await expertOutput(stacks, 0, xs[token]!);
          assertNear(row, expected, F32_ERROR, "the dense feed-forward");
        }
      }
    },
  },
  {
    id: "F-DISPATCH-006",
    title: "an expert that the layer has not is refused by its number",
    async run({ dispatch }) {
      const stacks = randomStacks(1, SIZES[0]!);
      const batch = randomBatch(1, stacks, 3, 2);
      const withId = (id: number) => dispatch(stacks, { ...batch, ids: batch.ids.with(5, id) });
      for (const id of [0, 4]) assert.ok((await withId(id)).every(Number.isFinite));
      for (const id of [5, 6, -1, 2 ** 31 - 1, -(2 ** 31)]) {
        await assert.rejects(withId(id), new RegExp(`expert ${id} of 5`), `expert ${id} was taken`);
      }
    },
  },
  {
    id: "F-DISPATCH-011",
    title: "only the chosen experts are read, each once, and no other bears on the output",
    async run({ dispatch }) {
      const stacks = randomStacks(4, SIZES[1]!);
      const tokens = 9;
      const batch = randomBatch(4, stacks, tokens, 2);
      const chosen = [1, 4, 10];
      const ids = batch.ids.map((_, pair) => chosen[(Math.floor(pair / 2) + pair % 2) % 3]!);
      const read = new Map<string, number>();
      const watched: ExpertStacks = {
        ...stacks,
        async read(part, offset, bytes) {
          const expert = Math.floor(offset / expertBytes(stacks, part));
          const last = Math.floor((offset + bytes - 1) / expertBytes(stacks, part));
          assert.ok(
            expert === last && chosen.includes(expert),
            `${bytes} bytes of ${part} were read from ${offset}, of experts ${expert} to ${last}`,
          );
          read.set(`${part} ${expert}`, (read.get(`${part} ${expert}`) ?? 0) + bytes);
          return await stacks.read(part, offset, bytes);
        },
      };
      const out = await dispatch(watched, { ...batch, ids });
      assertNear(
        out,
        await expectedOutput(stacks, { ...batch, ids }),
        F32_ERROR,
        "the batch",
      );
      assert.equal(read.size, chosen.length * PARTS.length);
      for (const [what, bytes] of read) {
        assert.equal(bytes, 4 * 20 * 36, `${what} was read more than once or in part`);
      }
    },
  },
  {
    id: "F-DISPATCH-012",
    title: "more pairs than there is room for at once change nothing",
    async run({ dispatch }) {
      const stacks = randomStacks(5, { hidden: 8, width: 4, experts: 7 });
      const tokens = 300;
      const batch = randomBatch(5, stacks, tokens, 7);
      const out = await dispatch(stacks, batch);
      assertNear(out, await expectedOutput(stacks, batch), F32_ERROR, `${tokens} tokens`);
      for (const token of [0, 1, 149, 150, 298, 299]) {
        const alone = await dispatch(stacks, tokenOf(batch, token));
        assertSameBits(out.slice(token * 8, (token + 1) * 8), alone);
      }
    },
  },
];

/** The tests of moe-expert-dispatch-v1. */
export const moeExpertDispatch: Falsification<Dispatcher> = {
  contract: "moe-expert-dispatch-v1",

  subject: () => ({
    dispatch: dispatchBatch,
    dense: denseBatch,
    check: (file) => void resolveTensors(file, readHyperParameters(file)),
  }),

  tests: [...tests, ...dispatchOfFiles].sort((a, b) => a.id < b.id ? -1 : 1),
};
