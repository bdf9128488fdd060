// The products of attention. Both are the same sum, sums[j] += tile[i, j] * lanes[i] over i: of keys,
// i is an element, j one of four positions, and the lanes are a group's queries; of values, i is a
// position, j one of four elements, and the lanes are weights. Queries are lanes in both, so nothing is
// ever transposed and no sum goes across lanes.
//
// V8 unrolls loops as short as these four times, and then checks addresses against the size of the
// memory more cheaply than in code that is unrolled by hand.

import { UNPACKED } from "./attention_scratch";
import { scratch } from "./scratch";

/**
 * sums = rescale * sums + the sum of products, for a group of 8 queries. Without `rescale` (0) it is
 * the sum of products alone.
 *
 * the unpacked tile: [count, 4]; lanes: [count, 8]; sums: [4, 8]; rescale: [8]
 */
export function multiplyEight(lanes: usize, count: i32, sums: usize, rescale: usize): void {
  let sum00 = f32x4.splat(0);
  let sum01 = sum00, sum10 = sum00, sum11 = sum00;
  let sum20 = sum00, sum21 = sum00, sum30 = sum00, sum31 = sum00;
  if (rescale != 0) {
    const low = v128.load(rescale), high = v128.load(rescale, 16);
    sum00 = f32x4.mul(v128.load(sums), low);
    sum01 = f32x4.mul(v128.load(sums, 16), high);
    sum10 = f32x4.mul(v128.load(sums, 32), low);
    sum11 = f32x4.mul(v128.load(sums, 48), high);
    sum20 = f32x4.mul(v128.load(sums, 64), low);
    sum21 = f32x4.mul(v128.load(sums, 80), high);
    sum30 = f32x4.mul(v128.load(sums, 96), low);
    sum31 = f32x4.mul(v128.load(sums, 112), high);
  }
  let tile = scratch + UNPACKED;
  const end = tile + (<usize> count << 4);
  for (; tile < end; tile += 16, lanes += 32) {
    const four = v128.load(tile);
    const low = v128.load(lanes), high = v128.load(lanes, 16);
    let one = v128.shuffle<f32>(four, four, 0, 0, 0, 0);
    sum00 = f32x4.add(sum00, f32x4.mul(one, low));
    sum01 = f32x4.add(sum01, f32x4.mul(one, high));
    one = v128.shuffle<f32>(four, four, 1, 1, 1, 1);
    sum10 = f32x4.add(sum10, f32x4.mul(one, low));
    sum11 = f32x4.add(sum11, f32x4.mul(one, high));
    one = v128.shuffle<f32>(four, four, 2, 2, 2, 2);
    sum20 = f32x4.add(sum20, f32x4.mul(one, low));
    sum21 = f32x4.add(sum21, f32x4.mul(one, high));
    // From memory, for the units that shuffle have the most to do.
    one = v128.load32_splat(tile, 12);
    sum30 = f32x4.add(sum30, f32x4.mul(one, low));
    sum31 = f32x4.add(sum31, f32x4.mul(one, high));
  }
  v128.store(sums, sum00);
  v128.store(sums, sum01, 16);
  v128.store(sums, sum10, 32);
  v128.store(sums, sum11, 48);
  v128.store(sums, sum20, 64);
  v128.store(sums, sum21, 80);
  v128.store(sums, sum30, 96);
  v128.store(sums, sum31, 112);
}

/** As {@linkcode multiplyEight} for a group of 4 queries. lanes: [count, 4]; sums: [4, 4]; rescale: [4] */
export function multiplyFour(lanes: usize, count: i32, sums: usize, rescale: usize): void {
  let sum0 = f32x4.splat(0);
  let sum1 = sum0, sum2 = sum0, sum3 = sum0;
  if (rescale != 0) {
    const factor = v128.load(rescale);
    sum0 = f32x4.mul(v128.load(sums), factor);
    sum1 = f32x4.mul(v128.load(sums, 16), factor);
    sum2 = f32x4.mul(v128.load(sums, 32), factor);
    sum3 = f32x4.mul(v128.load(sums, 48), factor);
  }
  let tile = scratch + UNPACKED;
  const end = tile + (<usize> count << 4);
  for (; tile < end; tile += 16, lanes += 16) {
    const four = v128.load(tile);
    const all = v128.load(lanes);
    sum0 = f32x4.add(sum0, f32x4.mul(v128.shuffle<f32>(four, four, 0, 0, 0, 0), all));
    sum1 = f32x4.add(sum1, f32x4.mul(v128.shuffle<f32>(four, four, 1, 1, 1, 1), all));
    sum2 = f32x4.add(sum2, f32x4.mul(v128.shuffle<f32>(four, four, 2, 2, 2, 2), all));
    sum3 = f32x4.add(sum3, f32x4.mul(v128.load32_splat(tile, 12), all));
  }
  v128.store(sums, sum0);
  v128.store(sums, sum1, 16);
  v128.store(sums, sum2, 32);
  v128.store(sums, sum3, 48);
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
  // x + -0 is x for any x, be it 0 or -0.
  const nothing = f32x4.splat(-0.0);
  for (let row = from; row < to; row++) {
    const tile = scratch + UNPACKED + (<usize> row << 4);
    const weights = lanes + <usize> row * laneBytes;
    for (let lane: usize = 0; lane < laneBytes; lane += 16) {
      const seen = i32x4.gt_s(v128.load(visible + lane), i32x4.splat(block + row));
      const weight = v128.load(weights + lane);
      for (let element: usize = 0; element < 4; element++) {
        const sum = sums + element * laneBytes + lane;
        const product = f32x4.mul(v128.load32_splat(tile + 4 * element), weight);
        v128.store(sum, f32x4.add(v128.load(sum), v128.bitselect(product, nothing, seen)));
      }
    }
  }
}
