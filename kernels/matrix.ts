/**
 * Weight matrices in a window, and the jobs that multiply with them.
 *
 * @module
 */
import type { Job } from "./board.ts";
import { WEIGHT_FORMATS, type WeightFormat, weightRowBytes, type WeightType } from "./formats.ts";
import type { Place } from "./memory_plan.ts";

/** [rows, columns] in a quantization type, row-major, at a place. */
export interface Matrix extends Place {
  readonly format: WeightFormat;
  readonly rows: number;
  readonly columns: number;
}

/** The bytes of a [rows, columns] matrix. */
export function matrixBytes(type: WeightType, rows: number, columns: number): number {
  return rows * weightRowBytes(type, columns);
}

export function matrixAt(
  place: Place,
  type: WeightType,
  rows: number,
  columns: number,
): Matrix {
  return { ...place, format: WEIGHT_FORMATS[type], rows, columns };
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
  const { format, window, address, rows, columns } = matrix;
  return {
    operation: format.matmul,
    window,
    units: rows,
    cost: weightRowBytes(format.type, columns) * tokens,
    args: [address, x, out, columns, tokens, outStride],
  };
}
