/**
 * Scaled dot-product attention (Vaswani et al. 2017), causal, with query heads that share key-value
 * heads (Ainslie et al. 2023).
 *
 * @module
 */
import { softmaxOf } from "./softmax.ts";
import type { KvShape } from "./kv.ts";

/** The shape of an attention layer. */
export interface AttentionShape extends KvShape {
  /** query heads, a multiple of `kvHeads`: head h reads key-value head `h / (heads / kvHeads)` */
  readonly heads: number;
  /** multiplies each score, 1 / sqrt(headSize) */
  readonly scale: number;
}

/**
 * What each query gathers: the values, weighted by the softmax of its scores. Token t sees the
 * positions 0 to `firstPosition + t`.
 *
 * @param q [tokens, heads, headSize]
 * @param keys [kvHeads, capacity, headSize]
 * @param values [kvHeads, capacity, headSize]
 * @returns [tokens, heads, headSize]
 */
export function attention(
  q: Float32Array,
  keys: Float32Array,
  values: Float32Array,
  firstPosition: number,
  { heads, kvHeads, headSize, capacity, scale }: AttentionShape,
): Float32Array {
  const out = new Float32Array(q.length);
  for (let row = 0; row < q.length / headSize; row++) {
    const visible = firstPosition + Math.floor(row / heads) + 1;
    const kvHead = Math.floor((row % heads) / (heads / kvHeads));
    const query = q.subarray(row * headSize, (row + 1) * headSize);
    const begin = kvHead * capacity * headSize;

    const scores: number[] = [];
    for (let position = 0; position < visible; position++) {
      let score = 0;
      query.forEach((x, i) => score += x * keys[begin + position * headSize + i]!);
      scores.push(score * scale);
    }
    const weights = softmaxOf(scores);
    for (let i = 0; i < headSize; i++) {
      let sum = 0;
      weights.forEach((weight, j) => sum += weight * values[begin + j * headSize + i]!);
      out[row * headSize + i] = sum;
    }
  }
  return out;
}
