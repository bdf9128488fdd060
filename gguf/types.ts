/** Name of a ggml tensor type, as llama.cpp spells it. */
export type TensorType =
  | "F32"
  | "F16"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q8_0"
  | "Q8_1"
  | "Q2_K"
  | "Q3_K"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K"
  | "Q8_K"
  | "IQ2_XXS"
  | "IQ2_XS"
  | "IQ3_XXS"
  | "IQ1_S"
  | "IQ4_NL"
  | "IQ3_S"
  | "IQ2_S"
  | "IQ4_XS"
  | "I8"
  | "I16"
  | "I32"
  | "I64"
  | "F64"
  | "IQ1_M"
  | "BF16"
  | "TQ1_0"
  | "TQ2_0"
  | "MXFP4"
  | "NVFP4"
  | "Q1_0"
  | "Q2_0";

/** How a tensor type is stored: rows are sequences of blocks, a block is the smallest unit. */
export interface TensorTypeInfo {
  /** The number that stands for the type in a file (`enum ggml_type`). */
  readonly id: number;
  /** The type's name. */
  readonly name: TensorType;
  /** Elements in a block. */
  readonly blockSize: number;
  /** Bytes of a block. */
  readonly blockBytes: number;
}

function info(
  id: number,
  name: TensorType,
  blockSize: number,
  blockBytes: number,
): TensorTypeInfo {
  return { id, name, blockSize, blockBytes };
}

/**
 * Every tensor type of ggml. Ids from `ggml/include/ggml.h`, block layouts from
 * `ggml/src/ggml-common.h`; the sums below follow the order of each block's fields there. The ids
 * missing from the sequence (4, 5, 31 to 33, 36 to 38) were types that ggml has removed.
 */
export const TENSOR_TYPES: Readonly<Record<TensorType, TensorTypeInfo>> = {
  F32: info(0, "F32", 1, 4),
  F16: info(1, "F16", 1, 2),
  Q4_0: info(2, "Q4_0", 32, 2 + 16),
  Q4_1: info(3, "Q4_1", 32, 2 + 2 + 16),
  Q5_0: info(6, "Q5_0", 32, 2 + 4 + 16),
  Q5_1: info(7, "Q5_1", 32, 2 + 2 + 4 + 16),
  Q8_0: info(8, "Q8_0", 32, 2 + 32),
  Q8_1: info(9, "Q8_1", 32, 2 + 2 + 32),
  Q2_K: info(10, "Q2_K", 256, 16 + 64 + 2 + 2),
  Q3_K: info(11, "Q3_K", 256, 32 + 64 + 12 + 2),
  Q4_K: info(12, "Q4_K", 256, 2 + 2 + 12 + 128),
  Q5_K: info(13, "Q5_K", 256, 2 + 2 + 12 + 32 + 128),
  Q6_K: info(14, "Q6_K", 256, 128 + 64 + 16 + 2),
  Q8_K: info(15, "Q8_K", 256, 4 + 256 + 32),
  IQ2_XXS: info(16, "IQ2_XXS", 256, 2 + 64),
  IQ2_XS: info(17, "IQ2_XS", 256, 2 + 64 + 8),
  IQ3_XXS: info(18, "IQ3_XXS", 256, 2 + 96),
  IQ1_S: info(19, "IQ1_S", 256, 2 + 32 + 16),
  IQ4_NL: info(20, "IQ4_NL", 32, 2 + 16),
  IQ3_S: info(21, "IQ3_S", 256, 2 + 64 + 8 + 32 + 4),
  IQ2_S: info(22, "IQ2_S", 256, 2 + 64 + 8 + 8),
  IQ4_XS: info(23, "IQ4_XS", 256, 2 + 2 + 4 + 128),
  I8: info(24, "I8", 1, 1),
  I16: info(25, "I16", 1, 2),
  I32: info(26, "I32", 1, 4),
  I64: info(27, "I64", 1, 8),
  F64: info(28, "F64", 1, 8),
  IQ1_M: info(29, "IQ1_M", 256, 32 + 16 + 8),
  BF16: info(30, "BF16", 1, 2),
  TQ1_0: info(34, "TQ1_0", 256, 48 + 4 + 2),
  TQ2_0: info(35, "TQ2_0", 256, 64 + 2),
  MXFP4: info(39, "MXFP4", 32, 1 + 16),
  NVFP4: info(40, "NVFP4", 64, 4 + 32),
  Q1_0: info(41, "Q1_0", 128, 2 + 16),
  Q2_0: info(42, "Q2_0", 64, 2 + 16),
};

const BY_ID: ReadonlyMap<number, TensorTypeInfo> = new Map(
  Object.values(TENSOR_TYPES).map((type) => [type.id, type]),
);

/** The type that `id` stands for in a file; undefined if ggml has none. */
export function tensorTypeById(id: number): TensorTypeInfo | undefined {
  return BY_ID.get(id);
}

/**
 * Bytes of a row of `elements` values.
 *
 * @throws {RangeError} If `elements` is not a whole number of blocks.
 */
export function rowBytes(type: TensorType, elements: number): number {
  const { blockSize, blockBytes } = TENSOR_TYPES[type];
  if (!Number.isSafeInteger(elements) || elements < 0 || elements % blockSize !== 0) {
    throw new RangeError(
      `a row of ${elements} elements can not be ${type}: it must be a multiple of ${blockSize}`,
    );
  }
  return (elements / blockSize) * blockBytes;
}
