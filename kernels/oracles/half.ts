/**
 * The two 16-bit float formats by their definitions: IEEE 754 binary16 (f16) and bfloat16 (bf16).
 *
 * @module
 */

/** The value of an f16: sign, 5 bits of exponent (bias 15), 10 bits of mantissa. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 0x3ff;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** The value of a bf16, which is the upper half of an f32. */
export function bfloat16Value(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

/** The f16 nearest to `x`, ties to even. */
export function roundToHalf(x: number): number {
  const rounded = roundToMantissa(x, 10, -14);
  // Beyond the largest exponent (15) rounding leads to infinity.
  return Math.abs(rounded) >= 2 ** 16 ? Math.sign(x) * Infinity : rounded;
}

/** The bf16 nearest to the f32 `x`, ties to even. */
export function roundToBfloat16(x: number): number {
  const rounded = roundToMantissa(x, 7, -126);
  return Math.abs(rounded) >= 2 ** 128 ? Math.sign(x) * Infinity : rounded;
}

/** Rounds to `bits` of mantissa behind the leading bit; below `2 ** lowest` numbers are subnormal. */
function roundToMantissa(x: number, bits: number, lowest: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  let exponent = Math.floor(Math.log2(Math.abs(x)));
  // The logarithm is rounded itself: set right where it crossed a whole number.
  if (2 ** exponent > Math.abs(x)) exponent -= 1;
  if (2 ** (exponent + 1) <= Math.abs(x)) exponent += 1;
  const unit = 2 ** (Math.max(exponent, lowest) - bits);
  return roundHalfToEven(x / unit) * unit;
}

/** The integer nearest to `x`, the even one of two. */
export function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5) return below === 0 && x < 0 ? -0 : below;
  if (rest > 0.5) return below + 1 === 0 ? -0 : below + 1;
  if (below % 2 === 0) return below;
  return below + 1 === 0 ? -0 : below + 1;
}
