import { maxF32 } from "./lanes";

// Two passes: the largest value, then where it first stands. NaN never wins; where all are NaN, or
// there are none, the answer is 0.
export function argMax(x: usize, count: i32): i32 {
  const largest = largestNumber(x, count);
  const largests = f32x4.splat(largest);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const equal = i32x4.bitmask(f32x4.eq(v128.load(x + (<usize> i << 2)), largests));
    if (equal) return i + ctz(equal);
  }
  for (; i < count; i++) {
    if (load<f32>(x + (<usize> i << 2)) == largest) return i;
  }
  return 0;
}

function largestNumber(x: usize, count: i32): f32 {
  // pmax(a, b) is b only where a < b: a NaN in b loses.
  let max0 = f32x4.splat(-Infinity);
  let max1 = max0;
  let max2 = max0;
  let max3 = max0;
  for (; count >= 16; count -= 16, x += 64) {
    max0 = f32x4.pmax(max0, v128.load(x));
    max1 = f32x4.pmax(max1, v128.load(x, 16));
    max2 = f32x4.pmax(max2, v128.load(x, 32));
    max3 = f32x4.pmax(max3, v128.load(x, 48));
  }
  let largest = maxF32(f32x4.pmax(f32x4.pmax(max0, max1), f32x4.pmax(max2, max3)));
  for (; count > 0; count--, x += 4) {
    const value = load<f32>(x);
    if (value > largest) largest = value;
  }
  return largest;
}
