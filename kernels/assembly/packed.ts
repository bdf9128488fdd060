// The loops that the matmuls of packed weights share. Packed, a weight matrix is a sequence of
// groups of 8 rows, and a group a sequence of blocks of 8 rows by 256 columns, in which the same
// 4 columns of 4 rows are one vector: a dot product then fills a lane for each row, its scales
// multiply vectors, and an activation is loaded once for all rows.
//
// A format F is a class without fields, so `changetype<F>(0)` is an instance of which nothing is
// ever read. It has the methods
//
//   groupBytes(columns)  bytes of a group of 8 rows
//   dotOne(group, columns, x, out)
//                        the dot products of 8 rows with one token's activations
//   dotBatch(batch, group, columns, x, xStride, out, outStride)
//                        the same for 2 or 4 tokens: batch is constant where it is inlined
//
// Results have the bits that the file's own layout gives, whatever the batch: the sums of integers
// are exact, and those of floats go from the first block to the last in both.
import { Q8_K_BYTES, Q8_K_D, Q8_K_SIZE } from "../activation_layouts";
import { smallHalves } from "./f16";

const BATCH: i32 = 4;

// Groups that all tokens pass over before the next come: these stay in the L2 cache, and the
// activations of a batch in L1.
const TILE_BYTES: usize = 65536;

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

  for (let first = start; first < end; first += tileGroups) {
    const last = min(first + tileGroups, end);
    const groups = weights + <usize> first * groupBytes;
    const groupsEnd = weights + <usize> last * groupBytes;
    let tokenX = x;
    let tokenOut = out + (<usize> first << 5);
    let left = tokens;
    for (; left >= BATCH; left -= BATCH) {
      for (let group = groups, to = tokenOut; group != groupsEnd; group += groupBytes, to += 32) {
        format.dotBatch(BATCH, group, columns, tokenX, xStride, to, outBytes);
      }
      tokenX += xStride * BATCH;
      tokenOut += outBytes * BATCH;
    }
    for (; left >= 2; left -= 2) {
      for (let group = groups, to = tokenOut; group != groupsEnd; group += groupBytes, to += 32) {
        format.dotBatch(2, group, columns, tokenX, xStride, to, outBytes);
      }
      tokenX += 2 * xStride;
      tokenOut += 2 * outBytes;
    }
    if (left > 0) {
      for (let group = groups, to = tokenOut; group != groupsEnd; group += groupBytes, to += 32) {
        format.dotOne(group, columns, tokenX, to);
      }
    }
  }
}

/** The f16 of rows 0 to 3 of 8, as f32. */
@inline
export function lowHalves(halves: v128): v128 {
  return smallHalves(i32x4.extend_low_i16x8_u(halves));
}

/** The f16 of rows 4 to 7 of 8, as f32. */
@inline
export function highHalves(halves: v128): v128 {
  return smallHalves(i32x4.extend_high_i16x8_u(halves));
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
