// Q5_K: 256 weights in 176 bytes, see rows_with_mins.ts. From 16 on the fifth bits: bit k of byte
// j is that of weight 32 k + j. From 48 on the quants.
import { matmul } from "./matmul";
import { RowsWithMins } from "./rows_with_mins";

// The shifts move whole 16-bit lanes: what comes over from the neighbouring byte is masked away.
@final
@unmanaged
class Q5_K {
  @inline
  blockBytes(): usize {
    return 176;
  }

  @inline
  quants(): usize {
    return 48;
  }

  @inline
  fifths(block: usize, half: usize): v128 {
    return v128.load(block + half * 16, 16);
  }

  @inline
  low(quants: v128, fifths: v128, nibble: v128, fifth: v128): v128 {
    const bit = v128.and(i16x8.shl(fifths, 4), fifth);
    return v128.or(v128.and(quants, nibble), bit);
  }

  @inline
  high(quants: v128, fifths: v128, nibble: v128, fifth: v128): v128 {
    const bit = v128.and(i16x8.shl(fifths, 3), fifth);
    return v128.or(v128.and(i16x8.shr_u(quants, 4), nibble), bit);
  }
}

export function matmulQ5_K(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmul<RowsWithMins<Q5_K>>(start, end, weights, x, out, columns, tokens, outStride);
}
