import assert from "node:assert/strict";
import { moveRows, moveRowsJob, type RowMove } from "./move_rows.ts";

/** Runs a move of `rows` rows of two bytes from window 0 to window 1, in pieces of `chunk` rows. */
function moved(
  rows: number,
  chunk: number,
  source: readonly number[],
  move: Partial<RowMove> = {},
): number[] {
  const from = new Uint8Array(64);
  from.set(source);
  // The index array 2, 0, 3 lies at 48.
  new Int32Array(from.buffer, 48, 3).set([2, 0, 3]);
  const to = new Uint8Array(16);
  const job = moveRowsJob(1, rows, {
    fromWindow: 0,
    from: 0,
    fromStride: 2,
    to: 4,
    toStride: 2,
    rowBytes: 2,
    ...move,
  });
  const table = Float64Array.from([99, ...job.args]);
  for (let start = 0; start < rows; start += chunk) {
    const bytesOf = (window: number) => window === 0 ? from : to;
    moveRows(bytesOf, job.window, start, Math.min(start + chunk, rows), table, 1);
  }
  return Array.from(to);
}

const SOURCE = [1, 2, 3, 4, 5, 6, 7, 8];
const index = { indexWindow: 0, index: 48 };

for (const chunk of [1, 2, 3]) {
  Deno.test(`moveRows() copies contiguous rows, ${chunk} at a time`, () => {
    assert.deepEqual(moved(3, chunk, SOURCE).slice(0, 12), [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0]);
  });

  Deno.test(`moveRows() keeps to both strides, ${chunk} at a time`, () => {
    const to = moved(2, chunk, SOURCE, { fromStride: 4, toStride: 3 });
    assert.deepEqual(to.slice(4, 11), [1, 2, 0, 5, 6, 0, 0]);
  });

  Deno.test(`moveRows() gathers the rows that the index names, ${chunk} at a time`, () => {
    const to = moved(3, chunk, SOURCE, { indexed: { kind: "gather", ...index } });
    assert.deepEqual(to.slice(4, 12), [5, 6, 1, 2, 7, 8, 0, 0]);
  });

  Deno.test(`moveRows() scatters rows to where the index says, ${chunk} at a time`, () => {
    const to = moved(3, chunk, SOURCE, { indexed: { kind: "scatter", ...index } });
    assert.deepEqual(to.slice(4, 12), [3, 4, 0, 0, 1, 2, 5, 6]);
  });
}
