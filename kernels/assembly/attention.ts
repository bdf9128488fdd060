// Attention with an online softmax (Milakov and Gimelshein 2018; Dao et al. 2022): positions go by in
// blocks, and a query keeps its largest score so far, the sum of its weights and its weighted sum
// of values, both rescaled when a larger score comes.
//
// Blocks begin at multiples of POSITIONS, and within one a query adds position by position. So the
// bits of its result depend on the positions that it sees and on nothing else: not on the tile, nor
// on the batch. A block of keys and values is converted to f32 once, for all queries of the tile;
// queries are multiplied four at a time, so that an element loaded serves four.

import { ATTENTION_TILE, MAX_HEAD_SIZE, SCRATCH_BYTES } from "../constants";
import { addValues, interleaveWeights, score, weigh } from "./attention_block";
import {
  ACTIVE,
  END,
  LARGEST,
  POSITIONS,
  QUERIES,
  SUMS,
  TOTAL,
  UNUSED,
} from "./attention_scratch";
import { unpackKeys, unpackValues } from "./attention_unpack";
import { scratch } from "./scratch";

export function attention(
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
  if (END > <usize> SCRATCH_BYTES) ERROR("SCRATCH_BYTES in constants.ts is too small for attention.");
  if (headSize > MAX_HEAD_SIZE) unreachable();
  const group = heads / kvHeads;
  const tokenBytes = <usize> heads * <usize> headSize << 2;
  const cacheBytes = <usize> capacity * <usize> headSize << 1;
  for (let unit = start; unit < end; unit++) {
    const kvHead = unit % kvHeads;
    const token = unit / kvHeads * ATTENTION_TILE;
    const queries = min(ATTENTION_TILE, tokens - token) * group;
    const offset = <usize> token * tokenBytes + (<usize> (kvHead * group) * <usize> headSize << 2);
    for (let query = 0; query < queries; query += QUERIES) {
      attend(
        q + offset,
        keys + <usize> kvHead * cacheBytes,
        values + <usize> kvHead * cacheBytes,
        out + offset,
        firstPosition + token,
        query,
        min(query + QUERIES, queries),
        group,
        tokenBytes,
        headSize,
        scale,
      );
    }
  }
}

// The queries `first` to `last` of a tile, counted token by token; query i is of token i / group.
function attend(
  q: usize,
  keys: usize,
  values: usize,
  out: usize,
  firstPosition: i32,
  first: i32,
  last: i32,
  group: i32,
  tokenBytes: usize,
  headSize: i32,
  scale: f32,
): void {
  const rowBytes = <usize> headSize << 1;
  const width = (headSize + 7) & ~7;
  const visible = firstPosition + (last - 1) / group + 1;
  loadQueries(q, first, last, group, tokenBytes, headSize);
  memory.fill(scratch + SUMS, 0, <usize> (last - first) * <usize> width << 2);
  for (let block = 0; block < visible; block += POSITIONS) {
    const count = min(POSITIONS, visible - block);
    unpackKeys(keys + <usize> block * rowBytes, count, headSize);
    unpackValues(values + <usize> block * rowBytes, count, headSize, width);
    for (let query = first; query < last; query += 4) {
      attendToBlock(firstPosition - block, query, first, last, group, headSize, width, scale);
    }
  }
  storeSums(out, first, last, group, tokenBytes, headSize, width);
}

// Four queries and one block of positions. `firstPosition` is counted from the block's begin.
function attendToBlock(
  firstPosition: i32,
  query: i32,
  first: i32,
  last: i32,
  group: i32,
  headSize: i32,
  width: i32,
  scale: f32,
): void {
  const visible0 = visibleInBlock(firstPosition, query, last, group);
  const visible1 = visibleInBlock(firstPosition, query + 1, last, group);
  const visible2 = visibleInBlock(firstPosition, query + 2, last, group);
  const visible3 = visibleInBlock(firstPosition, query + 3, last, group);
  const most = max(max(visible0, visible1), max(visible2, visible3));
  const index = query - first;
  score(scratch + ACTIVE + (<usize> index * <usize> headSize << 2), headSize, most);

  const sumBytes = <usize> width << 2;
  const sums = scratch + SUMS + <usize> index * sumBytes;
  weigh(index, 0, visible0, scale, sums, width);
  weigh(index, 1, visible1, scale, sums + sumBytes, width);
  weigh(index, 2, visible2, scale, sums + 2 * sumBytes, width);
  weigh(index, 3, visible3, scale, sums + 3 * sumBytes, width);

  interleaveWeights(most);

  // Queries of several tokens do not all see as far: one that sees no more adds to UNUSED.
  const unused = scratch + UNUSED;
  let from = 0;
  while (from < most) {
    let to = most;
    to = nearerEnd(from, to, visible0);
    to = nearerEnd(from, to, visible1);
    to = nearerEnd(from, to, visible2);
    to = nearerEnd(from, to, visible3);
    addValues(
      from,
      to,
      from < visible0 ? sums : unused,
      from < visible1 ? sums + sumBytes : unused,
      from < visible2 ? sums + 2 * sumBytes : unused,
      from < visible3 ? sums + 3 * sumBytes : unused,
      sumBytes,
    );
    from = to;
  }
}

function visibleInBlock(firstPosition: i32, query: i32, last: i32, group: i32): i32 {
  if (query >= last) return 0;
  return min(max(firstPosition + query / group + 1, 0), POSITIONS);
}

@inline
function nearerEnd(from: i32, to: i32, visible: i32): i32 {
  return visible > from && visible < to ? visible : to;
}

// Interleaves four queries to [headSize, 4], with zeros where there are fewer.
function loadQueries(
  q: usize,
  first: i32,
  last: i32,
  group: i32,
  tokenBytes: usize,
  headSize: i32,
): void {
  const headBytes = <usize> headSize << 2;
  memory.fill(scratch + ACTIVE, 0, <usize> ((last - first + 3) & ~3) * headBytes);
  for (let query = first; query < last; query++) {
    const index = query - first;
    const from = q + <usize> (query / group) * tokenBytes + <usize> (query % group) * headBytes;
    const to = scratch + ACTIVE + <usize> (index & ~3) * headBytes + (<usize> (index & 3) << 2);
    for (let i: usize = 0; i < headBytes; i += 4) store<f32>(to + 4 * i, load<f32>(from + i));
    store<f32>(scratch + LARGEST + (<usize> index << 2), -f32.MAX_VALUE);
    store<f32>(scratch + TOTAL + (<usize> index << 2), 0);
  }
}

// The sums of values, divided by the sums of weights.
function storeSums(
  out: usize,
  first: i32,
  last: i32,
  group: i32,
  tokenBytes: usize,
  headSize: i32,
  width: i32,
): void {
  const headBytes = <usize> headSize << 2;
  for (let query = first; query < last; query++) {
    const index = <usize> (query - first);
    const from = scratch + SUMS + index * (<usize> width << 2);
    const to = out + <usize> (query / group) * tokenBytes + <usize> (query % group) * headBytes;
    const factor: f32 = 1 / load<f32>(scratch + TOTAL + (index << 2));
    for (let i: usize = 0; i < headBytes; i += 4) store<f32>(to + i, load<f32>(from + i) * factor);
  }
}
