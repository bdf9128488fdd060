/**
 * The caller's end of the conductor thread, and of the helpers, which the conductor commands.
 *
 * @module
 */
import { Word } from "../kernels/board.ts";
import { connectHelper, openHelpers } from "../kernels/team.ts";
import { openWorker, type WorkerChannel } from "../kernels/worker.ts";
import type { ExpertUse } from "../moe/expert_store.ts";
import { DisposedError } from "./errors.ts";
import {
  type ConductorRequest,
  type ForwardAnswer,
  type ForwardRequest,
  type LoadNotice,
  type OpenAnswer,
  type OpenRequest,
  revivedError,
} from "./protocol.ts";

export class RemoteRuntime {
  readonly #channel: WorkerChannel;
  readonly #helpers: readonly WorkerChannel[];
  /** the board's words; undefined where memory can't be shared */
  readonly #words: Int32Array | undefined;
  /** settles when the last forward pass that was asked for has ended */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  #experts: ExpertUse = { hits: 0, misses: 0, bytesRead: 0, unpacked: 0 };
  /** positions of a session, where the session does not say */
  readonly context: number;

  private constructor(
    channel: WorkerChannel,
    helpers: readonly WorkerChannel[],
    { board, context }: OpenAnswer,
  ) {
    this.#channel = channel;
    this.#helpers = helpers;
    this.#words = board && new Int32Array(board);
    this.context = context;
  }

  /**
   * Starts the threads and has the conductor load the model.
   *
   * @throws what `onProgress` throws, and the signal's reason, if it is aborted
   */
  static async open(
    request: Omit<OpenRequest, "kind" | "helpers">,
    onProgress: (notice: LoadNotice) => void,
    signal?: AbortSignal,
  ): Promise<RemoteRuntime> {
    const failing = new AbortController();
    const ending = AbortSignal.any([failing.signal, ...(signal ? [signal] : [])]);
    ending.throwIfAborted();
    const onNotice = (notice: unknown) => {
      if (ending.aborted) return;
      try {
        onProgress(notice as LoadNotice);
      } catch (error) {
        failing.abort(error);
      }
    };
    const channel = await openWorker(new URL("./conductor.ts", import.meta.url), { onNotice });
    const interrupt = () => channel.interrupt();
    ending.addEventListener("abort", interrupt);
    let helpers: WorkerChannel[] = [];
    try {
      // The conductor would wait for a helper that is no more.
      const onFailure = (error: Error) => channel.terminate(error);
      helpers = await openHelpers(request.threads - 1, { onFailure });
      const ports = await Promise.all(helpers.map(connectHelper));
      const message: ConductorRequest = { kind: "open", helpers: ports, ...request };
      ending.throwIfAborted();
      const answer = await ask<OpenAnswer>(channel, message, ports);
      // It may have been too late to end the loading.
      if (ending.aborted) await ask(channel, { kind: "close" });
      ending.throwIfAborted();
      return new RemoteRuntime(channel, helpers, answer);
    } catch (error) {
      for (const thread of [channel, ...helpers]) thread.terminate();
      ending.throwIfAborted();
      throw error;
    } finally {
      ending.removeEventListener("abort", interrupt);
    }
  }

  /** How the experts' memory has fared so far. */
  get experts(): ExpertUse {
    return this.#experts;
  }

  openSession(capacity: number): Promise<number> {
    return this.#ask({ kind: "openSession", capacity });
  }

  /** Bytes per second that the model's threads read from memory together, with nothing else to do. */
  measureStream(): Promise<number> {
    return this.#ask({ kind: "measureStream" });
  }

  async closeSession(session: number): Promise<void> {
    if (!this.#closed) await this.#ask({ kind: "closeSession", session });
  }

  /**
   * Runs a forward pass after those that were asked for before.
   *
   * @throws the signal's reason, if it is aborted before the pass has ended
   */
  forward(
    request: Omit<ForwardRequest, "kind">,
    signal: AbortSignal | undefined,
  ): Promise<ForwardAnswer> {
    const result = this.#last.then(() => this.#forwardNow(request, signal));
    this.#last = result.catch(() => {});
    return result;
  }

  async #forwardNow(
    request: Omit<ForwardRequest, "kind">,
    signal: AbortSignal | undefined,
  ): Promise<ForwardAnswer> {
    signal?.throwIfAborted();
    const stop = () => this.#stop();
    this.#setAbort(0);
    signal?.addEventListener("abort", stop);
    try {
      const transfer = request.into === undefined ? [] : [request.into.buffer];
      const answer = await this.#ask<ForwardAnswer>({ kind: "forward", ...request }, transfer);
      this.#experts = answer.experts;
      return answer;
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#closed ? new DisposedError("model") : error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Ends a running pass, before its next layer or while it waits for a file. */
  #stop(): void {
    this.#setAbort(1);
    this.#channel.interrupt();
  }

  #setAbort(value: 0 | 1): void {
    if (this.#words) Atomics.store(this.#words, Word.abort, value);
  }

  #ask<Answer = void>(
    request: ConductorRequest,
    transfer: readonly Transferable[] = [],
  ): Promise<Answer> {
    if (this.#closed) return Promise.reject(new DisposedError("model"));
    return ask(this.#channel, request, transfer);
  }

  /** Stops a running pass, ends all threads and frees the memory. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    await ask(this.#channel, { kind: "close" }).finally(() => {
      for (const thread of [this.#channel, ...this.#helpers]) thread.terminate();
    });
  }
}

async function ask<Answer = void>(
  channel: WorkerChannel,
  request: ConductorRequest,
  transfer: readonly Transferable[] = [],
): Promise<Answer> {
  try {
    return await channel.ask<ConductorRequest, Answer>(request, transfer);
  } catch (error) {
    throw revivedError(error);
  }
}
