// BF16 weights with activations rounded to bf16.
import { matmul } from "./matmul";
import { RowsOfFloats } from "./rows_of_floats";

@final
@unmanaged
class BF16 {
  @inline
  bytes(): usize {
    return 2;
  }

  @inline
  four(address: usize, halfBits: v128, halfFactor: v128): v128 {
    return i32x4.shl(v128.load16x4_u(address), 16);
  }

  @inline
  note(seen: v128, address: usize): v128 {
    return seen;
  }

  @inline
  noteFour(seen: v128, address: usize): v128 {
    return seen;
  }

  @inline
  one(address: usize): f32 {
    return reinterpret<f32>(<u32> load<u16>(address) << 16);
  }
}

export function matmulBF16(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmul<RowsOfFloats<BF16>>(start, end, weights, x, out, columns, tokens, outStride);
}
