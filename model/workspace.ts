/**
 * The buffers of a forward pass, in the home window, one set for all layers and sessions.
 *
 * @module
 */
import { type Activations, reserveActivations } from "../kernels/activations.ts";
import {
  activationBytes,
  type ActivationFormat,
  WEIGHT_FORMATS,
  type WeightType,
} from "../kernels/formats.ts";
import type { MemoryPlan } from "../kernels/memory_plan.ts";
import { stagedRowBytes } from "../moe/expert_block.ts";
import type { HyperParameters } from "./hyperparameters.ts";
import type { ModelTensors } from "./tensors.ts";

/** Tokens of which the output head computes logits at once, where all positions' are wanted. */
export const LOGIT_ROWS = 16;

/** (token, expert) pairs that are on the stage at once. */
const WAVE_ROWS = 1024;

/** Addresses in the home window unless a comment says otherwise; T is the batch size. */
export interface Workspace {
  readonly home: number;
  /** T */
  readonly batch: number;
  /** (T, hidden) f32: the residual stream */
  readonly x: number;
  /** (T, hidden): what a norm puts out */
  readonly normed: Activations;
  /** (T, heads × headSize) f32 */
  readonly q: number;
  /** (T, kvHeads × headSize) f32 */
  readonly k: number;
  /** (T, kvHeads × headSize) f32 */
  readonly v: number;
  /** (T, heads × headSize) */
  readonly attended: Activations;
  /** (T, hidden) f32: a product on its way to the residual stream */
  readonly projected: number;
  /** (T, 2, ropeDimensions / 2) f32: cosines, sines */
  readonly angles: number;
  /** (T) f32: what the block that all tokens share is weighed by */
  readonly blockWeights: number;
  /** (T, experts) f32 */
  readonly routerLogits: number;
  /** (T, k) i32 */
  readonly chosen: number;
  /** (T, k) f32 */
  readonly chosenWeights: number;
  /** (T, k, hidden) f32 */
  readonly expertOutputs: number;
  /** (waveRows) i32 each */
  readonly rowTokens: number;
  readonly rowPairs: number;
  readonly waveRows: number;
  /** (LOGIT_ROWS, vocabulary) f32 */
  readonly logits: number;
}

/** Which forms each kind of activation is wanted in. */
export interface UsedFormats {
  readonly normed: ReadonlySet<ActivationFormat>;
  readonly attended: ReadonlySet<ActivationFormat>;
  /** between the up and down projections of a dense layer, of the shared expert, and of the others */
  readonly dense: ReadonlySet<ActivationFormat>;
  readonly shared: ReadonlySet<ActivationFormat>;
  readonly experts: ReadonlySet<ActivationFormat>;
}

/** The forms that this model's weights multiply with. */
export function usedFormats(tensors: ModelTensors): UsedFormats {
  const normed = new Set<ActivationFormat>();
  const attended = new Set<ActivationFormat>();
  const dense = new Set<ActivationFormat>();
  const shared = new Set<ActivationFormat>();
  const experts = new Set<ActivationFormat>();
  const note = (formats: Set<ActivationFormat>, type: string | undefined) => {
    if (type !== undefined) formats.add(WEIGHT_FORMATS[type as WeightType].activation);
  };
  note(normed, (tensors.global.output ?? tensors.global.token_embd)?.type);
  for (const layer of tensors.layers) {
    for (
      const role of [
        "attn_q",
        "attn_k",
        "attn_v",
        "ffn_gate",
        "ffn_up",
        "ffn_gate_inp_shexp",
        "ffn_gate_shexp",
        "ffn_up_shexp",
        "ffn_gate_inp",
        "ffn_gate_exps",
        "ffn_up_exps",
      ] as const
    ) note(normed, layer[role]?.type);
    note(attended, layer.attn_output?.type);
    note(dense, layer.ffn_down?.type);
    note(shared, layer.ffn_down_shexp?.type);
    note(experts, layer.ffn_down_exps?.type);
  }
  return { normed, attended, dense, shared, experts };
}

/** Reserves the buffers for batches of `batch` tokens in the window `home`. */
export function reserveWorkspace(
  plan: MemoryPlan,
  home: number,
  sizes: HyperParameters,
  formats: UsedFormats,
  batch: number,
): Workspace {
  const { hidden, heads, kvHeads, headSize, experts, expertsUsed } = sizes;
  const floats = (count: number) => plan.reserve(home, count * 4).address;
  const waveRows = waveRowsOf(batch);
  return {
    home,
    batch,
    x: floats(batch * hidden),
    normed: reserveActivations(plan, home, batch, hidden, formats.normed),
    q: floats(batch * heads * headSize),
    k: floats(batch * kvHeads * headSize),
    v: floats(batch * kvHeads * headSize),
    attended: reserveActivations(plan, home, batch, heads * headSize, formats.attended),
    projected: floats(batch * hidden),
    angles: floats(batch * sizes.ropeDimensions),
    blockWeights: floats(sizes.sharedFeedForward > 0 ? batch : 0),
    routerLogits: floats(batch * experts),
    chosen: floats(batch * expertsUsed),
    chosenWeights: floats(batch * expertsUsed),
    expertOutputs: floats(batch * expertsUsed * hidden),
    rowTokens: floats(waveRows),
    rowPairs: floats(waveRows),
    waveRows,
    logits: floats(LOGIT_ROWS * sizes.vocabulary),
  };
}

/** Bytes of the stage that every window needs, see kernels/stage.ts. */
export function stageBytes(sizes: HyperParameters, formats: UsedFormats, batch: number): number {
  const { hidden, heads, kvHeads, headSize } = sizes;
  const blockRows = sizes.experts > 0 ? waveRowsOf(batch) : batch;
  const { feedForward, expertFeedForward, sharedFeedForward } = sizes;
  const block = (rows: number, width: number, hiddenFormats: Iterable<ActivationFormat>) =>
    Array.from(
      hiddenFormats,
      (hiddenFormat) =>
        rows * stagedRowBytes({ hidden, width, inputFormats: formats.normed, hiddenFormat }),
    );
  const inputBytes = (columns: number, forms: Iterable<ActivationFormat>) =>
    [...forms].reduce((sum, format) => sum + activationBytes(format, columns), 0);
  const attention = batch *
    (inputBytes(hidden, formats.normed) + (heads + 2 * kvHeads) * headSize * 4);
  const projection = batch * (inputBytes(heads * headSize, formats.attended) + hidden * 4);
  const router = batch * (inputBytes(hidden, formats.normed) + sizes.experts * 4);
  const head = LOGIT_ROWS * (inputBytes(hidden, formats.normed) + sizes.vocabulary * 4);
  const largest = Math.max(
    ...block(batch, feedForward, formats.dense),
    ...block(batch, sharedFeedForward, formats.shared),
    ...block(blockRows, expertFeedForward, formats.experts),
    attention,
    projection,
    router,
    head,
  );
  // Each piece on the stage starts at a multiple of 64 bytes; at most this many pieces do.
  return largest + 64 * 8 * Math.max(blockRows, 8);
}

function waveRowsOf(batch: number): number {
  return Math.max(WAVE_ROWS, batch);
}
