/**
 * The expert store: which experts are in memory. The unit that comes and goes is one expert of one
 * layer, its gate, up and down matrices together in one slot.
 *
 * @module
 */
import type { TensorInfo } from "../gguf/mod.ts";
import type { WeightType } from "../kernels/formats.ts";
import { type Matrix, matrixAt, matrixBytes, storedBytes } from "../kernels/matrix.ts";
import type { MemoryPlan, Place } from "../kernels/memory_plan.ts";
import type { ExpertBlock } from "./expert_block.ts";

/** A layer's stacked expert tensors. */
export interface ExpertTensors {
  /** [hidden, width, experts] */
  readonly gate: TensorInfo;
  /** [hidden, width, experts] */
  readonly up: TensorInfo;
  /** [width, hidden, experts] */
  readonly down: TensorInfo;
}

/** A matrix, or one of several that a tensor stacks, and where it is to lie. */
export interface MatrixPart {
  readonly tensor: TensorInfo;
  /** bytes before it within the tensor */
  readonly offset: number;
  readonly matrix: Matrix;
}

/** Reads matrices into their places. */
export type ReadParts = (parts: readonly MatrixPart[]) => Promise<void>;

/** Layers whose experts are of the same types and sizes, so that a slot takes any of them. */
export interface ExpertClass {
  /** numbers of the layers */
  readonly layers: readonly number[];
  /** bytes that one expert takes in memory */
  readonly bytes: number;
  /** experts of all its layers */
  readonly experts: number;
}

/** How often an expert was there when it was wanted. */
export interface ExpertUse {
  /** experts that were in memory */
  readonly hits: number;
  /** experts that had to be read */
  readonly misses: number;
  /** bytes of the file that were read for them */
  readonly bytesRead: number;
  /** of both, those that were computed as the file has them, before they were packed */
  readonly unpacked: number;
}

/** Groups layers by what their experts take. */
export function expertClasses(layers: readonly ExpertTensors[]): ExpertClass[] {
  const classes = new Map<string, { layers: number[]; bytes: number; experts: number }>();
  layers.forEach((tensors, layer) => {
    const parts = [tensors.gate, tensors.up, tensors.down];
    const key = parts.map(({ type, shape }) => `${type} ${shape.join()}`).join();
    const group = classes.get(key) ?? { layers: [], bytes: blockBytes(tensors), experts: 0 };
    group.layers.push(layer);
    group.experts += expertCount(tensors);
    classes.set(key, group);
  });
  return [...classes.values()];
}

/**
 * How many slots each class gets: one for each expert where all fit, otherwise shares by size, and
 * never fewer than a token needs at once.
 *
 * @param bytes room for all slots
 * @param least slots without which a token can't be computed
 * @returns undefined if not even these fit
 */
export function shareSlots(
  classes: readonly ExpertClass[],
  bytes: number,
  least: number,
): number[] | undefined {
  const needed = classes.map(({ experts }) => Math.min(experts, least));
  const total = sum(classes.map((group) => group.bytes * group.experts));
  const smallest = sum(classes.map((group, i) => group.bytes * needed[i]!));
  if (bytes >= total) return classes.map(({ experts }) => experts);
  if (bytes < smallest) return undefined;
  // What is beyond the smallest is shared in proportion to what is beyond it of all experts.
  const share = (bytes - smallest) / (total - smallest);
  return classes.map(({ experts }, i) => needed[i]! + Math.floor((experts - needed[i]!) * share));
}

/** Whether every expert has a slot. */
export function haveAllSlots(classes: readonly ExpertClass[], slots: readonly number[]): boolean {
  return classes.every(({ experts }, i) => slots[i] === experts);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** How many rows of a batch want an expert. */
export interface ExpertDemand {
  readonly expert: number;
  readonly rows: number;
}

/** Hands out experts, and has them in memory when they are computed. */
export interface ExpertStore {
  /** How the store has fared so far. */
  readonly use: ExpertUse;

  /** How many experts of a layer can be in memory at once. */
  slots(layer: number): number;

  /**
   * Which of a layer's experts are in memory. They stay there while nothing is awaited but the
   * {@linkcode fetch} of the missing.
   *
   * @throws {RangeError} If the layer has no such expert.
   */
  look(layer: number, demands: readonly ExpertDemand[]): { present: number[]; missing: number[] };

  /**
   * Brings experts into memory that {@linkcode look} has just missed. Together with those that it has
   * seen there may be as many as the layer has slots.
   *
   * @throws {GgufError} If one can't be read. Then none of them is in memory.
   */
  fetch(layer: number, missing: readonly number[]): Promise<void>;

  /** An expert's matrices. It must be in memory. */
  block(layer: number, expert: number): ExpertBlock;
}

/** How many experts a layer's tensors stack. */
export function expertCount({ gate }: ExpertTensors): number {
  return gate.shape[2] ?? 1;
}

/** What has to be read of an expert to fill a block. */
export function expertParts(
  tensors: ExpertTensors,
  expert: number,
  block: ExpertBlock,
): MatrixPart[] {
  return BLOCK_PARTS.map((part) => {
    const matrix = block[part];
    return { tensor: tensors[part], offset: expert * partBytes(matrix), matrix };
  });
}

/** A matrix of a block. */
export type BlockPart = keyof ExpertBlock;

/** The matrices of a block, in the order in which they lie in memory. */
export const BLOCK_PARTS = ["gate", "up", "down"] as const;

/** The bytes of a matrix in the file. */
export function partBytes({ format, rows, columns }: Matrix): number {
  return storedBytes(format.type, rows, columns);
}

/** Bytes that a feed-forward block takes in memory. */
export function blockBytes(tensors: ExpertTensors): number {
  return sum(blockParts(tensors).map(({ bytes }) => bytes));
}

function blockParts(tensors: ExpertTensors) {
  return BLOCK_PARTS.map((part) => {
    const { type, shape } = tensors[part];
    const [columns, rows] = shape as readonly [number, number];
    const weightType = type as WeightType;
    return { type: weightType, rows, columns, bytes: matrixBytes(weightType, rows, columns) };
  });
}

/** Gives one feed-forward block a place, its three matrices in one window. */
export function placeBlock(plan: MemoryPlan, tensors: ExpertTensors): ExpertBlock {
  return blockAt(plan.place(blockBytes(tensors)), tensors);
}

/** A feed-forward block at a place that has room for {@linkcode blockBytes}. */
export function blockAt(place: Place, tensors: ExpertTensors): ExpertBlock {
  const { window } = place;
  let { address } = place;
  const [gate, up, down] = blockParts(tensors).map(({ type, rows, columns, bytes }) => {
    const matrix = matrixAt({ window, address }, type, rows, columns);
    address += bytes;
    return matrix;
  });
  return { gate: gate!, up: up!, down: down! };
}
