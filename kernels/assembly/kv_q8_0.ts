// Keys and values as q8_0: each 32 elements of a head are d times 32 i8, d being an f16. A block holds
// KV_BLOCK positions. 16 i8 that are loaded together are 4 rows, the lanes, of 4 columns: they become
// four vectors by shifts.
//
// Keys are tiles of 4 positions. A tile has the d of each 32 elements, 4 positions of each, then its
// quants, 4 elements of 4 positions together. Values are parts of 32 elements. A part has the d of each
// position, then 8 tiles of 4 elements, with 4 positions of these together.

import { Q8_0_SIZE } from "../activation_layouts";
import { KV_BLOCK } from "../constants";
import { attend, attendSpans } from "./attention";
import { SCALES, UNPACKED } from "./attention_scratch";
import { floatToHalf, smallHalves } from "./f16";
import { append } from "./kv";
import { magnitudeOf32, scaleSixteen } from "./quantize";
import { scratch } from "./scratch";

const BLOCK: usize = Q8_0_SIZE;
/** The scales of 4 positions in a tile of keys. */
const SCALES_BYTES: usize = 8;
/** Values of 32 elements: scales, then tiles. */
const PART_SCALES_BYTES: usize = 2 * KV_BLOCK;
const PART_TILE_BYTES: usize = 4 * KV_BLOCK;
const PART_BYTES: usize = PART_SCALES_BYTES + (BLOCK >> 2) * PART_TILE_BYTES;

@final
@unmanaged
class Q8_0 {
  @inline
  checkWidth(headSize: i32): void {
    if (headSize % Q8_0_SIZE != 0) unreachable();
  }

  @inline
  blockBytes(width: i32): usize {
    return <usize> (width / Q8_0_SIZE) * PART_BYTES;
  }

  @inline
  unpackKeys(block: usize, position: i32, width: i32): void {
    unpackKeys(keyTile(block, position, width), width);
  }

  @inline
  unpackValues(block: usize, element: i32, count: i32, width: i32): void {
    const part = block + <usize> (element / Q8_0_SIZE) * PART_BYTES;
    const first = element % Q8_0_SIZE;
    if (first == 0) unpackScales(part, count);
    unpackValues(part + PART_SCALES_BYTES + <usize> (first >> 2) * PART_TILE_BYTES, count);
  }

  @inline
  storeKeys(from: usize, block: usize, position: i32, headSize: i32): void {
    const tile = keyTile(block, position, headSize);
    const row = <usize> (position & 3);
    let scale = tile + (row << 1);
    let quants = tile + <usize> (headSize / Q8_0_SIZE) * SCALES_BYTES + (row << 2);
    for (let left = headSize; left > 0; left -= Q8_0_SIZE) {
      store<u16>(scale, quantize(from));
      for (let i: usize = 0; i < BLOCK; i += 4, quants += 16) {
        store<u32>(quants, load<u32>(scratch + UNPACKED + i));
      }
      from += 4 * Q8_0_SIZE;
      scale += SCALES_BYTES;
    }
  }

  @inline
  storeValues(from: usize, block: usize, position: i32, headSize: i32): void {
    let part = block;
    for (let left = headSize; left > 0; left -= Q8_0_SIZE, part += PART_BYTES) {
      store<u16>(part + (<usize> position << 1), quantize(from));
      let quants = part + PART_SCALES_BYTES + (<usize> (position >> 2) << 4) + <usize> (position & 3);
      for (let i: usize = 0; i < BLOCK; i += 4, quants += PART_TILE_BYTES) {
        for (let j: usize = 0; j < 4; j++) {
          store<u8>(quants + (j << 2), load<u8>(scratch + UNPACKED + i + j));
        }
      }
      from += 4 * Q8_0_SIZE;
    }
  }
}

@inline
function keyTile(block: usize, position: i32, width: i32): usize {
  return block + <usize> (position >> 2) * <usize> (width / Q8_0_SIZE) * (SCALES_BYTES + 4 * Q8_0_SIZE);
}

/** Writes 32 quants to UNPACKED and returns d as f16, as quantizeQ8_0 makes them. */
function quantize(x: usize): u32 {
  const magnitude = magnitudeOf32(x);
  const factor = f32x4.splat(magnitude == 0 ? 0 : 127 / magnitude);
  v128.store(scratch + UNPACKED, scaleSixteen(x, factor));
  v128.store(scratch + UNPACKED, scaleSixteen(x + 64, factor), 16);
  return floatToHalf(magnitude / 127);
}

/** Four f16 in f32. */
@inline
function loadScales(at: usize): v128 {
  return smallHalves(v128.load_ext<u16>(at));
}

function unpackKeys(tile: usize, width: i32): void {
  let quants = tile + <usize> (width / Q8_0_SIZE) * SCALES_BYTES;
  let to = scratch + UNPACKED;
  for (let left = width; left > 0; left -= Q8_0_SIZE, tile += SCALES_BYTES) {
    const scales = loadScales(tile);
    for (let end = quants + 4 * Q8_0_SIZE; quants != end; quants += 16, to += 64) {
      const bytes = v128.load(quants);
      v128.store(to, f32x4.mul(column0(bytes), scales));
      v128.store(to, f32x4.mul(column1(bytes), scales), 16);
      v128.store(to, f32x4.mul(column2(bytes), scales), 32);
      v128.store(to, f32x4.mul(column3(bytes), scales), 48);
    }
  }
}

/** The scales of `count` positions to SCALES, in f32. */
function unpackScales(from: usize, count: i32): void {
  let to = scratch + SCALES;
  for (; count > 0; count -= 4, from += 8, to += 16) v128.store(to, loadScales(from));
}

function unpackValues(tile: usize, count: i32): void {
  let scale = scratch + SCALES;
  let to = scratch + UNPACKED;
  for (; count > 0; count -= 4, tile += 16, scale += 16, to += 64) {
    const bytes = v128.load(tile);
    const scales = v128.load(scale);
    v128.store(to, f32x4.mul(column0(bytes), v128.shuffle<f32>(scales, scales, 0, 0, 0, 0)));
    v128.store(to, f32x4.mul(column1(bytes), v128.shuffle<f32>(scales, scales, 1, 1, 1, 1)), 16);
    v128.store(to, f32x4.mul(column2(bytes), v128.shuffle<f32>(scales, scales, 2, 2, 2, 2)), 32);
    v128.store(to, f32x4.mul(column3(bytes), v128.shuffle<f32>(scales, scales, 3, 3, 3, 3)), 48);
  }
}

/** The lowest byte of each lane, in f32. */
@inline
function column0(bytes: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(bytes, 24), 24));
}

@inline
function column1(bytes: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(bytes, 16), 24));
}

@inline
function column2(bytes: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(bytes, 8), 24));
}

@inline
function column3(bytes: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.shr_s(bytes, 24));
}

export function appendKeysQ8_0(
  start: i32,
  end: i32,
  x: usize,
  cache: usize,
  firstPosition: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
): void {
  append<Q8_0>(true, start, end, x, cache, firstPosition, kvHeads, headSize, capacity);
}

export function appendValuesQ8_0(
  start: i32,
  end: i32,
  x: usize,
  cache: usize,
  firstPosition: i32,
  kvHeads: i32,
  headSize: i32,
  capacity: i32,
): void {
  append<Q8_0>(false, start, end, x, cache, firstPosition, kvHeads, headSize, capacity);
}

export function attentionQ8_0(
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
  attend<Q8_0>(start, end, q, keys, values, out, firstPosition, tokens, heads, kvHeads, headSize, capacity, scale);
}

export function attendSpansQ8_0(
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
  attendSpans<Q8_0>(start, end, q, keys, values, records, position, heads, kvHeads, headSize, capacity, scale);
}
