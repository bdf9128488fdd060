// Q8_0 and Q4_0 rows: blocks of 32 weights d · q. Activations: Q8_0. The format Q, a class without
// fields as in matmul.ts, says
//
//   blockBytes()                   bytes of a block, which starts with f16 d
//   first(block, nibble), second   weights 0 to 15 and 16 to 31 as bytes; nibble is 15 in all bytes
//   dot(first, second, x)          their dot product with 32 activations, i32x4 to be summed
import { Q8_0_BYTES, Q8_0_D, Q8_0_SIZE } from "../activation_layouts";
import { storeSums } from "./dot";
import { finiteHalves, HALF_BITS, HALF_FACTOR, noteHalves, poisonOf } from "./f16";
import { inRegister } from "./in_register";
import { sumF32 } from "./lanes";

@final
@unmanaged
export class RowsOf32<Q> {
  @inline
  rowBytes(columns: i32): usize {
    return <usize> (columns / Q8_0_SIZE) * changetype<Q>(0).blockBytes();
  }

  @inline
  activationBytes(columns: i32): usize {
    return <usize> (columns / Q8_0_SIZE * Q8_0_BYTES);
  }

  @inline
  addBlock(sum: v128, d: v128, first: v128, second: v128, x: usize): v128 {
    const dots = f32x4.convert_i32x4_s(changetype<Q>(0).dot(first, second, x));
    const scale = f32x4.mul(d, v128.load32_splat(x, Q8_0_D));
    return f32x4.add(sum, f32x4.mul(scale, dots));
  }

  @inline
  dotOne(row: usize, columns: i32, x: usize): f32 {
    const format = changetype<Q>(0);
    const end = row + this.rowBytes(columns);
    const nibble = inRegister(i8x16.splat(15));
    const halfBits = inRegister(i32x4.splat(HALF_BITS));
    const halfFactor = inRegister(f32x4.splat(HALF_FACTOR));
    let seen = i16x8.splat(0);
    let sum = f32x4.splat(0);
    for (; row != end; row += format.blockBytes()) {
      const half = v128.load16_splat(row);
      seen = noteHalves(seen, half);
      const d = finiteHalves(i32x4.extend_low_i16x8_s(half), halfBits, halfFactor);
      sum = this.addBlock(sum, d, format.first(row, nibble), format.second(row, nibble), x);
      x += Q8_0_BYTES;
    }
    return poisonOf(seen) + sumF32(sum);
  }

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
    const nibble = inRegister(i8x16.splat(15));
    const halfBits = inRegister(i32x4.splat(HALF_BITS));
    const halfFactor = inRegister(f32x4.splat(HALF_FACTOR));
    let seen = i16x8.splat(0);
    let sum0 = f32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    let x0 = x, x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
    for (; row != end; row += format.blockBytes()) {
      const half = v128.load16_splat(row);
      seen = noteHalves(seen, half);
      const d = finiteHalves(i32x4.extend_low_i16x8_s(half), halfBits, halfFactor);
      const first = format.first(row, nibble), second = format.second(row, nibble);
      sum0 = this.addBlock(sum0, d, first, second, x0);
      sum1 = this.addBlock(sum1, d, first, second, x1);
      if (batch > 2) sum2 = this.addBlock(sum2, d, first, second, x2);
      if (batch > 2) sum3 = this.addBlock(sum3, d, first, second, x3);
      x0 += Q8_0_BYTES, x1 += Q8_0_BYTES, x2 += Q8_0_BYTES, x3 += Q8_0_BYTES;
    }
    storeSums(batch, out, outStride, poisonOf(seen), sum0, sum1, sum2, sum3);
  }
}
