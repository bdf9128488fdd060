/**
 * The KV cache: keys and values of past positions, rounded to f16.
 *
 * @module
 */
import { KV_BLOCK } from "../constants.ts";
import { kvRowBytes } from "../kv_formats.ts";
import { halfValue, roundToHalf } from "./half.ts";

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

/**
 * What the kernels' cache holds. A block of positions is, for keys, [position / 4, element / 2, 4, 2]
 * and, for values, [element / 4, position / 2, 4, 2].
 *
 * @param bytes one layer's keys or values
 * @returns [kvHeads, capacity, headSize]
 */
export function readCache(
  what: "keys" | "values",
  bytes: Uint8Array,
  { kvHeads, headSize, capacity }: KvShape,
): Float32Array {
  const halves = new Uint16Array(bytes.slice().buffer);
  const width = kvRowBytes("f16", headSize) / 2;
  const blocks = Math.ceil(capacity / KV_BLOCK);
  return Float32Array.from({ length: kvHeads * capacity * headSize }, (_, i) => {
    const element = i % headSize;
    const row = Math.floor(i / headSize);
    const [head, position] = [Math.floor(row / capacity), row % capacity];
    const block = head * blocks + Math.floor(position / KV_BLOCK);
    const [line, column, columns] = what === "keys"
      ? [position % KV_BLOCK, element, width]
      : [element, position % KV_BLOCK, KV_BLOCK];
    const tile = Math.floor(line / 4) * 4 * columns;
    const inTile = Math.floor(column / 2) * 8 + (line % 4) * 2 + column % 2;
    return halfValue(halves[block * KV_BLOCK * width + tile + inTile]!);
  });
}
