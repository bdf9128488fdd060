/**
 * Sums of arrays.
 *
 * @module
 */

/** `a + b`, element by element: the residual connection. */
export function add(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value + b[i]!);
}

/**
 * `x + bias` for each row.
 *
 * @param x [rows, columns]
 * @param bias [columns]
 * @returns [rows, columns]
 */
export function addBias(x: Float32Array, bias: Float32Array): Float32Array {
  return x.map((value, i) => value + bias[i % bias.length]!);
}
