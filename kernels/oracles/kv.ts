/**
 * The KV cache: keys and values of past positions, rounded to f16.
 *
 * @module
 */
import { roundToHalf } from "./half.ts";

/** The shape of a cache and of what is appended. */
export interface KvShape {
  readonly kvHeads: number;
  readonly headSize: number;
  /** positions that the cache has room for */
  readonly capacity: number;
}

/**
 * Rounds keys (or values) to f16 and puts them into a cache, token t at position
 * `firstPosition + t`.
 *
 * @param x [tokens, kvHeads, headSize]
 * @param cache [kvHeads, capacity, headSize], kept as f32 here
 */
export function appendKv(
  x: Float32Array,
  cache: Float32Array,
  firstPosition: number,
  { kvHeads, headSize, capacity }: KvShape,
): void {
  for (let row = 0; row < x.length / headSize; row++) {
    const position = firstPosition + Math.floor(row / kvHeads);
    const to = ((row % kvHeads) * capacity + position) * headSize;
    cache.set(x.subarray(row * headSize, (row + 1) * headSize).map(roundToHalf), to);
  }
}
