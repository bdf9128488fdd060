// e^x, four lanes at a time, after Cephes' expf (Moshier 1989): x = n ln 2 + r with |r| ≤ ln 2 / 2,
// e^r by a polynomial of degree 7, the result times 2^n. Relative error below 2e-7 where the result
// is a normal number. -infinity gives 0, what exceeds f32 gives infinity, NaN stays NaN.

//
// The constants are variables on purpose. V8 builds a constant vector anew wherever it is used, in
// three instructions, while a global is one load: exp is 1.7 times as fast. Binaryen would turn a
// `const` back into a constant, but not what the module's start function sets.

// Beyond these e^x is 0 or infinity in f32; the bounds keep n small.
let SMALLEST = f32x4.splat(-105);
let LARGEST = f32x4.splat(89);
let LOG2_E = f32x4.splat(1.44269504088896341);
// ln 2 in two parts. The first has 9 significant bits: n times it is exact.
let LN2_HIGH = f32x4.splat(0.693359375);
let LN2_LOW = f32x4.splat(-2.12194440e-4);
// 1.5 * 2^23: adding it to a small f32 leaves the nearest integer in the lowest bits of the sum.
export let ROUNDING = f32x4.splat(12582912);
let ONE = f32x4.splat(1);
let C2 = f32x4.splat(5.0000001201e-1);
let C3 = f32x4.splat(1.6666665459e-1);
let C4 = f32x4.splat(4.1665795894e-2);
let C5 = f32x4.splat(8.3334519073e-3);
let C6 = f32x4.splat(1.3981999507e-3);
let C7 = f32x4.splat(1.9875691500e-4);
let EXPONENT_BIAS = i32x4.splat(127);

@inline
export function expF32(x: v128): v128 {
  // pmax and pmin compare so that a NaN in x passes.
  const bounded = f32x4.pmin(f32x4.pmax(x, SMALLEST), LARGEST);
  const rounded = f32x4.add(f32x4.mul(bounded, LOG2_E), ROUNDING);
  const n = f32x4.sub(rounded, ROUNDING);
  let r = f32x4.sub(bounded, f32x4.mul(n, LN2_HIGH));
  r = f32x4.sub(r, f32x4.mul(n, LN2_LOW));

  let p = f32x4.add(f32x4.mul(C7, r), C6);
  p = f32x4.add(f32x4.mul(p, r), C5);
  p = f32x4.add(f32x4.mul(p, r), C4);
  p = f32x4.add(f32x4.mul(p, r), C3);
  p = f32x4.add(f32x4.mul(p, r), C2);
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), ONE);

  // n is -151 to 128: one factor 2^n may lie outside f32, two of half the exponent do not.
  const exponent = i32x4.sub(rounded, ROUNDING);
  const half = i32x4.shr_s(exponent, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(exponent, half)));
}

@inline
function powerOfTwo(exponent: v128): v128 {
  return i32x4.shl(i32x4.add(exponent, EXPONENT_BIAS), 23);
}

// For weights of attention: x = n log 2 + r log 2 with a product that is rounded, which costs a relative
// error of 2^-24 |x|. So large weights are as good as can be, and small ones count for little.
let SMALLEST_POWER = f32x4.splat(-125);
// 2^r for |r| <= 1/2 is 1 + r times a polynomial of degree 5; of all of these it is the one whose largest
// relative error is smallest, 2e-9.
let P1 = f32x4.splat(6.9314720285e-1);
let P2 = f32x4.splat(2.4022647913e-1);
let P3 = f32x4.splat(5.5503324726e-2);
let P4 = f32x4.splat(9.6184373963e-3);
let P5 = f32x4.splat(1.3398873907e-3);
let P6 = f32x4.splat(1.5353351110e-4);

/** e^x for x <= 0, and 0 where that is below 2^-125. NaN stays NaN. */
@inline
export function expOfNegative(x: v128): v128 {
  const power = f32x4.mul(x, LOG2_E);
  const rounded = f32x4.add(power, ROUNDING);
  const r = f32x4.sub(power, f32x4.sub(rounded, ROUNDING));
  let p = f32x4.add(f32x4.mul(P6, r), P5);
  p = f32x4.add(f32x4.mul(p, r), P4);
  p = f32x4.add(f32x4.mul(p, r), P3);
  p = f32x4.add(f32x4.mul(p, r), P2);
  p = f32x4.add(f32x4.mul(p, r), P1);
  p = f32x4.add(f32x4.mul(p, r), ONE);
  // The lowest bits of `rounded` are n, which is added to the exponent.
  const result = i32x4.add(p, i32x4.shl(rounded, 23));
  return v128.andnot(result, f32x4.lt(power, SMALLEST_POWER));
}
