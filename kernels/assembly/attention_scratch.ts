// How attention uses a thread's scratch.

import { MAX_HEAD_SIZE } from "../constants";

// Positions in a block, queries in flight. A tile of more queries takes several rounds.
export const POSITIONS = 64;
export const QUERIES = 64;

// Byte offsets of arrays of f32. `width` is the head size, rounded up to a multiple of eight.
export const KEYS: usize = 0; // [headSize, POSITIONS]: positions are lanes, so no sums across lanes
export const VALUES: usize = KEYS + 4 * MAX_HEAD_SIZE * POSITIONS; // [POSITIONS, width]
export const ACTIVE: usize = VALUES + 4 * POSITIONS * MAX_HEAD_SIZE; // [QUERIES / 4, headSize, 4]: the queries
export const SUMS: usize = ACTIVE + 4 * QUERIES * MAX_HEAD_SIZE; // [QUERIES, width]: weighted sums of values
export const UNUSED: usize = SUMS + 4 * QUERIES * MAX_HEAD_SIZE; // [width]: where results nobody wants go
export const SCORES: usize = UNUSED + 4 * MAX_HEAD_SIZE; // [4, POSITIONS]: scores, then weights
export const WEIGHTS: usize = SCORES + 4 * 4 * POSITIONS; // [POSITIONS, 4]: the weights, transposed
export const LARGEST: usize = WEIGHTS + 4 * 4 * POSITIONS; // [QUERIES]: largest score so far
export const TOTAL: usize = LARGEST + 4 * QUERIES; // [QUERIES]: sum of weights so far
export const END: usize = TOTAL + 4 * QUERIES;

export const SCORES_OF_QUERY: usize = 4 * POSITIONS;
