/**
 * What appends to a layer's cache and attends to it, as jobs in the cache's window.
 *
 * @module
 */
import type { Job } from "../kernels/board.ts";
import { ATTENTION_SPAN, ATTENTION_TILE, MAX_SPLIT_GROUP } from "../kernels/constants.ts";
import { attentionSpans, KV_FORMATS, spanRecordBytes } from "../kernels/kv_formats.ts";
import type { HyperParameters } from "./hyperparameters.ts";
import type { KvCache, KvLayer } from "./kv_cache.ts";

/** The sizes of attention. */
export type HeadSizes = Pick<HyperParameters, "heads" | "kvHeads" | "headSize">;

/** Appends the keys and values on the stage at `position` and on. */
export function appendJobs(
  { kvHeads, headSize }: HeadSizes,
  { capacity, format }: KvCache,
  position: number,
  tokens: number,
  { window, keys, values, stage }: KvLayer,
): Job[] {
  const { appendKeys, appendValues } = KV_FORMATS[format];
  const job = { window, units: tokens, cost: kvHeads * headSize * 8 };
  const sizes = [position, kvHeads, headSize, capacity];
  return [
    { ...job, operation: appendKeys, args: [stage.k, keys, ...sizes] },
    { ...job, operation: appendValues, args: [stage.v, values, ...sizes] },
  ];
}

/**
 * Attends to the queries on the stage, in jobs that run one after another. A token far into a text is
 * split over spans of positions: alone it has no more tiles than there are key-value heads.
 */
export function attentionJobs(
  { heads, kvHeads, headSize }: HeadSizes,
  { capacity, format }: KvCache,
  position: number,
  tokens: number,
  { window, keys, values, stage }: KvLayer,
): Job[] {
  const { attention, attendSpans } = KV_FORMATS[format];
  const { q, attended, records } = stage;
  const scale = 1 / Math.sqrt(headSize);
  const spans = attentionSpans(position + tokens);
  const group = heads / kvHeads;
  if (tokens === 1 && spans > 1 && group <= MAX_SPLIT_GROUP) {
    const sizes = [heads, kvHeads, headSize] as const;
    return [{
      operation: attendSpans,
      window,
      units: kvHeads * spans,
      cost: ATTENTION_SPAN * headSize * 4,
      args: [q, keys, values, records, position, ...sizes, capacity, scale],
    }, {
      operation: "mergeSpans",
      window,
      units: kvHeads,
      cost: spans * spanRecordBytes(group, headSize),
      args: [records, attended, position, ...sizes],
    }];
  }
  const tile = Math.min(tokens, ATTENTION_TILE);
  return [{
    operation: attention,
    window,
    units: kvHeads * Math.ceil(tokens / ATTENTION_TILE),
    cost: (position + tokens) * headSize * 4 * tile,
    // deno-fmt-ignore
    args: [q, keys, values, attended, position, tokens, heads, kvHeads, headSize, capacity, scale],
  }];
}
