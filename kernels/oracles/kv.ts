/**
 * The KV cache: keys and values of past positions, rounded to what the cache's format has.
 *
 * @module
 */
import { KV_BLOCK } from "../constants.ts";
import { type KvFormat, kvRowBytes } from "../kv_formats.ts";
import { halfValue } from "./half.ts";
import { roundActivations } from "./quantize.ts";

/** The shape of a cache and of what is appended. */
export interface KvShape {
  readonly kvHeads: number;
  readonly headSize: number;
  /** positions that the cache has room for */
  readonly capacity: number;
}

/** A head's key or value as a cache gives it back. x, returned: [headSize] */
export function roundKv(format: KvFormat, x: Float32Array): Float32Array {
  return roundActivations(format, x);
}

/**
 * Rounds keys (or values) and puts them into a cache, token t at position `firstPosition + t`.
 *
 * @param x [tokens, kvHeads, headSize]
 * @param cache [kvHeads, capacity, headSize], kept as f32 here
 */
export function appendKv(
  format: KvFormat,
  x: Float32Array,
  cache: Float32Array,
  firstPosition: number,
  { kvHeads, headSize, capacity }: KvShape,
): void {
  for (let row = 0; row < x.length / headSize; row++) {
    const position = firstPosition + Math.floor(row / kvHeads);
    const to = ((row % kvHeads) * capacity + position) * headSize;
    cache.set(roundKv(format, x.subarray(row * headSize, (row + 1) * headSize)), to);
  }
}

/**
 * What the kernels' cache holds.
 *
 * @param bytes one layer's keys or values
 * @returns [kvHeads, capacity, headSize]
 */
export function readCache(
  format: KvFormat,
  what: "keys" | "values",
  bytes: Uint8Array,
  { kvHeads, headSize, capacity }: KvShape,
): Float32Array {
  const blockBytes = kvRowBytes(format, headSize) * KV_BLOCK;
  const blocks = Math.ceil(capacity / KV_BLOCK);
  const read = {
    f16: { keys: keyF16, values: valueF16 },
    q8_0: { keys: keyQ8_0, values: valueQ8_0 },
  };
  return Float32Array.from({ length: kvHeads * capacity * headSize }, (_, i) => {
    const row = Math.floor(i / headSize);
    const [head, position] = [Math.floor(row / capacity), row % capacity];
    const block = head * blocks + Math.floor(position / KV_BLOCK);
    const view = new DataView(bytes.buffer, bytes.byteOffset + block * blockBytes, blockBytes);
    return read[format][what](view, position % KV_BLOCK, i % headSize, headSize);
  });
}

/** Reads an element of a block of positions. */
type ReadElement = (
  block: DataView,
  position: number,
  element: number,
  headSize: number,
) => number;

function halfAt(view: DataView, index: number): number {
  return halfValue(view.getUint16(2 * index, true));
}

/** [position / 4, element / 2, 4, 2] f16, where elements are a multiple of 4 */
const keyF16: ReadElement = (block, position, element, headSize) => {
  const pair = Math.floor(position / 4) * Math.ceil(headSize / 4) * 2 + Math.floor(element / 2);
  return halfAt(block, (pair * 4 + position % 4) * 2 + element % 2);
};

/** [element / 4, position / 2, 4, 2] f16 */
const valueF16: ReadElement = (block, position, element) => {
  const pair = Math.floor(element / 4) * KV_BLOCK / 2 + Math.floor(position / 2);
  return halfAt(block, (pair * 4 + element % 4) * 2 + position % 2);
};

/** [position / 4] of [element / 32, 4] f16 d, then [element / 4, 4, 4] i8 */
const keyQ8_0: ReadElement = (block, position, element, headSize) => {
  const tile = Math.floor(position / 4) * 4 * headSize / 32 * 34;
  const d = halfAt(block, tile / 2 + Math.floor(element / 32) * 4 + position % 4);
  const quants = tile + headSize / 32 * 8;
  return d * block.getInt8(quants + Math.floor(element / 4) * 16 + position % 4 * 4 + element % 4);
};

/** [element / 32] of [position] f16 d, then [8, position / 4, 4, 4] i8 */
const valueQ8_0: ReadElement = (block, position, element) => {
  const part = Math.floor(element / 32) * 34 * KV_BLOCK;
  const tile = part + 2 * KV_BLOCK + Math.floor(element % 32 / 4) * 4 * KV_BLOCK;
  const quant = tile + Math.floor(position / 4) * 16 + element % 4 * 4 + position % 4;
  return halfAt(block, part / 2 + position) * block.getInt8(quant);
};
