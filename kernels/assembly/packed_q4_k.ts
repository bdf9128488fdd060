// Q4_K, packed: 8 rows by 256 columns in 1,184 bytes, 2.8% more than the file's 8 blocks.
//
//   0 f16 d of each row, 16 f16 dmin of each row, 32 u8 scales [8 parts][8 rows] of 32 columns,
//   96 u8 mins [4 pairs of parts][8 rows][2], 160 quants
//
// 16 bytes of quants are 4 columns: byte 4 r + c has, of column c, row r in its low nibble and row
// 4 + r in its high nibble.
import { Q8_K_BYTES, Q8_K_SIZE, Q8_K_SUMS_OF_32 } from "../activation_layouts";
import { dotPairs } from "./dot";
import { inRegister } from "./in_register";
import {
  activationScale,
  highHalves,
  highTwice,
  lowHalves,
  lowTwice,
  matmulPacked,
} from "./packed";

const BLOCK_BYTES: usize = 1184;
const DMIN: usize = 16;
const SCALES: usize = 32;
const MINS: usize = 96;
const QUANTS: usize = 160;

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
    for (; group != end; group += BLOCK_BYTES) {
      let lowDots = i32x4.splat(0), highDots = lowDots;
      for (let part: usize = 0; part < 8; part++) {
        const quants = group + part * 128;
        const at = x + part * 32;
        // A sum of 8 is at most 8 · 2 · 127 · 15 = 30,480.
        let q = v128.load(quants, QUANTS), a = v128.load32_splat(at);
        let l = lowRows(q, a, nibble), h = highRows(q, a, nibble);
        q = v128.load(quants, QUANTS + 16), a = v128.load32_splat(at, 4);
        l = i16x8.add(l, lowRows(q, a, nibble)), h = i16x8.add(h, highRows(q, a, nibble));
        q = v128.load(quants, QUANTS + 32), a = v128.load32_splat(at, 8);
        l = i16x8.add(l, lowRows(q, a, nibble)), h = i16x8.add(h, highRows(q, a, nibble));
        q = v128.load(quants, QUANTS + 48), a = v128.load32_splat(at, 12);
        l = i16x8.add(l, lowRows(q, a, nibble)), h = i16x8.add(h, highRows(q, a, nibble));
        q = v128.load(quants, QUANTS + 64), a = v128.load32_splat(at, 16);
        l = i16x8.add(l, lowRows(q, a, nibble)), h = i16x8.add(h, highRows(q, a, nibble));
        q = v128.load(quants, QUANTS + 80), a = v128.load32_splat(at, 20);
        l = i16x8.add(l, lowRows(q, a, nibble)), h = i16x8.add(h, highRows(q, a, nibble));
        q = v128.load(quants, QUANTS + 96), a = v128.load32_splat(at, 24);
        l = i16x8.add(l, lowRows(q, a, nibble)), h = i16x8.add(h, highRows(q, a, nibble));
        q = v128.load(quants, QUANTS + 112), a = v128.load32_splat(at, 28);
        l = i16x8.add(l, lowRows(q, a, nibble)), h = i16x8.add(h, highRows(q, a, nibble));

        const scales = v128.load8x8_u(group + part * 8, SCALES);
        lowDots = i32x4.add(lowDots, i32x4.dot_i16x8_s(l, lowTwice(scales)));
        highDots = i32x4.add(highDots, i32x4.dot_i16x8_s(h, highTwice(scales)));
      }
      let lowOffsets = i32x4.splat(0), highOffsets = lowOffsets;
      for (let pair: usize = 0; pair < 4; pair++) {
        const mins = v128.load(group + pair * 16, MINS);
        const sums = v128.load32_splat(x + pair * 4, Q8_K_SUMS_OF_32);
        lowOffsets = i32x4.add(lowOffsets, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(mins), sums));
        highOffsets = i32x4.add(
          highOffsets,
          i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(mins), sums),
        );
      }
      const d = v128.load(group), dmin = v128.load(group, DMIN), scale = activationScale(x);
      low = addBlock(low, lowDots, lowOffsets, lowHalves(d), lowHalves(dmin), scale);
      high = addBlock(high, highDots, highOffsets, highHalves(d), highHalves(dmin), scale);
      x += Q8_K_BYTES;
    }
    v128.store(out, low);
    v128.store(out, high, 16);
  }

  @inline
  dotBatch(
    batch: i32,
    group: usize,
    columns: i32,
    x: usize,
    xStride: usize,
    out: usize,
    outStride: usize,
  ): void {
    const end = group + this.groupBytes(columns);
    const nibble = inRegister(i8x16.splat(15));
    let low0 = f32x4.splat(0), low1 = low0, low2 = low0, low3 = low0;
    let high0 = low0, high1 = low0, high2 = low0, high3 = low0;
    let x0 = x, x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
    for (; group != end; group += BLOCK_BYTES) {
      let lowDots0 = i32x4.splat(0), lowDots1 = lowDots0, lowDots2 = lowDots0, lowDots3 = lowDots0;
      let highDots0 = lowDots0, highDots1 = lowDots0, highDots2 = lowDots0, highDots3 = lowDots0;
      for (let part: usize = 0; part < 8; part++) {
        let l0 = i16x8.splat(0), l1 = l0, l2 = l0, l3 = l0, h0 = l0, h1 = l0, h2 = l0, h3 = l0;
        for (let four: usize = 0; four < 8; four++) {
          const quants = v128.load(group + part * 128 + four * 16, QUANTS);
          const lower = v128.and(quants, nibble), upper = v128.and(i16x8.shr_u(quants, 4), nibble);
          const at = part * 32 + four * 4;
          let a = v128.load32_splat(x0 + at);
          l0 = i16x8.add(l0, dotPairs(a, lower)), h0 = i16x8.add(h0, dotPairs(a, upper));
          a = v128.load32_splat(x1 + at);
          l1 = i16x8.add(l1, dotPairs(a, lower)), h1 = i16x8.add(h1, dotPairs(a, upper));
          if (batch > 2) {
            a = v128.load32_splat(x2 + at);
            l2 = i16x8.add(l2, dotPairs(a, lower)), h2 = i16x8.add(h2, dotPairs(a, upper));
            a = v128.load32_splat(x3 + at);
            l3 = i16x8.add(l3, dotPairs(a, lower)), h3 = i16x8.add(h3, dotPairs(a, upper));
          }
        }
        const scales = v128.load8x8_u(group + part * 8, SCALES);
        const scalesLow = lowTwice(scales), scalesHigh = highTwice(scales);
        lowDots0 = i32x4.add(lowDots0, i32x4.dot_i16x8_s(l0, scalesLow));
        highDots0 = i32x4.add(highDots0, i32x4.dot_i16x8_s(h0, scalesHigh));
        lowDots1 = i32x4.add(lowDots1, i32x4.dot_i16x8_s(l1, scalesLow));
        highDots1 = i32x4.add(highDots1, i32x4.dot_i16x8_s(h1, scalesHigh));
        if (batch > 2) {
          lowDots2 = i32x4.add(lowDots2, i32x4.dot_i16x8_s(l2, scalesLow));
          highDots2 = i32x4.add(highDots2, i32x4.dot_i16x8_s(h2, scalesHigh));
          lowDots3 = i32x4.add(lowDots3, i32x4.dot_i16x8_s(l3, scalesLow));
          highDots3 = i32x4.add(highDots3, i32x4.dot_i16x8_s(h3, scalesHigh));
        }
      }
      const d = v128.load(group), dmin = v128.load(group, DMIN);
      const dLow = lowHalves(d), dHigh = highHalves(d);
      const dminLow = lowHalves(dmin), dminHigh = highHalves(dmin);
      let scale = activationScale(x0);
      low0 = addBlock(low0, lowDots0, lowOffsets(group, x0), dLow, dminLow, scale);
      high0 = addBlock(high0, highDots0, highOffsets(group, x0), dHigh, dminHigh, scale);
      scale = activationScale(x1);
      low1 = addBlock(low1, lowDots1, lowOffsets(group, x1), dLow, dminLow, scale);
      high1 = addBlock(high1, highDots1, highOffsets(group, x1), dHigh, dminHigh, scale);
      if (batch > 2) {
        scale = activationScale(x2);
        low2 = addBlock(low2, lowDots2, lowOffsets(group, x2), dLow, dminLow, scale);
        high2 = addBlock(high2, highDots2, highOffsets(group, x2), dHigh, dminHigh, scale);
        scale = activationScale(x3);
        low3 = addBlock(low3, lowDots3, lowOffsets(group, x3), dLow, dminLow, scale);
        high3 = addBlock(high3, highDots3, highOffsets(group, x3), dHigh, dminHigh, scale);
      }
      x0 += Q8_K_BYTES, x1 += Q8_K_BYTES, x2 += Q8_K_BYTES, x3 += Q8_K_BYTES;
    }
    v128.store(out, low0), v128.store(out, high0, 16);
    v128.store(out + outStride, low1), v128.store(out + outStride, high1, 16);
    if (batch > 2) {
      v128.store(out + 2 * outStride, low2), v128.store(out + 2 * outStride, high2, 16);
      v128.store(out + 3 * outStride, low3), v128.store(out + 3 * outStride, high3, 16);
    }
  }
}

/** mins · sums of activations for rows 0 to 3, i32x4; a sum of 32 activations is at most 4,064. */
@inline
function lowOffsets(group: usize, x: usize): v128 {
  let sum = i32x4.splat(0);
  sum = addOffset(sum, v128.load8x8_u(group, MINS), x, 0);
  sum = addOffset(sum, v128.load8x8_u(group, MINS + 16), x, 4);
  sum = addOffset(sum, v128.load8x8_u(group, MINS + 32), x, 8);
  return addOffset(sum, v128.load8x8_u(group, MINS + 48), x, 12);
}

@inline
function highOffsets(group: usize, x: usize): v128 {
  let sum = i32x4.splat(0);
  sum = addOffset(sum, v128.load8x8_u(group, MINS + 8), x, 0);
  sum = addOffset(sum, v128.load8x8_u(group, MINS + 24), x, 4);
  sum = addOffset(sum, v128.load8x8_u(group, MINS + 40), x, 8);
  return addOffset(sum, v128.load8x8_u(group, MINS + 56), x, 12);
}

@inline
function addOffset(sum: v128, mins: v128, x: usize, pair: usize): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(mins, v128.load32_splat(x + pair, Q8_K_SUMS_OF_32)));
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

/** Stores the four i32 columns of four i32x4 rows, one after another. */
@inline
function storeTransposed(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const abLow = v128.shuffle<i32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cdLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(abLow, cdLow, 0, 2));
  v128.store(to, v128.shuffle<i64>(abLow, cdLow, 1, 3), 16);
  v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 0, 2), 32);
  v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 1, 3), 48);
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
