// The integer dot products that the matmuls of quantized weights are made of.
//
// Both builds give the same integers in the same lanes, so the f32 sums made of them are the same
// bits: relaxed SIMD leaves open only what happens when `small` is beyond 7 bits or a sum beyond
// 16.

import { sumF32 } from "./lanes";

/**
 * Products of neighbours, summed: lane k of the i16x8 is signed[2k] · small[2k] + signed[2k + 1] ·
 * small[2k + 1].
 *
 * signed: i8x16; small: i8x16 of 0 to 127; every sum must fit 16 bits
 */
@inline
export function dotPairs(signed: v128, small: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(signed, small);
  const evens = i16x8.mul(
    i16x8.shr_s(i16x8.shl(signed, 8), 8),
    v128.and(small, i16x8.splat(0xff)),
  );
  const odds = i16x8.mul(i16x8.shr_s(signed, 8), i16x8.shr_u(small, 8));
  return i16x8.add(evens, odds);
}

/** Stores the sums of 2 or 4 tokens, f32x4 each, added up with `poison`, `outStride` bytes apart. */
@inline
export function storeSums(
  batch: i32,
  out: usize,
  outStride: usize,
  poison: f32,
  sum0: v128,
  sum1: v128,
  sum2: v128,
  sum3: v128,
): void {
  store<f32>(out, poison + sumF32(sum0));
  store<f32>(out + outStride, poison + sumF32(sum1));
  if (batch > 2) {
    store<f32>(out + 2 * outStride, poison + sumF32(sum2));
    store<f32>(out + 3 * outStride, poison + sumF32(sum3));
  }
}

/** Stores the first lanes of 2 or 4 tokens' sums, as {@linkcode storeSums} does the sums of lanes. */
@inline
export function storeFirst(
  batch: i32,
  out: usize,
  outStride: usize,
  poison: f32,
  sum0: v128,
  sum1: v128,
  sum2: v128,
  sum3: v128,
): void {
  store<f32>(out, poison + f32x4.extract_lane(sum0, 0));
  store<f32>(out + outStride, poison + f32x4.extract_lane(sum1, 0));
  if (batch > 2) {
    store<f32>(out + 2 * outStride, poison + f32x4.extract_lane(sum2, 0));
    store<f32>(out + 3 * outStride, poison + f32x4.extract_lane(sum3, 0));
  }
}
