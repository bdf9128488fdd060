// Rows of f32 activations in the formats that the matmuls take. The rounding is llama.cpp's, to the
// nearest, ties to even; where the results lie is this library's own, see ../activation_layouts.ts.
//
// Nothing traps: a NaN or an infinity makes d NaN or infinite, and with it every dot product.
import {
  Q8_0_BYTES,
  Q8_0_CENTER,
  Q8_0_D,
  Q8_0_NEGATIVES,
  Q8_0_SIZE,
  Q8_K_BYTES,
  Q8_K_CENTERS,
  Q8_K_D,
  Q8_K_SIZE,
  Q8_K_SUMS_OF_16,
  Q8_K_SUMS_OF_32,
} from "../activation_layouts";
import { ROUNDING } from "./exp";
import {
  floatsToHalves,
  floatToHalf,
  halfToFloat,
  halvesToFloats,
  roundToBf16,
  roundToBf16x4,
} from "./f16";
import { maxF32 } from "./lanes";

// A variable on purpose, as in exp.ts.
let LEAST_QUANT = i8x16.splat(-127);

/**
 * Four values times `factor`, rounded to integers, i32x4; NaN becomes 0, and what is further from
 * zero than 2^22 some integer that is as well.
 */
@inline
function scaleFour(x: usize, factor: v128): v128 {
  const scaled = f32x4.mul(v128.load(x), factor);
  const numbers = v128.and(scaled, f32x4.eq(scaled, scaled));
  return i32x4.sub(f32x4.add(numbers, ROUNDING), ROUNDING);
}

/** 16 values times `factor` as integers, i8x16, no further from zero than 127. */
@inline
export function scaleSixteen(x: usize, factor: v128): v128 {
  const first = i16x8.narrow_i32x4_s(scaleFour(x, factor), scaleFour(x + 16, factor));
  const second = i16x8.narrow_i32x4_s(scaleFour(x + 32, factor), scaleFour(x + 48, factor));
  return i8x16.max_s(i8x16.narrow_i16x8_s(first, second), LEAST_QUANT);
}

@inline
function sumOfBytes(bytes: v128): i32 {
  const sums = i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(bytes));
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
}

/** In lanes 0 and 1 of an i16x8 the sums of the bytes 0, 1, 4, 5, 8, ... and 2, 3, 6, 7, ... */
@inline
function sumsOfPairs(bytes: v128): v128 {
  let pairs = i16x8.extadd_pairwise_i8x16_s(bytes);
  pairs = i16x8.add(pairs, v128.shuffle<i64>(pairs, pairs, 1, 0));
  return i16x8.add(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
}

/**
 * The value of a block that is furthest from zero, with its sign: the first of several. As integers,
 * the bits of positive f32 have the order of their values, infinity and NaN after all others, and
 * those of negative ones the opposite.
 */
function extremeOf256(x: usize): f32 {
  let positives = v128.load(x), negatives = positives;
  for (let i: usize = 16; i < 4 * Q8_K_SIZE; i += 16) {
    const values = v128.load(x + i);
    positives = i32x4.max_s(positives, values);
    negatives = i32x4.max_u(negatives, values);
  }
  positives = i32x4.max_s(positives, v128.shuffle<i64>(positives, positives, 1, 0));
  positives = i32x4.max_s(positives, v128.shuffle<i32>(positives, positives, 1, 0, 3, 2));
  negatives = i32x4.max_u(negatives, v128.shuffle<i64>(negatives, negatives, 1, 0));
  negatives = i32x4.max_u(negatives, v128.shuffle<i32>(negatives, negatives, 1, 0, 3, 2));
  const high = i32x4.extract_lane(positives, 0), low = i32x4.extract_lane(negatives, 0);
  // If there is none of a sign, the other one's is found in its place.
  const below = low < 0 ? low & i32.MAX_VALUE : -1;
  if (below > high) return reinterpret<f32>(low);
  if (below < high) return reinterpret<f32>(high);
  while ((load<i32>(x) & i32.MAX_VALUE) != high) x += 4;
  return load<f32>(x);
}

/** One block: d = -extreme / 127, so that the extreme itself is -127. */
function quantizeBlockQ8_K(x: usize, out: usize): void {
  const extreme = extremeOf256(x);
  const inverse: f32 = extreme == 0 ? 0 : -127 / extreme;
  const factor = f32x4.splat(inverse);
  let previous = 0;
  for (let group: usize = 0; group < 16; group++) {
    const quants = scaleSixteen(x + group * 64, factor);
    const sums = sumsOfPairs(quants);
    const sum = i16x8.extract_lane_s(sums, 0) + i16x8.extract_lane_s(sums, 1);
    v128.store(out + group * 16, quants);
    store<i16>(out + group * 2, <i16> sum, Q8_K_SUMS_OF_16);
    v128.store_lane<u32>(out + group * 4, i16x8.neg(i16x8.shl(sums, 5)), 0, Q8_K_CENTERS);
    if (group & 1) store<i16>(out + (group & ~1), <i16> (previous + sum), Q8_K_SUMS_OF_32);
    previous = sum;
  }
  v128.store(out, f32x4(extreme == 0 ? 0 : 1 / inverse, 0, 0, 0), Q8_K_D);
}

export function quantizeQ8_K(start: i32, end: i32, x: usize, out: usize, columns: i32): void {
  const blocks = <usize> (columns / Q8_K_SIZE);
  const last = <usize> end * blocks;
  for (let block = <usize> start * blocks; block < last; block++) {
    quantizeBlockQ8_K(x + block * (4 * Q8_K_SIZE), out + block * Q8_K_BYTES);
  }
}

/** The largest magnitude of a Q8_0 block; NaN if there is one. As integers, magnitudes keep their order. */
export function magnitudeOf32(x: usize): f32 {
  let largest = f32x4.abs(v128.load(x));
  for (let i: usize = 16; i < 4 * Q8_0_SIZE; i += 16) {
    largest = i32x4.max_s(largest, f32x4.abs(v128.load(x + i)));
  }
  return maxF32(largest);
}

/** One block: d = largest magnitude / 127; the quants are made with it before it becomes f16. */
function quantizeBlockQ8_0(x: usize, out: usize): void {
  const magnitude = magnitudeOf32(x);
  const factor = f32x4.splat(magnitude == 0 ? 0 : 127 / magnitude);
  const first = scaleSixteen(x, factor), second = scaleSixteen(x + 64, factor);
  const zero = i8x16.splat(0);
  v128.store(out, first);
  v128.store(out, second, 16);
  store<f32>(out, halfToFloat(floatToHalf(magnitude / 127)), Q8_0_D);
  store<i32>(
    out,
    -sumOfBytes(i8x16.min_s(first, zero)) - sumOfBytes(i8x16.min_s(second, zero)),
    Q8_0_NEGATIVES,
  );
  store<i32>(out, -8 * (sumOfBytes(first) + sumOfBytes(second)), Q8_0_CENTER);
  store<i32>(out, 0, Q8_0_CENTER + 4);
}

export function quantizeQ8_0(start: i32, end: i32, x: usize, out: usize, columns: i32): void {
  const blocks = <usize> (columns / Q8_0_SIZE);
  const last = <usize> end * blocks;
  for (let block = <usize> start * blocks; block < last; block++) {
    quantizeBlockQ8_0(x + block * (4 * Q8_0_SIZE), out + block * Q8_0_BYTES);
  }
}

export function roundF16(start: i32, end: i32, x: usize, out: usize, columns: i32): void {
  const last = (<usize> end * <usize> columns) << 2;
  let at = (<usize> start * <usize> columns) << 2;
  for (; at + 16 <= last; at += 16) {
    v128.store(out + at, halvesToFloats(floatsToHalves(v128.load(x + at))));
  }
  for (; at < last; at += 4) store<f32>(out + at, halfToFloat(floatToHalf(load<f32>(x + at))));
}

export function roundBF16(start: i32, end: i32, x: usize, out: usize, columns: i32): void {
  const last = (<usize> end * <usize> columns) << 2;
  let at = (<usize> start * <usize> columns) << 2;
  for (; at + 16 <= last; at += 16) v128.store(out + at, roundToBf16x4(v128.load(x + at)));
  for (; at < last; at += 4) store<f32>(out + at, roundToBf16(load<f32>(x + at)));
}
