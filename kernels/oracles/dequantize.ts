/**
 * What the weights of each tensor type are, in plain arithmetic.
 *
 * The formats are ggml's: block layouts in `ggml/src/ggml-common.h`, values by `dequantize_row_*` in
 * `ggml/src/ggml-quants.c`. All numbers little-endian; `d` and `dmin` are f16.
 *
 * @module
 */
import { WEIGHT_FORMATS, weightRowBytes, type WeightType } from "../formats.ts";
import { bfloat16Value, halfValue } from "./half.ts";

/** Writes the weights of one block to `out`, whose length is the block size. */
type DequantizeBlock = (block: DataView, out: Float32Array) => void;

const DEQUANTIZE: Readonly<Record<WeightType, DequantizeBlock>> = {
  F32: (block, out) => out[0] = block.getFloat32(0, true),
  F16: (block, out) => out[0] = halfAt(block, 0),
  BF16: (block, out) => out[0] = bfloat16Value(block.getUint16(0, true)),
  Q8_0: dequantizeQ8_0,
  Q4_0: dequantizeQ4_0,
  Q4_K: dequantizeQ4_K,
  Q5_K: dequantizeQ5_K,
  Q6_K: dequantizeQ6_K,
};

/**
 * The weights of one row as f32.
 *
 * @param bytes the row as it stands in the file
 * @returns [columns]
 * @throws {RangeError} If `columns` are no whole blocks or `bytes` is not as long as they are.
 */
export function dequantizeRow(type: WeightType, bytes: Uint8Array, columns: number): Float32Array {
  const expected = weightRowBytes(type, columns);
  if (bytes.length !== expected) {
    throw new RangeError(
      `a ${type} row of ${columns} columns has ${expected} bytes, not ${bytes.length}`,
    );
  }
  const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
  const weights = new Float32Array(columns);
  for (let block = 0; block < columns / blockSize; block++) {
    DEQUANTIZE[type](
      new DataView(bytes.buffer, bytes.byteOffset + block * blockBytes, blockBytes),
      weights.subarray(block * blockSize, (block + 1) * blockSize),
    );
  }
  return weights;
}

function halfAt(block: DataView, offset: number): number {
  return halfValue(block.getUint16(offset, true));
}

/** 0 d, 2 i8 q: a weight is d · q. */
function dequantizeQ8_0(block: DataView, out: Float32Array): void {
  const d = halfAt(block, 0);
  for (let i = 0; i < 32; i++) out[i] = d * block.getInt8(2 + i);
}

/** 0 d, 2 nibbles, the low ones first: a weight is d · (q - 8). */
function dequantizeQ4_0(block: DataView, out: Float32Array): void {
  const d = halfAt(block, 0);
  for (let i = 0; i < 16; i++) {
    const byte = block.getUint8(2 + i);
    out[i] = d * ((byte & 15) - 8);
    out[16 + i] = d * ((byte >> 4) - 8);
  }
}

/** 0 d, 2 dmin, 4 scales and mins, 16 nibbles: a weight is d · scale · q - dmin · min. */
function dequantizeQ4_K(block: DataView, out: Float32Array): void {
  dequantizeWithMins(block, out, (i) => nibbleOf64(block, 16, i));
}

/** 0 d, 2 dmin, 4 scales and mins, 16 fifth bits, 48 nibbles. */
function dequantizeQ5_K(block: DataView, out: Float32Array): void {
  dequantizeWithMins(block, out, (i) => {
    const group = Math.floor(i / 32);
    const fifth = (block.getUint8(16 + i % 32) >> group) & 1;
    return nibbleOf64(block, 48, i) + 16 * fifth;
  });
}

/** Nibble `i` where 32 bytes hold 64: the low nibbles are the first 32, the high ones the rest. */
function nibbleOf64(block: DataView, offset: number, i: number): number {
  const byte = block.getUint8(offset + 32 * Math.floor(i / 64) + i % 32);
  return i % 64 < 32 ? byte & 15 : byte >> 4;
}

function dequantizeWithMins(
  block: DataView,
  out: Float32Array,
  quant: (i: number) => number,
): void {
  const d = halfAt(block, 0);
  const dmin = halfAt(block, 2);
  for (let group = 0; group < 8; group++) {
    const { scale, min } = scaleAndMin(block, group);
    // ggml rounds each product to f32 before it goes on, which this does too.
    const step = Math.fround(d * scale);
    const offset = Math.fround(dmin * min);
    for (let i = 32 * group; i < 32 * group + 32; i++) {
      out[i] = Math.fround(step * quant(i)) - offset;
    }
  }
}

/**
 * The 6-bit scale and min of 32 weights. Groups 0 to 3 have the lower 6 bits of bytes 0 to 3 and of
 * bytes 4 to 7; groups 4 to 7 a nibble each of bytes 8 to 11, and above it the upper 2 bits of bytes
 * 0 to 7.
 */
function scaleAndMin(block: DataView, group: number): { scale: number; min: number } {
  const byte = (i: number) => block.getUint8(4 + i);
  if (group < 4) return { scale: byte(group) & 63, min: byte(group + 4) & 63 };
  const lower = byte(group + 4);
  return {
    scale: (lower & 15) | (byte(group - 4) >> 6 << 4),
    min: (lower >> 4) | (byte(group) >> 6 << 4),
  };
}

/**
 * 0 lower 4 bits, 128 upper 2 bits, 192 i8 scales, 208 d: a weight is d · scale · (q - 32).
 * Each half of the block has 64 bytes of lower and 32 of upper bits.
 */
function dequantizeQ6_K(block: DataView, out: Float32Array): void {
  const d = halfAt(block, 208);
  for (let i = 0; i < 256; i++) {
    const half = Math.floor(i / 128);
    const inHalf = i % 128;
    const lowerByte = block.getUint8(64 * half + inHalf % 64);
    const lower = inHalf < 64 ? lowerByte & 15 : lowerByte >> 4;
    const upperByte = block.getUint8(128 + 32 * half + i % 32);
    const upper = (upperByte >> (2 * Math.floor(inHalf / 32))) & 3;
    const scale = block.getInt8(192 + Math.floor(i / 16));
    out[i] = Math.fround(d * scale) * (lower + 16 * upper - 32);
  }
}
