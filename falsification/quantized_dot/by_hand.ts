/**
 * Blocks whose weights were worked out by hand from the published layouts: the structs `block_*` of
 * `ggml/src/ggml-common.h`, and of the floats IEEE 754 and bfloat16.
 *
 * @module
 */
import type { WeightType } from "../../kernels/formats.ts";

/** A block of a few bytes; the rest are 0. */
export interface BlockByHand {
  readonly type: WeightType;
  readonly bytes: readonly (readonly [offset: number, byte: number])[];
  /** the weights from `first` up to the next entry's first */
  readonly weights: readonly (readonly [first: number, weight: number])[];
}

/** The bytes of 0.5 and of 1 in f16 from an offset on, little-endian. */
const half = (offset: number) => [offset + 1, 0x38] as const;
const one = (offset: number) => [offset + 1, 0x3c] as const;

/** One block, or one weight, of each type. */
export const BLOCKS_BY_HAND: readonly BlockByHand[] = [
  // 0xc1200000: minus, exponent 130 - 127 = 3, mantissa 1.25.
  { type: "F32", bytes: [[3, 0xc1], [2, 0x20]], weights: [[0, -10]] },
  // 0xc500: minus, exponent 17 - 15 = 2, mantissa 1.25.
  { type: "F16", bytes: [[1, 0xc5]], weights: [[0, -5]] },
  // 0xc0a0: minus, exponent 129 - 127 = 2, mantissa 1.25.
  { type: "BF16", bytes: [[1, 0xc0], [0, 0xa0]], weights: [[0, -5]] },
  {
    // d = 0.5, then quants of -128, -1 and 127.
    type: "Q8_0",
    bytes: [half(0), [2, 0x80], [7, 0xff], [33, 0x7f]],
    weights: [[0, -64], [1, 0], [5, -0.5], [6, 0], [31, 63.5]],
  },
  {
    // d = 0.5; of the nibbles 8 is subtracted. Byte 0 is weight 0 (3) and weight 16 (15), byte 15 is
    // weight 15 (8) and weight 31 (0).
    type: "Q4_0",
    bytes: [half(0), [2, 0xf3], [17, 0x08]],
    weights: [[0, -2.5], [1, -4], [15, 0], [16, 3.5], [17, -4]],
  },
  {
    // d = 1, dmin = 0.5. Of 32 weights each:
    //   group 0: scale 0x83 & 63 = 3, min 0x46 & 63 = 6
    //   group 3: scale 0xc1 & 63 = 1, min 2
    //   group 4: scale 9 + 16 · (0x83 >> 6) = 41, min 5 + 16 · (0x46 >> 6) = 21
    //   group 7: scale 0 + 16 · (0xc1 >> 6) = 48, min 15
    // Weight 0: 3 · 14 - 3. Weight 96, a high nibble: 5 - 1. Weight 159: 41 · 7 - 10.5. Weight 229,
    // a high nibble: 48 · 2 - 7.5.
    type: "Q4_K",
    bytes: [
      ...[one(0), half(2)],
      ...[[4, 0x83], [7, 0xc1], [8, 0x46], [11, 0x02], [12, 0x59], [15, 0xf0]] as const,
      ...[[16, 0x4e], [48, 0x50], [111, 0xa7], [117, 0x20]] as const,
    ],
    weights: [
      ...[[0, 39], [1, -3], [32, 0], [96, 4], [97, -1], [128, -10.5], [159, 276.5]] as const,
      ...[[160, 0], [224, -7.5], [229, 88.5], [230, -7.5]] as const,
    ],
  },
  {
    // d = 1, dmin = 0.5; group 0: scale 3, min 6; group 7: scale 16 · (0xc0 >> 6) = 48, min 15.
    // Fifth bits: bit 0 of bytes 16 and 18 for weights 0 and 2, bit 7 of byte 21 for weight 229.
    // Weight 0: 3 · (14 + 16) - 3. Weight 2: 3 · 16 - 3. Weight 229: 48 · (2 + 16) - 7.5.
    type: "Q5_K",
    bytes: [
      ...[one(0), half(2)],
      ...[[4, 0x03], [7, 0xc0], [8, 0x06], [15, 0xf0]] as const,
      ...[[16, 0x01], [18, 0x01], [21, 0x80], [48, 0x0e], [149, 0x20]] as const,
    ],
    weights: [
      ...[[0, 87], [1, -3], [2, 45], [3, -3], [32, 0], [224, -7.5]] as const,
      ...[[229, 856.5], [230, -7.5]] as const,
    ],
  },
  {
    // d = 0.5 at the end; of the quants 32 is subtracted. Of 16 weights each: scale 3 of group 0, 1
    // of group 6 (from 96 on), -2 of group 15 (from 240 on).
    // Weight 0: lower bits 10, upper 0xe3 & 3 = 3: 1.5 · (58 - 32). Weight 96: lower bits the high
    // nibble of byte 32, upper 0xe3 >> 6 = 3: 0.5 · (7 + 48 - 32). Weight 255: lower bits the high
    // nibble of byte 127, upper those of byte 191: -1 · (9 + 16 - 32).
    type: "Q6_K",
    bytes: [
      ...[[0, 0x5a], [32, 0x70], [127, 0x90], [128, 0xe3], [191, 0x40]] as const,
      ...[[192, 0x03], [198, 0x01], [207, 0xfe], half(208)] as const,
    ],
    weights: [
      ...[[0, 39], [1, -48], [16, 0], [96, 11.5], [97, -16], [112, 0]] as const,
      ...[[240, 32], [255, 7]] as const,
    ],
  },
];
