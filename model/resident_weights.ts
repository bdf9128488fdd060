/**
 * The weights that every token needs: norms, attention, router, embedding, output head. They are
 * read when the model is loaded, or mapped and packed from there while tokens are computed.
 *
 * @module
 */
import type { TensorInfo } from "../gguf/mod.ts";
import { PACKED_ROWS, type WeightType } from "../kernels/formats.ts";
import { type Matrix, matrixAt, matrixBytes, packedFormat } from "../kernels/matrix.ts";
import type { MemoryPlan, Place } from "../kernels/memory_plan.ts";
import { type MatrixPart, partBytes } from "../moe/expert_store.ts";
import { alignUp } from "../moe/expert_runs.ts";
import type { PackingTime } from "../moe/packing_time.ts";
import type { WeightMapping } from "./weight_mapping.ts";
import type { WeightReader } from "./weight_reader.ts";

/** Bytes of the file that are packed at once: some milliseconds. */
const STEP_BYTES = 2 ** 22;

/**
 * What is no larger and is not to be packed, such as routers, is read instead of mapped: a millisecond
 * once, and no token has to ask whether the system has its pages.
 */
const READ_BYTES = 2 ** 21;

/** So many rows at once repay the packing by themselves. */
const MANY_ROWS = 32;

/** Weights that are needed at the same time: those of a layer, by its number, or these. */
export const HEAD = -1;
const EMBEDDING = -2;

interface Vector {
  readonly tensor: TensorInfo;
  readonly place: Place;
}

/** A matrix of the file. */
interface Wanted {
  readonly tensor: TensorInfo;
  /** has the model compute with a matrix from now on */
  readonly use: (matrix: Matrix) => void;
}

interface Resident extends Wanted {
  /** whether rows are looked up in it, instead of multiplying with all of it */
  readonly byRow: boolean;
  /** where it is read to, or packed */
  readonly slot: Matrix;
  /** where it lies as in the file; undefined if it is not mapped, or no more */
  mapped: Matrix | undefined;
  /** groups of rows that are in the slot already */
  packed: number;
}

export class ResidentWeights {
  readonly #plan: MemoryPlan;
  readonly #home: number;
  readonly #mapping: WeightMapping | undefined;
  readonly #time: PackingTime;
  readonly #vectors: Vector[] = [];
  readonly #groups = new Map<number, Resident[]>();
  /** groups of which something is mapped */
  readonly #mappedGroups = new Set<number>();
  /** groups that have been computed with */
  readonly #used = new Set<number>();
  #reader: WeightReader | undefined;
  #mappedBytes = 0;

  /**
   * @param home the window of the vectors
   * @param mapping where matrices are mapped, if they can be
   * @param time what packing may take
   */
  constructor(
    plan: MemoryPlan,
    home: number,
    mapping: WeightMapping | undefined,
    time: PackingTime,
  ) {
    this.#plan = plan;
    this.#home = home;
    this.#mapping = mapping;
    this.#time = time;
  }

  /** Assigns a place to a norm or a bias, which becomes f32 whatever the file has. */
  vector(tensor: TensorInfo): number {
    const place = this.#plan.reserve(this.#home, tensor.shape[0]! * 4);
    this.#vectors.push({ tensor, place });
    return place.address;
  }

  /** Assigns places to matrices, all in one window, and hands each out as it is to be computed with. */
  matrices(group: number, wanted: readonly Wanted[]): void {
    const residents = this.#place(wanted, group === EMBEDDING);
    this.#groups.set(group, [...this.#groups.get(group) ?? [], ...residents]);
    for (const { use, mapped, slot } of residents) use(mapped ?? slot);
    if (residents.some(isMapped)) this.#mappedGroups.add(group);
    this.#time.urgent += residents.filter(isToPack).length;
  }

  /** The same for an embedding that is not the head as well: of it, only rows are needed. */
  embedding(tensor: TensorInfo, use: Wanted["use"]): void {
    this.matrices(EMBEDDING, [{ tensor, use }]);
  }

  /** Bytes of the plan that take no memory: what is mapped there goes to its slot. */
  get mappedBytes(): number {
    return this.#mappedBytes;
  }

  /** Where the vectors lie. */
  get vectorPlaces(): readonly Place[] {
    return this.#vectors.map(({ place }) => place);
  }

  /** Bytes of the file. */
  get bytes(): number {
    const all = [...this.#vectors, ...this.#all()];
    return all.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  }

  /** Brings all weights into memory; `onBytes` hears the bytes of the file that are there. */
  async load(reader: WeightReader, onBytes: (loaded: number) => void): Promise<void> {
    this.#reader = reader;
    let loaded = 0;
    const count = (bytes: number) => onBytes(loaded += bytes);
    await Promise.all(this.#vectors.map(async ({ tensor, place }) => {
      const values = await reader.vector(tensor);
      reader.viewOf(place, values.byteLength).set(new Uint8Array(values.buffer));
      loaded += tensor.bytes;
    }));
    const mapped = this.#all().filter(isMapped);
    const needed = mapped.filter(({ byRow }) => !byRow);
    this.#mapping?.request(needed.map(mappedPart));
    for (const resident of mapped) {
      if (!resident.byRow) this.#mapping!.populate([mappedPart(resident)]);
      count(resident.tensor.bytes);
    }
    const before = loaded;
    const others = this.#all().filter((resident) => !isMapped(resident));
    await reader.matrices(others.map(slotPart), (bytes) => onBytes(before + bytes));
  }

  /**
   * Sees to it that a group's matrices can be computed with until something else is awaited, and packs
   * what there is time for.
   *
   * @param rows that are to be computed with them
   * @returns undefined if there is nothing to wait for
   * @throws {GgufError} If one can't be read.
   */
  ready(group: number, rows: number): Promise<void> | undefined {
    if (this.#mappedGroups.has(group)) return this.#prepare(group, rows);
    // Asked even if nothing is mapped here: someone may be waiting for the file.
    void this.#mapping?.held;
    return undefined;
  }

  async #prepare(group: number, rows: number): Promise<void> {
    const residents = this.#groups.get(group)!;
    await this.#bring(residents, (resident) => [mappedPart(resident)]);
    this.#packSome(residents, rows >= MANY_ROWS, this.#used.has(group));
    this.#used.add(group);
    if (!residents.some(isMapped)) this.#mappedGroups.delete(group);
  }

  /** The same for some rows of the embedding. */
  async rowsReady(tokens: readonly number[]): Promise<void> {
    const residents = this.#groups.get(EMBEDDING) ?? this.#groups.get(HEAD)!;
    await this.#bring(residents, (resident) => {
      const { tensor, matrix } = mappedPart(resident);
      const rowBytes = partBytes(matrix) / matrix.rows;
      return tokens.map((token) => {
        const offset = token * rowBytes;
        return { tensor, offset, matrix: { ...matrix, address: matrix.address + offset, rows: 1 } };
      });
    });
  }

  /** Has the wanted parts of mapped matrices in memory, or else the matrices in their slots. */
  async #bring(
    residents: readonly Resident[],
    partsOf: (resident: Resident) => MatrixPart[],
  ): Promise<void> {
    const mapping = this.#mapping;
    const isThere = (part: MatrixPart) => mapping!.isPresent([part]) || mapping!.populate([part]);
    for (;;) {
      const held = mapping?.held === true;
      const mapped = residents.filter(isMapped);
      if (mapped.every((resident) => held && partsOf(resident).every(isThere))) return;
      await this.#reader!.matrices(mapped.map(slotPart));
      for (const resident of mapped) this.#settle(resident);
    }
  }

  /** Packs matrices that have been used before, as far as there is time; all if they are `many`. */
  #packSome(residents: readonly Resident[], many: boolean, used: boolean): void {
    for (const resident of residents) {
      const { mapped, slot } = resident;
      if (mapped === undefined || !isToPack(resident)) continue;
      const groups = slot.rows / PACKED_ROWS;
      const groupBytes = partBytes(mapped) / groups;
      const most = Math.max(1, Math.floor(STEP_BYTES / groupBytes));
      while (resident.packed < groups) {
        if (!many && !(used && this.#time.isLeft)) return;
        const first = resident.packed;
        const count = Math.min(most, groups - first);
        this.#time.spendOn(() =>
          this.#reader!.pack([{ from: mapped, to: slot, first, groups: count }])
        );
        resident.packed += count;
      }
      this.#mapping!.drop([mappedPart(resident)]);
      this.#settle(resident);
    }
  }

  /** From now on a matrix is computed with in its slot. */
  #settle(resident: Resident): void {
    if (isToPack(resident)) this.#time.urgent--;
    resident.mapped = undefined;
    resident.use(resident.slot);
  }

  #all(): Resident[] {
    return [...this.#groups.values()].flat();
  }

  /** A slot for each, and beside the slots the tensors as in the file if there is room for both. */
  #place(wanted: readonly Wanted[], byRow: boolean): Resident[] {
    const plan = this.#plan;
    const alignment = this.#mapping?.alignment ?? 1;
    const slotBytes = wanted.map(({ tensor }) => slotSize(tensor));
    const inSlots = slotBytes.reduce((sum, bytes) => sum + bytes, 0);
    const inFile = wanted.reduce(
      // Each begins up to two and ends up to one alignment away from what is beside it.
      (sum, { tensor }) => sum + tensor.bytes + 3 * alignment,
      0,
    );
    const repays = byRow || inSlots > READ_BYTES || wanted.some(({ tensor }) => isPackable(tensor));
    const mapping = repays && inSlots + inFile <= plan.largest ? this.#mapping : undefined;
    const { window, address } = plan.place(mapping ? inSlots + inFile : inSlots);
    if (mapping) this.#mappedBytes += inFile;
    let next = address;
    const slots = wanted.map(({ tensor }, i) => {
      const slot = matrixOf(tensor, { window, address: next });
      next += slotBytes[i]!;
      return slot;
    });
    return wanted.map(({ tensor, use }, i) => {
      const slot = slots[i]!;
      if (!mapping) return { tensor, use, byRow, slot, mapped: undefined, packed: 0 };
      const start = alignUp(next, alignment) + tensor.offset % alignment;
      next = alignUp(start + tensor.bytes, alignment);
      const mapped: Matrix = { ...slot, address: start, packed: undefined };
      mapping.reserve({ tensor, offset: 0, matrix: mapped }, tensor.bytes);
      return { tensor, use, byRow, slot, mapped, packed: 0 };
    });
  }
}

function slotSize({ type, shape: [columns = 1, rows = 1] }: TensorInfo): number {
  return matrixBytes(type as WeightType, rows, columns);
}

function isPackable({ type, shape: [, rows = 1] }: TensorInfo): boolean {
  return packedFormat(type as WeightType, rows) !== undefined;
}

function matrixOf({ type, shape: [columns = 1, rows = 1] }: TensorInfo, place: Place): Matrix {
  return matrixAt(place, type as WeightType, rows, columns);
}

function mappedPart({ tensor, mapped }: Resident): MatrixPart {
  return { tensor, offset: 0, matrix: mapped! };
}

function slotPart({ tensor, slot }: Resident): MatrixPart {
  return { tensor, offset: 0, matrix: slot };
}

function isMapped({ mapped }: Resident): boolean {
  return mapped !== undefined;
}

function isToPack({ byRow, mapped, slot }: Resident): boolean {
  return !byRow && mapped !== undefined && slot.packed !== undefined;
}
