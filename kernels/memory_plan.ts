/**
 * Where things lie: wasm32 memory ends at 4 GiB, so weights and activations are spread over several
 * memories ("windows"). A plan assigns addresses first; the memories are made to measure afterwards.
 *
 * @module
 */
import { SCRATCH_BYTES } from "./constants.ts";
import { libc, LINUX } from "./libc.ts";
import type { Window } from "./thread.ts";

/** A place in a window. */
export interface Place {
  readonly window: number;
  readonly address: number;
}

const PAGE_BYTES = 65536;
/** One page less than wasm32 has, so that no end address wraps to 0. */
const MAX_WINDOW_BYTES = 65535 * PAGE_BYTES;
/** A cache line: threads that write neighbouring regions do not share one. */
const ALIGNMENT = 64;

/** Address 0 stays unused, so that a forgotten address shows. */
const FIRST_ADDRESS = ALIGNMENT;

interface PlannedWindow {
  readonly id: number;
  readonly scratch: number;
  end: number;
}

/** Hands out places, opening window after window. */
export class MemoryPlan {
  readonly #windows: PlannedWindow[] = [];
  /** where a window's room begins: all are opened alike */
  #emptyEnd = 0;
  readonly #threads: number;
  readonly #firstId: number;
  readonly #maxBytes: number;
  readonly #onOpen: (window: number, plan: MemoryPlan) => void;

  /**
   * @param options.threads each gets a private scratch area in every window
   * @param options.firstId the id of the first window
   * @param options.onOpen called when a window is opened, to allocate what every window needs
   * @param options.maxWindowBytes windows smaller than wasm32 allows, for tests
   */
  constructor(options: {
    threads: number;
    firstId: number;
    onOpen?: (window: number, plan: MemoryPlan) => void;
    maxWindowBytes?: number | undefined;
  }) {
    this.#threads = options.threads;
    this.#firstId = options.firstId;
    this.#onOpen = options.onOpen ?? (() => {});
    this.#maxBytes = Math.min(options.maxWindowBytes ?? MAX_WINDOW_BYTES, MAX_WINDOW_BYTES);
  }

  /** Opens a window and returns its id. */
  open(): number {
    const id = this.#firstId + this.#windows.length;
    const scratch = FIRST_ADDRESS;
    this.#windows.push({ id, scratch, end: align(scratch + this.#threads * SCRATCH_BYTES) });
    this.#onOpen(id, this);
    this.#emptyEnd = this.#windows.at(-1)!.end;
    return id;
  }

  /**
   * Reserves bytes in a certain window.
   *
   * @throws {RangeError} If the window has no room.
   */
  reserve(window: number, bytes: number): Place {
    const planned = this.#windows[window - this.#firstId]!;
    if (planned.end + bytes > this.#maxBytes) {
      throw new RangeError(
        `${bytes} bytes do not fit into a window that holds ${planned.end} of ${this.#maxBytes} already: ` +
          "choose a smaller context or batch",
      );
    }
    const place = { window, address: planned.end };
    planned.end = align(planned.end + bytes);
    return place;
  }

  /** Reserves bytes in the last window, or in a new one where they do not fit. */
  place(bytes: number): Place {
    const last = this.#windows.at(-1);
    const fits = last !== undefined && last.end + bytes <= this.#maxBytes;
    return this.reserve(fits ? last.id : this.open(), bytes);
  }

  /** The bytes that a window has room for when it is opened; at least one must be open. */
  get largest(): number {
    return this.#maxBytes - this.#emptyEnd;
  }

  /** Bytes that are assigned, in all windows. */
  get bytes(): number {
    return this.#windows.reduce((sum, { end }) => sum + end, 0);
  }

  /** How many windows `bytes` more bytes would open. */
  windowsFor(bytes: number): number {
    const room = this.#maxBytes - (this.#windows.at(-1)?.end ?? this.#maxBytes);
    return Math.max(0, Math.ceil((bytes - room) / this.#maxBytes));
  }

  /**
   * Makes the memories. Pages that are never touched cost nothing.
   *
   * A large memory costs the thread that makes it: V8 counts all of it as if it were that thread's
   * garbage to come, and collects garbage again and again (with 36 GiB once a token, for a tenth of
   * its time). So a memory that is there to stay begins with one page, and {@linkcode growWindow} is
   * for a thread that has no garbage. Others must not be: a thread that does not count a memory sees
   * no need to let go of it.
   *
   * @param options.lasting the windows are there until the threads end
   * @param options.hugePages asks the system for large pages: the first touch of memory that is filled
   * from end to end then costs a fraction, but a byte of it takes 2 MiB
   */
  createWindows(
    { lasting = false, hugePages = false }: { lasting?: boolean; hugePages?: boolean } = {},
  ): Window[] {
    return this.#windows.map(({ id, scratch, end }) => {
      const pages = Math.ceil(end / PAGE_BYTES);
      const initial = lasting ? 1 : pages;
      const memory = new WebAssembly.Memory({ initial, maximum: pages, shared: true });
      return { id, memory, scratch, pages, hugePages };
    });
  }
}

/**
 * Gives a window that every thread has opened its size.
 *
 * @throws {RangeError} If the system has no room for it.
 */
export function growWindow({ memory, pages, hugePages }: Window): void {
  memory.grow(pages - memory.buffer.byteLength / PAGE_BYTES);
  if (hugePages) adviseHugePages(memory);
}

/** Has no effect where the system has no such pages, or can't be asked. */
function adviseHugePages(memory: WebAssembly.Memory): void {
  const bytes = new Uint8Array(memory.buffer as unknown as SharedArrayBuffer);
  libc()?.madvise(bytes, BigInt(bytes.length), LINUX.MADV_HUGEPAGE);
}

function align(address: number): number {
  return Math.ceil(address / ALIGNMENT) * ALIGNMENT;
}
