/**
 * A session: one inference timeline of a model.
 *
 * @module
 */
import { ContextLengthError, DisposedError } from "../model/errors.ts";
import type { ForwardAnswer } from "../model/protocol.ts";
import type { RemoteRuntime } from "../model/remote.ts";
import { Routing } from "../moe/routing.ts";

/** What a session has to know of its model. */
export interface SessionModel {
  readonly runtime: RemoteRuntime;
  readonly vocabulary: number;
  /** tokens that a forward pass takes at once */
  readonly batch: number;
  /** experts that a token goes through in each layer; 0 for dense models */
  readonly expertsUsed: number;
}

/** Positions whose logits are on their way to the caller at once. */
const OUTPUT_BATCH = 64;

/** Options of one call. */
export interface SyncOptions {
  /** Stops the computation, between layers; the call then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Hears which experts the tokens go through that are computed, a batch at a time: not those that are
   * in the cache already, nor those of a batch that was stopped. What it throws ends the call.
   */
  readonly onRouting?: ((routing: Routing) => void) | undefined;
}

/** Options of {@linkcode Session.sync}. */
export interface LogitsOptions extends SyncOptions {
  /**
   * Logits of a former call that are not needed any more: the new ones come in their memory, and the
   * array that was handed in is empty from then on. New memory for each token costs a large
   * vocabulary's model some percent of its speed.
   */
  readonly reuse?: Float32Array<ArrayBuffer> | undefined;
}

/** Options of {@linkcode Session.logits}. */
export interface PositionsOptions extends SyncOptions {
  /** The first position whose logits are wanted. Default: 0. */
  readonly from?: number | undefined;
}

/**
 * One mutable timeline: it owns a KV cache and knows which tokens are in it. Callers hand in the whole
 * token prefix each time; the session reuses what it has, extends it, or starts anew where the two
 * differ.
 */
export class Session implements AsyncDisposable {
  /** Positions that fit. */
  readonly context: number;
  readonly #model: SessionModel;
  /** the tokens whose keys and values are in the cache */
  #cached: number[] = [];
  #id: Promise<number> | undefined;
  /** settles when the last call has ended: calls on a timeline run one after another */
  #last: Promise<unknown> = Promise.resolve();
  #argMax = -1;
  #disposed = false;

  /**
   * Sessions are opened by {@linkcode Model.session}.
   *
   * @ignore
   */
  constructor(model: SessionModel, context: number) {
    this.#model = model;
    this.context = context;
  }

  /** The tokens that are computed already. */
  get tokens(): readonly number[] {
    return this.#cached;
  }

  /** How many tokens of a prefix a {@linkcode Session.sync} would not have to compute. */
  cachedPrefix(tokens: readonly number[]): number {
    return Math.max(0, Math.min(commonPrefix(this.#cached, tokens), tokens.length - 1));
  }

  /** The token with the largest logit after the last {@linkcode Session.sync}; -1 before the first. */
  get argMax(): number {
    return this.#argMax;
  }

  /**
   * The logits that follow a token prefix.
   *
   * @param tokens the whole prefix, at least one token
   * @returns [vocabulary] f32, the caller's own
   * @throws {RangeError} If there are no tokens, or one is not in the vocabulary, if `reuse` is
   * something else than logits of this model, or if there is an `onRouting` and no experts.
   * @throws {ContextLengthError} If the prefix is longer than the context.
   * @throws {GgufError} If a part of the model can't be read. The session stays usable.
   */
  sync(tokens: readonly number[], options: LogitsOptions = {}): Promise<Float32Array<ArrayBuffer>> {
    // The caller may change the array before this call's turn comes.
    const prefix = tokens.slice();
    return this.#inTurn(async () => {
      this.#check(prefix, options);
      this.#checkReuse(options.reuse);
      // The last token is computed anew even when it is in the cache: its logits are not.
      const start = this.cachedPrefix(prefix);
      let answer: ForwardAnswer | undefined;
      for await (const step of this.#extend(prefix, start, "last", options)) answer = step;
      this.#argMax = answer!.argMax;
      return answer!.logits;
    });
  }

  /**
   * The logits at every position of a token sequence, or at those from `from` on, computed from its
   * beginning.
   *
   * @yields [vocabulary] f32, for one position after another
   * @throws {RangeError} If `from` is no position of the sequence.
   * @throws as {@linkcode Session.sync}
   */
  async *logits(
    tokens: readonly number[],
    options: PositionsOptions = {},
  ): AsyncGenerator<Float32Array, void, void> {
    const whole = tokens.slice();
    this.#check(whole, options);
    const { from: first = 0 } = options;
    if (!(Number.isInteger(first) && first >= 0 && first < whole.length)) {
      throw new RangeError(`'from' must be a position from 0 to ${whole.length - 1}: got ${first}`);
    }
    const { vocabulary } = this.#model;
    for (let start = first; start < whole.length; start += OUTPUT_BATCH) {
      const prefix = whole.slice(0, start + OUTPUT_BATCH);
      const rows = await this.#inTurn(async () => {
        this.#check(prefix, options);
        await this.#fill(prefix.slice(0, start), options);
        const parts = await Array.fromAsync(this.#extend(prefix, start, "all", options));
        return parts.map(({ logits }) => logits);
      });
      yield* rows.flatMap((logits) =>
        Array.from(
          { length: logits.length / vocabulary },
          (_, i) => logits.subarray(i * vocabulary, (i + 1) * vocabulary),
        )
      );
    }
  }

  /** Has the cache begin with these tokens, whose logits nobody wants. */
  async #fill(tokens: readonly number[], options: SyncOptions): Promise<void> {
    const start = commonPrefix(this.#cached, tokens);
    if (start === tokens.length) return;
    for await (const _ of this.#extend(tokens, start, "none", options));
  }

  /** Cuts the cache to `start` tokens, then appends the rest batch by batch. */
  async *#extend(
    tokens: readonly number[],
    start: number,
    outputs: "none" | "last" | "all",
    { signal, reuse, onRouting }: LogitsOptions,
  ): AsyncGenerator<ForwardAnswer, void, void> {
    const { runtime, batch, expertsUsed } = this.#model;
    const routing = onRouting !== undefined;
    const session = await this.#open();
    this.#cached.length = start;
    for (let position = start; position < tokens.length; position += batch) {
      const part = tokens.slice(position, position + batch);
      const isLast = position + part.length === tokens.length;
      const wanted = outputs === "all" || isLast ? outputs : "none";
      const request = { session, position, tokens: part, outputs: wanted, routing } as const;
      const answer = await runtime.forward(isLast ? { ...request, into: reuse } : request, signal);
      this.#cached.push(...part);
      if (answer.routing) onRouting!(new Routing(position, part, expertsUsed, answer.routing));
      yield answer;
    }
  }

  async #open(): Promise<number> {
    this.#id ??= this.#model.runtime.openSession(this.context);
    try {
      return await this.#id;
    } catch (error) {
      this.#id = undefined;
      throw error;
    }
  }

  #check(tokens: readonly number[], { onRouting }: SyncOptions): void {
    if (this.#disposed) throw new DisposedError("session");
    const { vocabulary, expertsUsed } = this.#model;
    if (onRouting !== undefined && expertsUsed === 0) {
      throw new RangeError("'onRouting' would never hear anything: the model has no experts");
    }
    if (tokens.length === 0) throw new RangeError("'tokens' must hold at least one token");
    if (tokens.length > this.context) throw new ContextLengthError(tokens.length, this.context);
    for (const token of tokens) {
      if (!(Number.isInteger(token) && token >= 0 && token < vocabulary)) {
        throw new RangeError(`token ${token} is not in the vocabulary of ${vocabulary}`);
      }
    }
  }

  #checkReuse(reuse: Float32Array<ArrayBuffer> | undefined): void {
    if (reuse === undefined) return;
    const { buffer, byteLength, length } = reuse;
    if (buffer.byteLength === byteLength && length === this.#model.vocabulary) return;
    throw new RangeError("'reuse' must be logits that sync() gave, and that were not reused yet");
  }

  #inTurn<Result>(step: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(step);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Gives the KV cache back. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#last;
    if (this.#id) await this.#model.runtime.closeSession(await this.#id);
  }
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}
