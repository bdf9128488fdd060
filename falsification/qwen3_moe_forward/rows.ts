/**
 * How far rows of logits or of log-probabilities lie apart.
 *
 * @module
 */
import { logSumExp } from "../../engine/perplexity.ts";

/**
 * Natural log-probabilities of logits: x - log(sum of exp(x)), in f64 but for the result.
 *
 * @param logits [vocabulary]
 * @returns [vocabulary]
 */
export function logSoftmax(logits: Float32Array): Float32Array {
  const shift = logSumExp(logits);
  return logits.map((logit) => logit - shift);
}

/** Cosine of the angle between two rows of one length, -1 to 1. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** Relative L2 error: the length of the difference over the length of what is expected. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const difference = Array.from(expected, (value, i) => actual[i]! - value);
  return Math.sqrt(dot(difference, difference) / dot(expected, expected));
}

/** Rows one after another, as one. */
export function joined(rows: readonly ArrayLike<number>[]): Float32Array {
  return Float32Array.from(rows.flatMap((row) => Array.from(row)));
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
