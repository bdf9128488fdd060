/**
 * The expert store: which experts are in memory. The unit that comes and goes is one expert of one
 * layer, its gate, up and down matrices together in one slot.
 *
 * @module
 */
import type { TensorInfo } from "../gguf/mod.ts";
import type { WeightType } from "../kernels/formats.ts";
import { type Matrix, matrixAt, matrixBytes, storedBytes } from "../kernels/matrix.ts";
import type { MemoryPlan } from "../kernels/memory_plan.ts";
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
}

/** Groups layers by what their experts take. */
export function expertClasses(layers: readonly ExpertTensors[]): ExpertClass[] {
  const classes = new Map<string, { layers: number[]; bytes: number; experts: number }>();
  layers.forEach((tensors, layer) => {
    const parts = [tensors.gate, tensors.up, tensors.down];
    const key = parts.map(({ type, shape }) => `${type} ${shape.join()}`).join();
    const group = classes.get(key) ?? { layers: [], bytes: blockBytes(tensors), experts: 0 };
    group.layers.push(layer);
    group.experts += tensors.gate.shape[2] ?? 1;
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

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** A class's slots: the least recently used one is given away first. */
interface Pool {
  readonly free: ExpertBlock[];
  /** number of the expert → its slot, the one used last at the end */
  readonly used: Map<number, ExpertBlock>;
  readonly slots: number;
}

/** Holds as many experts as there are slots. */
export class ExpertStore {
  readonly #layers: readonly ExpertTensors[];
  readonly #read: ReadParts;
  /** by layer */
  readonly #pools: readonly Pool[];
  #hits = 0;
  #misses = 0;
  #bytesRead = 0;

  /**
   * Assigns every slot a place in `plan`.
   *
   * @param slots how many each of {@linkcode expertClasses} gets
   */
  constructor(
    plan: MemoryPlan,
    layers: readonly ExpertTensors[],
    slots: readonly number[],
    read: ReadParts,
  ) {
    this.#layers = layers;
    this.#read = read;
    const pools: Pool[] = [];
    expertClasses(layers).forEach((group, i) => {
      const tensors = layers[group.layers[0]!]!;
      const free = Array.from({ length: slots[i]! }, () => placeBlock(plan, tensors)).reverse();
      const pool: Pool = { free, used: new Map(), slots: slots[i]! };
      for (const layer of group.layers) pools[layer] = pool;
    });
    this.#pools = pools;
  }

  /** How many experts of a layer can be in memory at once. */
  slots(layer: number): number {
    return this.#pools[layer]!.slots;
  }

  /** How the store has fared so far. */
  get use(): ExpertUse {
    return { hits: this.#hits, misses: this.#misses, bytesRead: this.#bytesRead };
  }

  /**
   * Which of a layer's experts are in memory. They stay there until the next call but one.
   *
   * @throws {RangeError} If the layer has no such expert.
   */
  look(layer: number, experts: readonly number[]): { present: number[]; missing: number[] } {
    const { used } = this.#pools[layer]!;
    const present: number[] = [];
    const missing: number[] = [];
    for (const expert of experts) {
      const key = this.#key(layer, expert);
      const block = used.get(key);
      if (block === undefined) {
        missing.push(expert);
        continue;
      }
      present.push(expert);
      // Taken out and put in again, it is the last to be given away.
      used.delete(key);
      used.set(key, block);
    }
    this.#hits += present.length;
    this.#misses += missing.length;
    return { present, missing };
  }

  /**
   * Reads experts that are not in memory, in the place of those used least recently. Together with
   * those that {@linkcode look} has just seen there may be as many as the layer has slots.
   *
   * @throws {GgufError} If one can't be read. Then none of them is in memory.
   */
  async fetch(layer: number, missing: readonly number[]): Promise<void> {
    const pool = this.#pools[layer]!;
    const blocks = missing.map(() => freeSlot(pool));
    try {
      const parts = missing.flatMap((expert, i) => this.#parts(layer, expert, blocks[i]!));
      await this.#read(parts);
    } catch (error) {
      pool.free.push(...blocks);
      throw error;
    }
    missing.forEach((expert, i) => pool.used.set(this.#key(layer, expert), blocks[i]!));
  }

  /** An expert's matrices. It must be in memory. */
  block(layer: number, expert: number): ExpertBlock {
    return this.#pools[layer]!.used.get(this.#key(layer, expert))!;
  }

  #parts(layer: number, expert: number, block: ExpertBlock): MatrixPart[] {
    const tensors = this.#layers[layer]!;
    return (["gate", "up", "down"] as const).map((part) => {
      const matrix = block[part];
      const bytes = storedBytes(matrix.format.type, matrix.rows, matrix.columns);
      this.#bytesRead += bytes;
      return { tensor: tensors[part], offset: expert * bytes, matrix };
    });
  }

  #key(layer: number, expert: number): number {
    const experts = this.#layers[layer]?.gate.shape[2] ?? 1;
    if (expert < experts) return layer * 2 ** 16 + expert;
    throw new RangeError(`layer ${layer} has no expert ${expert}`);
  }
}

/** A slot that is free, or was used least recently. */
function freeSlot({ free, used }: Pool): ExpertBlock {
  const block = free.pop();
  if (block !== undefined) return block;
  const [oldest, given] = used.entries().next().value!;
  used.delete(oldest);
  return given;
}

/** Bytes that a feed-forward block takes in memory. */
function blockBytes(tensors: ExpertTensors): number {
  return sum(blockParts(tensors).map(({ bytes }) => bytes));
}

function blockParts(tensors: ExpertTensors) {
  return ([tensors.gate, tensors.up, tensors.down] as const).map(({ type, shape }) => {
    const [columns, rows] = shape as readonly [number, number];
    const weightType = type as WeightType;
    return { type: weightType, rows, columns, bytes: matrixBytes(weightType, rows, columns) };
  });
}

/** Gives one feed-forward block a place, its three matrices in one window. */
export function placeBlock(plan: MemoryPlan, tensors: ExpertTensors): ExpertBlock {
  let { window, address } = plan.place(blockBytes(tensors));
  const [gate, up, down] = blockParts(tensors).map(({ type, rows, columns, bytes }) => {
    const matrix = matrixAt({ window, address }, type, rows, columns);
    address += bytes;
    return matrix;
  });
  return { gate: gate!, up: up!, down: down! };
}
