/**
 * Comparisons of numbers with what f64 mathematics says they should be.
 *
 * @module
 */
import assert from "node:assert/strict";

/** Fails unless every number is within its tolerance of what is expected; NaN never is. */
export function assertWithin(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: (expected: number, index: number) => number,
): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [got, wanted] = [actual[i]!, expected[i]!];
    const allowed = tolerance(wanted, i);
    assert.ok(
      Math.abs(got - wanted) <= allowed,
      `element ${i} of ${expected.length} is ${got}, not ${wanted} within ${allowed}`,
    );
  }
}
