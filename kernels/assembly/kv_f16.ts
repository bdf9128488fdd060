// Keys and values as f16. A block holds KV_BLOCK positions in tiles of 4 rows by pairs of columns:
// a tile of keys has the pairs of elements of 4 positions, a tile of values the pairs of positions of
// 4 elements. 8 f16 that are loaded together are 4 rows of one pair, and so become two vectors without
// crossing lanes.

import { KV_BLOCK } from "../constants";
import { attend, attendSpans } from "./attention";
import { UNPACKED } from "./attention_scratch";
import {
  floatsToHalves,
  floatToHalf,
  HALF_BITS,
  HALF_FACTOR,
  halvesToFloats,
  hasSpecial,
  noteHalves,
} from "./f16";
import { append } from "./kv";
import { scratch } from "./scratch";

const PAIR_BYTES: usize = 16;
/** A tile of values. */
const VALUES_BYTES: usize = PAIR_BYTES * (KV_BLOCK / 2);

@final
@unmanaged
class F16 {
  @inline
  checkWidth(headSize: i32): void {}

  @inline
  blockBytes(width: i32): usize {
    return <usize> width * (2 * KV_BLOCK);
  }

  @inline
  unpackKeys(block: usize, position: i32, width: i32): void {
    unpack(block + <usize> position * (<usize> width << 1), width);
  }

  @inline
  unpackValues(block: usize, element: i32, count: i32, width: i32): void {
    unpack(block + <usize> (element >> 2) * VALUES_BYTES, count);
  }

  /** Elements go in pairs, to the tile of their 4 positions. */
  @inline
  storeKeys(from: usize, block: usize, position: i32, headSize: i32): void {
    const width = (headSize + 3) & ~3;
    let to = block + <usize> (position & ~3) * (<usize> width << 1) + (<usize> (position & 3) << 2);
    let left = headSize;
    for (; left >= 4; left -= 4, from += 16, to += 2 * PAIR_BYTES) {
      const halves = floatsToHalves(v128.load(from));
      const pairs = i16x8.narrow_i32x4_u(halves, halves);
      v128.store_lane<u32>(to, pairs, 0);
      v128.store_lane<u32>(to, pairs, 1, PAIR_BYTES);
    }
    for (let i = 0; i < left; i++, from += 4) {
      store<u16>(to + <usize> (i >> 1) * PAIR_BYTES + (<usize> (i & 1) << 1), floatToHalf(load<f32>(from)));
    }
  }

  /** Each element goes to its own row, beside that of the position before or after. */
  @inline
  storeValues(from: usize, block: usize, position: i32, headSize: i32): void {
    let to = block + <usize> (position >> 1) * PAIR_BYTES + (<usize> (position & 1) << 1);
    let left = headSize;
    for (; left >= 4; left -= 4, from += 16, to += VALUES_BYTES) {
      const halves = floatsToHalves(v128.load(from));
      v128.store_lane<u16>(to, halves, 0);
      v128.store_lane<u16>(to, halves, 2, 4);
      v128.store_lane<u16>(to, halves, 4, 8);
      v128.store_lane<u16>(to, halves, 6, 12);
    }
    for (; left > 0; left--, from += 4, to += 4) store<u16>(to, floatToHalf(load<f32>(from)));
  }
}

// Variables, so that they are loaded into registers: see exp.ts.
let BITS = i32x4.splat(HALF_BITS);
let SHIFT = i32x4.splat(1 << 13);
let FACTOR = f32x4.splat(HALF_FACTOR);

/** Columns in pairs to [columns, 4] f32; an odd column brings its neighbour along. */
function unpack(from: usize, columns: i32): void {
  // As finiteHalves; a product of i16 extends and shifts in one instruction.
  const bits = BITS, shift = SHIFT, factor = FACTOR;
  let seen = i16x8.splat(0);
  let to = scratch + UNPACKED;
  const pairs = (columns + 1) >> 1;
  const end = from + <usize> pairs * PAIR_BYTES;
  for (let at = from; at != end; at += PAIR_BYTES, to += 32) {
    const halves = v128.load(at);
    seen = noteHalves(seen, halves);
    const even = v128.and(i32x4.dot_i16x8_s(halves, shift), bits);
    const odd = v128.and(i32x4.shr_s(halves, 3), bits);
    v128.store(to, f32x4.mul(even, factor));
    v128.store(to, f32x4.mul(odd, factor), 16);
  }
  if (hasSpecial(seen)) unpackSpecials(from, end);
}

/** With infinities and NaNs. */
function unpackSpecials(from: usize, end: usize): void {
  let to = scratch + UNPACKED;
  for (; from != end; from += PAIR_BYTES, to += 32) {
    const halves = v128.load(from);
    v128.store(to, halvesToFloats(v128.and(halves, i32x4.splat(0xffff))));
    v128.store(to, halvesToFloats(i32x4.shr_u(halves, 16)), 16);
  }
}

export function appendKeysF16(
  start: i32,
  end: i32,
  x: usize,
  cache: usize,
  firstPosition: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
): void {
  append<F16>(true, start, end, x, cache, firstPosition, kvHeads, headSize, capacity);
}

export function appendValuesF16(
  start: i32,
  end: i32,
  x: usize,
  cache: usize,
  firstPosition: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
): void {
  append<F16>(false, start, end, x, cache, firstPosition, kvHeads, headSize, capacity);
}

export function attentionF16(
  start: i32,
  end: i32,
  q: usize,
  keys: usize,
  values: usize,
  out: usize,
  firstPosition: i32,
  tokens: i32,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
  scale: f32,
): void {
  // deno-fmt-ignore
  attend<F16>(start, end, q, keys, values, out, firstPosition, tokens, heads, kvHeads, headSize, capacity, scale);
}

export function attendSpansF16(
  start: i32,
  end: i32,
  q: usize,
  keys: usize,
  values: usize,
  records: usize,
  position: i32,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
  scale: f32,
): void {
  // deno-fmt-ignore
  attendSpans<F16>(start, end, q, keys, values, records, position, heads, kvHeads, headSize, capacity, scale);
}
