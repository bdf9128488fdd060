/**
 * Root-mean-square norm (Zhang and Sennrich 2019).
 *
 * @module
 */

/**
 * `x / sqrt(mean(x²) + epsilon) * weight`, row by row.
 *
 * @param x [rows, columns]
 * @param weight [columns]
 * @returns [rows, columns]
 */
export function rmsNorm(x: Float32Array, weight: Float32Array, epsilon: number): Float32Array {
  const columns = weight.length;
  const out = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += columns) {
    let squares = 0;
    for (let i = 0; i < columns; i++) squares += x[row + i]! ** 2;
    const rootMeanSquare = Math.sqrt(squares / columns + epsilon);
    for (let i = 0; i < columns; i++) out[row + i] = x[row + i]! / rootMeanSquare * weight[i]!;
  }
  return out;
}
