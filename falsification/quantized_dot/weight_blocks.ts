/**
 * Blocks of weights, written as ggml publishes their layouts (the structs `block_*` of
 * `ggml/src/ggml-common.h`). What is stored is known before it is packed, so that its values do not
 * depend on how anything reads it.
 *
 * @module
 */
import { WEIGHT_FORMATS, type WeightType } from "../../kernels/formats.ts";
import { bfloat16Value, halfValue } from "../../kernels/oracles/half.ts";

/** What a block stores. Lists that a type does not have are empty. */
export interface BlockFields {
  /** the bits of d, an f16; of a type without blocks the bits of the weight itself */
  readonly d: number;
  /** the bits of dmin, an f16 */
  readonly dmin: number;
  /** Q4_K and Q5_K: 8 of 6 bits; Q6_K: 16 of 8 bits, signed */
  readonly scales: readonly number[];
  /** Q4_K and Q5_K: 8 of 6 bits */
  readonly mins: readonly number[];
  /** in the order of the weights; signed in Q8_0, otherwise from 0 up to 2^bits - 1 */
  readonly quants: readonly number[];
}

/** The smallest and the largest number of a list, and how many there are. */
export type ListRange = readonly [low: number, high: number, count: number];

const NONE: ListRange = [0, 0, 0];

/** What the lists of each type hold. */
export const FIELD_RANGES: Readonly<
  Record<WeightType, { scales: ListRange; mins: ListRange; quants: ListRange }>
> = {
  F32: { scales: NONE, mins: NONE, quants: NONE },
  F16: { scales: NONE, mins: NONE, quants: NONE },
  BF16: { scales: NONE, mins: NONE, quants: NONE },
  Q4_0: { scales: NONE, mins: NONE, quants: [0, 15, 32] },
  Q8_0: { scales: NONE, mins: NONE, quants: [-128, 127, 32] },
  Q4_K: { scales: [0, 63, 8], mins: [0, 63, 8], quants: [0, 15, 256] },
  Q5_K: { scales: [0, 63, 8], mins: [0, 63, 8], quants: [0, 31, 256] },
  Q6_K: { scales: [-128, 127, 16], mins: NONE, quants: [0, 63, 256] },
};

/** Where the f16 of a block stand that scale its weights; of floats, where the weight stands. */
export const SCALE_OFFSETS: Readonly<Record<WeightType, readonly number[]>> = {
  F32: [0],
  F16: [0],
  BF16: [0],
  Q4_0: [0],
  Q8_0: [0],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
};

/**
 * The terms that a weight is the sum of, in f64: d · scale · quant, and what the type puts beside it,
 * as ggml's `dequantize_row_*` do.
 */
export function termsOf(type: WeightType, fields: BlockFields, i: number): number[] {
  const { scales, mins, quants } = fields;
  const d = halfValue(fields.d);
  switch (type) {
    case "F32":
      return [new Float32Array(Uint32Array.of(fields.d).buffer)[0]!];
    case "F16":
      return [d];
    case "BF16":
      return [bfloat16Value(fields.d)];
    case "Q8_0":
      return [d * quants[i]!];
    case "Q4_0":
      return [d * quants[i]!, -8 * d];
    case "Q4_K":
    case "Q5_K": {
      const group = Math.floor(i / 32);
      return [d * scales[group]! * quants[i]!, -halfValue(fields.dmin) * mins[group]!];
    }
    case "Q6_K": {
      const scale = d * scales[Math.floor(i / 16)]!;
      return [scale * quants[i]!, -32 * scale];
    }
  }
}

/** The bytes of a block. */
export function packBlock(type: WeightType, fields: BlockFields): Uint8Array {
  const view = new DataView(new ArrayBuffer(WEIGHT_FORMATS[type].blockBytes));
  PACK[type](view, fields);
  return new Uint8Array(view.buffer);
}

/** Writes a block of zeros. */
type Pack = (block: DataView, fields: BlockFields) => void;

const PACK: Readonly<Record<WeightType, Pack>> = {
  F32: (block, { d }) => block.setUint32(0, d, true),
  F16: (block, { d }) => block.setUint16(0, d, true),
  BF16: (block, { d }) => block.setUint16(0, d, true),
  Q8_0(block, { d, quants }) {
    block.setUint16(0, d, true);
    quants.forEach((quant, i) => block.setInt8(2 + i, quant));
  },
  Q4_0(block, { d, quants }) {
    block.setUint16(0, d, true);
    for (let i = 0; i < 16; i++) block.setUint8(2 + i, quants[i]! | quants[16 + i]! << 4);
  },
  Q4_K(block, fields) {
    packScales(block, fields);
    packNibbles(block, 16, fields.quants, 32);
  },
  Q5_K(block, fields) {
    packScales(block, fields);
    fields.quants.forEach((quant, i) =>
      addBits(block, 16 + i % 32, quant >> 4, Math.floor(i / 32))
    );
    packNibbles(block, 48, fields.quants, 32);
  },
  Q6_K(block, { d, scales, quants }) {
    packNibbles(block, 0, quants, 64);
    quants.forEach((quant, i) => {
      const upper = 128 + 32 * Math.floor(i / 128) + i % 32;
      addBits(block, upper, quant >> 4, 2 * Math.floor(i % 128 / 32));
    });
    scales.forEach((scale, i) => block.setInt8(192 + i, scale));
    block.setUint16(208, d, true);
  },
};

/** d, dmin, and 12 bytes of 8 scales and 8 mins: the upper bits of the last four lie on the first. */
function packScales(block: DataView, { d, dmin, scales, mins }: BlockFields): void {
  block.setUint16(0, d, true);
  block.setUint16(2, dmin, true);
  for (let i = 0; i < 4; i++) {
    block.setUint8(4 + i, scales[i]! | scales[4 + i]! >> 4 << 6);
    block.setUint8(8 + i, mins[i]! | mins[4 + i]! >> 4 << 6);
    block.setUint8(12 + i, (scales[4 + i]! & 15) | (mins[4 + i]! & 15) << 4);
  }
}

/** Lower 4 bits: the low nibbles of `run` bytes, then their high nibbles, then the next bytes. */
function packNibbles(
  block: DataView,
  offset: number,
  quants: readonly number[],
  run: number,
): void {
  quants.forEach((quant, i) => {
    const byte = run * Math.floor(i / (2 * run)) + i % run;
    addBits(block, offset + byte, quant & 15, i % (2 * run) < run ? 0 : 4);
  });
}

function addBits(block: DataView, at: number, bits: number, shift: number): void {
  block.setUint8(at, block.getUint8(at) | bits << shift);
}
