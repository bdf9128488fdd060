// F32, F16 and BF16 rows: any number of columns, activations as f32. The format W, a class without
// fields as in matmul.ts, says
//
//   bytes()          bytes of a weight
//   four(address, halfBits, halfFactor)
//                    four weights as f32x4; the constants are those of finiteHalves
//   one(address)     one weight as f32
//   note(seen, address), noteFour(seen, address)
//                    noteHalves for 8 and for 4 weights, where four does without it
//
// The order of a sum depends on the number of columns alone: four vectors of four lanes take 16
// columns at a time, the first of them what is left down to fewer than 4, a scalar these.
import { HALF_BITS, HALF_FACTOR, poisonOf } from "./f16";
import { inRegister } from "./in_register";
import { sumF32 } from "./lanes";
import { multiplyAdd } from "./multiply_add";

@final
@unmanaged
export class RowsOfFloats<W> {
  @inline
  rowBytes(columns: i32): usize {
    return <usize> columns * changetype<W>(0).bytes();
  }

  @inline
  activationBytes(columns: i32): usize {
    return <usize> columns << 2;
  }

  @inline
  dotOne(row: usize, columns: i32, x: usize): f32 {
    const format = changetype<W>(0);
    const vector = format.bytes() << 2;
    const halfBits = inRegister(i32x4.splat(HALF_BITS));
    const halfFactor = inRegister(f32x4.splat(HALF_FACTOR));
    let seen = i16x8.splat(0);
    let sum0 = f32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    let left = columns;
    for (; left >= 16; left -= 16) {
      seen = format.note(format.note(seen, row), row + 2 * vector);
      sum0 = addProducts(sum0, format.four(row, halfBits, halfFactor), x);
      sum1 = addProducts(sum1, format.four(row + vector, halfBits, halfFactor), x + 16);
      sum2 = addProducts(sum2, format.four(row + 2 * vector, halfBits, halfFactor), x + 32);
      sum3 = addProducts(sum3, format.four(row + 3 * vector, halfBits, halfFactor), x + 48);
      row += 4 * vector, x += 64;
    }
    for (; left >= 4; left -= 4) {
      seen = format.noteFour(seen, row);
      sum0 = addProducts(sum0, format.four(row, halfBits, halfFactor), x);
      row += vector, x += 16;
    }
    let sum = poisonOf(seen) + sumVectors(sum0, sum1, sum2, sum3);
    for (; left > 0; left--) {
      sum += format.one(row) * load<f32>(x);
      row += format.bytes(), x += 4;
    }
    return sum;
  }

  // Two tokens share the weights; four would need more vector registers than there are.
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
    this.dotTwo(row, columns, x, x + xStride, out, outStride);
    if (batch > 2) {
      this.dotTwo(row, columns, x + 2 * xStride, x + 3 * xStride, out + 2 * outStride, outStride);
    }
  }

  dotTwo(row: usize, columns: i32, x: usize, y: usize, out: usize, outStride: usize): void {
    const format = changetype<W>(0);
    const vector = format.bytes() << 2;
    const halfBits = inRegister(i32x4.splat(HALF_BITS));
    const halfFactor = inRegister(f32x4.splat(HALF_FACTOR));
    let seen = i16x8.splat(0);
    let x0 = f32x4.splat(0), x1 = x0, x2 = x0, x3 = x0;
    let y0 = x0, y1 = x0, y2 = x0, y3 = x0;
    let left = columns;
    for (; left >= 16; left -= 16) {
      seen = format.note(format.note(seen, row), row + 2 * vector);
      let weights = format.four(row, halfBits, halfFactor);
      x0 = addProducts(x0, weights, x), y0 = addProducts(y0, weights, y);
      weights = format.four(row + vector, halfBits, halfFactor);
      x1 = addProducts(x1, weights, x + 16), y1 = addProducts(y1, weights, y + 16);
      weights = format.four(row + 2 * vector, halfBits, halfFactor);
      x2 = addProducts(x2, weights, x + 32), y2 = addProducts(y2, weights, y + 32);
      weights = format.four(row + 3 * vector, halfBits, halfFactor);
      x3 = addProducts(x3, weights, x + 48), y3 = addProducts(y3, weights, y + 48);
      row += 4 * vector, x += 64, y += 64;
    }
    for (; left >= 4; left -= 4) {
      seen = format.noteFour(seen, row);
      const weights = format.four(row, halfBits, halfFactor);
      x0 = addProducts(x0, weights, x), y0 = addProducts(y0, weights, y);
      row += vector, x += 16, y += 16;
    }
    const poison = poisonOf(seen);
    let sumX = poison + sumVectors(x0, x1, x2, x3);
    let sumY = poison + sumVectors(y0, y1, y2, y3);
    for (; left > 0; left--) {
      const weight = format.one(row);
      sumX += weight * load<f32>(x), sumY += weight * load<f32>(y);
      row += format.bytes(), x += 4, y += 4;
    }
    store<f32>(out, sumX);
    store<f32>(out + outStride, sumY);
  }
}

@inline
function addProducts(sum: v128, weights: v128, x: usize): v128 {
  return multiplyAdd(weights, v128.load(x), sum);
}

@inline
function sumVectors(sum0: v128, sum1: v128, sum2: v128, sum3: v128): f32 {
  return sumF32(f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3)));
}
