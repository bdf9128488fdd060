// Appends to the KV cache, in blocks of KV_BLOCK positions. What a format F is says attention_block.ts;
// for these it has besides
//
//   storeKeys(from, block, position, headSize)
//                        a key of f32 at a position of a block
//   storeValues(from, block, position, headSize)
//                        likewise a value

import { KV_BLOCK } from "../constants";

/** Bytes of the keys, or of the values, of one key-value head. Traps where the format can't keep them. */
@inline
export function cacheBytes<F>(headSize: i32, capacity: i32): usize {
  changetype<F>(0).checkWidth(headSize);
  const blocks = (capacity + KV_BLOCK - 1) / KV_BLOCK;
  return <usize> blocks * changetype<F>(0).blockBytes((headSize + 3) & ~3);
}

/** Appends keys, or values. */
@inline
export function append<F>(
  isKeys: bool,
  start: i32,
  end: i32,
  x: usize,
  cache: usize,
  firstPosition: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
): void {
  const format = changetype<F>(0);
  const headBytes = cacheBytes<F>(headSize, capacity);
  const blockBytes = format.blockBytes((headSize + 3) & ~3);
  let from = x + <usize> start * <usize> kvHeads * (<usize> headSize << 2);
  for (let position = firstPosition + start; position < firstPosition + end; position++) {
    let block = cache + <usize> (position / KV_BLOCK) * blockBytes;
    for (let head = 0; head < kvHeads; head++, block += headBytes, from += <usize> headSize << 2) {
      if (isKeys) format.storeKeys(from, block, position % KV_BLOCK, headSize);
      else format.storeValues(from, block, position % KV_BLOCK, headSize);
    }
  }
}
