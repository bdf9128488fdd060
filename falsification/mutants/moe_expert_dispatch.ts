import { BLOCK_SIZES } from "../qwen3moe_shapes/block_sizes.ts";
import type { ExpertBatch } from "../moe_expert_dispatch/expert_batches.ts";
import {
  expertBytes,
  type ExpertStacks,
  type Part,
  PARTS,
} from "../moe_expert_dispatch/expert_stacks.ts";
import { type Dispatcher, moeExpertDispatch } from "../moe_expert_dispatch/moe_expert_dispatch.ts";
import { rowsOf } from "../kernels/rows.ts";
import { type BoundMutant, type Mutant, mutants } from "./mutant.ts";

type Dispatch = Dispatcher["dispatch"];

/** The engine's own dispatch, with a part of it replaced. */
function changed(broken: (sound: Dispatcher) => Partial<Dispatcher>): () => Promise<Dispatcher> {
  return async () => {
    const sound = await moeExpertDispatch.subject();
    return { ...sound, ...broken(sound) };
  };
}

/** The engine's own dispatch, of another batch than the one that it was given. */
function ofBatch(
  other: (batch: ExpertBatch, stacks: ExpertStacks) => Partial<ExpertBatch>,
): () => Promise<Dispatcher> {
  return changed(({ dispatch }) => ({
    dispatch: (stacks, batch) => dispatch(stacks, { ...batch, ...other(batch, stacks) }),
  }));
}

/** The engine's own dispatch, with weights that are read from elsewhere. */
function reading(
  other: (stacks: ExpertStacks, part: Part, offset: number) => { part?: Part; offset?: number },
): () => Promise<Dispatcher> {
  return changed(({ dispatch }) => ({
    dispatch: (stacks, batch) =>
      dispatch({
        ...stacks,
        read(part, offset, bytes) {
          const from = { part, offset, ...other(stacks, part, offset) };
          return stacks.read(from.part, from.offset, bytes);
        },
      }, batch),
  }));
}

/** What each pair's expert puts out, [tokens × k] rows of [hidden], in the pairs' order. */
async function outputs(
  dispatch: Dispatch,
  stacks: ExpertStacks,
  { x, ids, k }: ExpertBatch,
): Promise<Float32Array[]> {
  const rows = rowsOf(x, stacks.hidden);
  const repeated = Array.from(ids, (_, pair) => [...rows[Math.floor(pair / k)]!]).flat();
  const out = await dispatch(stacks, {
    residual: new Float32Array(repeated.length),
    x: Float32Array.from(repeated),
    ids,
    weights: new Float32Array(ids.length).fill(1),
    k: 1,
  });
  return rowsOf(out, stacks.hidden);
}

/** residual[t] + the sum of weights[pair] * outputs[pair] */
function combined({ residual, weights, k }: ExpertBatch, outputs: Float32Array[]): Float32Array {
  const out = residual.slice();
  outputs.forEach((output, pair) =>
    output.forEach((value, i) =>
      out[Math.floor(pair / k) * output.length + i]! += weights[pair]! * value
    )
  );
  return out;
}

/** The wrong experts, or wrong parts of them. */
const misread: Mutant<Dispatcher>[] = [
  {
    name: "the neighbouring expert",
    caughtBy: ["F-DISPATCH-001", "F-DISPATCH-003", "F-DISPATCH-009", "F-DISPATCH-010"],
    subject: ofBatch(({ ids }, { experts }) => ({ ids: ids.map((id) => (id + 1) % experts) })),
  },
  {
    name: "slices that begin a block too early",
    caughtBy: ["F-DISPATCH-001", "F-DISPATCH-003", "F-DISPATCH-009", "F-DISPATCH-010"],
    subject: reading(({ types }, part, offset) => ({
      offset: Math.max(0, offset - BLOCK_SIZES[types[part]].bytes),
    })),
  },
  {
    name: "offsets of quantized experts that leave out the blocks' scales",
    caughtBy: ["F-DISPATCH-009", "F-DISPATCH-010"],
    subject: reading(({ types }, part, offset) => {
      const { elements, bytes } = BLOCK_SIZES[types[part]];
      return { offset: elements === 32 ? offset / bytes * (bytes - 2) : offset };
    }),
  },
  {
    name: "gate and up mixed up",
    caughtBy: ["F-DISPATCH-001", "F-DISPATCH-002", "F-DISPATCH-003", "F-DISPATCH-004"],
    subject: reading((_stacks, part) => ({
      part: part === "gate" ? "up" : part === "up" ? "gate" : part,
    })),
  },
  {
    name: "an id out of range taken for the nearest",
    caughtBy: ["F-DISPATCH-006"],
    subject: ofBatch(({ ids }, { experts }) => ({
      ids: ids.map((id) => Math.min(Math.max(id, 0), experts - 1)),
    })),
  },
  {
    name: "all experts read beforehand",
    caughtBy: ["F-DISPATCH-011"],
    subject: changed(({ dispatch }) => ({
      async dispatch(stacks, batch) {
        for (const part of PARTS) {
          await stacks.read(part, 0, stacks.experts * expertBytes(stacks, part));
        }
        return await dispatch(stacks, batch);
      },
    })),
  },
  {
    name: "experts read again for each token",
    caughtBy: ["F-DISPATCH-011"],
    subject: changed(({ dispatch }) => ({
      async dispatch(stacks, batch) {
        for (const id of batch.ids) {
          if (id < 0 || id >= stacks.experts) continue;
          const bytes = expertBytes(stacks, "gate");
          await stacks.read("gate", id * bytes, bytes);
        }
        return await dispatch(stacks, batch);
      },
    })),
  },
];

/** The right experts, taken from the wrong place once they are not read any more. */
const misplaced: Mutant<Dispatcher>[] = [
  {
    name: "experts packed into the slot of another",
    caughtBy: ["F-DISPATCH-013"],
    subject: changed(({ dispatch }) => ({
      dispatch(stacks, batch, where) {
        if (where !== "packed") return dispatch(stacks, batch, where);
        const last = stacks.experts - 1;
        return dispatch(stacks, { ...batch, ids: batch.ids.map((id) => last - id) }, where);
      },
    })),
  },
  {
    name: "stacks mapped a block too early",
    caughtBy: ["F-DISPATCH-013"],
    subject: changed(({ dispatch }) => ({
      dispatch(stacks, batch, where) {
        if (where !== "mapped") return dispatch(stacks, batch, where);
        const read: ExpertStacks["read"] = async (part, offset, bytes) => {
          const block = BLOCK_SIZES[stacks.types[part]].bytes;
          const own = await stacks.read(part, offset, bytes);
          return Uint8Array.from([...own.subarray(-block), ...own.subarray(0, -block)]);
        };
        return dispatch({ ...stacks, read }, batch, where);
      },
    })),
  },
  {
    name: "pages that were given back taken for weights",
    caughtBy: ["F-DISPATCH-013"],
    subject: changed(({ dispatch }) => ({
      dispatch(stacks, batch, where) {
        if (where !== "given back") return dispatch(stacks, batch, where);
        const read: ExpertStacks["read"] = (_part, _offset, bytes) =>
          Promise.resolve(new Uint8Array(bytes));
        return dispatch({ ...stacks, read }, batch, where);
      },
    })),
  },
];

/** The right experts, wrongly put together. */
const miscombined: Mutant<Dispatcher>[] = [
  {
    name: "weights not applied",
    caughtBy: ["F-DISPATCH-001", "F-DISPATCH-002", "F-DISPATCH-003"],
    subject: ofBatch(({ weights }) => ({ weights: weights.map(() => 1) })),
  },
  {
    name: "weights applied to the experts' inputs",
    caughtBy: ["F-DISPATCH-002", "F-DISPATCH-003"],
    subject: changed(({ dispatch }) => ({
      async dispatch(stacks, batch) {
        const { x, weights, ids, k } = batch;
        const all = await Promise.all(Array.from({ length: k }, async (_, j) => {
          const own = (pair: number) => pair % k === j;
          const scaled = rowsOf(x, stacks.hidden).flatMap((row, token) =>
            [...row].map((value) => value * weights[token * k + j]!)
          );
          return await outputs(dispatch, stacks, {
            ...batch,
            x: Float32Array.from(scaled),
            ids: ids.filter((_, pair) => own(pair)),
            k: 1,
          });
        }));
        const inOrder = Array.from(ids, (_, pair) => all[pair % k]![Math.floor(pair / k)]!);
        return combined({ ...batch, weights: weights.map(() => 1) }, inOrder);
      },
    })),
  },
  {
    name: "an expert's output written over that of the one before",
    caughtBy: ["F-DISPATCH-001", "F-DISPATCH-002", "F-DISPATCH-003"],
    subject: ofBatch(({ weights, k }) => ({
      weights: weights.map((weight, pair) => pair % k === k - 1 ? weight : 0),
    })),
  },
  {
    name: "the experts' sum written over the residual",
    caughtBy: ["F-DISPATCH-003"],
    subject: ofBatch(({ residual }) => ({ residual: new Float32Array(residual.length) })),
  },
  {
    name: "outputs left in the order of the groups",
    caughtBy: ["F-DISPATCH-001", "F-DISPATCH-003", "F-DISPATCH-005"],
    subject: changed(({ dispatch }) => ({
      async dispatch(stacks, batch) {
        const inOrder = await outputs(dispatch, stacks, batch);
        const pairs = Array.from(batch.ids.keys());
        const grouped = pairs.toSorted((a, b) => batch.ids[a]! - batch.ids[b]! || a - b);
        return combined(batch, grouped.map((pair) => inOrder[pair]!));
      },
    })),
  },
  {
    name: "one scale of 8-bit activations for the whole batch",
    caughtBy: ["F-DISPATCH-003", "F-DISPATCH-005"],
    subject: ofBatch(({ x }) => {
      const step = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
      return { x: x.map((value) => Math.round(value / step) * step) };
    }),
  },
  {
    name: "rows of a second wave numbered as those of the first",
    caughtBy: ["F-DISPATCH-012"],
    subject: ofBatch(({ x, ids }) => {
      const waves = Math.ceil(ids.length / 1024);
      return { x: x.map((_, i) => x[i % (Math.floor(x.length / waves))]!) };
    }),
  },
  {
    name: "shared experts left out",
    caughtBy: ["F-DISPATCH-007", "F-DISPATCH-008"],
    subject: changed(() => ({ check: () => {} })),
  },
];

export const moeExpertDispatchMutants: BoundMutant[] = mutants(moeExpertDispatch, [
  ...misread,
  ...misplaced,
  ...miscombined,
]);
