// Conversions between f32 and the two 16-bit float formats: IEEE 754 binary16 (f16) and bfloat16.
// To 16 bits all round to nearest, ties to even. Vectors hold 16-bit patterns in u32 lanes.

// f16 → f32: the exponent and mantissa bits move to where f32 has them, which leaves the exponent
// 127 - 15 too small; multiplying by 2^112 corrects it exactly, for subnormals too. The exponent of
// infinities and NaNs comes out as 2^16 and is then set to all ones.

/** Where sign, exponent and mantissa of an f16 are once moved. */
export const HALF_BITS: i32 = <i32> 0x8fffe000;
/** 2^112. */
export const HALF_FACTOR: f32 = reinterpret<f32>((127 + 112) << 23);
const BEYOND_HALF: f32 = 65536.0;
const EXPONENT_MASK: u32 = 0x7f800000;

export function halfToFloat(bits: u32): f32 {
  const moved = (<i32> (bits << 16) >> 3) & HALF_BITS;
  const value = reinterpret<f32>(moved) * HALF_FACTOR;
  return abs(value) >= BEYOND_HALF
    ? reinterpret<f32>(reinterpret<u32>(value) | EXPONENT_MASK)
    : value;
}

@inline
export function halvesToFloats(bits: v128): v128 {
  const moved = v128.and(
    i32x4.shr_s(i32x4.shl(bits, 16), 3),
    i32x4.splat(HALF_BITS),
  );
  const values = f32x4.mul(moved, f32x4.splat(HALF_FACTOR));
  const beyond = f32x4.ge(f32x4.abs(values), f32x4.splat(BEYOND_HALF));
  return v128.or(values, v128.and(beyond, i32x4.splat(EXPONENT_MASK)));
}

// Two thirds of the vector conversion are its constants (see inRegister) and the exponent of
// infinities and NaNs. The loops of the matmuls keep the constants in registers, convert these as
// if they were finite, and note that they occurred: the result is then made NaN.

/**
 * f16 → f32 of finite values.
 *
 * halves: sign-extended to i32x4; bits, factor: HALF_BITS and HALF_FACTOR in all lanes
 */
@inline
export function finiteHalves(halves: v128, bits: v128, factor: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(halves, 13), bits), factor);
}

/** 2^-14, the smallest f16 that is not subnormal. */
const SMALLEST_NORMAL: f32 = reinterpret<f32>((127 - 14) << 23);

/**
 * f16 → f32 of a finite value that is likely subnormal, in all lanes. The scales of K-quants are: a
 * weight of 0.02 has one of 2^-15 or less. Moved as above they would be subnormal f32, which costs the
 * processor a hundred cycles; here 2^-14 is put on top of the mantissa and subtracted again.
 */
@inline
export function smallHalf(bits: u32): v128 {
  const magnitude = (bits & 0x7fff) << 13;
  const normal = reinterpret<f32>(magnitude + ((127 - 15) << 23));
  const subnormal = reinterpret<f32>(magnitude + ((127 - 14) << 23)) - SMALLEST_NORMAL;
  const value = magnitude < 1 << 23 ? subnormal : normal;
  return f32x4.splat(reinterpret<f32>(reinterpret<u32>(value) | (bits & 0x8000) << 16));
}

/**
 * {@linkcode smallHalf} of four values, also of infinities and NaNs.
 *
 * bits: u32x4
 */
@inline
export function smallHalves(bits: v128): v128 {
  const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  const normal = i32x4.add(magnitude, i32x4.splat((127 - 15) << 23));
  const subnormal = f32x4.sub(
    i32x4.add(magnitude, i32x4.splat((127 - 14) << 23)),
    f32x4.splat(SMALLEST_NORMAL),
  );
  const isSubnormal = i32x4.lt_u(magnitude, i32x4.splat(1 << 23));
  const finite = v128.bitselect(subnormal, normal, isSubnormal);
  const isSpecial = i32x4.ge_u(magnitude, i32x4.splat(0x7c00 << 13));
  const value = v128.or(finite, v128.and(isSpecial, i32x4.splat(EXPONENT_MASK)));
  return v128.or(value, i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16));
}

/** The larger, lane by lane, of what was seen before and of the magnitudes of 8 halves, doubled. */
@inline
export function noteHalves(seen: v128, halves: v128): v128 {
  return i16x8.max_u(seen, i16x8.add(halves, halves));
}

/** Whether `noteHalves` has seen an infinity or a NaN. */
@inline
export function hasSpecial(seen: v128): bool {
  return v128.any_true(i16x8.ge_u(seen, i16x8.splat(<i16> 0xf800)));
}

/** What to add to a result: NaN if `noteHalves` has seen an infinity or a NaN, otherwise 0. */
@inline
export function poisonOf(seen: v128): f32 {
  return hasSpecial(seen) ? <f32> NaN : <f32> 0;
}

// f32 → f16 has three cases by magnitude. From 2^16 on: infinity or NaN. Below 2^-14, where f16 is
// subnormal: adding 0.5 makes the f32 addition itself round at bit 2^-24. Otherwise: the exponent
// is rebased and the 13 dropped bits round up the rest, into the exponent where the mantissa is
// full.
const HALF_INFINITY: u32 = 0x7c00;
const HALF_NAN: u32 = 0x7e00;
const SMALLEST_NORMAL_HALF: u32 = (127 - 14) << 23;
const REBASE_AND_ROUND: u32 = (<u32> (15 - 127) << 23) + 0xfff;

export function floatToHalf(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  const magnitude = bits & 0x7fffffff;
  const sign = (bits >> 16) & 0x8000;
  if (magnitude >= reinterpret<u32>(BEYOND_HALF)) {
    return sign | (magnitude > EXPONENT_MASK ? HALF_NAN : HALF_INFINITY);
  }
  if (magnitude < SMALLEST_NORMAL_HALF) {
    const shifted = reinterpret<u32>(reinterpret<f32>(magnitude) + 0.5);
    return sign | (shifted - reinterpret<u32>(<f32> 0.5));
  }
  return sign | ((magnitude + REBASE_AND_ROUND + ((magnitude >> 13) & 1)) >> 13);
}

@inline
export function floatsToHalves(x: v128): v128 {
  const magnitude = v128.and(x, i32x4.splat(0x7fffffff));
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000));

  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(
    i32x4.add(i32x4.add(magnitude, i32x4.splat(REBASE_AND_ROUND)), odd),
    13,
  );
  const subnormal = i32x4.sub(
    f32x4.add(magnitude, f32x4.splat(0.5)),
    i32x4.splat(reinterpret<i32>(<f32> 0.5)),
  );
  const special = v128.or(
    i32x4.splat(HALF_INFINITY),
    v128.and(
      i32x4.gt_s(magnitude, i32x4.splat(EXPONENT_MASK)),
      i32x4.splat(HALF_NAN),
    ),
  );

  const isSubnormal = i32x4.lt_s(magnitude, i32x4.splat(SMALLEST_NORMAL_HALF));
  const isSpecial = i32x4.ge_s(magnitude, i32x4.splat(reinterpret<i32>(BEYOND_HALF)));
  const finite = v128.bitselect(subnormal, normal, isSubnormal);
  return v128.or(sign, v128.bitselect(special, finite, isSpecial));
}

// bf16 is the upper half of an f32, so back to f32 is a shift; only the rounding needs care, and
// that a NaN whose payload sits in the dropped bits does not become an infinity.
const QUIET_NAN_BIT: u32 = 0x400000;

/** `x` rounded to bf16, as f32. */
export function roundToBf16(x: f32): f32 {
  const bits = reinterpret<u32>(x);
  const rounded = (bits & 0x7fffffff) > EXPONENT_MASK
    ? bits | QUIET_NAN_BIT
    : bits + 0x7fff + ((bits >> 16) & 1);
  return reinterpret<f32>(rounded & 0xffff0000);
}

/** Four values rounded to bf16, as f32. */
@inline
export function roundToBf16x4(x: v128): v128 {
  const odd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
  const rounded = i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), odd);
  const quiet = v128.or(x, i32x4.splat(QUIET_NAN_BIT));
  const isNan = f32x4.ne(x, x);
  return v128.and(v128.bitselect(quiet, rounded, isNan), i32x4.splat(<i32> 0xffff0000));
}
