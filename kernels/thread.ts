/**
 * One thread's means of running jobs: a kernel instance and a byte view for each window.
 *
 * @module
 */
import { type Board, type ChunkCall, type Job, JOB_OPERATIONS, operationCode } from "./board.ts";
import { instantiateKernels } from "./kernels.ts";
import { moveRows } from "./move_rows.ts";
import type { Operations } from "./operations.ts";
import { SCRATCH_BYTES } from "./constants.ts";

/** A memory that holds weights, activations or a KV cache. Posted to helpers as it is. */
export interface Window {
  readonly id: number;
  readonly memory: WebAssembly.Memory;
  /** where the threads' private areas begin: thread i's is `scratch + i * SCRATCH_BYTES` */
  readonly scratch: number;
  /** pages of 64 KiB that the memory has once every thread has opened it */
  readonly pages: number;
  /** whether the system is asked for large pages */
  readonly hugePages: boolean;
}

type Kernel = (start: number, end: number, ...args: number[]) => void;

export class Thread {
  readonly #kernels: Kernel[][] = [];
  readonly #operations: Operations[] = [];
  readonly #memories: WebAssembly.Memory[] = [];
  readonly #bytes: Uint8Array[] = [];

  /** @param index 0 for the conductor, 1 and on for helpers */
  constructor(
    readonly index: number,
    readonly module: WebAssembly.Module,
    readonly board: Board,
  ) {}

  open(window: Window): void {
    const operations = instantiateKernels(this.module, window.memory);
    operations.setScratch(window.scratch + this.index * SCRATCH_BYTES);
    this.#operations[window.id] = operations;
    this.#memories[window.id] = window.memory;
    this.#kernels[window.id] = JOB_OPERATIONS.map((name) =>
      name === "moveRows" ? () => {} : operations[name] as Kernel
    );
  }

  close(id: number): void {
    delete this.#kernels[id];
    delete this.#operations[id];
    delete this.#memories[id];
    delete this.#bytes[id];
  }

  /** The kernels of a window, for calls that one thread makes alone. */
  operations(window: number): Operations {
    return this.#operations[window]!;
  }

  /**
   * Runs all of a job at once, without the board.
   *
   * @throws {WebAssembly.RuntimeError} If the kernel traps.
   */
  run({ operation, window, units, args }: Job): void {
    this.#call(operationCode(operation), window, 0, units, args, 0);
  }

  /**
   * Claims and runs chunks of the phase on the board until none is left.
   *
   * @throws {WebAssembly.RuntimeError} If a kernel traps; the board then says that the phase failed.
   */
  work(): void {
    this.board.takeChunks(this.#call);
  }

  /** All of a window's bytes, which there are once it has grown. */
  readonly #bytesOf = (window: number): Uint8Array =>
    this.#bytes[window] ??= new Uint8Array(this.#memories[window]!.buffer);

  readonly #call: ChunkCall = (code, window, start, end, table, at) => {
    if (code === 0) {
      moveRows(this.#bytesOf, window, start, end, table, at);
      return;
    }
    // WebAssembly drops the arguments that a kernel does not take.
    this.#kernels[window]![code]!(
      start,
      end,
      table[at]!,
      table[at + 1]!,
      table[at + 2]!,
      table[at + 3]!,
      table[at + 4]!,
      table[at + 5]!,
      table[at + 6]!,
      table[at + 7]!,
      table[at + 8]!,
      table[at + 9]!,
      table[at + 10]!,
    );
  };
}
