// Attention with an online softmax (Milakov and Gimelshein 2018; Dao et al. 2022): positions go by in
// blocks, and a query keeps its largest score so far, the sum of its weights and its weighted sum
// of values, both rescaled when a larger score comes. At the end of a span of positions that is a
// record, and records are merged (Dao et al. 2023, Flash-Decoding).
//
// Spans and blocks begin at multiples of their sizes, a query adds position by position within a span,
// and records are merged from the first span to the last. So the bits of its result depend on the
// positions that it sees and on nothing else: not on the tile, nor on the batch, nor on who computes
// which span. The keys and values of four positions or elements are converted to f32 at a time, for all
// queries of a tile.

import { ATTENTION_SPAN, ATTENTION_TILE, MAX_HEAD_SIZE, SCRATCH_BYTES } from "../constants";
import { attendToSpan } from "./attention_block";
import { loadQueries, storeResults } from "./attention_queries";
import { mergeRecord } from "./attention_records";
import {
  END,
  FIRST_RECORD,
  GROUP,
  LANE_BYTES,
  NEXT_RECORD,
  QUERIES,
  SUMS,
} from "./attention_scratch";
import { cacheBytes } from "./kv";
import { scratch } from "./scratch";

@inline
export function attend<F>(
  start: i32,
  end: i32,
  q: usize,
  keys: usize,
  values: usize,
  out: usize,
  firstPosition: i32,
  tokens: i32,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
  scale: f32,
): void {
  checkSizes(headSize);
  const width = (headSize + 3) & ~3;
  const group = heads / kvHeads;
  const tokenBytes = <usize> heads * <usize> headSize << 2;
  const headBytes = cacheBytes<F>(headSize, capacity);
  for (let unit = start; unit < end; unit++) {
    const kvHead = unit % kvHeads;
    const token = unit / kvHeads * ATTENTION_TILE;
    const position = firstPosition + token;
    const queries = min(ATTENTION_TILE, tokens - token) * group;
    const offset = <usize> token * tokenBytes + (<usize> (kvHead * group) * <usize> headSize << 2);
    for (let first = 0; first < queries; first += QUERIES) {
      const last = min(first + QUERIES, queries);
      loadQueries(q + offset, position, first, last, group, tokenBytes, headSize, scale);
      const visible = position + (last - 1) / group + 1;
      for (let begin = 0; begin < visible; begin += ATTENTION_SPAN) {
        const record = scratch + (begin == 0 ? FIRST_RECORD : NEXT_RECORD);
        attendToSpan<F>(
          keys + <usize> kvHead * headBytes,
          values + <usize> kvHead * headBytes,
          record,
          begin,
          min(begin + ATTENTION_SPAN, visible),
          last - first,
          headSize,
        );
        if (begin > 0) mergeRecord(scratch + FIRST_RECORD, record, last - first, width);
      }
      storeResults(scratch + FIRST_RECORD, out + offset, first, last, group, tokenBytes, headSize);
    }
  }
}

@inline
export function attendSpans<F>(
  start: i32,
  end: i32,
  q: usize,
  keys: usize,
  values: usize,
  records: usize,
  position: i32,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
  scale: f32,
): void {
  checkSizes(headSize);
  const group = heads / kvHeads;
  if (group > QUERIES) unreachable();
  const headBytes = cacheBytes<F>(headSize, capacity);
  for (let unit = start; unit < end; unit++) {
    const kvHead = unit % kvHeads;
    const begin = unit / kvHeads * ATTENTION_SPAN;
    const from = q + (<usize> (kvHead * group) * <usize> headSize << 2);
    loadQueries(from, position, 0, group, group, 0, headSize, scale);
    attendToSpan<F>(
      keys + <usize> kvHead * headBytes,
      values + <usize> kvHead * headBytes,
      records + <usize> unit * recordBytes(group, headSize),
      begin,
      min(begin + ATTENTION_SPAN, position + 1),
      group,
      headSize,
    );
  }
}

export function mergeSpans(
  start: i32,
  end: i32,
  records: usize,
  out: usize,
  position: i32,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
): void {
  const width = (headSize + 3) & ~3;
  const group = heads / kvHeads;
  const bytes = recordBytes(group, headSize);
  for (let kvHead = start; kvHead < end; kvHead++) {
    const first = records + <usize> kvHead * bytes;
    let record = first;
    for (let begin = ATTENTION_SPAN; begin <= position; begin += ATTENTION_SPAN) {
      record += <usize> kvHeads * bytes;
      mergeRecord(first, record, group, width);
    }
    const to = out + (<usize> (kvHead * group) * <usize> headSize << 2);
    storeResults(first, to, 0, group, group, 0, headSize);
  }
}

/** Bytes of the record of one token's `group` queries. */
function recordBytes(group: i32, headSize: i32): usize {
  const groups = <usize> ((group + GROUP - 1) / GROUP);
  return SUMS + groups * <usize> ((headSize + 3) & ~3) * LANE_BYTES;
}

function checkSizes(headSize: i32): void {
  if (END > <usize> SCRATCH_BYTES) ERROR("SCRATCH_BYTES in constants.ts is too small for attention.");
  if (headSize > MAX_HEAD_SIZE) unreachable();
}
