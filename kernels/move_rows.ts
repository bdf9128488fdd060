/**
 * Copies rows between windows, which is all that ever crosses from one memory to another.
 *
 * @module
 */

import type { Job } from "./board.ts";

/** How an index array is read. */
export type RowIndex = "gather" | "scatter";

export interface RowMove {
  readonly fromWindow: number;
  readonly from: number;
  /** bytes from one row to the next */
  readonly fromStride: number;
  readonly to: number;
  readonly toStride: number;
  readonly rowBytes: number;
  /**
   * i32 row numbers, one for each row moved: gather reads row index[i] and writes row i, scatter
   * reads row i and writes row index[i]. The array lies in `indexWindow` at `index`.
   */
  readonly indexed?: {
    readonly kind: RowIndex;
    readonly indexWindow: number;
    readonly index: number;
  };
}

const NOT_INDEXED = 0;
const GATHER = 1;
const SCATTER = 2;

/** A job that moves `rows` rows into `window`. */
export function moveRowsJob(window: number, rows: number, move: RowMove): Job {
  const { indexed } = move;
  const kind = indexed === undefined ? NOT_INDEXED : indexed.kind === "gather" ? GATHER : SCATTER;
  const args = [
    move.fromWindow,
    move.from,
    move.fromStride,
    move.to,
    move.toStride,
    move.rowBytes,
    kind,
    indexed?.indexWindow ?? 0,
    indexed?.index ?? 0,
  ];
  return { operation: "moveRows", window, units: rows, cost: move.rowBytes, args };
}

/** Moves the rows `start` to `end`; the move stands in `table` from `at`. */
export function moveRows(
  bytesOf: (window: number) => Uint8Array,
  toWindow: number,
  start: number,
  end: number,
  table: ArrayLike<number>,
  at: number,
): void {
  const source = bytesOf(table[at]!);
  const target = bytesOf(toWindow);
  const from = table[at + 1]!;
  const fromStride = table[at + 2]!;
  const to = table[at + 3]!;
  const toStride = table[at + 4]!;
  const rowBytes = table[at + 5]!;
  const kind = table[at + 6]!;
  if (kind === NOT_INDEXED && fromStride === rowBytes && toStride === rowBytes) {
    const begin = from + start * rowBytes;
    target.set(source.subarray(begin, begin + (end - start) * rowBytes), to + start * rowBytes);
    return;
  }
  const index = kind === NOT_INDEXED
    ? undefined
    : new Int32Array(bytesOf(table[at + 7]!).buffer, table[at + 8]!, end);
  for (let i = start; i < end; i++) {
    const read = from + (kind === GATHER ? index![i]! : i) * fromStride;
    const write = to + (kind === SCATTER ? index![i]! : i) * toStride;
    target.set(source.subarray(read, read + rowBytes), write);
  }
}
