// Q6_K, packed: 8 rows by 256 columns in 1,696 bytes, 1% more than the file's 8 blocks.
//
//   0 f32 d of each row, 32 i8 scales [16 parts][8 rows] of 16 columns, 160 quants
//
// 48 bytes of quants are 8 columns. Three times 16 bytes have a weight in bits 0 to 5 of each byte:
// 4 columns of rows 0 to 3, of rows 4 to 7, and the next 4 columns of rows 0 to 3, byte 4 r + c being
// column c of row r. What remains, the next 4 columns of rows 4 to 7, lies in their bits 6 and 7: bits
// 0 and 1 of a weight in the first, 2 and 3 in the second, 4 and 5 in the third.
import { Q8_K_BYTES, Q8_K_CENTERS, Q8_K_SIZE } from "../activation_layouts";
import { dotPairs } from "./dot";
import { inRegister } from "./in_register";
import {
  activationScale,
  highTwice,
  lane0,
  lane1,
  lane2,
  lane3,
  lowTwice,
  matmulPacked,
  storeRows,
  widenHalves,
} from "./packed";

const BLOCK_BYTES: usize = 1696;
const SCALES: usize = 32;
const QUANTS: usize = 160;

/** The weights in bits 6 and 7; what shifts bring over from the neighbouring byte is masked away. */
@inline
function fourth(first: v128, second: v128, third: v128, weight: v128): v128 {
  let upper = i16x8.shr_u(v128.andnot(first, weight), 2);
  upper = i16x8.shr_u(v128.or(upper, v128.andnot(second, weight)), 2);
  return i16x8.shr_u(v128.or(upper, v128.andnot(third, weight)), 2);
}

/** sum + the products of 8 columns of 4 rows, 2 lanes a row, i16x8. */
@inline
function addEight(sum: v128, a: v128, first: v128, b: v128, second: v128): v128 {
  return i16x8.add(i16x8.add(sum, dotPairs(a, first)), dotPairs(b, second));
}

/** Adds dots times the rows' scales, i32x4. */
@inline
function addScaled(sum: v128, dots: v128, scales: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(dots, scales));
}

/** sum + scale · (d · dots), f32x4; dots: i32x4. */
@inline
function addBlock(sum: v128, dots: v128, d: v128, scale: v128): v128 {
  return f32x4.add(sum, f32x4.mul(scale, f32x4.mul(d, f32x4.convert_i32x4_s(dots))));
}

@final
@unmanaged
class PackedQ6_K {
  @inline
  groupBytes(columns: i32): usize {
    return <usize> (columns / Q8_K_SIZE) * BLOCK_BYTES;
  }

  @inline
  dotOne(group: usize, columns: i32, x: usize, out: usize): void {
    const end = group + this.groupBytes(columns);
    const weight = inRegister(i8x16.splat(63));
    let low = f32x4.splat(0), high = low;
    for (; group != end; group += BLOCK_BYTES, x += Q8_K_BYTES) {
      let lowDots = i32x4.splat(0), highDots = lowDots;
      let quants = group, at = x, centers = x;
      for (let part = group; part != group + 128; part += 8, quants += 96, at += 16, centers += 4) {
        const columns16 = v128.load(at), center = v128.load32_splat(centers, Q8_K_CENTERS);
        let p = v128.load(quants, QUANTS), q = v128.load(quants, QUANTS + 16);
        let r = v128.load(quants, QUANTS + 32);
        let a = lane0(columns16), b = lane1(columns16);
        let l = addEight(center, a, v128.and(p, weight), b, v128.and(r, weight));
        let h = addEight(center, a, v128.and(q, weight), b, fourth(p, q, r, weight));
        p = v128.load(quants, QUANTS + 48), q = v128.load(quants, QUANTS + 64);
        r = v128.load(quants, QUANTS + 80);
        a = lane2(columns16), b = lane3(columns16);
        l = addEight(l, a, v128.and(p, weight), b, v128.and(r, weight));
        h = addEight(h, a, v128.and(q, weight), b, fourth(p, q, r, weight));
        const scales = v128.load8x8_s(part, SCALES);
        lowDots = addScaled(lowDots, l, lowTwice(scales));
        highDots = addScaled(highDots, h, highTwice(scales));
      }
      const scale = activationScale(x);
      low = addBlock(low, lowDots, v128.load(group), scale);
      high = addBlock(high, highDots, v128.load(group, 16), scale);
    }
    v128.store(out, low);
    v128.store(out, high, 16);
  }

  @inline
  dotFour(
    group: usize,
    columns: i32,
    quants: usize,
    x: usize,
    xStride: usize,
    out: usize,
    outStride: usize,
    last: usize,
  ): void {
    const end = group + this.groupBytes(columns);
    const weight = inRegister(i8x16.splat(63));
    let low0 = f32x4.splat(0), low1 = low0, low2 = low0, low3 = low0;
    let high0 = low0, high1 = low0, high2 = low0, high3 = low0;
    for (; group != end; group += BLOCK_BYTES, x += Q8_K_BYTES) {
      let lowDots0 = i32x4.splat(0), lowDots1 = lowDots0, lowDots2 = lowDots0, lowDots3 = lowDots0;
      let highDots0 = lowDots0, highDots1 = lowDots0, highDots2 = lowDots0, highDots3 = lowDots0;
      const x1 = x + xStride, x2 = x1 + xStride, x3 = x + last * xStride;
      let from = group, centers: usize = Q8_K_CENTERS;
      for (let part = group; part != group + 128; part += 8, centers += 4) {
        let l0 = v128.load32_splat(x + centers), l1 = v128.load32_splat(x1 + centers);
        let l2 = v128.load32_splat(x2 + centers), l3 = v128.load32_splat(x3 + centers);
        let h0 = l0, h1 = l1, h2 = l2, h3 = l3;
        for (const end = from + 96; from != end; from += 48, quants += 32) {
          const p = v128.load(from, QUANTS), q = v128.load(from, QUANTS + 16);
          const r = v128.load(from, QUANTS + 32);
          const last = fourth(p, q, r, weight);
          let lower = v128.and(p, weight), upper = v128.and(q, weight);
          let a = v128.load(quants);
          let four = lane0(a);
          l0 = i16x8.add(l0, dotPairs(four, lower)), h0 = i16x8.add(h0, dotPairs(four, upper));
          four = lane1(a);
          l1 = i16x8.add(l1, dotPairs(four, lower)), h1 = i16x8.add(h1, dotPairs(four, upper));
          four = lane2(a);
          l2 = i16x8.add(l2, dotPairs(four, lower)), h2 = i16x8.add(h2, dotPairs(four, upper));
          four = lane3(a);
          l3 = i16x8.add(l3, dotPairs(four, lower)), h3 = i16x8.add(h3, dotPairs(four, upper));
          lower = v128.and(r, weight), upper = last;
          a = v128.load(quants, 16);
          four = lane0(a);
          l0 = i16x8.add(l0, dotPairs(four, lower)), h0 = i16x8.add(h0, dotPairs(four, upper));
          four = lane1(a);
          l1 = i16x8.add(l1, dotPairs(four, lower)), h1 = i16x8.add(h1, dotPairs(four, upper));
          four = lane2(a);
          l2 = i16x8.add(l2, dotPairs(four, lower)), h2 = i16x8.add(h2, dotPairs(four, upper));
          four = lane3(a);
          l3 = i16x8.add(l3, dotPairs(four, lower)), h3 = i16x8.add(h3, dotPairs(four, upper));
        }
        const scales = v128.load8x8_s(part, SCALES);
        let twice = lowTwice(scales);
        lowDots0 = addScaled(lowDots0, l0, twice), lowDots1 = addScaled(lowDots1, l1, twice);
        lowDots2 = addScaled(lowDots2, l2, twice), lowDots3 = addScaled(lowDots3, l3, twice);
        twice = highTwice(scales);
        highDots0 = addScaled(highDots0, h0, twice), highDots1 = addScaled(highDots1, h1, twice);
        highDots2 = addScaled(highDots2, h2, twice), highDots3 = addScaled(highDots3, h3, twice);
      }
      const d = v128.load(group), dHigh = v128.load(group, 16);
      let scale = activationScale(x);
      low0 = addBlock(low0, lowDots0, d, scale), high0 = addBlock(high0, highDots0, dHigh, scale);
      scale = activationScale(x1);
      low1 = addBlock(low1, lowDots1, d, scale), high1 = addBlock(high1, highDots1, dHigh, scale);
      scale = activationScale(x2);
      low2 = addBlock(low2, lowDots2, d, scale), high2 = addBlock(high2, highDots2, dHigh, scale);
      scale = activationScale(x3);
      low3 = addBlock(low3, lowDots3, d, scale), high3 = addBlock(high3, highDots3, dHigh, scale);
    }
    storeRows(out, outStride, last, low0, low1, low2, low3);
    storeRows(out + 16, outStride, last, high0, high1, high2, high3);
  }
}

export function matmulPackedQ6_K(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmulPacked<PackedQ6_K>(start, end, weights, x, out, columns, tokens, outStride);
}

// Packing. The file's block is that of matmul_q6_k.ts.

const FILE_BYTES: usize = 210;
const FILE_UPPER: usize = 128;
const FILE_SCALES: usize = 192;
const FILE_D: usize = 208;

/** The lower 4 bits of part 0 to 15's 16 columns. */
@inline
function lowerBits(row: usize, part: usize): v128 {
  // A half's parts 0 to 3 are the low nibbles of its 64 bytes, parts 4 to 7 the high ones.
  const bytes = v128.load(row + (part >> 3 << 6) + ((part & 3) << 4));
  return v128.and(part & 4 ? i16x8.shr_u(bytes, 4) : bytes, i8x16.splat(15));
}

/** The upper 2 bits of part 0 to 15's 16 columns. */
@inline
function upperBits(row: usize, part: usize): v128 {
  // A half's parts 2 k and 2 k + 1 are bits 2 k and 2 k + 1 of its 32 bytes.
  const bytes = v128.load(row + (part >> 3 << 5) + ((part & 1) << 4), FILE_UPPER);
  return v128.and(i16x8.shr_u(bytes, <i32> (part & 6)), i8x16.splat(3));
}

/** The weights of part 0 to 15's 16 columns, 0 to 63. */
@inline
function weights(row: usize, part: usize): v128 {
  return v128.or(lowerBits(row, part), i16x8.shl(upperBits(row, part), 4));
}

/** Packs one block of 8 rows that are `stride` bytes apart. */
function packBlock(rows: usize, stride: usize, to: usize): void {
  for (let r: usize = 0; r < 8; r++) {
    const row = rows + r * stride;
    store<u16>(to + 2 * r, load<u16>(row, FILE_D));
    for (let part: usize = 0; part < 16; part++) {
      store<u8>(to + part * 8 + r, load<u8>(row + part, FILE_SCALES), SCALES);
    }
  }
  widenHalves(to);
  for (let part: usize = 0; part < 16; part++) {
    packPart(rows, stride, part, to + part * 96 + QUANTS);
  }
}

/** Packs 16 columns: both halves' rows turned into columns of 4, which are vectors then. */
@inline
function packPart(rows: usize, stride: usize, part: usize, to: usize): void {
  let a = weights(rows, part), b = weights(rows + stride, part);
  let c = weights(rows + 2 * stride, part), d = weights(rows + 3 * stride, part);
  let abLow = v128.shuffle<i32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  let cdLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  const low0 = v128.shuffle<i64>(abLow, cdLow, 0, 2), low1 = v128.shuffle<i64>(abLow, cdLow, 1, 3);
  const low2 = v128.shuffle<i64>(abHigh, cdHigh, 0, 2);
  const low3 = v128.shuffle<i64>(abHigh, cdHigh, 1, 3);
  rows += 4 * stride;
  a = weights(rows, part), b = weights(rows + stride, part);
  c = weights(rows + 2 * stride, part), d = weights(rows + 3 * stride, part);
  abLow = v128.shuffle<i32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  cdLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  packEight(to, low0, v128.shuffle<i64>(abLow, cdLow, 0, 2), low1, v128.shuffle<i64>(abLow, cdLow, 1, 3));
  packEight(
    to + 48,
    low2,
    v128.shuffle<i64>(abHigh, cdHigh, 0, 2),
    low3,
    v128.shuffle<i64>(abHigh, cdHigh, 1, 3),
  );
}

/** Stores four vectors of weights as three. */
@inline
function packEight(to: usize, first: v128, second: v128, third: v128, fourth: v128): void {
  const upper = i8x16.splat(<i8> 0xc0);
  v128.store(to, v128.or(first, v128.and(i16x8.shl(fourth, 6), upper)));
  v128.store(to, v128.or(second, v128.and(i16x8.shl(fourth, 4), upper)), 16);
  v128.store(to, v128.or(third, v128.and(i16x8.shl(fourth, 2), upper)), 32);
}

export function packQ6_K(start: i32, end: i32, from: usize, to: usize, columns: i32): void {
  const blocks = <usize> (columns / Q8_K_SIZE);
  const stride = blocks * FILE_BYTES;
  for (let group = <usize> start; group < <usize> end; group++) {
    for (let block: usize = 0; block < blocks; block++) {
      packBlock(
        from + group * 8 * stride + block * FILE_BYTES,
        stride,
        to + (group * blocks + block) * BLOCK_BYTES,
      );
    }
  }
}
