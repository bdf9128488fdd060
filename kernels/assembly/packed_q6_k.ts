// Q6_K, packed: 8 rows by 256 columns in 1,680 bytes, as many as the file's 8 blocks.
//
//   0 f16 d of each row, 16 i8 scales [16 parts][8 rows] of 16 columns, 144 quants
//
// 48 bytes of quants are 8 columns: twice 16 bytes with the lower bits of 4 columns, as in
// packed_q4_k.ts, and 16 bytes with the upper bits of all 8. Of these, byte 4 r + c has, from bit 0
// on, row r of column c, row 4 + r of column c, row r of column 4 + c, row 4 + r of column 4 + c.
// All lies in the order in which it is read: with the upper bits apart, memory was half as fast.
import { Q8_K_BYTES, Q8_K_D, Q8_K_SIZE, Q8_K_SUMS_OF_16 } from "../activation_layouts";
import { dotPairs } from "./dot";
import { inRegister } from "./in_register";
import { highHalves, highTwice, lowHalves, lowTwice, matmulPacked } from "./packed";

const BLOCK_BYTES: usize = 1680;
const SCALES: usize = 16;
const QUANTS: usize = 144;
const SECOND: usize = QUANTS + 16;
const UPPER: usize = QUANTS + 32;

// Four vectors of weights, 0 to 63, from two of lower bits and one of upper bits. Shifts move whole
// 16-bit lanes: what comes over from the neighbouring byte is masked away. nibble and crumb are
// 0x0f and 0x30 in all bytes.

@inline
function join(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return v128.or(v128.and(lower, nibble), v128.and(upper, crumb));
}

@inline
function firstLow(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return join(lower, i16x8.shl(upper, 4), nibble, crumb);
}

@inline
function firstHigh(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return join(i16x8.shr_u(lower, 4), i16x8.shl(upper, 2), nibble, crumb);
}

@inline
function secondLow(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return join(lower, upper, nibble, crumb);
}

@inline
function secondHigh(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return join(i16x8.shr_u(lower, 4), i16x8.shr_u(upper, 2), nibble, crumb);
}

/**
 * Adds the products of 8 columns of 4 rows, times the rows' scales, to `sum`, i32x4.
 *
 * A sum of two pairs is at most 2 · 2 · 127 · 63 = 32,004.
 */
@inline
function addEight(sum: v128, first: v128, second: v128, a: v128, b: v128, scales: v128): v128 {
  const dots = i16x8.add(dotPairs(a, first), dotPairs(b, second));
  return i32x4.add(sum, i32x4.dot_i16x8_s(dots, scales));
}

/** Adds scales · sums of activations of two parts for rows 0 to 3. */
@inline
function addLowOffset(sum: v128, first: v128, second: v128, sums: v128): v128 {
  const scales = v128.shuffle<i16>(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
  return i32x4.add(sum, i32x4.dot_i16x8_s(scales, sums));
}

/** The same for rows 4 to 7. */
@inline
function addHighOffset(sum: v128, first: v128, second: v128, sums: v128): v128 {
  const scales = v128.shuffle<i16>(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
  return i32x4.add(sum, i32x4.dot_i16x8_s(scales, sums));
}

/** sum + scale · (d · (dots - 32 · offsets)), f32x4; dots, offsets: i32x4. */
@inline
function addBlock(sum: v128, dots: v128, offsets: v128, d: v128, x: usize): v128 {
  const centered = f32x4.convert_i32x4_s(i32x4.sub(dots, i32x4.shl(offsets, 5)));
  return f32x4.add(sum, f32x4.mul(v128.load32_splat(x, Q8_K_D), f32x4.mul(d, centered)));
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
    const nibble = inRegister(i8x16.splat(15)), crumb = inRegister(i8x16.splat(0x30));
    let low = f32x4.splat(0), high = low;
    for (; group != end; group += BLOCK_BYTES) {
      let lowDots = i32x4.splat(0), highDots = lowDots;
      let lowOffsets = lowDots, highOffsets = lowDots;
      for (let pair: usize = 0; pair < 8; pair++) {
        // Two parts, four times 8 columns.
        const quants = group + pair * 192, at = x + pair * 32;
        const scales0 = v128.load8x8_s(group + pair * 16, SCALES);
        const scales1 = v128.load8x8_s(group + pair * 16, SCALES + 8);
        const sums = v128.load32_splat(x + pair * 4, Q8_K_SUMS_OF_16);
        lowOffsets = addLowOffset(lowOffsets, scales0, scales1, sums);
        highOffsets = addHighOffset(highOffsets, scales0, scales1, sums);
        let lowScales = lowTwice(scales0), highScales = highTwice(scales0);

        let p = v128.load(quants, QUANTS), q = v128.load(quants, SECOND);
        let u = v128.load(quants, UPPER);
        let a = v128.load32_splat(at), b = v128.load32_splat(at, 4);
        lowDots = addEight(
          lowDots,
          firstLow(p, u, nibble, crumb),
          secondLow(q, u, nibble, crumb),
          a,
          b,
          lowScales,
        );
        highDots = addEight(
          highDots,
          firstHigh(p, u, nibble, crumb),
          secondHigh(q, u, nibble, crumb),
          a,
          b,
          highScales,
        );
        p = v128.load(quants, QUANTS + 48), q = v128.load(quants, SECOND + 48);
        u = v128.load(quants, UPPER + 48);
        a = v128.load32_splat(at, 8), b = v128.load32_splat(at, 12);
        lowDots = addEight(
          lowDots,
          firstLow(p, u, nibble, crumb),
          secondLow(q, u, nibble, crumb),
          a,
          b,
          lowScales,
        );
        highDots = addEight(
          highDots,
          firstHigh(p, u, nibble, crumb),
          secondHigh(q, u, nibble, crumb),
          a,
          b,
          highScales,
        );
        lowScales = lowTwice(scales1), highScales = highTwice(scales1);
        p = v128.load(quants, QUANTS + 96), q = v128.load(quants, SECOND + 96);
        u = v128.load(quants, UPPER + 96);
        a = v128.load32_splat(at, 16), b = v128.load32_splat(at, 20);
        lowDots = addEight(
          lowDots,
          firstLow(p, u, nibble, crumb),
          secondLow(q, u, nibble, crumb),
          a,
          b,
          lowScales,
        );
        highDots = addEight(
          highDots,
          firstHigh(p, u, nibble, crumb),
          secondHigh(q, u, nibble, crumb),
          a,
          b,
          highScales,
        );
        p = v128.load(quants, QUANTS + 144), q = v128.load(quants, SECOND + 144);
        u = v128.load(quants, UPPER + 144);
        a = v128.load32_splat(at, 24), b = v128.load32_splat(at, 28);
        lowDots = addEight(
          lowDots,
          firstLow(p, u, nibble, crumb),
          secondLow(q, u, nibble, crumb),
          a,
          b,
          lowScales,
        );
        highDots = addEight(
          highDots,
          firstHigh(p, u, nibble, crumb),
          secondHigh(q, u, nibble, crumb),
          a,
          b,
          highScales,
        );
      }
      const d = v128.load(group);
      low = addBlock(low, lowDots, lowOffsets, lowHalves(d), x);
      high = addBlock(high, highDots, highOffsets, highHalves(d), x);
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
    const nibble = inRegister(i8x16.splat(15)), crumb = inRegister(i8x16.splat(0x30));
    let low0 = f32x4.splat(0), low1 = low0, low2 = low0, low3 = low0;
    let high0 = low0, high1 = low0, high2 = low0, high3 = low0;
    let x0 = x, x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
    for (; group != end; group += BLOCK_BYTES) {
      let lowDots0 = i32x4.splat(0), lowDots1 = lowDots0, lowDots2 = lowDots0, lowDots3 = lowDots0;
      let highDots0 = lowDots0, highDots1 = lowDots0, highDots2 = lowDots0, highDots3 = lowDots0;
      for (let eight: usize = 0; eight < 32; eight++) {
        const quants = group + eight * 48;
        const p = v128.load(quants, QUANTS), q = v128.load(quants, SECOND);
        const u = v128.load(quants, UPPER);
        const scales = v128.load8x8_s(group + (eight >> 1) * 8, SCALES);
        const at = eight * 8;
        let first = firstLow(p, u, nibble, crumb), second = secondLow(q, u, nibble, crumb);
        let twice = lowTwice(scales);
        lowDots0 = addFour(lowDots0, first, second, x0 + at, twice);
        lowDots1 = addFour(lowDots1, first, second, x1 + at, twice);
        if (batch > 2) lowDots2 = addFour(lowDots2, first, second, x2 + at, twice);
        if (batch > 2) lowDots3 = addFour(lowDots3, first, second, x3 + at, twice);
        first = firstHigh(p, u, nibble, crumb), second = secondHigh(q, u, nibble, crumb);
        twice = highTwice(scales);
        highDots0 = addFour(highDots0, first, second, x0 + at, twice);
        highDots1 = addFour(highDots1, first, second, x1 + at, twice);
        if (batch > 2) highDots2 = addFour(highDots2, first, second, x2 + at, twice);
        if (batch > 2) highDots3 = addFour(highDots3, first, second, x3 + at, twice);
      }
      const d = v128.load(group);
      const dLow = lowHalves(d), dHigh = highHalves(d);
      low0 = addBlock(low0, lowDots0, lowOffsets(group, x0), dLow, x0);
      high0 = addBlock(high0, highDots0, highOffsets(group, x0), dHigh, x0);
      low1 = addBlock(low1, lowDots1, lowOffsets(group, x1), dLow, x1);
      high1 = addBlock(high1, highDots1, highOffsets(group, x1), dHigh, x1);
      if (batch > 2) {
        low2 = addBlock(low2, lowDots2, lowOffsets(group, x2), dLow, x2);
        high2 = addBlock(high2, highDots2, highOffsets(group, x2), dHigh, x2);
        low3 = addBlock(low3, lowDots3, lowOffsets(group, x3), dLow, x3);
        high3 = addBlock(high3, highDots3, highOffsets(group, x3), dHigh, x3);
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

/** {@linkcode addEight} with the activations still to be loaded. */
@inline
function addFour(sum: v128, first: v128, second: v128, x: usize, scales: v128): v128 {
  return addEight(sum, first, second, v128.load32_splat(x), v128.load32_splat(x, 4), scales);
}

/** scales · sums of activations for rows 0 to 3, i32x4; a sum of 16 activations is at most 2,032. */
@inline
function lowOffsets(group: usize, x: usize): v128 {
  let sum = i32x4.splat(0);
  for (let pair: usize = 0; pair < 8; pair++) {
    const first = v128.load8x8_s(group + pair * 16, SCALES);
    const second = v128.load8x8_s(group + pair * 16, SCALES + 8);
    sum = addLowOffset(sum, first, second, v128.load32_splat(x + pair * 4, Q8_K_SUMS_OF_16));
  }
  return sum;
}

@inline
function highOffsets(group: usize, x: usize): v128 {
  let sum = i32x4.splat(0);
  for (let pair: usize = 0; pair < 8; pair++) {
    const first = v128.load8x8_s(group + pair * 16, SCALES);
    const second = v128.load8x8_s(group + pair * 16, SCALES + 8);
    sum = addHighOffset(sum, first, second, v128.load32_splat(x + pair * 4, Q8_K_SUMS_OF_16));
  }
  return sum;
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

@inline
function lowerOfBoth(rows: usize, stride: usize, r: usize, part: usize): v128 {
  return v128.or(
    lowerBits(rows + r * stride, part),
    i16x8.shl(lowerBits(rows + (r + 4) * stride, part), 4),
  );
}

/** Of 16 columns: bits 0 and 1 of row r and bits 2 and 3 of row 4 + r. */
@inline
function upperOfBoth(rows: usize, stride: usize, r: usize, part: usize): v128 {
  return v128.or(
    upperBits(rows + r * stride, part),
    i16x8.shl(upperBits(rows + (r + 4) * stride, part), 2),
  );
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
  for (let part: usize = 0; part < 16; part++) {
    const quants = to + part * 96;
    packLower(
      quants,
      lowerOfBoth(rows, stride, 0, part),
      lowerOfBoth(rows, stride, 1, part),
      lowerOfBoth(rows, stride, 2, part),
      lowerOfBoth(rows, stride, 3, part),
    );
    packUpper(
      quants,
      upperOfBoth(rows, stride, 0, part),
      upperOfBoth(rows, stride, 1, part),
      upperOfBoth(rows, stride, 2, part),
      upperOfBoth(rows, stride, 3, part),
    );
  }
}

/** Stores the lower bits of 16 columns: rows turned into columns of 4. */
@inline
function packLower(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const abLow = v128.shuffle<i32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cdLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(abLow, cdLow, 0, 2), QUANTS);
  v128.store(to, v128.shuffle<i64>(abLow, cdLow, 1, 3), SECOND);
  v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 0, 2), QUANTS + 48);
  v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 1, 3), SECOND + 48);
}

/** Stores the upper bits of 16 columns: of each 8, the second four go into bits 4 to 7. */
@inline
function packUpper(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const abLow = v128.shuffle<i32>(a, b, 0, 4, 2, 6), abHigh = v128.shuffle<i32>(a, b, 1, 5, 3, 7);
  const cdLow = v128.shuffle<i32>(c, d, 0, 4, 2, 6), cdHigh = v128.shuffle<i32>(c, d, 1, 5, 3, 7);
  const ab = v128.or(abLow, i16x8.shl(abHigh, 4)), cd = v128.or(cdLow, i16x8.shl(cdHigh, 4));
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2), UPPER);
  v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), UPPER + 48);
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
