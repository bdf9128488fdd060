/**
 * Where experts lie that are mapped: the stacks of a layer as in the file, and a slot for each expert
 * in the same window, so that it can be packed without crossing to another.
 *
 * @module
 */
import type { Matrix } from "../kernels/matrix.ts";
import type { MemoryPlan } from "../kernels/memory_plan.ts";
import type { ExpertBlock } from "./expert_block.ts";
import {
  BLOCK_PARTS,
  blockAt,
  blockBytes,
  type BlockPart,
  expertCount,
  expertParts,
  type ExpertTensors,
  type MatrixPart,
  partBytes,
} from "./expert_store.ts";

/** A cache line. */
const SLOT_ALIGNMENT = 64;

/** Has tensors lie in windows as in their files. */
export interface StackMapping {
  /** A multiple of every page size, by which places in memory and in the file leave the same remainder. */
  readonly alignment: number;
  /** Has a tensor's bytes, from the part on, lie at the place of its matrix as soon as there are windows. */
  reserve(part: MatrixPart, bytes: number): void;
}

/** Consecutive experts of a layer, all in one window. */
export interface ExpertRun {
  readonly tensors: ExpertTensors;
  /** number of the first */
  readonly first: number;
  readonly count: number;
  readonly window: number;
  /** the first expert's matrices in the stacks */
  readonly stacks: ExpertBlock;
  /** where the slots begin */
  readonly slots: number;
  /** the parts that kernels like better packed */
  readonly packable: readonly BlockPart[];
  /** how many slots have been taken, one beside the other: so they fill large pages */
  slotsTaken: number;
}

/** Groups of a matrix's rows that are to be packed. */
export interface PackedPart {
  /** as in the file */
  readonly from: Matrix;
  /** in the same window */
  readonly to: Matrix;
  readonly first: number;
  readonly groups: number;
}

/** Packs rows of matrices. */
export type PackParts = (parts: readonly PackedPart[]) => void;

/** An expert as the file has it. */
export function mappedParts(run: ExpertRun, expert: number): MatrixPart[] {
  const at = (part: BlockPart): Matrix => {
    const matrix = run.stacks[part];
    return { ...matrix, address: matrix.address + (expert - run.first) * partBytes(matrix) };
  };
  const block = { gate: at("gate"), up: at("up"), down: at("down") };
  return expertParts(run.tensors, expert, block);
}

/** One of the run's slots, by its number from 0. */
export function slotAt({ window, slots, tensors }: ExpertRun, slot: number): ExpertBlock {
  return blockAt({ window, address: slots + slot * slotBytes(tensors) }, tensors);
}

/** Whether windows of such a plan have room for at least one expert of each layer. */
export function haveRoom(
  plan: MemoryPlan,
  layers: readonly ExpertTensors[],
  alignment: number,
): boolean {
  return layers.every((tensors) => runBytes(tensors, 1, alignment) <= plan.largest);
}

/** Places a layer's experts, all in one window where they fit. */
export function placeRuns(
  plan: MemoryPlan,
  mapping: StackMapping,
  tensors: ExpertTensors,
): ExpertRun[] {
  const experts = expertCount(tensors);
  let most = experts;
  while (runBytes(tensors, most, mapping.alignment) > plan.largest) most = Math.ceil(most / 2);
  const runs: ExpertRun[] = [];
  for (let first = 0; first < experts; first += most) {
    runs.push(placeRun(plan, mapping, tensors, first, Math.min(most, experts - first)));
  }
  return runs;
}
function placeRun(
  plan: MemoryPlan,
  mapping: StackMapping,
  tensors: ExpertTensors,
  first: number,
  count: number,
): ExpertRun {
  const { alignment } = mapping;
  const { window, address } = plan.place(runBytes(tensors, count, alignment));
  const model = blockAt({ window, address }, tensors);
  const packable = BLOCK_PARTS.filter((part) => model[part].packed !== undefined);
  let next = alignUp(address, alignment);
  const stack = (part: BlockPart): Matrix => {
    const bytes = partBytes(model[part]);
    const tensor = tensors[part];
    const offset = first * bytes;
    const start = next + (tensor.offset + offset) % alignment;
    next = alignUp(start + count * bytes, alignment);
    const matrix: Matrix = { ...model[part], address: start, packed: undefined };
    mapping.reserve({ tensor, offset, matrix }, count * bytes);
    return matrix;
  };
  const stacks = { gate: stack("gate"), up: stack("up"), down: stack("down") };
  return { tensors, first, count, window, stacks, slots: next, packable, slotsTaken: 0 };
}

/** Bytes that the stacks and slots of `count` experts take at most. */
function runBytes(tensors: ExpertTensors, count: number, alignment: number): number {
  const block = blockAt({ window: 0, address: 0 }, tensors);
  const stacks = BLOCK_PARTS.reduce(
    // Each begins up to two and ends up to one alignment away from what is beside it.
    (bytes, part) => bytes + count * partBytes(block[part]) + 3 * alignment,
    0,
  );
  return stacks + count * slotBytes(tensors);
}

function slotBytes(tensors: ExpertTensors): number {
  return alignUp(blockBytes(tensors), SLOT_ALIGNMENT);
}

/** The next multiple of an alignment. */
export function alignUp(address: number, alignment: number): number {
  return Math.ceil(address / alignment) * alignment;
}
