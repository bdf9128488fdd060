// Q4_K: 256 weights in 144 bytes, see rows_with_mins.ts. From 16 on the quants; no fifth bits.
import { matmul } from "./matmul";
import { RowsWithMins } from "./rows_with_mins";

@final
@unmanaged
class Q4_K {
  @inline
  blockBytes(): usize {
    return 144;
  }

  @inline
  quants(): usize {
    return 16;
  }

  @inline
  fifths(block: usize, half: usize): v128 {
    return i8x16.splat(0);
  }

  @inline
  low(quants: v128, fifths: v128, nibble: v128, fifth: v128): v128 {
    return v128.and(quants, nibble);
  }

  @inline
  high(quants: v128, fifths: v128, nibble: v128, fifth: v128): v128 {
    return v128.and(i16x8.shr_u(quants, 4), nibble);
  }
}

export function matmulQ4_K(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmul<RowsWithMins<Q4_K>>(start, end, weights, x, out, columns, tokens, outStride);
}
