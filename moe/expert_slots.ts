/**
 * The expert store that reads: each expert into a slot of its own, or in the place of another where
 * there are fewer slots than experts.
 *
 * @module
 */
import type { MemoryPlan } from "../kernels/memory_plan.ts";
import type { ExpertBlock } from "./expert_block.ts";
import {
  expertClasses,
  expertCount,
  type ExpertDemand,
  expertParts,
  type ExpertStore,
  type ExpertTensors,
  type ExpertUse,
  type MatrixPart,
  partBytes,
  placeBlock,
  type ReadParts,
} from "./expert_store.ts";

/** A class's slots: the least recently used one is given away first. */
interface Pool {
  readonly free: ExpertBlock[];
  /** number of the expert → its slot, the one used last at the end */
  readonly used: Map<number, ExpertBlock>;
  readonly slots: number;
}

/** Holds as many experts as there are slots. */
export class ExpertSlots implements ExpertStore {
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
    return { hits: this.#hits, misses: this.#misses, bytesRead: this.#bytesRead, unpacked: 0 };
  }

  /** Experts stay until the next call but one. */
  look(layer: number, demands: readonly ExpertDemand[]): { present: number[]; missing: number[] } {
    const { used } = this.#pools[layer]!;
    const present: number[] = [];
    const missing: number[] = [];
    for (const { expert } of demands) {
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

  /** Reads experts in the place of those used least recently. */
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
    const parts = expertParts(this.#layers[layer]!, expert, block);
    for (const { matrix } of parts) this.#bytesRead += partBytes(matrix);
    return parts;
  }

  #key(layer: number, expert: number): number {
    if (expert < expertCount(this.#layers[layer]!)) return layer * 2 ** 16 + expert;
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
