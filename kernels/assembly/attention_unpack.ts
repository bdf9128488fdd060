// A block of the f16 cache as f32 in scratch, in the order that the products want.

import { KEYS, SCORES_OF_QUERY, VALUES } from "./attention_scratch";
import { halfToFloat, halvesToFloats } from "./f16";
import { scratch } from "./scratch";

// Transposes `count` keys, four positions at a time. The last is repeated to fill up: positions
// beyond it hold nothing, or what another sequence left there.
export function unpackKeys(keys: usize, count: i32, headSize: i32): void {
  const rowBytes = <usize> headSize << 1;
  const last = count - 1;
  for (let position = 0; position < count; position += 4) {
    let row0 = keys + <usize> position * rowBytes;
    let row1 = keys + <usize> min(position + 1, last) * rowBytes;
    let row2 = keys + <usize> min(position + 2, last) * rowBytes;
    let row3 = keys + <usize> min(position + 3, last) * rowBytes;
    let to = scratch + KEYS + (<usize> position << 2);
    let left = headSize;
    for (; left >= 8; left -= 8) {
      unpackEightElements(row0, row1, row2, row3, to);
      row0 += 16;
      row1 += 16;
      row2 += 16;
      row3 += 16;
      to += 8 * SCORES_OF_QUERY;
    }
    for (; left > 0; left--) {
      store<f32>(to, halfToFloat(load<u16>(row0)));
      store<f32>(to, halfToFloat(load<u16>(row1)), 4);
      store<f32>(to, halfToFloat(load<u16>(row2)), 8);
      store<f32>(to, halfToFloat(load<u16>(row3)), 12);
      row0 += 2;
      row1 += 2;
      row2 += 2;
      row3 += 2;
      to += SCORES_OF_QUERY;
    }
  }
}

// [4, 8] f16 to [8, 4] f32, by two rounds of interleaving.
@inline
function unpackEightElements(row0: usize, row1: usize, row2: usize, row3: usize, to: usize): void {
  const a = v128.load(row0);
  const b = v128.load(row1);
  const c = v128.load(row2);
  const d = v128.load(row3);
  const abLow = v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  const cdLow = v128.shuffle<u16>(c, d, 0, 8, 1, 9, 2, 10, 3, 11);
  storeTwoElements(v128.shuffle<u32>(abLow, cdLow, 0, 4, 1, 5), to);
  storeTwoElements(v128.shuffle<u32>(abLow, cdLow, 2, 6, 3, 7), to + 2 * SCORES_OF_QUERY);
  const abHigh = v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  const cdHigh = v128.shuffle<u16>(c, d, 4, 12, 5, 13, 6, 14, 7, 15);
  storeTwoElements(v128.shuffle<u32>(abHigh, cdHigh, 0, 4, 1, 5), to + 4 * SCORES_OF_QUERY);
  storeTwoElements(v128.shuffle<u32>(abHigh, cdHigh, 2, 6, 3, 7), to + 6 * SCORES_OF_QUERY);
}

@inline
function storeTwoElements(halves: v128, to: usize): void {
  v128.store(to, halvesToFloats(i32x4.extend_low_i16x8_u(halves)));
  v128.store(to, halvesToFloats(i32x4.extend_high_i16x8_u(halves)), SCORES_OF_QUERY);
}

// Rows of `width` f32. What lies between the head size and the width is never looked at.
export function unpackValues(values: usize, count: i32, headSize: i32, width: i32): void {
  const gap = <usize> (width - headSize) << 2;
  let to = scratch + VALUES;
  for (let position = 0; position < count; position++, to += gap) {
    let left = headSize;
    for (; left >= 8; left -= 8, values += 16, to += 32) {
      const halves = v128.load(values);
      v128.store(to, halvesToFloats(i32x4.extend_low_i16x8_u(halves)));
      v128.store(to, halvesToFloats(i32x4.extend_high_i16x8_u(halves)), 16);
    }
    for (; left > 0; left--, values += 2, to += 4) store<f32>(to, halfToFloat(load<u16>(values)));
  }
}
