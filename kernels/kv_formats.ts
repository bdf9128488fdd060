/**
 * How the KV cache keeps keys and values, and what reads and writes it.
 *
 * Keys and values lie apart, each key-value head's by themselves, in blocks of `KV_BLOCK` positions.
 * What a block looks like inside is the kernels' own business: see assembly/kv_f16.ts, and
 * oracles/kv_layout.ts, which reads it back.
 *
 * @module
 */
import { ATTENTION_SPAN, KV_BLOCK } from "./constants.ts";

/** Largest scores and sums of weights, which a record begins with. */
const RECORD_STATE_BYTES = 512;

/** Formats of keys and values. */
export type KvFormat = "f16";

/** The operations of a format. */
export interface KvOperations {
  readonly appendKeys: "appendKeysF16";
  readonly appendValues: "appendValuesF16";
  readonly attention: "attentionF16";
  readonly attendSpans: "attendSpansF16";
}

/** Every format. */
export const KV_FORMATS: Readonly<Record<KvFormat, KvOperations>> = {
  f16: {
    appendKeys: "appendKeysF16",
    appendValues: "appendValuesF16",
    attention: "attentionF16",
    attendSpans: "attendSpansF16",
  },
};

/** Elements of a head that has room for this many: kernels take four at a time. */
function widthOf(headSize: number): number {
  return Math.ceil(headSize / 4) * 4;
}

/** Bytes of a position's keys, or values, of one head. */
export function kvRowBytes(_format: KvFormat, headSize: number): number {
  return widthOf(headSize) * 2;
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
