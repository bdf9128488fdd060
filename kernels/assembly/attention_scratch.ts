// How attention uses a thread's scratch, in byte offsets. All arrays are f32 unless a comment says
// otherwise. `width` is the head size, rounded up to a multiple of four. A group is 8 queries, or 4
// where no more are left: its `lanes`.

import { KV_BLOCK, MAX_HEAD_SIZE, MAX_SPLIT_GROUP } from "../constants";

// Queries in flight. A tile of more takes several rounds, and spans are for those of one round.
export const QUERIES = MAX_SPLIT_GROUP;
export const GROUP = 8;
export const LANE_BYTES: usize = 4 * GROUP;

// What came of a span of positions: each query's largest score, its sum of weights, and its sums of
// weighted values. Also how such a record lies outside of scratch, with as many groups as there are.
export const LARGEST: usize = 0; // [QUERIES]
export const TOTAL: usize = LARGEST + 4 * QUERIES; // [QUERIES]
export const SUMS: usize = TOTAL + 4 * QUERIES; // [groups, width, lanes], LANE_BYTES apart by element
const RECORD_BYTES: usize = SUMS + 4 * QUERIES * MAX_HEAD_SIZE;

export const FIRST_RECORD: usize = 0;
export const NEXT_RECORD: usize = FIRST_RECORD + RECORD_BYTES;
export const ACTIVE: usize = NEXT_RECORD + RECORD_BYTES; // [groups, headSize, lanes]: the queries
export const UNPACKED: usize = ACTIVE + 4 * QUERIES * MAX_HEAD_SIZE; // [headSize or KV_BLOCK, 4]
export const SCORES: usize = UNPACKED + 16 * MAX_HEAD_SIZE; // [groups, KV_BLOCK, lanes]: then weights
export const RESCALE: usize = SCORES + LANE_BYTES * KV_BLOCK * (QUERIES / GROUP); // [QUERIES]
export const VISIBLE: usize = RESCALE + 4 * QUERIES; // [QUERIES] i32: positions that a query sees
export const LEAST: usize = VISIBLE + 4 * QUERIES; // [groups] i32: of a block, those all of a group see
export const MOST: usize = LEAST + 4 * (QUERIES / GROUP); // [groups] i32: those any of a group sees
export const NO_QUERY: usize = MOST + 4 * (QUERIES / GROUP); // [headSize]: zeros
export const SCALES: usize = NO_QUERY + 4 * MAX_HEAD_SIZE; // [KV_BLOCK]: of the values of a format with blocks
export const END: usize = SCALES + 4 * KV_BLOCK;
