/**
 * A row of packed weights as the file has it. The layouts are those of assembly/packed_q4_k.ts and
 * assembly/packed_q6_k.ts.
 *
 * @module
 */
import { PACKED_ROWS, WEIGHT_FORMATS, type WeightType } from "./formats.ts";

/**
 * @param group the bytes of the group that the row belongs to
 * @param row which of its 8 rows
 * @returns the row's blocks in the file's order
 * @throws {RangeError} If the type has no packed form.
 */
export function unpackRow(type: WeightType, group: Uint8Array, row: number): Uint8Array {
  const { blockBytes, packed } = WEIGHT_FORMATS[type];
  if (packed === undefined) throw new RangeError(`${type} has no packed form`);
  const blocks = group.length / packed.blockBytes;
  const out = new Uint8Array(blocks * blockBytes);
  const unpack = packed.pack === "packQ4_K" ? unpackQ4_K : unpackQ6_K;
  for (let block = 0; block < blocks; block++) {
    unpack(
      group.subarray(block * packed.blockBytes, (block + 1) * packed.blockBytes),
      row,
      out.subarray(block * blockBytes, (block + 1) * blockBytes),
    );
  }
  return out;
}

const COLUMNS = 256;

/** Byte 4 r + c of 16 is column c of row r in its low and of row 4 + r in its high nibble. */
function nibble(bytes: Uint8Array, at: number, row: number, column: number): number {
  const byte = bytes[at + 4 * (row % 4) + column % 4]!;
  return row < PACKED_ROWS / 2 ? byte & 15 : byte >> 4;
}

/** Puts the f16 that became an f32 when it was packed. */
function setHalf(to: Uint8Array, at: number, from: Uint8Array, fromAt: number): void {
  const view = new DataView(from.buffer, from.byteOffset + fromAt, 4);
  const bits = view.getUint32(0, true);
  const [exponent, mantissa] = [bits >>> 23 & 255, bits >>> 13 & 1023];
  let half = bits >>> 16 & 0x8000;
  if (exponent === 255) half |= 0x7c00 | mantissa;
  else if (exponent > 112) half |= exponent - 112 << 10 | mantissa;
  else half |= Math.abs(view.getFloat32(0, true)) * 2 ** 24;
  to[at] = half & 255;
  to[at + 1] = half >> 8;
}

function unpackQ4_K(from: Uint8Array, row: number, to: Uint8Array): void {
  setHalf(to, 0, from, 4 * row);
  setHalf(to, 2, from, 32 + 4 * row);
  const scale = (part: number) => from[64 + 8 * part + row]!;
  const min = (part: number) => from[128 + 16 * (part >> 1) + 2 * row + part % 2]!;
  for (let part = 0; part < 4; part++) {
    to[4 + part] = scale(part) | scale(part + 4) >> 4 << 6;
    to[8 + part] = min(part) | min(part + 4) >> 4 << 6;
    to[12 + part] = scale(part + 4) & 15 | (min(part + 4) & 15) << 4;
  }
  for (let column = 0; column < COLUMNS; column++) {
    // Of each 32 bytes the low nibbles are 32 columns and the high nibbles the next 32.
    const at = 16 + 32 * (column >> 6) + column % 32;
    const value = nibble(from, 192 + 4 * (column & ~3), row, column);
    to[at] = to[at]! | value << (column & 32 ? 4 : 0);
  }
}

function unpackQ6_K(from: Uint8Array, row: number, to: Uint8Array): void {
  setHalf(to, 208, from, 4 * row);
  for (let part = 0; part < 16; part++) to[192 + part] = from[32 + 8 * part + row]!;
  for (let column = 0; column < COLUMNS; column++) {
    const quants = 160 + 48 * (column >> 3) + 4 * (row % 4) + column % 4;
    // Which of four vectors: 4 columns of 8 by rows 0 to 3 or 4 to 7.
    const vector = 2 * (column >> 2 & 1) + (row >> 2);
    const weight = vector < 3
      ? from[quants + 16 * vector]! & 63
      : from[quants]! >> 6 | from[quants + 16]! >> 6 << 2 | from[quants + 32]! >> 6 << 4;
    // The layout of a half of 128 columns stands in assembly/matmul_q6_k.ts.
    const [half, within] = [column >> 7, column % 128];
    const lowerAt = 64 * half + within % 64, upperAt = 128 + 32 * half + within % 32;
    to[lowerAt] = to[lowerAt]! | (weight & 15) << (within & 64 ? 4 : 0);
    to[upperAt] = to[upperAt]! | weight >> 4 << 2 * (within >> 5);
  }
}
