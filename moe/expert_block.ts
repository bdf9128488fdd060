/**
 * Feed-forward blocks: down(silu(gate · x) * (up · x)), the SwiGLU of Shazeer 2020. One expert is a
 * block, and so is the whole feed-forward part of a dense layer.
 *
 * @module
 */
import type { Job } from "../kernels/board.ts";
import { activationBytes, type ActivationFormat, ACTIVATIONS } from "../kernels/formats.ts";
import { matmulJob, type Matrix } from "../kernels/matrix.ts";
import { moveRowsJob } from "../kernels/move_rows.ts";
import { type Activations, formAddress } from "../kernels/activations.ts";
import type { Workbench } from "../kernels/multiply.ts";

/** The three matrices of one block, all in one window. */
export interface ExpertBlock {
  /** [width, hidden] */
  readonly gate: Matrix;
  /** [width, hidden] */
  readonly up: Matrix;
  /** [hidden, width] */
  readonly down: Matrix;
}

/** Rows that one block has to compute. */
export interface BlockTask {
  readonly block: ExpertBlock;
  readonly rows: number;
}

/** Where the tasks' rows come from and go to. Row numbers count through all tasks in their order. */
export interface BlockRows {
  readonly input: Activations;
  /** [rows, hidden] f32 in the input's window */
  readonly output: number;
  /** which input row each row is, and which output row it becomes: i32 arrays in the input's window */
  readonly index?: { readonly from: number; readonly to: number };
}

/** Bytes that one row of a block takes on the stage. */
export function stagedRowBytes(block: {
  readonly hidden: number;
  readonly width: number;
  readonly inputFormats: Iterable<ActivationFormat>;
  readonly hiddenFormat: ActivationFormat;
}): number {
  let bytes = 2 * block.width * 4 + activationBytes(block.hiddenFormat, block.width) +
    block.hidden * 4;
  for (const format of new Set(block.inputFormats)) {
    bytes += activationBytes(format, block.hidden);
  }
  return bytes;
}

/** A task with its addresses on the stage of the block's window. */
interface StagedTask extends BlockTask {
  readonly window: number;
  /** number of the task's first row among all rows */
  readonly first: number;
  readonly inputs: ReadonlyMap<ActivationFormat, number>;
  readonly gate: number;
  readonly up: number;
  readonly hidden: number;
  readonly output: number;
}

/** Computes the tasks: rows in, three products a block, rows out. */
export function runBlocks(
  { team, stage }: Workbench,
  tasks: readonly BlockTask[],
  rows: BlockRows,
): void {
  stage.clear();
  let first = 0;
  const staged: StagedTask[] = tasks.map((task) => {
    const place = stageTask(stage, task, first);
    first += task.rows;
    return place;
  });
  team.run(staged.flatMap((task) => movesIn(task, rows)));
  team.run(staged.flatMap(({ block, rows, inputs, gate, up }) => [
    matmulJob(block.gate, inputs.get(block.gate.format.activation)!, rows, gate),
    matmulJob(block.up, inputs.get(block.up.format.activation)!, rows, up),
  ]));
  team.run(staged.map(swigluJob));
  const conversions = staged.flatMap(convertHidden);
  if (conversions.length > 0) team.run(conversions);
  team.run(
    staged.map(({ block, rows, hidden, output }) => matmulJob(block.down, hidden, rows, output)),
  );
  team.run(staged.map((task) => moveOut(task, rows)));
}

function stageTask(stage: Workbench["stage"], task: BlockTask, first: number): StagedTask {
  const { block, rows } = task;
  const { window, columns, rows: width } = block.gate;
  const take = (bytes: number) => stage.take(window, rows * bytes);
  const inputs = new Map<ActivationFormat, number>();
  for (const format of [block.gate.format.activation, block.up.format.activation]) {
    if (!inputs.has(format)) inputs.set(format, take(activationBytes(format, columns)));
  }
  const gate = take(width * 4);
  const up = take(width * 4);
  const hiddenFormat = block.down.format.activation;
  const hidden = hiddenFormat === "f32" ? gate : take(activationBytes(hiddenFormat, width));
  const output = take(block.down.rows * 4);
  return { ...task, window, first, inputs, gate, up, hidden, output };
}

function movesIn(task: StagedTask, { input, index }: BlockRows): Job[] {
  return [...task.inputs].map(([format, to]) => {
    const rowBytes = activationBytes(format, input.columns);
    const from = formAddress(input, format);
    return moveRowsJob(task.window, task.rows, {
      fromWindow: input.window,
      // Indexed rows are found from the first; others lie in the order of the tasks.
      from: index ? from : from + task.first * rowBytes,
      fromStride: rowBytes,
      to,
      toStride: rowBytes,
      rowBytes,
      ...(index && {
        indexed: { kind: "gather", indexWindow: input.window, index: index.from + task.first * 4 },
      }),
    });
  });
}

function moveOut(task: StagedTask, { input, output, index }: BlockRows): Job {
  const rowBytes = task.block.down.rows * 4;
  return moveRowsJob(input.window, task.rows, {
    fromWindow: task.window,
    from: task.output,
    fromStride: rowBytes,
    to: index ? output : output + task.first * rowBytes,
    toStride: rowBytes,
    rowBytes,
    ...(index && {
      indexed: { kind: "scatter", indexWindow: input.window, index: index.to + task.first * 4 },
    }),
  });
}

function swigluJob({ block, window, rows, gate, up }: StagedTask): Job {
  const width = block.gate.rows;
  return {
    operation: "swiglu",
    window,
    units: rows,
    cost: width * 8,
    args: [gate, up, gate, width],
  };
}

function convertHidden({ block, window, rows, gate, hidden }: StagedTask): Job[] {
  const operation = ACTIVATIONS[block.down.format.activation].quantize;
  if (operation === undefined) return [];
  const width = block.gate.rows;
  return [{ operation, window, units: rows, cost: width * 4, args: [gate, hidden, width] }];
}
