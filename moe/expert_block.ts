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
  readonly where: RowSpan | RowIndex;
}

/** Rows that follow one another: the numbers of the first input row and the first output row. */
export interface RowSpan {
  readonly kind: "span";
  readonly from: number;
  readonly to: number;
}

/**
 * Rows here and there: which input row each is, and which output row it becomes. Addresses of i32
 * arrays in the input's window.
 */
export interface RowIndex {
  readonly kind: "index";
  readonly from: number;
  readonly to: number;
}

/** Where the tasks' rows come from and go to. */
export interface BlockRows {
  readonly input: Activations;
  /** [rows, hidden] f32 in the input's window */
  readonly output: number;
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

/** A task with its addresses in the block's window: on the stage, or where its rows lie already. */
interface StagedTask extends BlockTask {
  readonly window: number;
  /** whether input and output are used where they lie */
  readonly inPlace: boolean;
  readonly inputs: ReadonlyMap<ActivationFormat, number>;
  readonly gate: number;
  readonly up: number;
  readonly hidden: number;
  readonly output: number;
}

/** Computes the tasks: rows in, three products a block, rows out. Spans in the block's own window stay. */
export function runBlocks(
  { team, stage }: Workbench,
  tasks: readonly BlockTask[],
  rows: BlockRows,
): void {
  stage.clear();
  const staged = tasks.map((task) => stageTask(stage, task, rows));
  team.run(staged.flatMap((task) => movesIn(task, rows)));
  team.run(staged.flatMap(({ block, rows, inputs, gate, up }) => [
    matmulJob(block.gate, inputs.get(block.gate.format.activation)!, rows, gate),
    matmulJob(block.up, inputs.get(block.up.format.activation)!, rows, up),
  ]));
  team.run(staged.map(swigluJob));
  team.run(staged.flatMap(convertHidden));
  team.run(
    staged.map(({ block, rows, hidden, output }) => matmulJob(block.down, hidden, rows, output)),
  );
  team.run(staged.flatMap((task) => moveOut(task, rows)));
}

function stageTask(
  stage: Workbench["stage"],
  task: BlockTask,
  { input, output: outputs }: BlockRows,
): StagedTask {
  const { block, rows, where } = task;
  const { window, columns, rows: width } = block.gate;
  const inPlace = where.kind === "span" && window === input.window;
  const take = (bytes: number) => stage.take(window, rows * bytes);
  const inputs = new Map<ActivationFormat, number>();
  for (const format of [block.gate.format.activation, block.up.format.activation]) {
    if (inputs.has(format)) continue;
    const bytes = activationBytes(format, columns);
    inputs.set(format, inPlace ? formAddress(input, format) + where.from * bytes : take(bytes));
  }
  const gate = take(width * 4);
  const up = take(width * 4);
  const hiddenFormat = block.down.format.activation;
  const hidden = hiddenFormat === "f32" ? gate : take(activationBytes(hiddenFormat, width));
  const outputBytes = block.down.rows * 4;
  const output = inPlace ? outputs + where.to * outputBytes : take(outputBytes);
  return { ...task, window, inPlace, inputs, gate, up, hidden, output };
}

function movesIn(
  { window, rows, where, inPlace, inputs }: StagedTask,
  { input }: BlockRows,
): Job[] {
  if (inPlace) return [];
  return [...inputs].map(([format, to]) => {
    const rowBytes = activationBytes(format, input.columns);
    const from = formAddress(input, format);
    const move = {
      fromWindow: input.window,
      fromStride: rowBytes,
      to,
      toStride: rowBytes,
      rowBytes,
    };
    return moveRowsJob(
      window,
      rows,
      where.kind === "span" ? { ...move, from: from + where.from * rowBytes } : {
        ...move,
        from,
        indexed: { kind: "gather", indexWindow: input.window, index: where.from },
      },
    );
  });
}

function moveOut(task: StagedTask, { input, output }: BlockRows): Job[] {
  const { block, window, rows, where, inPlace, output: from } = task;
  if (inPlace) return [];
  const rowBytes = block.down.rows * 4;
  const move = { fromWindow: window, from, fromStride: rowBytes, toStride: rowBytes, rowBytes };
  return [moveRowsJob(
    input.window,
    rows,
    where.kind === "span" ? { ...move, to: output + where.to * rowBytes } : {
      ...move,
      to: output,
      indexed: { kind: "scatter", indexWindow: input.window, index: where.to },
    },
  )];
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
