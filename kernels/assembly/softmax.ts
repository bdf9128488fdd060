import { expF32 } from "./exp";
import { highF64, loadPart, lowF64, maxF32, storePart, sumF64 } from "./lanes";

export function softmax(start: i32, end: i32, x: usize, out: usize, columns: i32): void {
  const rowBytes = <usize> columns << 2;
  for (let row = start; row < end; row++) {
    const offset = <usize> row * rowBytes;
    const sum = storeExponentials(x + offset, out + offset, columns, maxOfRow(x + offset, columns));
    scaleInPlace(out + offset, columns, <f32> (1 / sum));
  }
}

export function maxOfRow(x: usize, columns: i32): f32 {
  let max0 = f32x4.splat(-Infinity);
  let max1 = max0;
  let left = columns;
  for (; left >= 8; left -= 8, x += 32) {
    max0 = f32x4.max(max0, v128.load(x));
    max1 = f32x4.max(max1, v128.load(x, 16));
  }
  if (left >= 4) {
    max0 = f32x4.max(max0, v128.load(x));
    left -= 4;
    x += 16;
  }
  if (left > 0) max1 = f32x4.max(max1, loadPart(x, left, -Infinity));
  return maxF32(f32x4.max(max0, max1));
}

// Writes e^(x - largest) and returns their sum, in f64: a vocabulary has 150,000 terms.
function storeExponentials(x: usize, out: usize, columns: i32, largest: f32): f64 {
  const largests = f32x4.splat(largest);
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let left = columns;
  for (; left >= 4; left -= 4, x += 16, out += 16) {
    const value = expF32(f32x4.sub(v128.load(x), largests));
    v128.store(out, value);
    sum0 = f64x2.add(sum0, lowF64(value));
    sum1 = f64x2.add(sum1, highF64(value));
  }
  if (left > 0) {
    const value = expF32(f32x4.sub(loadPart(x, left, -Infinity), largests));
    storePart(out, value, left);
    sum0 = f64x2.add(sum0, lowF64(value));
    sum1 = f64x2.add(sum1, highF64(value));
  }
  return sumF64(f64x2.add(sum0, sum1));
}

function scaleInPlace(x: usize, columns: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  let left = columns;
  for (; left >= 4; left -= 4, x += 16) v128.store(x, f32x4.mul(v128.load(x), factors));
  for (; left > 0; left--, x += 4) store<f32>(x, load<f32>(x) * factor);
}
