// Queries on their way in, results on their way out: rows become lanes, and lanes rows.

import { ACTIVE, GROUP, LANE_BYTES, NO_QUERY, SUMS, TOTAL, VISIBLE } from "./attention_scratch";
import { scratch } from "./scratch";

/** Where the rows of four queries are. */
let row0: usize = 0;
let row1: usize = 0;
let row2: usize = 0;
let row3: usize = 0;

/** Bytes of the lanes of the group that begins with query `first` of `queries`. */
@inline
export function laneBytesOf(first: i32, queries: i32): usize {
  return queries - first > 4 ? LANE_BYTES : 16;
}

/**
 * Loads, times `scale`, the queries `first` to `last` of a tile, counted token by token: query i is of
 * token i / group. Lanes that are left over are filled with zeros, and see what the last query sees.
 *
 * q: [tokens, heads, headSize], from the tile's first token and the first head on
 */
export function loadQueries(
  q: usize,
  firstPosition: i32,
  first: i32,
  last: i32,
  group: i32,
  tokenBytes: usize,
  headSize: i32,
  scale: f32,
): void {
  const headBytes = <usize> headSize << 2;
  memory.fill(scratch + NO_QUERY, 0, headBytes);
  const queries = last - first;
  for (let index = 0; index < queries; index += 4) {
    findRows(q, first + index, last, group, tokenBytes, headBytes);
    const lanes = scratch + ACTIVE + <usize> (index / GROUP) * (headBytes * GROUP);
    rowsToLanes(lanes + (<usize> (index & 4) << 2), laneBytesOf(index & -GROUP, queries), headSize, scale);
  }
  const lanes = (queries + GROUP - 1) & -GROUP;
  for (let index = 0; index < lanes; index++) {
    const token = min(first + index, last - 1) / group;
    store<i32>(scratch + VISIBLE + (<usize> index << 2), firstPosition + token + 1);
  }
}

/**
 * Writes the sums of values, divided by the sums of weights.
 *
 * out: as q of {@linkcode loadQueries}
 */
export function storeResults(
  record: usize,
  out: usize,
  first: i32,
  last: i32,
  group: i32,
  tokenBytes: usize,
  headSize: i32,
): void {
  const headBytes = <usize> headSize << 2;
  const groupBytes = <usize> ((headSize + 3) & ~3) * LANE_BYTES;
  const queries = last - first;
  for (let index = 0; index < queries; index += 4) {
    findRows(out, first + index, last, group, tokenBytes, headBytes);
    const lanes = record + SUMS + <usize> (index / GROUP) * groupBytes;
    const total = v128.load(record + TOTAL + (<usize> index << 2));
    const factor = f32x4.div(f32x4.splat(1), total);
    lanesToRows(lanes + (<usize> (index & 4) << 2), laneBytesOf(index & -GROUP, queries), headSize, factor);
  }
}

/** The rows of the queries from `query` on; those from `last` on are of no query. */
function findRows(
  x: usize,
  query: i32,
  last: i32,
  group: i32,
  tokenBytes: usize,
  headBytes: usize,
): void {
  row0 = rowOf(x, query, last, group, tokenBytes, headBytes);
  row1 = rowOf(x, query + 1, last, group, tokenBytes, headBytes);
  row2 = rowOf(x, query + 2, last, group, tokenBytes, headBytes);
  row3 = rowOf(x, query + 3, last, group, tokenBytes, headBytes);
}

function rowOf(
  x: usize,
  query: i32,
  last: i32,
  group: i32,
  tokenBytes: usize,
  headBytes: usize,
): usize {
  if (query >= last) return scratch + NO_QUERY;
  return x + <usize> (query / group) * tokenBytes + <usize> (query % group) * headBytes;
}

/** to: [headSize, laneBytes / 4], of which these are four lanes */
function rowsToLanes(to: usize, laneBytes: usize, headSize: i32, scale: f32): void {
  const scales = f32x4.splat(scale);
  let a = row0, b = row1, c = row2, d = row3;
  let left = headSize;
  for (; left >= 4; left -= 4) {
    storeTransposed(
      f32x4.mul(v128.load(a), scales),
      f32x4.mul(v128.load(b), scales),
      f32x4.mul(v128.load(c), scales),
      f32x4.mul(v128.load(d), scales),
      to,
      to + laneBytes,
      to + 2 * laneBytes,
      to + 3 * laneBytes,
    );
    a += 16;
    b += 16;
    c += 16;
    d += 16;
    to += 4 * laneBytes;
  }
  for (; left > 0; left--) {
    v128.store(to, f32x4.mul(f32x4(load<f32>(a), load<f32>(b), load<f32>(c), load<f32>(d)), scales));
    a += 4;
    b += 4;
    c += 4;
    d += 4;
    to += laneBytes;
  }
}

/** from: [headSize, laneBytes / 4], of which these are four lanes */
function lanesToRows(from: usize, laneBytes: usize, headSize: i32, factor: v128): void {
  let a = row0, b = row1, c = row2, d = row3;
  let left = headSize;
  for (; left >= 4; left -= 4) {
    storeTransposed(
      f32x4.mul(v128.load(from), factor),
      f32x4.mul(v128.load(from + laneBytes), factor),
      f32x4.mul(v128.load(from + 2 * laneBytes), factor),
      f32x4.mul(v128.load(from + 3 * laneBytes), factor),
      a,
      b,
      c,
      d,
    );
    a += 16;
    b += 16;
    c += 16;
    d += 16;
    from += 4 * laneBytes;
  }
  for (; left > 0; left--) {
    const lanes = f32x4.mul(v128.load(from), factor);
    v128.store_lane<f32>(a, lanes, 0);
    v128.store_lane<f32>(b, lanes, 1);
    v128.store_lane<f32>(c, lanes, 2);
    v128.store_lane<f32>(d, lanes, 3);
    a += 4;
    b += 4;
    c += 4;
    d += 4;
    from += laneBytes;
  }
}

/** Stores the four columns of the rows a to d. */
@inline
function storeTransposed(
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  to0: usize,
  to1: usize,
  to2: usize,
  to3: usize,
): void {
  const abLow = v128.shuffle<i32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cdLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to0, v128.shuffle<i64>(abLow, cdLow, 0, 2));
  v128.store(to1, v128.shuffle<i64>(abLow, cdLow, 1, 3));
  v128.store(to2, v128.shuffle<i64>(abHigh, cdHigh, 0, 2));
  v128.store(to3, v128.shuffle<i64>(abHigh, cdHigh, 1, 3));
}
