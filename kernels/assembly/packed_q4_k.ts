// Q4_K, packed: 8 rows by 256 columns in 1,216 bytes, 5.6% more than the file's 8 blocks.
//
//   0 f32 d of each row, 32 f32 dmin of each row, 64 u8 scales [8 parts][8 rows] of 32 columns,
//   128 u8 mins [4 pairs of parts][8 rows][2], 192 quants
//
// 16 bytes of quants are 4 columns: byte 4 r + c has, of column c, row r in its low nibble and row
// 4 + r in its high nibble.
import { Q8_K_BYTES, Q8_K_SIZE, Q8_K_SUMS_OF_32 } from "../activation_layouts";
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
  storeTransposed,
  widenHalves,
} from "./packed";

const BLOCK_BYTES: usize = 1216;
const DMIN: usize = 32;
const SCALES: usize = 64;
const MINS: usize = 128;
const QUANTS: usize = 192;

/** The products of 4 columns with rows 0 to 3: 2 lanes a row, i16x8. */
@inline
function lowRows(quants: v128, x: v128, nibble: v128): v128 {
  return dotPairs(x, v128.and(quants, nibble));
}

/** The products of 4 columns with rows 4 to 7. */
@inline
function highRows(quants: v128, x: v128, nibble: v128): v128 {
  return dotPairs(x, v128.and(i16x8.shr_u(quants, 4), nibble));
}

/** sum + scale · (d · dots - dmin · offsets), f32x4; dots, offsets: i32x4. */
@inline
function addBlock(
  sum: v128,
  dots: v128,
  offsets: v128,
  d: v128,
  dmin: v128,
  scale: v128,
): v128 {
  const value = f32x4.sub(
    f32x4.mul(d, f32x4.convert_i32x4_s(dots)),
    f32x4.mul(dmin, f32x4.convert_i32x4_s(offsets)),
  );
  return f32x4.add(sum, f32x4.mul(scale, value));
}

@final
@unmanaged
class PackedQ4_K {
  @inline
  groupBytes(columns: i32): usize {
    return <usize> (columns / Q8_K_SIZE) * BLOCK_BYTES;
  }

  @inline
  dotOne(group: usize, columns: i32, x: usize, out: usize): void {
    const end = group + this.groupBytes(columns);
    const nibble = inRegister(i8x16.splat(15));
    let low = f32x4.splat(0), high = low;
    for (; group != end; group += BLOCK_BYTES, x += Q8_K_BYTES) {
      let lowDots = i32x4.splat(0), highDots = lowDots;
      let quants = group, at = x;
      for (let part = group; part != group + 64; part += 8) {
        let l = i16x8.splat(0), h = l;
        for (let half = 0; half < 2; half++, quants += 64, at += 16) {
          const a = v128.load(at);
          let q = v128.load(quants, QUANTS), four = lane0(a);
          l = i16x8.add(l, lowRows(q, four, nibble)), h = i16x8.add(h, highRows(q, four, nibble));
          q = v128.load(quants, QUANTS + 16), four = lane1(a);
          l = i16x8.add(l, lowRows(q, four, nibble)), h = i16x8.add(h, highRows(q, four, nibble));
          q = v128.load(quants, QUANTS + 32), four = lane2(a);
          l = i16x8.add(l, lowRows(q, four, nibble)), h = i16x8.add(h, highRows(q, four, nibble));
          q = v128.load(quants, QUANTS + 48), four = lane3(a);
          l = i16x8.add(l, lowRows(q, four, nibble)), h = i16x8.add(h, highRows(q, four, nibble));
        }
        const scales = v128.load8x8_u(part, SCALES);
        lowDots = i32x4.add(lowDots, i32x4.dot_i16x8_s(l, lowTwice(scales)));
        highDots = i32x4.add(highDots, i32x4.dot_i16x8_s(h, highTwice(scales)));
      }
      const sums = v128.load(x, Q8_K_SUMS_OF_32);
      let m0 = v128.load8x8_u(group, MINS), m1 = v128.load8x8_u(group, MINS + 16);
      let m2 = v128.load8x8_u(group, MINS + 32), m3 = v128.load8x8_u(group, MINS + 48);
      const lowOffsets = offsets(m0, m1, m2, m3, sums);
      m0 = v128.load8x8_u(group, MINS + 8), m1 = v128.load8x8_u(group, MINS + 24);
      m2 = v128.load8x8_u(group, MINS + 40), m3 = v128.load8x8_u(group, MINS + 56);
      const highOffsets = offsets(m0, m1, m2, m3, sums);
      const scale = activationScale(x);
      low = addBlock(low, lowDots, lowOffsets, v128.load(group), v128.load(group, DMIN), scale);
      high = addBlock(
        high,
        highDots,
        highOffsets,
        v128.load(group, 16),
        v128.load(group, DMIN + 16),
        scale,
      );
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
    const nibble = inRegister(i8x16.splat(15));
    let low0 = f32x4.splat(0), low1 = low0, low2 = low0, low3 = low0;
    let high0 = low0, high1 = low0, high2 = low0, high3 = low0;
    for (; group != end; group += BLOCK_BYTES, x += Q8_K_BYTES) {
      let lowDots0 = i32x4.splat(0), lowDots1 = lowDots0, lowDots2 = lowDots0, lowDots3 = lowDots0;
      let highDots0 = lowDots0, highDots1 = lowDots0, highDots2 = lowDots0, highDots3 = lowDots0;
      let from = group;
      for (let part = group; part != group + 64; part += 8) {
        // The first 4 columns by themselves: no zeros to add to.
        let q = v128.load(from, QUANTS);
        let lower = v128.and(q, nibble), upper = v128.and(i16x8.shr_u(q, 4), nibble);
        let a = v128.load(quants);
        let four = lane0(a);
        let l0 = dotPairs(four, lower), h0 = dotPairs(four, upper);
        four = lane1(a);
        let l1 = dotPairs(four, lower), h1 = dotPairs(four, upper);
        four = lane2(a);
        let l2 = dotPairs(four, lower), h2 = dotPairs(four, upper);
        four = lane3(a);
        let l3 = dotPairs(four, lower), h3 = dotPairs(four, upper);
        const end = from + 128;
        for (from += 16, quants += 16; from != end; from += 16, quants += 16) {
          q = v128.load(from, QUANTS);
          lower = v128.and(q, nibble), upper = v128.and(i16x8.shr_u(q, 4), nibble);
          a = v128.load(quants);
          four = lane0(a);
          l0 = i16x8.add(l0, dotPairs(four, lower)), h0 = i16x8.add(h0, dotPairs(four, upper));
          four = lane1(a);
          l1 = i16x8.add(l1, dotPairs(four, lower)), h1 = i16x8.add(h1, dotPairs(four, upper));
          four = lane2(a);
          l2 = i16x8.add(l2, dotPairs(four, lower)), h2 = i16x8.add(h2, dotPairs(four, upper));
          four = lane3(a);
          l3 = i16x8.add(l3, dotPairs(four, lower)), h3 = i16x8.add(h3, dotPairs(four, upper));
        }
        const scales = v128.load8x8_u(part, SCALES);
        let twice = lowTwice(scales);
        lowDots0 = i32x4.add(lowDots0, i32x4.dot_i16x8_s(l0, twice));
        lowDots1 = i32x4.add(lowDots1, i32x4.dot_i16x8_s(l1, twice));
        lowDots2 = i32x4.add(lowDots2, i32x4.dot_i16x8_s(l2, twice));
        lowDots3 = i32x4.add(lowDots3, i32x4.dot_i16x8_s(l3, twice));
        twice = highTwice(scales);
        highDots0 = i32x4.add(highDots0, i32x4.dot_i16x8_s(h0, twice));
        highDots1 = i32x4.add(highDots1, i32x4.dot_i16x8_s(h1, twice));
        highDots2 = i32x4.add(highDots2, i32x4.dot_i16x8_s(h2, twice));
        highDots3 = i32x4.add(highDots3, i32x4.dot_i16x8_s(h3, twice));
      }
      const x1 = x + xStride, x2 = x1 + xStride, x3 = x + last * xStride;
      const scale0 = activationScale(x), scale1 = activationScale(x1);
      const scale2 = activationScale(x2), scale3 = activationScale(x3);
      const sums0 = v128.load(x, Q8_K_SUMS_OF_32), sums1 = v128.load(x1, Q8_K_SUMS_OF_32);
      const sums2 = v128.load(x2, Q8_K_SUMS_OF_32), sums3 = v128.load(x3, Q8_K_SUMS_OF_32);
      let d = v128.load(group), dmin = v128.load(group, DMIN);
      let m0 = v128.load8x8_u(group, MINS), m1 = v128.load8x8_u(group, MINS + 16);
      let m2 = v128.load8x8_u(group, MINS + 32), m3 = v128.load8x8_u(group, MINS + 48);
      low0 = addBlock(low0, lowDots0, offsets(m0, m1, m2, m3, sums0), d, dmin, scale0);
      low1 = addBlock(low1, lowDots1, offsets(m0, m1, m2, m3, sums1), d, dmin, scale1);
      low2 = addBlock(low2, lowDots2, offsets(m0, m1, m2, m3, sums2), d, dmin, scale2);
      low3 = addBlock(low3, lowDots3, offsets(m0, m1, m2, m3, sums3), d, dmin, scale3);
      d = v128.load(group, 16), dmin = v128.load(group, DMIN + 16);
      m0 = v128.load8x8_u(group, MINS + 8), m1 = v128.load8x8_u(group, MINS + 24);
      m2 = v128.load8x8_u(group, MINS + 40), m3 = v128.load8x8_u(group, MINS + 56);
      high0 = addBlock(high0, highDots0, offsets(m0, m1, m2, m3, sums0), d, dmin, scale0);
      high1 = addBlock(high1, highDots1, offsets(m0, m1, m2, m3, sums1), d, dmin, scale1);
      high2 = addBlock(high2, highDots2, offsets(m0, m1, m2, m3, sums2), d, dmin, scale2);
      high3 = addBlock(high3, highDots3, offsets(m0, m1, m2, m3, sums3), d, dmin, scale3);
    }
    storeRows(out, outStride, last, low0, low1, low2, low3);
    storeRows(out + 16, outStride, last, high0, high1, high2, high3);
  }
}

/** Adds mins · sums of activations; a sum of 32 activations is at most 4,064. */
@inline
function addOffsets(sum: v128, mins: v128, sums: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(mins, sums));
}

/** mins · sums of activations for 4 rows: mins of a pair of parts each, sums of all 8 parts. */
@inline
function offsets(mins0: v128, mins1: v128, mins2: v128, mins3: v128, sums: v128): v128 {
  return i32x4.add(
    addOffsets(i32x4.dot_i16x8_s(mins0, lane0(sums)), mins1, lane1(sums)),
    addOffsets(i32x4.dot_i16x8_s(mins2, lane2(sums)), mins3, lane3(sums)),
  );
}

export function matmulPackedQ4_K(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmulPacked<PackedQ4_K>(start, end, weights, x, out, columns, tokens, outStride);
}

// Packing.

const FILE_BYTES: usize = 144;
const FILE_QUANTS: usize = 16;

/** 16 nibbles as bytes: 16 columns of one part of a row. */
@inline
function nibbles(row: usize, part: usize, half: usize): v128 {
  const quants = v128.load(row + (part >> 1 << 5) + (half << 4), FILE_QUANTS);
  const shifted = part & 1 ? i16x8.shr_u(quants, 4) : quants;
  return v128.and(shifted, i8x16.splat(15));
}

/** 16 columns of one part: rows r and 4 + r in the nibbles of a byte, columns in the file's order. */
@inline
function bothRows(rows: usize, stride: usize, r: usize, part: usize, half: usize): v128 {
  return v128.or(
    nibbles(rows + r * stride, part, half),
    i16x8.shl(nibbles(rows + (r + 4) * stride, part, half), 4),
  );
}

/** Packs one block of 8 rows that are `stride` bytes apart. */
function packBlock(rows: usize, stride: usize, to: usize): void {
  for (let r: usize = 0; r < 8; r++) {
    const row = rows + r * stride;
    store<u16>(to + 2 * r, load<u16>(row));
    store<u16>(to + 2 * r, load<u16>(row, 2), DMIN);
    // Bytes 4 to 15 hold scales and mins as rows_with_mins.ts says.
    const first = load<u32>(row, 4), second = load<u32>(row, 8), third = load<u32>(row, 12);
    const lastScales = (third & 0x0f0f0f0f) | ((first >> 2) & 0x30303030);
    const lastMins = ((third >> 4) & 0x0f0f0f0f) | ((second >> 2) & 0x30303030);
    const scales = <u64> (first & 0x3f3f3f3f) | (<u64> lastScales << 32);
    const mins = <u64> (second & 0x3f3f3f3f) | (<u64> lastMins << 32);
    for (let part: usize = 0; part < 8; part++) {
      store<u8>(to + part * 8 + r, <u8> (scales >> (part << 3)), SCALES);
      store<u8>(to + (part >> 1 << 4) + 2 * r + (part & 1), <u8> (mins >> (part << 3)), MINS);
    }
  }
  widenHalves(to);
  widenHalves(to + DMIN);
  for (let part: usize = 0; part < 8; part++) {
    for (let half: usize = 0; half < 2; half++) {
      storeTransposed(
        to + QUANTS + part * 128 + half * 64,
        bothRows(rows, stride, 0, part, half),
        bothRows(rows, stride, 1, part, half),
        bothRows(rows, stride, 2, part, half),
        bothRows(rows, stride, 3, part, half),
      );
    }
  }
}

export function packQ4_K(start: i32, end: i32, from: usize, to: usize, columns: i32): void {
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
