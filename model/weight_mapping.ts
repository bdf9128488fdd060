/**
 * The parts of a model's files that lie in its windows without having been read.
 *
 * @module
 */
import {
  type ByteSource,
  empty,
  isPresent,
  MAP_ALIGNMENT,
  MappedFile,
  type MemoryRange,
  populate,
  request,
} from "../gguf/mod.ts";
import { matrixBytes } from "../kernels/matrix.ts";
import type { ExpertBlock } from "../moe/expert_block.ts";
import type { ExpertMapping } from "../moe/mapped_experts.ts";
import { type MatrixPart, partBytes } from "../moe/expert_store.ts";

/** How often an idle model looks whether someone waits to write to its files, in milliseconds. */
const WATCH_TIME = 50;

/**
 * An answer of the system holds for some milliseconds, for who wants to write has to wait until the
 * file is given back.
 */
const ASK_TIME = 5;

/** Memories by the number of their window. */
type Memories = ReadonlyMap<number, Uint8Array<SharedArrayBuffer>>;

/** What is to be mapped as soon as there are windows. */
interface Reserved {
  readonly source: number;
  readonly offset: number;
  readonly window: number;
  readonly address: number;
  readonly bytes: number;
}

export class WeightMapping implements ExpertMapping {
  readonly alignment: number = MAP_ALIGNMENT;
  /** by source */
  readonly #files: readonly MappedFile[];
  readonly #reserved: Reserved[] = [];
  #memories: Memories = new Map();
  #held = true;
  /** when the files were asked last */
  #asked = -Infinity;
  readonly #watch: ReturnType<typeof setInterval>;

  private constructor(files: readonly MappedFile[]) {
    this.#files = files;
    this.#watch = setInterval(() => this.held, WATCH_TIME);
    // It keeps no one waiting.
    Deno.unrefTimer(Number(this.#watch));
  }

  /** Prepares to map a model's files; undefined if one of them can't be mapped. */
  static open(sources: readonly ByteSource[]): WeightMapping | undefined {
    const files: MappedFile[] = [];
    for (const source of sources) {
      const file = MappedFile.open(source);
      if (file === undefined) {
        for (const other of files) other.close();
        return undefined;
      }
      files.push(file);
    }
    return new WeightMapping(files);
  }

  reserve({ tensor, offset, matrix }: MatrixPart, bytes: number): void {
    const { window, address } = matrix;
    const { source } = tensor;
    this.#reserved.push({ source, offset: tensor.offset + offset, window, address, bytes });
  }

  /** Maps what is reserved; all or nothing. */
  map(memories: Memories): void {
    this.#memories = memories;
    for (const { source, offset, window, address, bytes } of this.#reserved) {
      const range = { memory: memories.get(window)!, address, bytes };
      if (this.#files[source]!.map(range, offset)) continue;
      this.close();
      return;
    }
  }

  get held(): boolean {
    const now = performance.now();
    if (now - this.#asked < ASK_TIME) return this.#held;
    this.#asked = now;
    // Each is asked, for each may have someone waiting.
    const lost = this.#files.filter((file) => !file.held);
    if (lost.length > 0) this.close();
    return this.#held;
  }

  isPresent(parts: readonly MatrixPart[]): boolean {
    return parts.every((part) => isPresent(this.#rangeOf(part)));
  }

  request(parts: readonly MatrixPart[]): void {
    for (const part of parts) request(this.#rangeOf(part));
  }

  populate(parts: readonly MatrixPart[]): boolean {
    return parts.every((part) => populate(this.#rangeOf(part)));
  }

  drop(parts: readonly MatrixPart[]): void {
    for (const part of parts) this.#files[part.tensor.source]!.drop(this.#rangeOf(part));
  }

  empty(block: ExpertBlock): void {
    for (const { window, address, format: { type }, rows, columns } of Object.values(block)) {
      const memory = this.#memories.get(window)!;
      empty({ memory, address, bytes: matrixBytes(type, rows, columns) });
    }
  }

  /** Takes everything out of the windows and lets others change the files. */
  close(): void {
    this.#held = false;
    clearInterval(this.#watch);
    for (const file of this.#files) file.close();
  }

  #rangeOf({ matrix }: MatrixPart): MemoryRange {
    const { window, address } = matrix;
    return { memory: this.#memories.get(window)!, address, bytes: partBytes(matrix) };
  }
}
