// Q6_K: 256 weights in 210 bytes. A weight is d · scale · (q - 32), with 6 bits of q, and an i8
// scale for each 16 weights. Activations: Q8_K.
//
//   0 lower 4 bits of q, 128 upper 2 bits, 192 scales, 208 f16 d
//
// Each half of a block, 128 weights, has 64 bytes of lower bits: the low nibbles are weights 0 to
// 63, the high nibbles 64 to 127; and 32 bytes of upper bits: bits 2 k and 2 k + 1 of byte j are
// those of weight 32 k + j.
import { Q8_K_BYTES, Q8_K_D, Q8_K_SIZE, Q8_K_SUMS_OF_16 } from "../activation_layouts";
import { dotPairs, storeFirst } from "./dot";
import { noteHalves, poisonOf, smallHalf } from "./f16";
import { inRegister } from "./in_register";
import { matmul } from "./matmul";
import { scratch } from "./scratch";

const BLOCK_BYTES: usize = 210;
const UPPER: usize = 128;
const SCALES: usize = 192;
const D: usize = 208;

/** Puts the 16 scales into scratch, i16, from where one instruction spreads each over a vector. */
@inline
function unpackScales(block: usize): void {
  const scales = v128.load(block, SCALES);
  v128.store(scratch, i16x8.extend_low_i8x16_s(scales));
  v128.store(scratch, i16x8.extend_high_i8x16_s(scales), 16);
}

// A quarter of a block: 16 bytes of lower bits for each of two times two groups of 16 weights,
// which lie 32 weights apart. Quarters 0 and 1 are the first half's bytes 0 to 15 and 16 to 31,
// and so on.

/** The scale of group 0 to 3 of a quarter in all lanes, i16x8. */
@inline
function scaleOf(quarter: usize, group: usize): v128 {
  return v128.load16_splat(scratch + (quarter >> 1 << 4) + ((quarter & 1) << 1) + (group << 2));
}

/** Where the activations of a quarter's group 0 begin; the next group's are 32 further on. */
@inline
function firstColumn(quarter: usize): usize {
  return (quarter >> 1 << 7) + ((quarter & 1) << 4);
}

@inline
function loadLower(block: usize, quarter: usize, second: usize): v128 {
  return v128.load(block + (quarter >> 1 << 6) + ((quarter & 1) << 4) + (second << 5));
}

@inline
function loadUpper(block: usize, quarter: usize): v128 {
  return v128.load(block + (quarter << 4), UPPER);
}

// The four groups of a quarter. Shifts move whole 16-bit lanes: what comes over from the
// neighbouring byte is masked away. nibble and crumb are 0x0f and 0x30 in all bytes.

@inline
function group0(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return join(lower, i16x8.shl(upper, 4), nibble, crumb);
}

@inline
function group1(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return join(lower, i16x8.shl(upper, 2), nibble, crumb);
}

@inline
function group2(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return join(i16x8.shr_u(lower, 4), upper, nibble, crumb);
}

@inline
function group3(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return join(i16x8.shr_u(lower, 4), i16x8.shr_u(upper, 2), nibble, crumb);
}

@inline
function join(lower: v128, upper: v128, nibble: v128, crumb: v128): v128 {
  return v128.or(v128.and(lower, nibble), v128.and(upper, crumb));
}

/**
 * Adds scale · dot(16 activations, 16 weights) to the lanes of `sum`, i32x4.
 *
 * Weights are 0 to 63 and activations -128 to 127, so a pair of products is at most 2 · 128 · 63 =
 * 16,128, and a lane after a whole block 16 · 2 · 16,128 · 128 = 6.7e7.
 */
@inline
function addDot(sum: v128, x: usize, weights: v128, scale: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(dotPairs(v128.load(x), weights), scale));
}

/**
 * Adds scale · (d · (dots - 32 · scales · sums of activations)) to the first lane of `sum`, f32x4,
 * for one block: first the integers of all lanes, which is exact, then floats, in the order of
 * packed weights (packed.ts).
 *
 * dots: i32x4; d: f32x4; x: the token's Q8_K block. A sum of 16 activations is at most 2,048, all of
 * a block's offsets 32 · 16 · 2,048 · 128 = 1.3e8.
 */
@inline
function addBlock(sum: v128, dots: v128, d: v128, x: usize): v128 {
  const offsets = i32x4.add(
    i32x4.dot_i16x8_s(v128.load(scratch), v128.load(x, Q8_K_SUMS_OF_16)),
    i32x4.dot_i16x8_s(v128.load(scratch, 16), v128.load(x, Q8_K_SUMS_OF_16 + 16)),
  );
  const centered = i32x4.sub(dots, i32x4.shl(offsets, 5));
  const halves = i32x4.add(centered, v128.shuffle<i64>(centered, centered, 1, 1));
  const total = f32x4.convert_i32x4_s(
    i32x4.add(halves, v128.shuffle<i32>(halves, halves, 1, 1, 1, 1)),
  );
  return f32x4.add(sum, f32x4.mul(v128.load32_splat(x, Q8_K_D), f32x4.mul(d, total)));
}

@final
@unmanaged
class Q6_K {
  @inline
  rowBytes(columns: i32): usize {
    return <usize> (columns / Q8_K_SIZE) * BLOCK_BYTES;
  }

  @inline
  activationBytes(columns: i32): usize {
    return <usize> (columns / Q8_K_SIZE * Q8_K_BYTES);
  }

  @inline
  dotOne(row: usize, columns: i32, x: usize): f32 {
    const end = row + this.rowBytes(columns);
    const nibble = inRegister(i8x16.splat(15)), crumb = inRegister(i8x16.splat(0x30));
    let seen = i16x8.splat(0);
    let sum = f32x4.splat(0);
    for (; row != end; row += BLOCK_BYTES) {
      unpackScales(row);
      let dots = i32x4.splat(0);
      dots = this.addQuarter(dots, row, x, nibble, crumb, 0);
      dots = this.addQuarter(dots, row, x, nibble, crumb, 1);
      dots = this.addQuarter(dots, row, x, nibble, crumb, 2);
      dots = this.addQuarter(dots, row, x, nibble, crumb, 3);
      const half = v128.load16_splat(row, D);
      seen = noteHalves(seen, half);
      const d = smallHalf(load<u16>(row, D));
      sum = addBlock(sum, dots, d, x);
      x += Q8_K_BYTES;
    }
    return poisonOf(seen) + f32x4.extract_lane(sum, 0);
  }

  /** Adds the dot products of 64 weights, unrolled: `quarter` is constant. */
  @inline
  addQuarter(sum: v128, row: usize, x: usize, nibble: v128, crumb: v128, quarter: usize): v128 {
    const first = loadLower(row, quarter, 0);
    const second = loadLower(row, quarter, 1);
    const upper = loadUpper(row, quarter);
    const at = x + firstColumn(quarter);
    sum = addDot(sum, at, group0(first, upper, nibble, crumb), scaleOf(quarter, 0));
    sum = addDot(sum, at + 32, group1(second, upper, nibble, crumb), scaleOf(quarter, 1));
    sum = addDot(sum, at + 64, group2(first, upper, nibble, crumb), scaleOf(quarter, 2));
    return addDot(sum, at + 96, group3(second, upper, nibble, crumb), scaleOf(quarter, 3));
  }

  @inline
  dotBatch(
    batch: i32,
    row: usize,
    columns: i32,
    x: usize,
    xStride: usize,
    out: usize,
    outStride: usize,
  ): void {
    const end = row + this.rowBytes(columns);
    const nibble = inRegister(i8x16.splat(15)), crumb = inRegister(i8x16.splat(0x30));
    let seen = i16x8.splat(0);
    let sum0 = f32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    let x0 = x, x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
    for (; row != end; row += BLOCK_BYTES) {
      unpackScales(row);
      let dots0 = i32x4.splat(0), dots1 = dots0, dots2 = dots0, dots3 = dots0;
      for (let quarter: usize = 0; quarter < 4; quarter++) {
        const first = loadLower(row, quarter, 0);
        const second = loadLower(row, quarter, 1);
        const upper = loadUpper(row, quarter);
        const at = firstColumn(quarter);

        let weights = group0(first, upper, nibble, crumb), scale = scaleOf(quarter, 0);
        dots0 = addDot(dots0, x0 + at, weights, scale);
        dots1 = addDot(dots1, x1 + at, weights, scale);
        if (batch > 2) dots2 = addDot(dots2, x2 + at, weights, scale);
        if (batch > 2) dots3 = addDot(dots3, x3 + at, weights, scale);

        weights = group1(second, upper, nibble, crumb), scale = scaleOf(quarter, 1);
        dots0 = addDot(dots0, x0 + at + 32, weights, scale);
        dots1 = addDot(dots1, x1 + at + 32, weights, scale);
        if (batch > 2) dots2 = addDot(dots2, x2 + at + 32, weights, scale);
        if (batch > 2) dots3 = addDot(dots3, x3 + at + 32, weights, scale);

        weights = group2(first, upper, nibble, crumb), scale = scaleOf(quarter, 2);
        dots0 = addDot(dots0, x0 + at + 64, weights, scale);
        dots1 = addDot(dots1, x1 + at + 64, weights, scale);
        if (batch > 2) dots2 = addDot(dots2, x2 + at + 64, weights, scale);
        if (batch > 2) dots3 = addDot(dots3, x3 + at + 64, weights, scale);

        weights = group3(second, upper, nibble, crumb), scale = scaleOf(quarter, 3);
        dots0 = addDot(dots0, x0 + at + 96, weights, scale);
        dots1 = addDot(dots1, x1 + at + 96, weights, scale);
        if (batch > 2) dots2 = addDot(dots2, x2 + at + 96, weights, scale);
        if (batch > 2) dots3 = addDot(dots3, x3 + at + 96, weights, scale);
      }
      const half = v128.load16_splat(row, D);
      seen = noteHalves(seen, half);
      const d = smallHalf(load<u16>(row, D));
      sum0 = addBlock(sum0, dots0, d, x0);
      sum1 = addBlock(sum1, dots1, d, x1);
      if (batch > 2) sum2 = addBlock(sum2, dots2, d, x2);
      if (batch > 2) sum3 = addBlock(sum3, dots3, d, x3);
      x0 += Q8_K_BYTES, x1 += Q8_K_BYTES, x2 += Q8_K_BYTES, x3 += Q8_K_BYTES;
    }
    storeFirst(batch, out, outStride, poisonOf(seen), sum0, sum1, sum2, sum3);
  }
}

export function matmulQ6_K(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmul<Q6_K>(start, end, weights, x, out, columns, tokens, outStride);
}
