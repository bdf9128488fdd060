/**
 * The bits of the f16 (IEEE 754 binary16) nearest to a number that is given as the bits of an f32;
 * ties go to even, and what is too large becomes infinity. Written out because Node before version
 * 24 has no `Float16Array`.
 */
export function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x38800000) {
    // Drops 13 bits of the fraction and moves the exponent's bias from 127 to 15. A carry out of
    // the fraction lands in the exponent, where it belongs.
    return sign | roundedShift(magnitude - ((127 - 15) << 23), 13);
  }
  // Below 2^-14 an f16 is a multiple of 2^-24.
  const exponent = magnitude >>> 23;
  if (exponent < 102) return sign;
  return sign | roundedShift((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
}

/** The bits of the bfloat16 nearest to a finite number given as the bits of an f32; ties to even. */
export function bfloat16Bits(bits: number): number {
  return roundedShift(bits, 16);
}

/** `value / 2^places`, rounded to nearest, ties to even. */
function roundedShift(value: number, places: number): number {
  const odd = (value >>> places) & 1;
  return ((value + (1 << (places - 1)) - 1 + odd) | 0) >>> places;
}
