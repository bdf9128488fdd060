// The products of attention. Both are the same sum, sums[j] += tile[i, j] * lanes[i] over i: of keys,
// i is an element, j one of four positions, and the lanes are a group's queries; of values, i is a
// position, j one of four elements, and the lanes are weights. Queries are lanes in both, so nothing is
// ever transposed and no sum goes across lanes.
//
// To multiply each of four rows j by each lane without a shuffle for each row, two rows lie side by side
// in a vector twice, r s r s. Times the lanes, and times the lanes with neighbours exchanged, that is
// r0 s1 r2 s3 and r1 s0 r3 s2: two vectors of sums from which those of r and s are picked in the end.
//
// V8 unrolls loops as short as these four times, and then checks addresses against the size of the
// memory more cheaply than in code that is unrolled by hand.

import { multiplyAdd } from "./multiply_add";
import { UNPACKED } from "./attention_scratch";
import { scratch } from "./scratch";

/** r0 s1 r2 s3 of r and s. */
@inline
function straightOf(r: v128, s: v128): v128 {
  return v128.shuffle<f32>(r, s, 0, 5, 2, 7);
}

/** r1 s0 r3 s2 of r and s. */
@inline
function crossedOf(r: v128, s: v128): v128 {
  return v128.shuffle<f32>(r, s, 1, 4, 3, 6);
}

/** Neighbours change places. */
@inline
function exchanged(lanes: v128): v128 {
  return v128.shuffle<f32>(lanes, lanes, 1, 0, 3, 2);
}

/** r of the sums r0 s1 r2 s3 and r1 s0 r3 s2. */
@inline
function firstRow(straight: v128, crossed: v128): v128 {
  return v128.shuffle<f32>(straight, crossed, 0, 4, 2, 6);
}

/** s of the sums r0 s1 r2 s3 and r1 s0 r3 s2. */
@inline
function secondRow(straight: v128, crossed: v128): v128 {
  return v128.shuffle<f32>(straight, crossed, 5, 1, 7, 3);
}

/**
 * sums = rescale * sums + the sum of products, for a group of 8 queries. Without `rescale` (0) it is
 * the sum of products alone.
 *
 * the unpacked tile: [count, 4]; lanes: [count, 8]; sums: [4, 8]; rescale: [8]
 */
export function multiplyEight(lanes: usize, count: i32, sums: usize, rescale: usize): void {
  // Of the rows 0 and 1, and 2 and 3, with the lanes 0 to 3, and 4 to 7.
  let straight01 = f32x4.splat(0);
  let crossed01 = straight01, straight23 = straight01, crossed23 = straight01;
  let high01 = straight01, highCrossed01 = straight01;
  let high23 = straight01, highCrossed23 = straight01;
  if (rescale != 0) {
    let factor = v128.load(rescale);
    let r = f32x4.mul(v128.load(sums), factor), s = f32x4.mul(v128.load(sums, 32), factor);
    straight01 = straightOf(r, s);
    crossed01 = crossedOf(r, s);
    r = f32x4.mul(v128.load(sums, 64), factor), s = f32x4.mul(v128.load(sums, 96), factor);
    straight23 = straightOf(r, s);
    crossed23 = crossedOf(r, s);
    factor = v128.load(rescale, 16);
    r = f32x4.mul(v128.load(sums, 16), factor), s = f32x4.mul(v128.load(sums, 48), factor);
    high01 = straightOf(r, s);
    highCrossed01 = crossedOf(r, s);
    r = f32x4.mul(v128.load(sums, 80), factor), s = f32x4.mul(v128.load(sums, 112), factor);
    high23 = straightOf(r, s);
    highCrossed23 = crossedOf(r, s);
  }
  let tile = scratch + UNPACKED;
  const end = tile + (<usize> count << 4);
  for (; tile < end; tile += 16, lanes += 32) {
    const rows01 = v128.load64_splat(tile), rows23 = v128.load64_splat(tile, 8);
    let four = v128.load(lanes);
    straight01 = multiplyAdd(rows01, four, straight01);
    straight23 = multiplyAdd(rows23, four, straight23);
    four = exchanged(four);
    crossed01 = multiplyAdd(rows01, four, crossed01);
    crossed23 = multiplyAdd(rows23, four, crossed23);
    four = v128.load(lanes, 16);
    high01 = multiplyAdd(rows01, four, high01);
    high23 = multiplyAdd(rows23, four, high23);
    four = exchanged(four);
    highCrossed01 = multiplyAdd(rows01, four, highCrossed01);
    highCrossed23 = multiplyAdd(rows23, four, highCrossed23);
  }
  v128.store(sums, firstRow(straight01, crossed01));
  v128.store(sums, firstRow(high01, highCrossed01), 16);
  v128.store(sums, secondRow(straight01, crossed01), 32);
  v128.store(sums, secondRow(high01, highCrossed01), 48);
  v128.store(sums, firstRow(straight23, crossed23), 64);
  v128.store(sums, firstRow(high23, highCrossed23), 80);
  v128.store(sums, secondRow(straight23, crossed23), 96);
  v128.store(sums, secondRow(high23, highCrossed23), 112);
}

/** As {@linkcode multiplyEight} for a group of 4 queries. lanes: [count, 4]; sums: [4, 4]; rescale: [4] */
export function multiplyFour(lanes: usize, count: i32, sums: usize, rescale: usize): void {
  let straight01 = f32x4.splat(0);
  let crossed01 = straight01, straight23 = straight01, crossed23 = straight01;
  if (rescale != 0) {
    const factor = v128.load(rescale);
    let r = f32x4.mul(v128.load(sums), factor), s = f32x4.mul(v128.load(sums, 16), factor);
    straight01 = straightOf(r, s);
    crossed01 = crossedOf(r, s);
    r = f32x4.mul(v128.load(sums, 32), factor), s = f32x4.mul(v128.load(sums, 48), factor);
    straight23 = straightOf(r, s);
    crossed23 = crossedOf(r, s);
  }
  let tile = scratch + UNPACKED;
  const end = tile + (<usize> count << 4);
  for (; tile < end; tile += 16, lanes += 16) {
    const rows01 = v128.load64_splat(tile), rows23 = v128.load64_splat(tile, 8);
    let four = v128.load(lanes);
    straight01 = multiplyAdd(rows01, four, straight01);
    straight23 = multiplyAdd(rows23, four, straight23);
    four = exchanged(four);
    crossed01 = multiplyAdd(rows01, four, crossed01);
    crossed23 = multiplyAdd(rows23, four, crossed23);
  }
  v128.store(sums, firstRow(straight01, crossed01));
  v128.store(sums, secondRow(straight01, crossed01), 16);
  v128.store(sums, firstRow(straight23, crossed23), 32);
  v128.store(sums, secondRow(straight23, crossed23), 48);
}

/**
 * Goes on where not all queries of a group see as far: adds the products of the rows `from` to `to` to
 * the sums of those that see them. What the others do not see may be infinite or NaN.
 *
 * lanes: [to, laneBytes / 4]; sums: [4, laneBytes / 4]; visible: [laneBytes / 4] i32, positions that a
 * lane sees; block: the position of row 0
 */
export function multiplyVisible(
  lanes: usize,
  from: i32,
  to: i32,
  sums: usize,
  visible: usize,
  block: i32,
  laneBytes: usize,
): void {
  for (let row = from; row < to; row++) {
    const tile = scratch + UNPACKED + (<usize> row << 4);
    const weights = lanes + <usize> row * laneBytes;
    for (let lane: usize = 0; lane < laneBytes; lane += 16) {
      const seen = i32x4.gt_s(v128.load(visible + lane), i32x4.splat(block + row));
      const weight = v128.load(weights + lane);
      for (let element: usize = 0; element < 4; element++) {
        const sum = sums + element * laneBytes + lane;
        const before = v128.load(sum);
        const after = multiplyAdd(v128.load32_splat(tile + 4 * element), weight, before);
        v128.store(sum, v128.bitselect(after, before, seen));
      }
    }
  }
}
