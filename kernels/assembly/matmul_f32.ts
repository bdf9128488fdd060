// F32 weights with f32 activations.
import { matmul } from "./matmul";
import { RowsOfFloats } from "./rows_of_floats";

@final
@unmanaged
class F32 {
  @inline
  bytes(): usize {
    return 4;
  }

  @inline
  four(address: usize, halfBits: v128, halfFactor: v128): v128 {
    return v128.load(address);
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
    return load<f32>(address);
  }
}

export function matmulF32(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmul<RowsOfFloats<F32>>(start, end, weights, x, out, columns, tokens, outStride);
}
