/**
 * One number for the memory that a model takes: what must stay comes first, then room for the KV
 * cache, and the experts share the rest.
 *
 * @module
 */
import { ATTENTION_SPAN, KV_BLOCK } from "../kernels/constants.ts";
import { type KvFormat, kvRowBytes, spanRecordBytes } from "../kernels/kv_formats.ts";
import { type ExpertClass, shareSlots } from "../moe/expert_store.ts";
import { MemoryBudgetError } from "./errors.ts";
import type { HyperParameters } from "./hyperparameters.ts";

/** What a model may take, and what is known of it. */
export interface Budget {
  /** bytes for weights, KV caches and working memory; Infinity for no limit */
  readonly bytes: number;
  /** positions that the caller asked a session to hold; undefined where it did not */
  readonly context: number | undefined;
  /** positions that a session holds where nobody says, if there is room */
  readonly usualContext: number;
}

/** How a budget is spent. */
export interface Spending {
  /** positions of a session, where the session does not say */
  readonly context: number;
  /** bytes for what KV caches are filled with */
  readonly kvBytes: number;
  /** slots of each class of experts */
  readonly slots: readonly number[];
}

/** A session that nobody asked to be longer has room for so many positions, however small the budget is. */
const LEAST_CONTEXT = 1024;

/** Of what experts and the KV cache share, the cache gets no more than this, unless asked for. */
const KV_SHARE = 1 / 4;

/**
 * Divides what a budget leaves.
 *
 * @param fixed bytes that are taken in any case: weights that stay, working memory
 * @param kvPositionBytes bytes of one position of a KV cache
 * @param windowBytes what each further window takes before anything lies in it
 * @param least experts that a token goes through
 * @throws {MemoryBudgetError} If the budget is too small.
 */
export function spend(
  { bytes, context, usualContext }: Budget,
  { fixed, kvPositionBytes, windowBytes, classes, least }: {
    fixed: number;
    kvPositionBytes: number;
    windowBytes: (bytes: number) => number;
    classes: readonly ExpertClass[];
    least: number;
  },
): Spending {
  const leastContext = context ?? Math.min(LEAST_CONTEXT, usualContext);
  const leastExperts = classes.reduce(
    (sum, group) => sum + group.bytes * Math.min(group.experts, least),
    0,
  );
  const leastRest = wholeBlocks(leastContext) * kvPositionBytes + leastExperts;
  const smallest = fixed + leastRest + windowBytes(leastRest);
  if (bytes < smallest) throw new MemoryBudgetError(bytes, smallest);

  const rest = bytes - fixed - windowBytes(Math.min(bytes - fixed, allExperts(classes)));
  const forCache = Math.max(rest * KV_SHARE, rest - allExperts(classes));
  const positions = context ?? Math.max(
    leastContext,
    Math.min(usualContext, Math.floor(forCache / (KV_BLOCK * kvPositionBytes)) * KV_BLOCK),
  );
  const slots = shareSlots(classes, rest - wholeBlocks(positions) * kvPositionBytes, least);
  if (slots === undefined) throw new MemoryBudgetError(bytes, smallest);
  const inSlots = classes.reduce((sum, group, i) => sum + group.bytes * slots[i]!, 0);
  return { context: positions, kvBytes: rest - inSlots, slots };
}

function allExperts(classes: readonly ExpertClass[]): number {
  return classes.reduce((sum, group) => sum + group.bytes * group.experts, 0);
}

/** Bytes that one position takes in a KV cache: keys and values of all layers, and what attention notes. */
export function kvPositionBytes(
  format: KvFormat,
  { layers, heads, kvHeads, headSize }: HyperParameters,
): number {
  const records = kvHeads * spanRecordBytes(heads / kvHeads, headSize);
  return layers * 2 * kvHeads * kvRowBytes(format, headSize) + Math.ceil(records / ATTENTION_SPAN);
}

/** The positions that a cache fills memory for when it holds `positions`: its blocks are whole. */
export function wholeBlocks(positions: number): number {
  return Math.ceil(positions / KV_BLOCK) * KV_BLOCK;
}
