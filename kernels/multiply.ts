/**
 * Matrix products of activations that lie in one window with weights that lie in any.
 *
 * @module
 */
import { type Activations, formAddress } from "./activations.ts";
import type { Job } from "./board.ts";
import { activationBytes, type ActivationFormat } from "./formats.ts";
import { matmulJob, type Matrix } from "./matrix.ts";
import { moveRowsJob } from "./move_rows.ts";
import type { Stage } from "./stage.ts";
import type { Team } from "./team.ts";

export interface Product {
  readonly matrix: Matrix;
  /** address of [tokens, matrix.rows] f32, in the input's window */
  readonly out: number;
}

/** Where products run: the threads, and the room for rows that cross windows. */
export interface Workbench {
  readonly team: Team;
  readonly stage: Stage;
}

/**
 * Computes products of the same input together. A matrix in another window gets the input copied
 * there, and its result is copied back.
 */
export function multiply(
  { team, stage }: Workbench,
  input: Activations,
  products: readonly Product[],
  tokens: number,
): void {
  stage.clear();
  const movedIn = new Map<string, number>();
  const before: Job[] = [];
  const jobs: Job[] = [];
  const after: Job[] = [];
  for (const { matrix, out } of products) {
    const { window, format, rows } = matrix;
    if (window === input.window) {
      jobs.push(matmulJob(matrix, formAddress(input, format.activation), tokens, out));
      continue;
    }
    const key = `${window} ${format.activation}`;
    let x = movedIn.get(key);
    if (x === undefined) {
      x = stage.take(window, tokens * activationBytes(format.activation, input.columns));
      movedIn.set(key, x);
      before.push(moveInput(input, format.activation, window, x, tokens));
    }
    const staged = stage.take(window, tokens * rows * 4);
    jobs.push(matmulJob(matrix, x, tokens, staged));
    after.push(moveJob(window, staged, input.window, out, rows * 4, tokens));
  }
  if (before.length > 0) team.run(before);
  team.run(jobs);
  if (after.length > 0) team.run(after);
}

function moveInput(
  input: Activations,
  format: ActivationFormat,
  window: number,
  to: number,
  rows: number,
): Job {
  const rowBytes = activationBytes(format, input.columns);
  return moveJob(input.window, formAddress(input, format), window, to, rowBytes, rows);
}

/** Copies contiguous rows from one window to another. */
export function moveJob(
  fromWindow: number,
  from: number,
  toWindow: number,
  to: number,
  rowBytes: number,
  rows: number,
): Job {
  return moveRowsJob(toWindow, rows, {
    fromWindow,
    from,
    fromStride: rowBytes,
    to,
    toStride: rowBytes,
    rowBytes,
  });
}
