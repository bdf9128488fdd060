/**
 * The expert store: which experts are in memory. The unit that comes is one expert of one layer, its
 * gate, up and down matrices together in one slot, read from the file when it is first needed.
 *
 * @module
 */
import type { TensorInfo } from "../gguf/mod.ts";
import { matrixAt, matrixBytes } from "../kernels/matrix.ts";
import type { MemoryPlan, Place } from "../kernels/memory_plan.ts";
import type { WeightType } from "../kernels/formats.ts";
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

/** Reads a part of a tensor, from byte `offset` within it, into a place in memory. */
export type ReadTensorPart = (
  tensor: TensorInfo,
  offset: number,
  bytes: number,
  place: Place,
) => Promise<void>;

interface Slot {
  readonly block: ExpertBlock;
  loaded: boolean;
}

/** Every expert has a slot of its own. */
export class ExpertStore {
  readonly #layers: readonly ExpertTensors[];
  readonly #slots: readonly (readonly Slot[])[];
  readonly #read: ReadTensorPart;

  /** Assigns each expert of each layer a slot in `plan`. */
  constructor(plan: MemoryPlan, layers: readonly ExpertTensors[], read: ReadTensorPart) {
    this.#layers = layers;
    this.#read = read;
    this.#slots = layers.map((tensors) =>
      Array.from({ length: tensors.gate.shape[2] ?? 1 }, () => ({
        block: placeBlock(plan, tensors),
        loaded: false,
      }))
    );
  }

  /** Reads those of the experts that are not in memory yet. */
  async ensure(layer: number, experts: Iterable<number>): Promise<void> {
    for (const expert of experts) {
      const slot = this.#slot(layer, expert);
      if (slot.loaded) continue;
      const tensors = this.#layers[layer]!;
      for (const part of ["gate", "up", "down"] as const) {
        const matrix = slot.block[part];
        const bytes = matrixBytes(matrix.format.type, matrix.rows, matrix.columns);
        await this.#read(tensors[part], expert * bytes, bytes, matrix);
      }
      slot.loaded = true;
    }
  }

  /** Whether an expert is in memory. */
  has(layer: number, expert: number): boolean {
    return this.#slot(layer, expert).loaded;
  }

  /** An expert's matrices. It must be in memory. */
  block(layer: number, expert: number): ExpertBlock {
    return this.#slot(layer, expert).block;
  }

  /** @throws {RangeError} If the layer has no such expert. */
  #slot(layer: number, expert: number): Slot {
    const slot = this.#slots[layer]?.[expert];
    if (slot === undefined) throw new RangeError(`layer ${layer} has no expert ${expert}`);
    return slot;
  }
}

/** Gives one feed-forward block a place, its three matrices in one window. */
export function placeBlock(plan: MemoryPlan, tensors: ExpertTensors): ExpertBlock {
  const parts = ([tensors.gate, tensors.up, tensors.down] as const).map(({ type, shape }) => {
    const [columns, rows] = shape as readonly [number, number];
    const weightType = type as WeightType;
    return { type: weightType, rows, columns, bytes: matrixBytes(weightType, rows, columns) };
  });
  let { window, address } = plan.place(parts.reduce((sum, { bytes }) => sum + bytes, 0));
  const [gate, up, down] = parts.map(({ type, rows, columns, bytes }) => {
    const matrix = matrixAt({ window, address }, type, rows, columns);
    address += bytes;
    return matrix;
  });
  return { gate: gate!, up: up!, down: down! };
}
