/**
 * The threads that compute: the conductor, which calls {@linkcode Team.run}, and its helpers.
 *
 * @module
 */
import { ALONE_COST, Board, costOf, type Job, MAX_JOBS, Word } from "./board.ts";
import { growWindow } from "./memory_plan.ts";
import { openWorker, type WorkerChannel, type WorkerListener } from "./worker.ts";
import { Thread, type Window } from "./thread.ts";

/** What a helper is told while it listens to messages. */
export type HelperMessage =
  | { kind: "connect"; port: MessagePort }
  | { kind: "start"; index: number; module: WebAssembly.Module; board: SharedArrayBuffer }
  | { kind: "windows"; opened: readonly Window[]; closed: readonly number[]; grow: boolean }
  | { kind: "stop" };

/** Starts helpers, which wait for a team. */
export async function openHelpers(
  count: number,
  listener?: WorkerListener,
): Promise<WorkerChannel[]> {
  const url = new URL("./helper.ts", import.meta.url);
  const opening = Array.from({ length: count }, () => openWorker(url, listener));
  const results = await Promise.allSettled(opening);
  const failed = results.find(({ status }) => status === "rejected");
  if (failed === undefined) return await Promise.all(opening);
  for (const result of results) if (result.status === "fulfilled") result.value.terminate();
  throw (failed as PromiseRejectedResult).reason;
}

/**
 * Has a helper listen to another thread: whoever opens the port with {@linkcode openPort}. For that
 * thread may be slow to start workers of its own: Deno takes a second for a worker's worker.
 */
export async function connectHelper(helper: WorkerChannel): Promise<MessagePort> {
  const { port1, port2 } = new MessageChannel();
  await helper.ask<HelperMessage>({ kind: "connect", port: port2 }, [port2]);
  return port1;
}

/** Looks at the board before the conductor sleeps: some tens of microseconds. */
const SPINS = 10_000;

export class Team {
  readonly board: Board;
  readonly thread: Thread;
  readonly #helpers: WorkerChannel[];

  private constructor(thread: Thread, helpers: WorkerChannel[]) {
    this.thread = thread;
    this.board = thread.board;
    this.#helpers = helpers;
  }

  /** A team of the calling thread and `threads - 1` helpers that it starts. */
  static async start(threads: number, module: WebAssembly.Module): Promise<Team> {
    return await Team.of(await openHelpers(threads - 1), module);
  }

  /** A team of the calling thread and helpers that run already. */
  static async of(helpers: WorkerChannel[], module: WebAssembly.Module): Promise<Team> {
    const board = new Board();
    const team = new Team(new Thread(0, module, board), helpers);
    await Promise.all(
      helpers.map((helper, i) =>
        helper.ask<HelperMessage>({ kind: "start", index: i + 1, module, board: board.buffer })
      ),
    );
    return team;
  }

  get threads(): number {
    return this.#helpers.length + 1;
  }

  /**
   * Makes windows known to every thread, and forgets others. The last thread to know them gives them
   * their size.
   *
   * @throws {RangeError} If there is no room for them.
   */
  async changeWindows(opened: readonly Window[], closed: readonly number[] = []): Promise<void> {
    for (const id of closed) this.thread.close(id);
    for (const window of opened) this.thread.open(window);
    this.#leave();
    const tell = (helper: WorkerChannel, grow: boolean) =>
      helper.ask<HelperMessage>({ kind: "windows", opened, closed, grow });
    const others = this.#helpers.slice(0, -1).map((helper) => tell(helper, false));
    const results: PromiseSettledResult<unknown>[] = await Promise.allSettled(others);
    const last = this.#helpers.at(-1);
    if (last === undefined) opened.forEach(growWindow);
    else results.push(...await Promise.allSettled([tell(last, true)]));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** Runs jobs that need nothing of one another, and returns when all are done. */
  run(jobs: readonly Job[]): void {
    if (this.threads === 1 || costOf(jobs) <= ALONE_COST) return this.#runAlone(jobs);
    for (let i = 0; i < jobs.length; i += MAX_JOBS) {
      this.#runPhase(i === 0 && jobs.length <= MAX_JOBS ? jobs : jobs.slice(i, i + MAX_JOBS));
    }
  }

  #runAlone(jobs: readonly Job[]): void {
    try {
      for (const job of jobs) this.thread.run(job);
    } catch (cause) {
      throw trapped(jobs, cause);
    }
  }

  #runPhase(jobs: readonly Job[]): void {
    const chunks = this.board.write(jobs, this.threads);
    this.#wakeHelpers();
    this.#workToTheEnd(chunks);
    if (this.board.words[Word.failed] === 1) throw trapped(jobs);
  }

  /** Computes what no helper has claimed, then waits for those that hold a chunk. */
  #workToTheEnd(chunks: number): void {
    while (Atomics.load(this.board.words, Word.unclaimed) > 0) {
      try {
        this.thread.work();
      } catch {
        // The board has noted it. The other chunks go on, for helpers may be in the middle of one.
      }
    }
    this.#awaitChunks(chunks);
  }

  #wakeHelpers(): void {
    const { words } = this.board;
    Atomics.add(words, Word.epoch, 1);
    if (Atomics.load(words, Word.sleeping) > 0) Atomics.notify(words, Word.epoch);
  }

  #awaitChunks(chunks: number): void {
    const { words } = this.board;
    for (let i = 0; i < SPINS; i++) if (Atomics.load(words, Word.done) === chunks) return;
    Atomics.store(words, Word.conductorSleeping, 1);
    for (;;) {
      const done = Atomics.load(words, Word.done);
      if (done === chunks) break;
      Atomics.wait(words, Word.done, done);
    }
    Atomics.store(words, Word.conductorSleeping, 0);
  }

  /** Has every helper leave the board and listen to messages. */
  #leave(): void {
    Atomics.add(this.board.words, Word.leave, 1);
    this.#wakeHelpers();
  }

  /** Ends the helpers. The team can't be used afterwards. */
  async stop(): Promise<void> {
    this.#leave();
    await Promise.all(this.#helpers.map(async (helper) => {
      await helper.ask<HelperMessage>({ kind: "stop" });
      helper.terminate();
    }));
  }
}

function trapped(jobs: readonly Job[], cause?: unknown): Error {
  const operations = jobs.map(({ operation }) => operation).join(", ");
  return new Error(`A kernel trapped in one of: ${operations}`, { cause });
}
