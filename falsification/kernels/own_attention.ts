/**
 * Attention as the engine's kernels have it.
 *
 * @module
 */
import { ATTENTION_TILE, MAX_SPLIT_GROUP } from "../../kernels/constants.ts";
import {
  attentionSpans,
  KV_FORMATS,
  kvBytes,
  type KvFormat,
  type KvFormatInfo,
  spanRecordBytes,
} from "../../kernels/kv_formats.ts";
import { type AttentionCase, tokensOf } from "./attention_truth.ts";
import type { OwnKernels } from "./own_kernels.ts";

/** Attention under test. */
export interface Attention {
  /**
   * Puts keys and values into a cache, and attends to it.
   *
   * @returns [tokens, heads, headSize]
   * @throws if heads are wider than MAX_HEAD_SIZE
   */
  attend(attended: AttentionCase): Float32Array;
}

/** Positions that the cache has room for beyond those that are used; they hold NaN. */
const SPARE = 3;

/** Tokens that come alone are attended to span by span, as in a session. */
export function engineAttention({ kernels, memory }: OwnKernels): Attention {
  /** [positions, kvHeads, headSize] f32 in a cache that holds NaN elsewhere */
  function cached(
    format: KvFormat,
    append: KvFormatInfo["appendKeys" | "appendValues"],
    x: Float32Array,
    kvHeads: number,
    headSize: number,
  ): [number, number] {
    const positions = x.length / (kvHeads * headSize);
    const capacity = positions + SPARE;
    const from = memory.put(x);
    const cache = memory.reserve(kvBytes(format, kvHeads, headSize, capacity));
    kernels[append](0, positions, from, cache, 0, kvHeads, headSize, capacity);
    return [cache, capacity];
  }

  return {
    attend(attended) {
      memory.reset();
      const { heads, kvHeads, headSize, firstPosition, format = "f16" } = attended;
      const { appendKeys, appendValues, attention, attendSpans } = KV_FORMATS[format];
      const tokens = tokensOf(attended);
      const [keys, capacity] = cached(format, appendKeys, attended.keys, kvHeads, headSize);
      const [values] = cached(format, appendValues, attended.values, kvHeads, headSize);
      const q = memory.put(attended.q);
      const out = memory.reserve(attended.q.byteLength);
      const scale = 1 / Math.sqrt(headSize);
      const sizes = [heads, kvHeads, headSize] as const;
      if (tokens > 1 || heads / kvHeads > MAX_SPLIT_GROUP) {
        const units = kvHeads * Math.ceil(tokens / ATTENTION_TILE);
        // deno-fmt-ignore
        kernels[attention](0, units, q, keys, values, out, firstPosition, tokens, ...sizes, capacity, scale);
      } else {
        const units = kvHeads * attentionSpans(firstPosition + 1);
        const records = memory.reserve(units * spanRecordBytes(heads / kvHeads, headSize));
        kernels[attendSpans](
          0,
          units,
          q,
          keys,
          values,
          records,
          firstPosition,
          ...sizes,
          capacity,
          scale,
        );
        kernels.mergeSpans(0, kvHeads, records, out, firstPosition, ...sizes);
      }
      memory.assertGuards();
      return memory.floats(out, attended.q.length);
    },
  };
}
