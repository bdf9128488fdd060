// Four queries and a block of positions: scores, weights, weighted sums.

import {
  KEYS,
  LARGEST,
  SCORES,
  SCORES_OF_QUERY,
  TOTAL,
  VALUES,
  WEIGHTS,
} from "./attention_scratch";
import { expF32 } from "./exp";
import { maxF32, sumF32 } from "./lanes";
import { scratch } from "./scratch";

// Dot products of four queries with `count` keys. Lanes beyond hold whatever the scratch held.
export function score(queries: usize, headSize: i32, count: i32): void {
  const end = queries + (<usize> headSize << 4);
  for (let position = 0; position < count; position += 8) {
    let sum00 = f32x4.splat(0);
    let sum01 = sum00;
    let sum10 = sum00;
    let sum11 = sum00;
    let sum20 = sum00;
    let sum21 = sum00;
    let sum30 = sum00;
    let sum31 = sum00;
    let key = scratch + KEYS + (<usize> position << 2);
    for (let query = queries; query < end; query += 16, key += SCORES_OF_QUERY) {
      const keys0 = v128.load(key);
      const keys1 = v128.load(key, 16);
      const elements = v128.load(query);
      let element = v128.shuffle<f32>(elements, elements, 0, 0, 0, 0);
      sum00 = f32x4.add(sum00, f32x4.mul(element, keys0));
      sum01 = f32x4.add(sum01, f32x4.mul(element, keys1));
      element = v128.shuffle<f32>(elements, elements, 1, 1, 1, 1);
      sum10 = f32x4.add(sum10, f32x4.mul(element, keys0));
      sum11 = f32x4.add(sum11, f32x4.mul(element, keys1));
      element = v128.shuffle<f32>(elements, elements, 2, 2, 2, 2);
      sum20 = f32x4.add(sum20, f32x4.mul(element, keys0));
      sum21 = f32x4.add(sum21, f32x4.mul(element, keys1));
      element = v128.shuffle<f32>(elements, elements, 3, 3, 3, 3);
      sum30 = f32x4.add(sum30, f32x4.mul(element, keys0));
      sum31 = f32x4.add(sum31, f32x4.mul(element, keys1));
    }
    const scores = scratch + SCORES + (<usize> position << 2);
    v128.store(scores, sum00);
    v128.store(scores, sum01, 16);
    v128.store(scores, sum10, SCORES_OF_QUERY);
    v128.store(scores, sum11, SCORES_OF_QUERY + 16);
    v128.store(scores, sum20, 2 * SCORES_OF_QUERY);
    v128.store(scores, sum21, 2 * SCORES_OF_QUERY + 16);
    v128.store(scores, sum30, 3 * SCORES_OF_QUERY);
    v128.store(scores, sum31, 3 * SCORES_OF_QUERY + 16);
  }
}

// Turns a query's scores into weights e^(score - largest) and brings its sums to the new largest.
export function weigh(
  index: i32,
  lane: i32,
  visible: i32,
  scale: f32,
  sums: usize,
  width: i32,
): void {
  if (visible == 0) return;
  const scores = scratch + SCORES + <usize> lane * SCORES_OF_QUERY;
  const state = scratch + (<usize> (index + lane) << 2);
  const before = load<f32>(state + LARGEST);
  const largest = max(before, scaleScores(scores, visible, scale));
  const rescale = f32x4.extract_lane(expF32(f32x4.splat(before - largest)), 0);
  const total = load<f32>(state + TOTAL) * rescale + storeWeights(scores, visible, largest);
  store<f32>(state + LARGEST, largest);
  store<f32>(state + TOTAL, total);
  if (rescale == 1) return;
  const factor = f32x4.splat(rescale);
  for (let i = 0; i < width; i += 4, sums += 16) {
    v128.store(sums, f32x4.mul(v128.load(sums), factor));
  }
}

// Scales in place, fills the last vector up with -infinity and returns the largest.
function scaleScores(scores: usize, visible: i32, scale: f32): f32 {
  for (let i = visible; i & 3; i++) store<f32>(scores + (<usize> i << 2), -Infinity);
  const scales = f32x4.splat(scale);
  let largest = f32x4.splat(-Infinity);
  for (let i = 0; i < visible; i += 4, scores += 16) {
    const scaled = f32x4.mul(v128.load(scores), scales);
    v128.store(scores, scaled);
    largest = f32x4.max(largest, scaled);
  }
  return maxF32(largest);
}

// Returns the sum of the weights.
function storeWeights(scores: usize, visible: i32, largest: f32): f32 {
  const largests = f32x4.splat(largest);
  let sum = f32x4.splat(0);
  for (let i = 0; i < visible; i += 4, scores += 16) {
    const weights = expF32(f32x4.sub(v128.load(scores), largests));
    v128.store(scores, weights);
    sum = f32x4.add(sum, weights);
  }
  return sumF32(sum);
}

export function interleaveWeights(count: i32): void {
  let scores = scratch + SCORES;
  let to = scratch + WEIGHTS;
  for (let position = 0; position < count; position += 4, scores += 16, to += 64) {
    const a = v128.load(scores);
    const b = v128.load(scores, SCORES_OF_QUERY);
    const c = v128.load(scores, 2 * SCORES_OF_QUERY);
    const d = v128.load(scores, 3 * SCORES_OF_QUERY);
    const abLow = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
    const abHigh = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
    const cdLow = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
    const cdHigh = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<u64>(abLow, cdLow, 0, 2));
    v128.store(to, v128.shuffle<u64>(abLow, cdLow, 1, 3), 16);
    v128.store(to, v128.shuffle<u64>(abHigh, cdHigh, 0, 2), 32);
    v128.store(to, v128.shuffle<u64>(abHigh, cdHigh, 1, 3), 48);
  }
}

// Adds the values of the positions `from` to `to`, weighted, to the sums of four queries.
export function addValues(
  from: i32,
  to: i32,
  sums0: usize,
  sums1: usize,
  sums2: usize,
  sums3: usize,
  rowBytes: usize,
): void {
  const weights = scratch + WEIGHTS + (<usize> from << 4);
  const end = scratch + WEIGHTS + (<usize> to << 4);
  for (let column: usize = 0; column < rowBytes; column += 32) {
    let sum00 = v128.load(sums0 + column);
    let sum01 = v128.load(sums0 + column, 16);
    let sum10 = v128.load(sums1 + column);
    let sum11 = v128.load(sums1 + column, 16);
    let sum20 = v128.load(sums2 + column);
    let sum21 = v128.load(sums2 + column, 16);
    let sum30 = v128.load(sums3 + column);
    let sum31 = v128.load(sums3 + column, 16);
    let value = scratch + VALUES + <usize> from * rowBytes + column;
    for (let weight = weights; weight < end; weight += 16, value += rowBytes) {
      const values0 = v128.load(value);
      const values1 = v128.load(value, 16);
      const ws = v128.load(weight);
      let w = v128.shuffle<f32>(ws, ws, 0, 0, 0, 0);
      sum00 = f32x4.add(sum00, f32x4.mul(w, values0));
      sum01 = f32x4.add(sum01, f32x4.mul(w, values1));
      w = v128.shuffle<f32>(ws, ws, 1, 1, 1, 1);
      sum10 = f32x4.add(sum10, f32x4.mul(w, values0));
      sum11 = f32x4.add(sum11, f32x4.mul(w, values1));
      w = v128.shuffle<f32>(ws, ws, 2, 2, 2, 2);
      sum20 = f32x4.add(sum20, f32x4.mul(w, values0));
      sum21 = f32x4.add(sum21, f32x4.mul(w, values1));
      w = v128.shuffle<f32>(ws, ws, 3, 3, 3, 3);
      sum30 = f32x4.add(sum30, f32x4.mul(w, values0));
      sum31 = f32x4.add(sum31, f32x4.mul(w, values1));
    }
    v128.store(sums0 + column, sum00);
    v128.store(sums0 + column, sum01, 16);
    v128.store(sums1 + column, sum10);
    v128.store(sums1 + column, sum11, 16);
    v128.store(sums2 + column, sum20);
    v128.store(sums2 + column, sum21, 16);
    v128.store(sums3 + column, sum30);
    v128.store(sums3 + column, sum31, 16);
  }
}
