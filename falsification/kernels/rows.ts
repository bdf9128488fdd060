/**
 * Rows of row-major arrays.
 *
 * @module
 */

/** A thread's part of the rows, from `start` up to but not including `end`. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** The rows of an array of [rows, columns], each a view into it. */
export function rowsOf<Numbers extends Float32Array | Float64Array>(
  array: Numbers,
  columns: number,
): Numbers[] {
  return Array.from(
    { length: array.length / columns },
    (_, row) => array.subarray(row * columns, (row + 1) * columns) as Numbers,
  );
}
