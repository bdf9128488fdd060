// The step of a sum of products of floats.

/**
 * a · b + sum, f32x4. With relaxed SIMD the product is not rounded where the processor has such an
 * instruction, so the two builds differ in the last bits. One build on one machine always does the same.
 */
@inline
export function multiplyAdd(a: v128, b: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, sum);
  return f32x4.add(sum, f32x4.mul(a, b));
}
