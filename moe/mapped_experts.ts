/**
 * The expert store that maps: an expert is computed where the file lies in memory, without a copy,
 * so a token waits for nothing but the pages it touches. Experts that are used again and again are
 * packed from there into a slot, for kernels like that better. Where not all may be in memory, the
 * one that was used least recently goes first.
 *
 * Nothing is asked for before its layer. The next layer's router can be applied to this layer's input,
 * and names three quarters of the experts that it chooses then. But where the disk is the bound, what
 * is read in vain costs more than what is read early gains: 8% were lost, while guesses that are all
 * right would have gained as much.
 *
 * @module
 */
import { PACKED_ROWS } from "../kernels/formats.ts";
import { type Matrix, matrixBytes } from "../kernels/matrix.ts";
import type { MemoryPlan } from "../kernels/memory_plan.ts";
import type { ExpertBlock } from "./expert_block.ts";
import {
  type ExpertRun,
  mappedParts,
  type PackedPart,
  type PackParts,
  placeRuns,
  slotAt,
  type StackMapping,
} from "./expert_runs.ts";
import {
  BLOCK_PARTS,
  blockBytes,
  type BlockPart,
  type ExpertDemand,
  expertParts,
  type ExpertStore,
  type ExpertTensors,
  type ExpertUse,
  type MatrixPart,
  partBytes,
  type ReadParts,
} from "./expert_store.ts";
import type { PackingTime } from "./packing_time.ts";

/** Maps parts of a model's files to places in windows. */
export interface ExpertMapping extends StackMapping {
  /** whether the files are as they were; once they may not be, nothing is mapped any more */
  readonly held: boolean;
  /** Whether all bytes are in memory at this moment, so that they can be computed with. */
  isPresent(parts: readonly MatrixPart[]): boolean;
  /** Has the system start to read. */
  request(parts: readonly MatrixPart[]): void;
  /** Brings parts into memory; false if that can't be done. */
  populate(parts: readonly MatrixPart[]): boolean;
  /** Gives back the memory that mapped parts take. */
  drop(parts: readonly MatrixPart[]): void;
  /** Gives back the memory of a block that is not mapped; what was there is lost. */
  empty(block: ExpertBlock): void;
}

/** How experts come into memory, and how many. */
export interface MappedAccess {
  readonly mapping: ExpertMapping;
  readonly read: ReadParts;
  readonly pack: PackParts;
  readonly time: PackingTime;
  /** bytes that they may take together; Infinity if there is room for all */
  readonly limit: number;
}

/** An expert that has computed so many rows since it came will be wanted again. */
const HOT_ROWS = 3;

/** The same where it may have to go for another, and be mapped and packed again. */
const LASTING_ROWS = 32;

/** So many rows at once repay the packing by themselves. */
const MANY_ROWS = 8;

/** What the system maps beside a part, because it is in the same 64 KiB, half of it on average. */
const BESIDE_BYTES = 65536;

interface Expert {
  readonly run: ExpertRun;
  readonly number: number;
  /** where it is computed; undefined if it is not in memory */
  block: ExpertBlock | undefined;
  /** those parts of the block that are mapped */
  mapped: readonly MatrixPart[];
  /** the number of its slot in the run, once it has had one: they are taken one beside the other */
  slot: number | undefined;
  /** bytes of memory that it takes */
  bytes: number;
  /** rows that it has computed since it came */
  rows: number;
  /** rows that it is to compute now */
  demand: number;
  /** whether the system has been asked to read it */
  requested: boolean;
}

/** Holds experts, each mapped or in its slot. */
export class MappedExperts implements ExpertStore {
  readonly #access: MappedAccess;
  readonly #layers: readonly (readonly Expert[])[];
  /** how many experts of each layer can be in memory at once */
  readonly #slots: readonly number[];
  /** those in memory; where one may have to go, the one used last is at the end */
  readonly #inMemory = new Set<Expert>();
  #bytes = 0;
  /** whether anything is mapped */
  #held = true;
  #hits = 0;
  #misses = 0;
  #bytesRead = 0;
  #unpacked = 0;

  /** Assigns the stacks and a slot for each expert their places in `plan`. */
  constructor(plan: MemoryPlan, layers: readonly ExpertTensors[], access: MappedAccess) {
    this.#access = access;
    this.#layers = layers.map((tensors) =>
      placeRuns(plan, access.mapping, tensors).flatMap((run) =>
        Array.from({ length: run.count }, (_, i) => newExpert(run, run.first + i))
      )
    );
    this.#slots = this.#layers.map((experts) => {
      const most = Math.floor(access.limit / mostBytes(experts[0]!.run.tensors));
      return Math.max(1, Math.min(experts.length, most));
    });
  }

  slots(layer: number): number {
    return this.#slots[layer]!;
  }

  get use(): ExpertUse {
    const [hits, misses, bytesRead] = [this.#hits, this.#misses, this.#bytesRead];
    return { hits, misses, bytesRead, unpacked: this.#unpacked };
  }

  look(layer: number, demands: readonly ExpertDemand[]): { present: number[]; missing: number[] } {
    const { mapping } = this.#access;
    this.#noticeLoss();
    const present: Expert[] = [];
    const missing: Expert[] = [];
    for (const { expert: number, rows } of demands) {
      const expert = this.#expert(layer, number);
      expert.demand = rows;
      const parts = partsToMap(expert);
      expert.requested = this.#held && !mapping.isPresent(parts);
      if (expert.requested) mapping.request(parts);
      const isThere = expert.block !== undefined && !expert.requested;
      (isThere ? present : missing).push(expert);
    }
    this.#hits += present.length;
    this.#misses += missing.length;
    this.#use(present);
    return { present: present.map(numberOf), missing: missing.map(numberOf) };
  }

  async fetch(layer: number, missing: readonly number[]): Promise<void> {
    // Populating waits for the disk. The caller computes what is present before that.
    await undefined;
    this.#noticeLoss();
    const experts = missing.map((number) => this.#expert(layer, number));
    this.#makeRoom(experts);
    // What the system has already is mapped as it is touched, by all threads at once. Beside what has
    // to be waited for it might be gone by then.
    const populates = experts.some(({ requested }) => requested);
    const mapped = experts.filter((expert) => this.#map(expert, populates));
    const others = experts.filter((expert) => !mapped.includes(expert));
    if (others.length === 0) {
      this.#use(experts);
      return;
    }
    await this.#readToSlots(others);
    // The files may have been given back meanwhile, or the system's pages.
    for (const expert of mapped) expert.requested = true;
    await this.fetch(layer, mapped.map(numberOf));
  }

  block(layer: number, expert: number): ExpertBlock {
    return this.#expert(layer, expert).block!;
  }

  #expert(layer: number, number: number): Expert {
    const expert = this.#layers[layer]?.[number];
    if (expert === undefined) throw new RangeError(`layer ${layer} has no expert ${number}`);
    return expert;
  }

  /** Notes that experts are about to be computed, and packs those that are worth it. */
  #use(experts: readonly Expert[]): void {
    const { limit, time } = this.#access;
    const hasRoom = limit === Infinity;
    for (const expert of experts) {
      if (!hasRoom) {
        this.#inMemory.delete(expert);
        this.#inMemory.add(expert);
      }
      if (expert.mapped.length === 0) continue;
      expert.rows += expert.demand;
      const isHot = expert.rows >= (hasRoom ? HOT_ROWS : LASTING_ROWS) &&
        time.urgent === 0 && time.isLeft;
      if (isHot || hasRoom && expert.demand >= MANY_ROWS) this.#packOne(expert);
      if (partsToPack(expert).length > 0) this.#unpacked++;
    }
  }

  /** Forgets what is mapped once nothing is. */
  #noticeLoss(): void {
    if (!this.#held || this.#access.mapping.held) return;
    this.#held = false;
    for (const expert of [...this.#inMemory]) if (expert.mapped.length > 0) this.#forget(expert);
  }

  /** Brings an expert into memory by its mapping; false if that can't be done. */
  #map(expert: Expert, populates: boolean): boolean {
    const { mapping } = this.#access;
    if (!this.#held) return false;
    const parts = partsToMap(expert);
    if (populates && !mapping.populate(parts) || !mapping.held) return false;
    this.#countRead(parts);
    if (expert.block === undefined) {
      const [gate, up, down] = parts.map(({ matrix }) => matrix);
      this.#settle(expert, { gate: gate!, up: up!, down: down! }, parts);
    }
    return true;
  }

  async #readToSlots(experts: readonly Expert[]): Promise<void> {
    const parts = experts.flatMap((expert) =>
      expertParts(expert.run.tensors, expert.number, slotOf(expert))
    );
    await this.#access.read(parts);
    this.#countRead(parts);
    for (const expert of experts) this.#settle(expert, slotOf(expert), []);
  }

  #countRead(parts: readonly MatrixPart[]): void {
    for (const { matrix } of parts) this.#bytesRead += partBytes(matrix);
  }

  /** Packs what is mapped of an expert. */
  #packOne(expert: Expert): void {
    const { block, mapped } = expert;
    const parts = partsToPack(expert);
    if (parts.length === 0) return;
    const slot = slotOf(expert);
    const packed = parts.map((part): PackedPart => {
      const [from, to] = [block![part], slot[part]];
      return { from, to, first: 0, groups: to.rows / PACKED_ROWS };
    });
    const { mapping, pack, time } = this.#access;
    time.spendOn(() => pack(packed));
    const isPacked = ({ matrix }: MatrixPart) => packed.some(({ from }) => from === matrix);
    mapping.drop(mapped.filter(isPacked));
    const own = Object.fromEntries(parts.map((part) => [part, slot[part]]));
    this.#settle(expert, { ...block!, ...own }, mapped.filter((part) => !isPacked(part)));
  }

  /** From now on an expert is computed there. */
  #settle(expert: Expert, block: ExpertBlock, mapped: readonly MatrixPart[]): void {
    expert.block = block;
    expert.mapped = mapped;
    this.#inMemory.add(expert);
    this.#bytes -= expert.bytes;
    expert.bytes = bytesOf(expert);
    this.#bytes += expert.bytes;
  }

  /** Drops experts that were used least recently until others fit. */
  #makeRoom(others: readonly Expert[]): void {
    const { limit } = this.#access;
    if (limit === Infinity) return;
    const wanted = others.reduce((sum, { run, bytes }) => sum + mostBytes(run.tensors) - bytes, 0);
    for (const expert of this.#inMemory) {
      if (this.#bytes + wanted <= limit) return;
      if (!others.includes(expert)) this.#drop(expert);
    }
  }

  #drop(expert: Expert): void {
    const { mapping } = this.#access;
    mapping.drop(expert.mapped);
    if (expert.slot !== undefined) mapping.empty(slotOf(expert));
    this.#forget(expert);
  }

  #forget(expert: Expert): void {
    this.#inMemory.delete(expert);
    this.#bytes -= expert.bytes;
    Object.assign(expert, { block: undefined, mapped: [], bytes: 0, rows: 0 });
  }
}

function newExpert(run: ExpertRun, number: number): Expert {
  return {
    run,
    number,
    block: undefined,
    mapped: [],
    slot: undefined,
    bytes: 0,
    rows: 0,
    demand: 0,
    requested: false,
  };
}

function numberOf({ number }: Expert): number {
  return number;
}

/** What has to be in memory for an expert to be computed from its mapping. */
function partsToMap({ block, mapped, run, number }: Expert): readonly MatrixPart[] {
  return block === undefined ? mappedParts(run, number) : mapped;
}

/** The parts that are mapped and would be faster packed. */
function partsToPack({ block, mapped, run: { packable } }: Expert): readonly BlockPart[] {
  if (mapped.length === 0) return [];
  return packable.filter((part) => mapped.some(({ matrix }) => matrix === block![part]));
}

/** An expert's slot, of which it gets one. */
function slotOf(expert: Expert): ExpertBlock {
  return slotAt(expert.run, expert.slot ??= expert.run.slotsTaken++);
}

/** Bytes of memory that an expert takes. */
function bytesOf({ block, mapped }: Expert): number {
  const isMapped = (matrix: Matrix) => mapped.some((part) => part.matrix === matrix);
  return BLOCK_PARTS.reduce((sum, part) => {
    const matrix = block![part];
    const { format: { type }, rows, columns } = matrix;
    const bytes = isMapped(matrix)
      ? partBytes(matrix) + BESIDE_BYTES
      : matrixBytes(type, rows, columns);
    return sum + bytes;
  }, 0);
}

/** Bytes that an expert takes at most. */
function mostBytes(tensors: ExpertTensors): number {
  return blockBytes(tensors) + BLOCK_PARTS.length * BESIDE_BYTES;
}
