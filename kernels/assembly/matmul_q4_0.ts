// Q4_0: 32 weights d · (q - 8) in 18 bytes: 0 f16 d, 2 quants, the low nibbles weights 0 to 15 and
// the high nibbles weights 16 to 31.
import { Q8_0_CENTER } from "../activation_layouts";
import { dotPairs } from "./dot";
import { matmul } from "./matmul";
import { RowsOf32 } from "./rows_of_32";

@final
@unmanaged
class Q4_0 {
  @inline
  blockBytes(): usize {
    return 18;
  }

  @inline
  first(block: usize, nibble: v128): v128 {
    return v128.and(v128.load(block, 2), nibble);
  }

  @inline
  second(block: usize, nibble: v128): v128 {
    return v128.and(i16x8.shr_u(v128.load(block, 2), 4), nibble);
  }

  // Two pairs of products are at most 4 · 127 · 15 = 7,620.
  @inline
  dot(first: v128, second: v128, x: usize): v128 {
    const pairs = i16x8.add(dotPairs(v128.load(x), first), dotPairs(v128.load(x, 16), second));
    return i32x4.add(i32x4.extadd_pairwise_i16x8_s(pairs), v128.load32_zero(x, Q8_0_CENTER));
  }
}

export function matmulQ4_0(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmul<RowsOf32<Q4_0>>(start, end, weights, x, out, columns, tokens, outStride);
}
