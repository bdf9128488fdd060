// Records of spans of positions, see attention_scratch.ts.

import { laneBytesOf } from "./attention_queries";
import { GROUP, LANE_BYTES, LARGEST, SUMS, TOTAL } from "./attention_scratch";
import { expOfNegative } from "./exp";

/** Makes the record of no positions. */
export function beginRecord(record: usize, queries: i32, width: i32): void {
  const groups = <usize> ((queries + GROUP - 1) / GROUP);
  const largest = f32x4.splat(-f32.MAX_VALUE);
  for (let i: usize = 0; i < groups * LANE_BYTES; i += 16) v128.store(record + LARGEST + i, largest);
  memory.fill(record + TOTAL, 0, groups * LANE_BYTES);
  memory.fill(record + SUMS, 0, groups * <usize> width * LANE_BYTES);
}

/** Adds a record to that of the positions before. A query that sees none of its positions stays as it is. */
export function mergeRecord(before: usize, record: usize, queries: i32, width: i32): void {
  let sums = SUMS;
  for (let first = 0; first < queries; first += GROUP) {
    const laneBytes = laneBytesOf(first, queries);
    for (let lane: usize = 0; lane < laneBytes; lane += 16) {
      const state = (<usize> first << 2) + lane;
      mergeLanes(before, record, state, sums + lane, width, laneBytes);
    }
    sums += <usize> width * LANE_BYTES;
  }
}

/** Four queries. state, sums: where theirs lie in the records */
function mergeLanes(
  before: usize,
  record: usize,
  state: usize,
  sums: usize,
  width: i32,
  laneBytes: usize,
): void {
  const more = v128.load(record + TOTAL + state);
  // Where any position is seen, the largest score weighs 1.
  const seen = f32x4.ne(more, f32x4.splat(0));
  if (!v128.any_true(seen)) return;
  const total = v128.load(before + TOTAL + state);
  const largest = v128.load(before + LARGEST + state);
  const other = v128.load(record + LARGEST + state);
  const both = f32x4.pmax(largest, other);
  const factor = expOfNegative(f32x4.sub(largest, both));
  const otherFactor = expOfNegative(f32x4.sub(other, both));
  const sum = f32x4.add(f32x4.mul(total, factor), f32x4.mul(more, otherFactor));
  v128.store(before + TOTAL + state, v128.bitselect(sum, total, seen));
  v128.store(before + LARGEST + state, v128.bitselect(both, largest, seen));
  const end = sums + <usize> width * laneBytes;
  for (let at = sums; at < end; at += laneBytes) {
    const old = v128.load(before + at);
    const merged = f32x4.add(
      f32x4.mul(old, factor),
      f32x4.mul(v128.load(record + at), otherFactor),
    );
    v128.store(before + at, v128.bitselect(merged, old, seen));
  }
}
