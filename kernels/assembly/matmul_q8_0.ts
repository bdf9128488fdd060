// Q8_0: 32 weights d · q in 34 bytes: 0 f16 d, 2 i8 q.
import { Q8_0_NEGATIVES } from "../activation_layouts";
import { dotPairs } from "./dot";
import { matmul } from "./matmul";
import { RowsOf32 } from "./rows_of_32";

@final
@unmanaged
class Q8_0 {
  @inline
  blockBytes(): usize {
    return 34;
  }

  @inline
  first(block: usize, nibble: v128): v128 {
    return v128.load(block, 2);
  }

  @inline
  second(block: usize, nibble: v128): v128 {
    return v128.load(block, 18);
  }

  // The operand of 7 bits can only be the magnitude of the activation, as a weight may be -128.
  // Where the activation is negative, w · x = -w · |x| = (~w + 1) · |x|: the complement, unlike
  // the negation, always fits 8 bits, and the |x| that remain are summed when activations are
  // quantized. A pair of products is at most 2 · 128 · 127 = 32,512.
  @inline
  dot(first: v128, second: v128, x: usize): v128 {
    const zero = i8x16.splat(0);
    const x0 = v128.load(x), x1 = v128.load(x, 16);
    const pairs0 = dotPairs(v128.xor(first, i8x16.lt_s(x0, zero)), i8x16.abs(x0));
    const pairs1 = dotPairs(v128.xor(second, i8x16.lt_s(x1, zero)), i8x16.abs(x1));
    const sum = i32x4.add(
      i32x4.extadd_pairwise_i16x8_s(pairs0),
      i32x4.extadd_pairwise_i16x8_s(pairs1),
    );
    return i32x4.add(sum, v128.load32_zero(x, Q8_0_NEGATIVES));
  }
}

export function matmulQ8_0(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmul<RowsOf32<Q8_0>>(start, end, weights, x, out, columns, tokens, outStride);
}
