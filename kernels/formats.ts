/**
 * Which tensor types the kernels multiply, and in which format each takes the activations.
 *
 * As in llama.cpp, activations are quantized to 8 bits for quantized weights and rounded to the
 * weights' own format for f16 and bf16, so that both libraries compute the same products.
 *
 * @module
 */
import { Q8_0_BYTES, Q8_0_SIZE, Q8_K_BYTES, Q8_K_SIZE } from "./activation_layouts.ts";

/** Tensor types that the kernels multiply, as ggml spells them. */
export type WeightType = "F32" | "F16" | "BF16" | "Q4_0" | "Q8_0" | "Q4_K" | "Q5_K" | "Q6_K";

/** Formats of activations. "f16" and "bf16" are rounded to these and kept as f32. */
export type ActivationFormat = "f32" | "f16" | "bf16" | "q8_0" | "q8_k";

/** The operations that multiply. */
export type MatmulName = `matmul${WeightType}` | "matmulPackedQ4_K" | "matmulPackedQ6_K";

/** The operations that pack. */
export type PackName = "packQ4_K" | "packQ6_K";

/** The operations that make activations of f32. */
export type QuantizeName = "quantizeQ8_0" | "quantizeQ8_K" | "roundF16" | "roundBF16";

/** Rows of a group of packed weights. */
export const PACKED_ROWS = 8;

/** How groups of {@linkcode PACKED_ROWS} rows lie in memory where the kernels' own order is faster. */
export interface PackedFormat {
  /** bytes of a block of the group: all its rows, as many columns as a block of the type has */
  readonly blockBytes: number;
  /** the MatmulOperation over groups instead of rows; its results have the bits of the unpacked one */
  readonly matmul: MatmulName;
  /** the PackOperation */
  readonly pack: PackName;
}

/** How rows of a type are stored, and what multiplies them. */
export interface WeightFormat {
  readonly type: WeightType;
  /** weights in a block; the columns of a row are a multiple of it */
  readonly blockSize: number;
  /** bytes of a block */
  readonly blockBytes: number;
  /** the format that the matmul takes activations in */
  readonly activation: ActivationFormat;
  /** the MatmulOperation */
  readonly matmul: MatmulName;
  /** undefined where the file's order is the only one */
  readonly packed: PackedFormat | undefined;
}

function weightFormat(
  type: WeightType,
  blockSize: number,
  blockBytes: number,
  activation: ActivationFormat,
  matmul: MatmulName,
  packed?: PackedFormat,
): WeightFormat {
  return { type, blockSize, blockBytes, activation, matmul, packed };
}

const PACKED_Q4_K: PackedFormat = {
  blockBytes: 1216,
  matmul: "matmulPackedQ4_K",
  pack: "packQ4_K",
};

const PACKED_Q6_K: PackedFormat = {
  blockBytes: 1696,
  matmul: "matmulPackedQ6_K",
  pack: "packQ6_K",
};

/** Every type that the kernels multiply. */
export const WEIGHT_FORMATS: Readonly<Record<WeightType, WeightFormat>> = {
  F32: weightFormat("F32", 1, 4, "f32", "matmulF32"),
  F16: weightFormat("F16", 1, 2, "f16", "matmulF16"),
  BF16: weightFormat("BF16", 1, 2, "bf16", "matmulBF16"),
  Q4_0: weightFormat("Q4_0", 32, 18, "q8_0", "matmulQ4_0"),
  Q8_0: weightFormat("Q8_0", 32, 34, "q8_0", "matmulQ8_0"),
  Q4_K: weightFormat("Q4_K", 256, 144, "q8_k", "matmulQ4_K", PACKED_Q4_K),
  Q5_K: weightFormat("Q5_K", 256, 176, "q8_k", "matmulQ5_K"),
  Q6_K: weightFormat("Q6_K", 256, 210, "q8_k", "matmulQ6_K", PACKED_Q6_K),
};

/** Whether the kernels multiply this tensor type. */
export function isWeightType(type: string): type is WeightType {
  return Object.hasOwn(WEIGHT_FORMATS, type);
}

/**
 * Bytes of a row of weights.
 *
 * @throws {RangeError} If `columns` is not a positive multiple of the type's block size.
 */
export function weightRowBytes(type: WeightType, columns: number): number {
  const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
  return wholeBlocks(type, columns, blockSize) * blockBytes;
}

/** How activations of a format are stored, and what makes them of f32. */
export interface ActivationInfo {
  /** activations in a block; the columns are a multiple of it */
  readonly blockSize: number;
  /** bytes of a block */
  readonly blockBytes: number;
  /** the ActivationOperation; undefined for f32 itself */
  readonly quantize: QuantizeName | undefined;
}

/** Every format of activations. */
export const ACTIVATIONS: Readonly<Record<ActivationFormat, ActivationInfo>> = {
  f32: { blockSize: 1, blockBytes: 4, quantize: undefined },
  f16: { blockSize: 1, blockBytes: 4, quantize: "roundF16" },
  bf16: { blockSize: 1, blockBytes: 4, quantize: "roundBF16" },
  q8_0: { blockSize: Q8_0_SIZE, blockBytes: Q8_0_BYTES, quantize: "quantizeQ8_0" },
  q8_k: { blockSize: Q8_K_SIZE, blockBytes: Q8_K_BYTES, quantize: "quantizeQ8_K" },
};

/**
 * Bytes of one token's activations, also the distance from one token to the next: a multiple of 16
 * for the block formats, 4 times the columns for the others.
 *
 * @throws {RangeError} If `columns` is not a positive multiple of the format's block size.
 */
export function activationBytes(format: ActivationFormat, columns: number): number {
  const { blockSize, blockBytes } = ACTIVATIONS[format];
  return wholeBlocks(format, columns, blockSize) * blockBytes;
}

function wholeBlocks(format: string, columns: number, blockSize: number): number {
  if (!Number.isSafeInteger(columns) || columns <= 0 || columns % blockSize !== 0) {
    throw new RangeError(
      `${columns} columns can not be ${format}: they must be a positive multiple of ${blockSize}`,
    );
  }
  return columns / blockSize;
}
