// A block of positions: scores, weights, weighted sums.
//
// A format F of the cache is a class without fields, so `changetype<F>(0)` is an instance of which
// nothing is ever read. It has the methods
//
//   checkWidth(headSize) traps where it can not keep heads of this size
//   blockBytes(width)    bytes of the keys, or of the values, of a block of KV_BLOCK positions
//   unpackKeys(block, position, width)
//                        the keys of four positions, from `position` on, to UNPACKED: [width, 4]
//   unpackValues(block, element, count, width)
//                        four elements of the values of `count` positions to UNPACKED: [count, 4];
//                        called for one element after another

import { KV_BLOCK } from "../constants";
import { multiplyEight, multiplyFour, multiplyVisible } from "./attention_products";
import { laneBytesOf } from "./attention_queries";
import { beginRecord } from "./attention_records";
import {
  ACTIVE,
  GROUP,
  LANE_BYTES,
  LARGEST,
  LEAST,
  MOST,
  RESCALE,
  SCORES,
  SUMS,
  TOTAL,
  VISIBLE,
} from "./attention_scratch";
import { expOfNegative } from "./exp";
import { scratch } from "./scratch";

const SCORES_OF_GROUP: usize = LANE_BYTES * KV_BLOCK;

/** Attends to the positions `begin` to `end`, as far as each query sees them, and writes a record. */
@inline
export function attendToSpan<F>(
  keys: usize,
  values: usize,
  record: usize,
  begin: i32,
  end: i32,
  queries: i32,
  headSize: i32,
): void {
  const format = changetype<F>(0);
  const width = (headSize + 3) & ~3;
  const blockBytes = format.blockBytes(width);
  const offset = <usize> (begin / KV_BLOCK) * blockBytes;
  let blockKeys = keys + offset;
  let blockValues = values + offset;
  beginRecord(record, queries, width);
  for (let block = begin; block < end; block += KV_BLOCK) {
    const count = min(KV_BLOCK, end - block);
    findVisible(block, queries);
    for (let position = 0; position < count; position += 4) {
      format.unpackKeys(blockKeys, position, width);
      scoreFour(position, queries, headSize);
    }
    for (let first = 0; first < queries; first += GROUP) weighGroup(record, block, first, queries);
    for (let element = 0; element < width; element += 4) {
      format.unpackValues(blockValues, element, count, width);
      addFour(record, block, element, queries, width);
    }
    blockKeys += blockBytes;
    blockValues += blockBytes;
  }
}

/** How many positions of a block all queries of each group see, and how many any sees. */
function findVisible(block: i32, queries: i32): void {
  for (let first = 0; first < queries; first += GROUP) {
    // Queries go token by token: the first sees the fewest.
    const last = min(first + GROUP, queries) - 1;
    const least = load<i32>(scratch + VISIBLE + (<usize> first << 2)) - block;
    const most = load<i32>(scratch + VISIBLE + (<usize> last << 2)) - block;
    const group = <usize> (first / GROUP) << 2;
    store<i32>(scratch + LEAST + group, min(max(least, 0), KV_BLOCK));
    store<i32>(scratch + MOST + group, min(max(most, 0), KV_BLOCK));
  }
}

/** Dot products of the queries with the four unpacked keys. */
function scoreFour(position: i32, queries: i32, headSize: i32): void {
  let lanes = scratch + ACTIVE;
  let scores = scratch + SCORES;
  let most = scratch + MOST;
  for (let first = 0; first < queries; first += GROUP) {
    if (load<i32>(most) > position) {
      if (queries - first > 4) {
        multiplyEight(lanes, headSize, scores + <usize> position * LANE_BYTES, 0);
      } else {
        multiplyFour(lanes, headSize, scores + (<usize> position << 4), 0);
      }
    }
    lanes += <usize> headSize * LANE_BYTES;
    scores += SCORES_OF_GROUP;
    most += 4;
  }
}

/** Turns a group's scores into weights e^(score - largest), and says how its sums are to be rescaled. */
function weighGroup(record: usize, block: i32, first: i32, queries: i32): void {
  const group = <usize> (first / GROUP);
  const least = load<i32>(scratch + LEAST + (group << 2));
  const most = load<i32>(scratch + MOST + (group << 2));
  if (most == 0) return;
  const laneBytes = laneBytesOf(first, queries);
  for (let lane: usize = 0; lane < laneBytes; lane += 16) {
    const scores = scratch + SCORES + group * SCORES_OF_GROUP + lane;
    const middle = scores + <usize> least * laneBytes;
    const end = scores + <usize> most * laneBytes;
    const state = (<usize> first << 2) + lane;
    const before = v128.load(record + LARGEST + state);
    // A NaN is never the largest, but its weight is NaN.
    let largest = before;
    for (let at = scores; at < middle; at += laneBytes) {
      largest = f32x4.pmax(largest, v128.load(at));
    }
    const visible = i32x4.sub(v128.load(scratch + VISIBLE + state), i32x4.splat(block));
    for (let at = middle, position = least; at < end; at += laneBytes, position++) {
      const seen = i32x4.gt_s(visible, i32x4.splat(position));
      const masked = v128.bitselect(v128.load(at), f32x4.splat(-Infinity), seen);
      v128.store(at, masked);
      largest = f32x4.pmax(largest, masked);
    }
    const rescale = expOfNegative(f32x4.sub(before, largest));
    let total = f32x4.mul(v128.load(record + TOTAL + state), rescale);
    for (let at = scores; at < end; at += laneBytes) {
      const weights = expOfNegative(f32x4.sub(v128.load(at), largest));
      v128.store(at, weights);
      total = f32x4.add(total, weights);
    }
    v128.store(record + LARGEST + state, largest);
    v128.store(record + TOTAL + state, total);
    v128.store(scratch + RESCALE + state, rescale);
  }
}

/** Adds the four unpacked elements of values, weighted, to the sums of each group. */
function addFour(record: usize, block: i32, element: i32, queries: i32, width: i32): void {
  let groupSums = record + SUMS;
  let weights = scratch + SCORES;
  for (let first = 0; first < queries; first += GROUP) {
    const group = <usize> (first / GROUP);
    const least = load<i32>(scratch + LEAST + (group << 2));
    const most = load<i32>(scratch + MOST + (group << 2));
    const rescale = scratch + RESCALE + group * LANE_BYTES;
    const laneBytes = laneBytesOf(first, queries);
    const sums = groupSums + <usize> element * laneBytes;
    if (most > 0) {
      if (laneBytes == LANE_BYTES) multiplyEight(weights, least, sums, rescale);
      else multiplyFour(weights, least, sums, rescale);
    }
    if (most > least) {
      const visible = scratch + VISIBLE + group * LANE_BYTES;
      multiplyVisible(weights, least, most, sums, visible, block, laneBytes);
    }
    groupSums += <usize> width * LANE_BYTES;
    weights += SCORES_OF_GROUP;
  }
}
