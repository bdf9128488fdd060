/**
 * Weight matrices in a window, and the jobs that multiply with them.
 *
 * @module
 */
import type { Job } from "./board.ts";
import {
  PACKED_ROWS,
  type PackedFormat,
  WEIGHT_FORMATS,
  type WeightFormat,
  weightRowBytes,
  type WeightType,
} from "./formats.ts";
import type { Place } from "./memory_plan.ts";

/** [rows, columns] in a quantization type, at a place. */
export interface Matrix extends Place {
  readonly format: WeightFormat;
  readonly rows: number;
  readonly columns: number;
  /** the order in which the matrix lies in memory; undefined for the file's own, row by row */
  readonly packed: PackedFormat | undefined;
}

/** The order in which a matrix is packed, if its type and its number of rows allow it. */
export function packedFormat(type: WeightType, rows: number): PackedFormat | undefined {
  return rows % PACKED_ROWS === 0 ? WEIGHT_FORMATS[type].packed : undefined;
}

/** The bytes of a [rows, columns] matrix in the file. */
export function storedBytes(type: WeightType, rows: number, columns: number): number {
  return rows * weightRowBytes(type, columns);
}

/** The bytes of a [rows, columns] matrix in memory. */
export function matrixBytes(type: WeightType, rows: number, columns: number): number {
  const packed = packedFormat(type, rows);
  if (packed === undefined) return storedBytes(type, rows, columns);
  return rows / PACKED_ROWS * groupBytes(packed, type, columns);
}

/**
 * The bytes of a group of {@linkcode PACKED_ROWS} packed rows.
 *
 * @throws {RangeError} If `columns` is not a positive multiple of the type's block size.
 */
export function groupBytes(packed: PackedFormat, type: WeightType, columns: number): number {
  return weightRowBytes(type, columns) / WEIGHT_FORMATS[type].blockBytes * packed.blockBytes;
}

/** A matrix at a place that has room for {@linkcode matrixBytes}. */
export function matrixAt(
  place: Place,
  type: WeightType,
  rows: number,
  columns: number,
): Matrix {
  const { window, address } = place;
  const format = WEIGHT_FORMATS[type];
  return { window, address, format, rows, columns, packed: packedFormat(type, rows) };
}

/**
 * `out[token, row] = dot(matrix[row], x[token])`, for x and out in the matrix's own window.
 *
 * @param x address of [tokens, columns] in the matrix's activation format
 * @param out address of [tokens, outStride] f32
 */
export function matmulJob(
  matrix: Matrix,
  x: number,
  tokens: number,
  out: number,
  outStride: number = matrix.rows,
): Job {
  const { format, window, address, rows, columns, packed } = matrix;
  const rowsOfUnit = packed === undefined ? 1 : PACKED_ROWS;
  return {
    operation: (packed ?? format).matmul,
    window,
    units: rows / rowsOfUnit,
    cost: rowsOfUnit * weightRowBytes(format.type, columns) * tokens,
    args: [address, x, out, columns, tokens, outStride],
  };
}

/**
 * Packs `groups` groups of rows, from the group `first` on.
 *
 * @param from address of the first of these rows as the file has them, in the matrix's window
 */
export function packJob(matrix: Matrix, from: number, first: number, groups: number): Job {
  const { format: { type }, window, address, columns, packed } = matrix;
  if (packed === undefined) {
    throw new Error(`${type} matrices of ${matrix.rows} rows stay as they are`);
  }
  return {
    operation: packed.pack,
    window,
    units: groups,
    cost: PACKED_ROWS * weightRowBytes(type, columns),
    args: [from, address + first * groupBytes(packed, type, columns), columns],
  };
}
