/**
 * For tests of kernels: random arrays, and comparisons within a tolerance or to the bit.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Operations } from "./operations.ts";
import type { KernelMemory } from "./testing.ts";

/** `length` values between -scale and scale, the same for a seed. */
export function randomFloats(seed: number, length: number, scale = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    // A linear congruential generator (Numerical Recipes); the upper bits are the random ones.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) / 2 ** 23 - 1) * scale;
  });
}

/** Runs an operation in both builds, checks that the results have the same bits, returns one. */
export function inBothBuilds(
  { builds }: KernelMemory,
  run: (kernels: Operations) => Float32Array,
): Float32Array {
  const [first, ...others] = builds.map(({ kernels }) => run(kernels));
  for (const other of others) assertSameBits(other, first!);
  return first!;
}

/** Calls an operation for [0, count) in two parts. */
export function inTwoParts(
  count: number,
  cut: number,
  run: (start: number, end: number) => void,
): void {
  // The later part first: a unit that needed an earlier one would show.
  run(cut % (count + 1), count);
  run(0, cut % (count + 1));
}

/** Fails unless two arrays hold the same bits. */
export function assertSameBits(actual: Float32Array, expected: Float32Array): void {
  assert.equal(actual.length, expected.length);
  const expectedBits = bits(expected);
  const different = bits(actual).findIndex((value, i) => value !== expectedBits[i]);
  if (different < 0) return;
  assert.fail(`element ${different} is ${actual[different]}, not ${expected[different]}`);
}

function bits(x: Float32Array): Uint32Array {
  return new Uint32Array(x.buffer, x.byteOffset, x.length);
}

/** Fails if an element is farther from what is expected than its tolerance. */
export function assertClose(
  actual: Float32Array,
  expected: Float32Array,
  tolerance: (expected: number, index: number) => number,
): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    const difference = Math.abs(actual[i]! - value);
    const allowed = tolerance(value, i);
    if (difference <= allowed || Object.is(actual[i], value)) return;
    assert.fail(`element ${i} is ${actual[i]}, not ${value}: off by ${difference}, not ${allowed}`);
  });
}
