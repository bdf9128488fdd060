/**
 * The end of a mixture-of-experts layer.
 *
 * @module
 */

/**
 * `residual[t] + sum over j of weights[t, j] * outputs[t, j]`.
 *
 * @param residual [tokens, columns]
 * @param outputs [tokens, k, columns]
 * @param weights [tokens, k]
 * @returns [tokens, columns]
 */
export function combineExperts(
  residual: Float32Array,
  outputs: Float32Array,
  weights: Float32Array,
  columns: number,
): Float32Array {
  const k = weights.length / (residual.length / columns);
  return residual.map((value, i) => {
    const token = Math.floor(i / columns);
    let sum = 0;
    for (let j = 0; j < k; j++) {
      sum += weights[token * k + j]! * outputs[(token * k + j) * columns + i % columns]!;
    }
    return value + sum;
  });
}
