// Q4_K and Q5_K rows: blocks of 256 weights d · scale · q - dmin · min, with a scale and a min of 6
// bits for each 32 weights. Activations: Q8_K.
//
// A block starts with 0 f16 d, 2 f16 dmin, 4 scales and mins (see unpackScales). Of each 32 bytes
// of its quants the low nibbles are 32 weights and the high nibbles the next 32. Where a fifth bit
// of each weight lies is for the format Q to say, a class without fields as in matmul.ts:
//
//   blockBytes(), quants()  bytes of a block, where its nibbles start
//   fifths(block, half)     the bytes with the fifth bits of bytes 0 to 15, or 16 to 31, of each 32
//                           quants: of the first 32 in bits 0 and 1, of the next in bits 2 and 3 …
//   low(quants, fifths, nibble, fifth), high(…)
//                           16 weights: low nibbles with bit 0 of fifths, high nibbles with bit 1;
//                           nibble and fifth are 15 and 16 in all bytes
import { Q8_K_BYTES, Q8_K_D, Q8_K_SIZE, Q8_K_SUMS_OF_32 } from "../activation_layouts";
import { dotPairs, storeFirst } from "./dot";
import { noteHalves, poisonOf, smallHalf } from "./f16";
import { inRegister } from "./in_register";
import { scratch } from "./scratch";

/**
 * Unpacks 8 scales and 8 mins from 12 bytes. Bytes 0 to 3 hold the first four scales and bytes 4 to
 * 7 the first four mins; bytes 8 to 11 hold the lower 4 bits of the last four scales (low nibbles)
 * and mins (high nibbles), whose upper 2 bits are those of bytes 0 to 7.
 *
 * Puts the scales into scratch, from where one instruction spreads each over a vector, and returns
 * the mins. Both i16x8.
 */
@inline
function unpackScales(block: usize): v128 {
  const first = load<u32>(block, 4);
  const second = load<u32>(block, 8);
  const third = load<u32>(block, 12);
  const lastScales = (third & 0x0f0f0f0f) | ((first >> 2) & 0x30303030);
  const lastMins = ((third >> 4) & 0x0f0f0f0f) | ((second >> 2) & 0x30303030);
  const scales = <u64> (first & 0x3f3f3f3f) | (<u64> lastScales << 32);
  const mins = <u64> (second & 0x3f3f3f3f) | (<u64> lastMins << 32);
  v128.store(scratch, i16x8.extend_low_i8x16_u(i64x2.splat(scales)));
  return i16x8.extend_low_i8x16_u(i64x2.splat(mins));
}

/** A scale from scratch in all lanes, i16x8: of the first or the second 32 weights of a pair. */
@inline
function scaleOf(pair: usize, second: usize): v128 {
  return v128.load16_splat(scratch + (pair << 2) + (second << 1));
}

/**
 * Adds scale · dot(32 activations, 32 weights) to the lanes of `sum`, i32x4.
 *
 * Weights are 0 to 31 and activations -128 to 127, so a pair of products is at most 2 · 128 · 31 =
 * 7,936, two pairs 15,872, and a lane after a whole block 8 · 2 · 15,872 · 63 = 1.6e7, which f32
 * still holds exactly.
 */
@inline
function addDot(sum: v128, x: usize, first: v128, second: v128, scale: v128): v128 {
  const pairs = i16x8.add(dotPairs(v128.load(x), first), dotPairs(v128.load(x, 16), second));
  return i32x4.add(sum, i32x4.dot_i16x8_s(pairs, scale));
}

/**
 * Adds scale · (d · dots - dmin · (mins · sums of activations)) to the first lane of `sum`, f32x4,
 * for one block: first the integers of all lanes, which is exact, then floats, in the order of
 * packed weights (packed.ts).
 *
 * dots: i32x4; mins: i16x8; d, dmin: f32x4; x: the token's Q8_K block. A sum of 32 activations is
 * at most 4,096.
 */
@inline
function addBlock(sum: v128, dots: v128, mins: v128, d: v128, dmin: v128, x: usize): v128 {
  const offsets = i32x4.dot_i16x8_s(mins, v128.load(x, Q8_K_SUMS_OF_32));
  const halves = i32x4.add(
    v128.shuffle<i32>(dots, offsets, 0, 4, 1, 5),
    v128.shuffle<i32>(dots, offsets, 2, 6, 3, 7),
  );
  const totals = f32x4.convert_i32x4_s(
    i32x4.add(halves, v128.shuffle<i64>(halves, halves, 1, 1)),
  );
  const value = f32x4.sub(
    f32x4.mul(d, totals),
    f32x4.mul(dmin, v128.shuffle<i32>(totals, totals, 1, 1, 1, 1)),
  );
  return f32x4.add(sum, f32x4.mul(v128.load32_splat(x, Q8_K_D), value));
}

@final
@unmanaged
export class RowsWithMins<Q> {
  @inline
  rowBytes(columns: i32): usize {
    return <usize> (columns / Q8_K_SIZE) * changetype<Q>(0).blockBytes();
  }

  @inline
  activationBytes(columns: i32): usize {
    return <usize> (columns / Q8_K_SIZE * Q8_K_BYTES);
  }

  @inline
  dotOne(row: usize, columns: i32, x: usize): f32 {
    const blockBytes = changetype<Q>(0).blockBytes();
    const end = row + this.rowBytes(columns);
    const nibble = inRegister(i8x16.splat(15)), fifth = inRegister(i8x16.splat(16));
    let seen = i16x8.splat(0);
    let sum = f32x4.splat(0);
    for (; row != end; row += blockBytes) {
      const mins = unpackScales(row);
      let dots = i32x4.splat(0);
      dots = this.addPair(dots, row, x, nibble, fifth, 0);
      dots = this.addPair(dots, row, x, nibble, fifth, 1);
      dots = this.addPair(dots, row, x, nibble, fifth, 2);
      dots = this.addPair(dots, row, x, nibble, fifth, 3);
      const d = smallHalf(load<u16>(row));
      const dmin = smallHalf(load<u16>(row, 2));
      seen = noteHalves(seen, v128.load32_splat(row));
      sum = addBlock(sum, dots, mins, d, dmin, x);
      x += Q8_K_BYTES;
    }
    return poisonOf(seen) + f32x4.extract_lane(sum, 0);
  }

  /** Adds the dot product of the 64 weights in 32 bytes of quants. `pair`, 0 to 3, is constant. */
  @inline
  addPair(sum: v128, row: usize, x: usize, nibble: v128, fifth: v128, pair: usize): v128 {
    const format = changetype<Q>(0);
    const quants = row + format.quants() + pair * 32;
    const pairX = x + pair * 64;
    const first = v128.load(quants), second = v128.load(quants, 16);
    const fifths0 = i16x8.shr_u(format.fifths(row, 0), 2 * <i32> pair);
    const fifths1 = i16x8.shr_u(format.fifths(row, 1), 2 * <i32> pair);

    let a = format.low(first, fifths0, nibble, fifth);
    let b = format.low(second, fifths1, nibble, fifth);
    sum = addDot(sum, pairX, a, b, scaleOf(pair, 0));
    a = format.high(first, fifths0, nibble, fifth);
    b = format.high(second, fifths1, nibble, fifth);
    return addDot(sum, pairX + 32, a, b, scaleOf(pair, 1));
  }

  // Not unrolled, which was measured to be slower with four tokens.
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
    const format = changetype<Q>(0);
    const end = row + this.rowBytes(columns);
    const nibble = inRegister(i8x16.splat(15)), fifth = inRegister(i8x16.splat(16));
    let seen = i16x8.splat(0);
    let sum0 = f32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    let x0 = x, x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
    for (; row != end; row += format.blockBytes()) {
      const mins = unpackScales(row);
      let dots0 = i32x4.splat(0), dots1 = dots0, dots2 = dots0, dots3 = dots0;
      let fifths0 = format.fifths(row, 0), fifths1 = format.fifths(row, 1);
      for (let pair: usize = 0; pair < 4; pair++) {
        const quants = row + format.quants() + pair * 32;
        const at = pair * 64;
        const first = v128.load(quants), second = v128.load(quants, 16);

        let a = format.low(first, fifths0, nibble, fifth);
        let b = format.low(second, fifths1, nibble, fifth);
        let scale = scaleOf(pair, 0);
        dots0 = addDot(dots0, x0 + at, a, b, scale);
        dots1 = addDot(dots1, x1 + at, a, b, scale);
        if (batch > 2) dots2 = addDot(dots2, x2 + at, a, b, scale);
        if (batch > 2) dots3 = addDot(dots3, x3 + at, a, b, scale);

        a = format.high(first, fifths0, nibble, fifth);
        b = format.high(second, fifths1, nibble, fifth);
        scale = scaleOf(pair, 1);
        dots0 = addDot(dots0, x0 + at + 32, a, b, scale);
        dots1 = addDot(dots1, x1 + at + 32, a, b, scale);
        if (batch > 2) dots2 = addDot(dots2, x2 + at + 32, a, b, scale);
        if (batch > 2) dots3 = addDot(dots3, x3 + at + 32, a, b, scale);

        fifths0 = i16x8.shr_u(fifths0, 2), fifths1 = i16x8.shr_u(fifths1, 2);
      }
      const d = smallHalf(load<u16>(row));
      const dmin = smallHalf(load<u16>(row, 2));
      seen = noteHalves(seen, v128.load32_splat(row));
      sum0 = addBlock(sum0, dots0, mins, d, dmin, x0);
      sum1 = addBlock(sum1, dots1, mins, d, dmin, x1);
      if (batch > 2) sum2 = addBlock(sum2, dots2, mins, d, dmin, x2);
      if (batch > 2) sum3 = addBlock(sum3, dots3, mins, d, dmin, x3);
      x0 += Q8_K_BYTES, x1 += Q8_K_BYTES, x2 += Q8_K_BYTES, x3 += Q8_K_BYTES;
    }
    storeFirst(batch, out, outStride, poisonOf(seen), sum0, sum1, sum2, sum3);
  }
}
