/**
 * How the KV cache keeps keys and values, and what reads and writes it.
 *
 * Keys and values lie apart, each key-value head's by themselves, in blocks of `KV_BLOCK` positions.
 * What a block looks like inside is the kernels' own business: see assembly/kv_f16.ts and
 * assembly/kv_q8_0.ts, and oracles/kv.ts, which reads it back.
 *
 * @module
 */
import { ATTENTION_SPAN, KV_BLOCK, MAX_SPLIT_GROUP } from "./constants.ts";

/** The largest scores and the sums of weights, f32, which a record begins with. */
const RECORD_STATE_BYTES = 2 * 4 * MAX_SPLIT_GROUP;

/** Formats of keys and values. */
export type KvFormat = "f16" | "q8_0";

/** A format's operations, and the elements that it keeps together. */
export interface KvFormatInfo {
  readonly appendKeys: "appendKeysF16" | "appendKeysQ8_0";
  readonly appendValues: "appendValuesF16" | "appendValuesQ8_0";
  readonly attention: "attentionF16" | "attentionQ8_0";
  readonly attendSpans: "attendSpansF16" | "attendSpansQ8_0";
  /** elements of a block: the head size is a multiple of it */
  readonly blockSize: number;
  readonly blockBytes: number;
}

/** Every format. */
export const KV_FORMATS: Readonly<Record<KvFormat, KvFormatInfo>> = {
  f16: {
    appendKeys: "appendKeysF16",
    appendValues: "appendValuesF16",
    attention: "attentionF16",
    attendSpans: "attendSpansF16",
    blockSize: 1,
    blockBytes: 2,
  },
  q8_0: {
    appendKeys: "appendKeysQ8_0",
    appendValues: "appendValuesQ8_0",
    attention: "attentionQ8_0",
    attendSpans: "attendSpansQ8_0",
    blockSize: 32,
    blockBytes: 34,
  },
};

/** Elements of a head that has room for this many: kernels take four at a time. */
function widthOf(headSize: number): number {
  return Math.ceil(headSize / 4) * 4;
}

/** Bytes of a position's keys, or values, of one head. */
export function kvRowBytes(format: KvFormat, headSize: number): number {
  const { blockSize, blockBytes } = KV_FORMATS[format];
  return widthOf(headSize) / blockSize * blockBytes;
}

/** Bytes of the keys, or of the values, of one layer. */
export function kvBytes(
  format: KvFormat,
  kvHeads: number,
  headSize: number,
  capacity: number,
): number {
  return kvHeads * Math.ceil(capacity / KV_BLOCK) * KV_BLOCK * kvRowBytes(format, headSize);
}

/** Spans that `positions` positions are attended to in. */
export function attentionSpans(positions: number): number {
  return Math.ceil(positions / ATTENTION_SPAN);
}

/** Bytes of what `attendSpans` writes for a span of a token, of the queries of one key-value head. */
export function spanRecordBytes(group: number, headSize: number): number {
  return RECORD_STATE_BYTES + Math.ceil(group / 8) * 8 * widthOf(headSize) * 4;
}
