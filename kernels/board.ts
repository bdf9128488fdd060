/**
 * The board: the shared memory through which the conductor hands a phase of work to the helpers.
 *
 * A phase is a list of jobs that need nothing of one another. Each job is one kernel call over a
 * range of units, cut into chunks; threads claim the phase's chunks one by one, so a thread that
 * finishes early takes more. The chunks become smaller towards the end (guided self-scheduling,
 * Polychronopoulos and Kuck 1987): few claims, and all threads are done at about the same time.
 * Which thread computes a chunk never changes its result.
 *
 * @module
 */
import type { SharedOperation } from "./operations.ts";

/** What a job may run: a kernel of one window, or a copy of rows between two. */
export type JobOperation = SharedOperation | "moveRows";

/** One kernel call, to be cut into chunks of units. */
export interface Job {
  readonly operation: JobOperation;
  /** the window whose kernel instance runs it; for moveRows the one that is written */
  readonly window: number;
  readonly units: number;
  /** what one unit costs, about, in bytes read: decides how large a chunk is */
  readonly cost: number;
  /** the kernel's arguments after `start` and `end` */
  readonly args: readonly number[];
}

/** Jobs that one phase can hold; {@linkcode Team.run} splits longer lists. */
export const MAX_JOBS = 2048;

/** What is no larger is not shared: a helper takes microseconds to notice it, and this takes ten. */
export const ALONE_COST = 128 * 1024;

/** A claim and a call cost half a microsecond; a chunk of this many bytes takes four. */
const LEAST_COST = 64 * 1024;

/** A chunk is a thread's share of what is left, divided by this, for a thread may be slower than others. */
const SHARE_DIVISOR = 2;

/** Places of the board's 32-bit words. */
export const Word = {
  /** changes with each phase; helpers without work wait for that */
  epoch: 0,
  /** chunks of the phase that nobody has claimed yet: whoever lowers it by one owns one */
  unclaimed: 1,
  /** chunks of the phase that are computed */
  done: 2,
  /** chunks of the phase */
  chunks: 3,
  /** helpers asleep on `epoch` */
  sleeping: 4,
  /** 1 while the conductor sleeps on `done` */
  conductorSleeping: 5,
  /** changes when every helper is to leave the board once and listen to messages */
  leave: 6,
  /** 1 when a kernel has trapped in this phase */
  failed: 7,
  /** 1 when the caller wants the running forward pass to stop */
  abort: 8,
} as const;

const WORDS_BYTES = 64;
const MAX_ARGS = 11;
/** operation, window, arguments */
const JOB_WORDS = 2 + MAX_ARGS;
/** job, first unit, end */
const CHUNK_WORDS = 3;
const MAX_CHUNKS = 3 * MAX_JOBS;

/** Every job operation in the order of its code on the board. */
export const JOB_OPERATIONS: readonly JobOperation[] = [
  "moveRows",
  "matmulF32",
  "matmulF16",
  "matmulBF16",
  "matmulQ4_0",
  "matmulQ8_0",
  "matmulQ4_K",
  "matmulQ5_K",
  "matmulQ6_K",
  "matmulPackedQ4_K",
  "matmulPackedQ6_K",
  "packQ4_K",
  "packQ6_K",
  "quantizeQ8_K",
  "quantizeQ8_0",
  "roundF16",
  "roundBF16",
  "rmsNorm",
  "ropeNeox",
  "ropePairs",
  "appendKeysF16",
  "appendValuesF16",
  "attentionF16",
  "attendSpansF16",
  "appendKeysQ8_0",
  "appendValuesQ8_0",
  "attentionQ8_0",
  "attendSpansQ8_0",
  "mergeSpans",
  "softmax",
  "swiglu",
  "route",
  "combineExperts",
  "add",
  "addBias",
  "readStream",
];

const CODES: ReadonlyMap<JobOperation, number> = new Map(
  JOB_OPERATIONS.map((operation, code) => [operation, code]),
);

/** What an operation is called on the board. */
export function operationCode(operation: JobOperation): number {
  return CODES.get(operation)!;
}

/** What jobs cost together, in bytes read. */
export function costOf(jobs: readonly Job[]): number {
  let cost = 0;
  for (const job of jobs) cost += job.units * job.cost;
  return cost;
}

/** Reads and writes one phase. Every thread has its own over the same buffer. */
export class Board {
  readonly words: Int32Array;
  readonly #jobs: Float64Array;
  readonly #chunks: Uint32Array;

  /** @param buffer shared between the threads; a new one when absent */
  constructor(
    readonly buffer: SharedArrayBuffer = new WebAssembly.Memory({
      initial: PAGES,
      maximum: PAGES,
      shared: true,
    }).buffer as unknown as SharedArrayBuffer,
  ) {
    this.words = new Int32Array(buffer, 0, WORDS_BYTES / 4);
    this.#jobs = new Float64Array(buffer, WORDS_BYTES, MAX_JOBS * JOB_WORDS);
    this.#chunks = new Uint32Array(buffer, WORDS_BYTES + JOBS_BYTES, MAX_CHUNKS * CHUNK_WORDS);
  }

  /** Writes the jobs of a phase, cut for `threads` threads; returns how many chunks there are. */
  write(jobs: readonly Job[], threads: number): number {
    let left = costOf(jobs);
    // No chunk but a job's last is smaller, so however many threads there are, all have room.
    const least = Math.max(LEAST_COST, left / (MAX_CHUNKS - MAX_JOBS));
    let chunks = 0;
    for (let i = 0; i < jobs.length; i++) {
      const { units, cost } = jobs[i]!;
      this.#writeJob(i, jobs[i]!);
      for (let start = 0; start < units;) {
        const chunkCost = Math.max(least, left / (threads * SHARE_DIVISOR));
        const end = Math.min(start + Math.ceil(chunkCost / cost), units);
        this.#writeChunk(chunks++, i, start, end);
        left -= (end - start) * cost;
        start = end;
      }
    }
    this.words[Word.chunks] = chunks;
    this.words[Word.done] = 0;
    this.words[Word.failed] = 0;
    // Last, for from here on anyone may claim.
    Atomics.store(this.words, Word.unclaimed, chunks);
    return chunks;
  }

  #writeJob(job: number, { operation, window, args }: Job): void {
    const at = job * JOB_WORDS;
    this.#jobs[at] = operationCode(operation);
    this.#jobs[at + 1] = window;
    for (let i = 0; i < args.length; i++) this.#jobs[at + 2 + i] = args[i]!;
  }

  #writeChunk(chunk: number, job: number, start: number, end: number): void {
    const at = chunk * CHUNK_WORDS;
    this.#chunks[at] = job;
    this.#chunks[at + 1] = start;
    this.#chunks[at + 2] = end;
  }

  /**
   * Claims chunks until none is left and hands each to `call`.
   *
   * The table may only be read between a claim and its count in `done`: the conductor writes the next
   * phase when all of this one's chunks are done, so a thread that comes late finds either nothing to
   * claim or the next phase.
   */
  takeChunks(call: ChunkCall): void {
    const { words } = this;
    for (let unclaimed = this.#claim(); unclaimed > 0; unclaimed = this.#claim()) {
      try {
        this.#runChunk(words[Word.chunks]! - unclaimed, call);
      } catch (error) {
        Atomics.store(words, Word.failed, 1);
        throw error;
      } finally {
        const done = Atomics.add(words, Word.done, 1) + 1;
        if (done === words[Word.chunks]! && Atomics.load(words, Word.conductorSleeping) === 1) {
          Atomics.notify(words, Word.done);
        }
      }
    }
  }

  /** How many chunks were unclaimed before the caller took one; 0 if there was none to take. */
  #claim(): number {
    let unclaimed = Atomics.load(this.words, Word.unclaimed);
    while (unclaimed > 0) {
      const seen = Atomics.compareExchange(this.words, Word.unclaimed, unclaimed, unclaimed - 1);
      if (seen === unclaimed) return unclaimed;
      unclaimed = seen;
    }
    return 0;
  }

  #runChunk(chunk: number, call: ChunkCall): void {
    const at = chunk * CHUNK_WORDS;
    const job = this.#chunks[at]! * JOB_WORDS;
    const [start, end] = [this.#chunks[at + 1]!, this.#chunks[at + 2]!];
    call(this.#jobs[job]!, this.#jobs[job + 1]!, start, end, this.#jobs, job + 2);
  }
}

/** Runs the units [start, end) of an operation by its code; its arguments are table[at] and on. */
export type ChunkCall = (
  code: number,
  window: number,
  start: number,
  end: number,
  table: ArrayLike<number>,
  at: number,
) => void;

const JOBS_BYTES = MAX_JOBS * JOB_WORDS * 8;
const PAGES = Math.ceil((WORDS_BYTES + JOBS_BYTES + MAX_CHUNKS * CHUNK_WORDS * 4) / 65536);
