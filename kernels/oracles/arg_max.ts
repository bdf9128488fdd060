/**
 * The greedy choice.
 *
 * @module
 */

/** The position of the largest number, the lowest on a tie; NaN never wins. 0 if there is none. */
export function argMax(x: Float32Array): number {
  let best: number | undefined;
  x.forEach((value, i) => {
    if (!Number.isNaN(value) && (best === undefined || value > x[best]!)) best = i;
  });
  return best ?? 0;
}
