/**
 * Softmax.
 *
 * @module
 */

/**
 * `e^x / sum(e^x)`, row by row, with the row's largest value subtracted first, which changes nothing
 * but that no power overflows.
 *
 * @param x [rows, columns]
 * @returns [rows, columns]
 */
export function softmax(x: Float32Array, columns: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += columns) {
    out.set(softmaxOf(Array.from(x.subarray(row, row + columns))), row);
  }
  return out;
}

/** Softmax of one row, in f64. */
export function softmaxOf(x: readonly number[]): number[] {
  const largest = x.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = x.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
