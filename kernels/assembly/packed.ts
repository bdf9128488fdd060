// The loops that the matmuls of packed weights share. Packed, a weight matrix is a sequence of
// groups of 8 rows, and a group a sequence of blocks of 8 rows by 256 columns, in which the same
// 4 columns of 4 rows are one vector: a dot product then fills a lane for each row, its scales
// multiply vectors, and an activation is loaded once for all rows.
//
// What these loops cost is instructions, and where the engine checks each access against the size of
// the memory (Deno does, browsers and Node have the processor do it), a load is three of them. So
// activations are loaded 16 bytes at a time and spread over vectors by shuffles, and those of four
// tokens are interleaved first: 4 columns of each are one vector.
//
// A format F is a class without fields, so `changetype<F>(0)` is an instance of which nothing is
// ever read. It has the methods
//
//   groupBytes(columns)  bytes of a group of 8 rows
//   dotOne(group, columns, x, out)
//                        the dot products of 8 rows with one token's activations
//   dotFour(group, columns, quants, x, xStride, out, outStride, last)
//                        the same for 4 tokens, whose quants are also at `quants`, interleaved; the
//                        fourth is token `last`, 3, or 2 where there are three: three at once cost
//                        less than one after another, two do not
//
// Results have the bits that the file's own layout gives, whatever the batch: the sums of integers
// are exact, and those of floats go from the first block to the last in both.
import { Q8_K_BYTES, Q8_K_D, Q8_K_SIZE } from "../activation_layouts";
import { SCRATCH_BYTES } from "../constants";
import { smallHalves } from "./f16";
import { scratch } from "./scratch";

/** Groups that all tokens pass over before the next come: these stay in the L2 cache. */
const TILE_BYTES: usize = 262144;

/** Where interleaved quants lie in scratch: after what inRegister writes. */
const INTERLEAVED: usize = 64;
const MOST_INTERLEAVED: i32 = (SCRATCH_BYTES - 64) / 4;

@inline
export function matmulPacked<F>(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  const format = changetype<F>(0);
  const groupBytes = format.groupBytes(columns);
  const xStride = <usize> (columns / Q8_K_SIZE * Q8_K_BYTES);
  const outBytes = <usize> outStride << 2;
  const tileGroups = <i32> max<usize>(TILE_BYTES / groupBytes, 1);
  const quants = scratch + INTERLEAVED;

  for (let first = start; first < end; first += tileGroups) {
    const last = min(first + tileGroups, end);
    const groups = weights + <usize> first * groupBytes;
    const groupsEnd = weights + <usize> last * groupBytes;
    let tokenX = x;
    let tokenOut = out + (<usize> first << 5);
    let left = tokens;
    for (; left >= 3 && columns <= MOST_INTERLEAVED; left -= 4) {
      const last = <usize> min(left, 4) - 1;
      interleave(tokenX, xStride, last, columns, quants);
      for (let group = groups, to = tokenOut; group != groupsEnd; group += groupBytes, to += 32) {
        format.dotFour(group, columns, quants, tokenX, xStride, to, outBytes, last);
      }
      tokenX += 4 * xStride;
      tokenOut += 4 * outBytes;
    }
    for (; left > 0; left--) {
      for (let group = groups, to = tokenOut; group != groupsEnd; group += groupBytes, to += 32) {
        format.dotOne(group, columns, tokenX, to);
      }
      tokenX += xStride;
      tokenOut += outBytes;
    }
  }
}

/** Quants of 4 tokens, the fourth being `last`: 4 columns of each, then the next 4 columns. */
function interleave(x: usize, xStride: usize, last: usize, columns: i32, to: usize): void {
  const blocks = columns / Q8_K_SIZE;
  for (let block = 0; block < blocks; block++, x += Q8_K_BYTES) {
    for (let from = x; from != x + Q8_K_SIZE; from += 16, to += 64) {
      const second = from + xStride, fourth = from + last * xStride;
      storeTransposed(
        to,
        v128.load(from),
        v128.load(second),
        v128.load(second + xStride),
        v128.load(fourth),
      );
    }
  }
}

/** Stores the four i32 columns of four i32x4 rows, one after another. */
@inline
export function storeTransposed(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const abLow = v128.shuffle<i32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cdLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(abLow, cdLow, 0, 2));
  v128.store(to, v128.shuffle<i64>(abLow, cdLow, 1, 3), 16);
  v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 0, 2), 32);
  v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 1, 3), 48);
}

/** Stores a vector of each of four tokens, of which the fourth is `last`, `stride` bytes apart. */
@inline
export function storeRows(
  to: usize,
  stride: usize,
  last: usize,
  row0: v128,
  row1: v128,
  row2: v128,
  row3: v128,
): void {
  v128.store(to, row0);
  v128.store(to + stride, row1);
  v128.store(to + 2 * stride, row2);
  v128.store(to + last * stride, row3);
}

/** 8 f16 become f32 in their place, which has room for them. */
@inline
export function widenHalves(at: usize): void {
  const halves = v128.load(at);
  v128.store(at, smallHalves(i32x4.extend_low_i16x8_u(halves)));
  v128.store(at, smallHalves(i32x4.extend_high_i16x8_u(halves)), 16);
}

/** A token's d in all lanes. */
@inline
export function activationScale(x: usize): v128 {
  return v128.load32_splat(x, Q8_K_D);
}

/** Of 8 rows' i16, those of rows 0 to 3, each twice. */
@inline
export function lowTwice(rows: v128): v128 {
  return v128.shuffle<i16>(rows, rows, 0, 0, 1, 1, 2, 2, 3, 3);
}

/** Of 8 rows' i16, those of rows 4 to 7, each twice. */
@inline
export function highTwice(rows: v128): v128 {
  return v128.shuffle<i16>(rows, rows, 4, 4, 5, 5, 6, 6, 7, 7);
}

/** Lane 0 of an i32x4 in all lanes. */
@inline
export function lane0(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 0, 0, 0, 0);
}

/** Lane 1 of an i32x4 in all lanes. */
@inline
export function lane1(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 1, 1, 1, 1);
}

/** Lane 2 of an i32x4 in all lanes. */
@inline
export function lane2(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 2, 2, 2, 2);
}

/** Lane 3 of an i32x4 in all lanes. */
@inline
export function lane3(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 3, 3, 3, 3);
}
