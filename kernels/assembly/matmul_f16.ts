// F16 weights with activations rounded to f16.
import { finiteHalves, halfToFloat, noteHalves } from "./f16";
import { matmul } from "./matmul";
import { RowsOfFloats } from "./rows_of_floats";

@final
@unmanaged
class F16 {
  @inline
  bytes(): usize {
    return 2;
  }

  @inline
  four(address: usize, halfBits: v128, halfFactor: v128): v128 {
    return finiteHalves(v128.load16x4_s(address), halfBits, halfFactor);
  }

  @inline
  note(seen: v128, address: usize): v128 {
    return noteHalves(seen, v128.load(address));
  }

  @inline
  noteFour(seen: v128, address: usize): v128 {
    return noteHalves(seen, v128.load64_zero(address));
  }

  @inline
  one(address: usize): f32 {
    return halfToFloat(load<u16>(address));
  }
}

export function matmulF16(
  start: i32,
  end: i32,
  weights: usize,
  x: usize,
  out: usize,
  columns: i32,
  tokens: i32,
  outStride: i32,
): void {
  matmul<RowsOfFloats<F16>>(start, end, weights, x, out, columns, tokens, outStride);
}
