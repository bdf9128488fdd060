import { highF64, loadPart, lowF64, sumF64 } from "./lanes";

// Squares are summed in f64, as llama.cpp does: large activations do not overflow, and the order of
// additions hardly shows.
export function rmsNorm(
  start: i32,
  end: i32,
  x: usize,
  weight: usize,
  out: usize,
  columns: i32,
  epsilon: f32,
): void {
  const rowBytes = <usize> columns << 2;
  for (let row = start; row < end; row++) {
    const offset = <usize> row * rowBytes;
    const meanSquare = sumOfSquares(x + offset, columns) / <f64> columns;
    const factor = <f32> (1 / sqrt(meanSquare + <f64> epsilon));
    scaleRow(x + offset, weight, out + offset, columns, factor);
  }
}

function sumOfSquares(x: usize, columns: i32): f64 {
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let sum2 = f64x2.splat(0);
  let sum3 = f64x2.splat(0);
  let left = columns;
  for (; left >= 8; left -= 8, x += 32) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    sum0 = addSquare(sum0, lowF64(a));
    sum1 = addSquare(sum1, highF64(a));
    sum2 = addSquare(sum2, lowF64(b));
    sum3 = addSquare(sum3, highF64(b));
  }
  if (left >= 4) {
    const a = v128.load(x);
    sum0 = addSquare(sum0, lowF64(a));
    sum1 = addSquare(sum1, highF64(a));
    left -= 4;
    x += 16;
  }
  if (left > 0) {
    const a = loadPart(x, left, 0);
    sum0 = addSquare(sum0, lowF64(a));
    sum1 = addSquare(sum1, highF64(a));
  }
  return sumF64(f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3)));
}

@inline
function addSquare(sum: v128, x: v128): v128 {
  return f64x2.add(sum, f64x2.mul(x, x));
}

function scaleRow(x: usize, weight: usize, out: usize, columns: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  let left = columns;
  for (; left >= 4; left -= 4, x += 16, weight += 16, out += 16) {
    v128.store(out, f32x4.mul(f32x4.mul(v128.load(x), factors), v128.load(weight)));
  }
  for (; left > 0; left--, x += 4, weight += 4, out += 4) {
    store<f32>(out, load<f32>(x) * factor * load<f32>(weight));
  }
}
