/**
 * Generation: tokens drawn one after another from a session, and their text as it comes.
 *
 * @module
 */
import { createSampler, type SamplingOptions } from "../sampling/mod.ts";
import { createTextStream, type Tokenizer } from "../tokenizer/mod.ts";
import { ContextLengthError } from "../model/errors.ts";
import type { Routing } from "../moe/routing.ts";
import type { LogitsOptions, Session } from "./session.ts";

/** How tokens are drawn, and when it ends. */
export interface GenerationOptions extends SamplingOptions {
  /** Ends the generation after so many tokens. By default it goes on as far as the context does. */
  maxTokens?: number;
  /** Ends the generation before the next token; what came so far stays valid. */
  signal?: AbortSignal;
  /**
   * Hears which experts the tokens go through, prompt and answer, as {@linkcode Session.sync} tells it. The
   * last token drawn goes through none.
   */
  onRouting?: (routing: Routing) => void;
}

/**
 * Why a generation ended: the model ended its turn ("stop"), the token limit or the context was
 * reached ("length"), or the caller's signal was aborted ("abort").
 */
export type FinishReason = "stop" | "length" | "abort";

/** How many tokens a phase computed, and how fast. */
export interface Throughput {
  /** tokens computed */
  readonly tokens: number;
  /** 0 where there was nothing to compute */
  readonly tokensPerSecond: number;
}

/** What a generation came to. */
export interface GenerationResult {
  /** all pieces together */
  readonly text: string;
  /** the generated ids, without the token that ended the turn */
  readonly tokens: readonly number[];
  /** why it ended */
  readonly finishReason: FinishReason;
  /** the seed that was picked, where tokens were drawn and none was given: it repeats the draws */
  readonly seed: number | undefined;
  /** from the call to the first token's choice */
  readonly timeToFirstTokenSeconds: number;
  /** the prompt's tokens that were not in the session's cache */
  readonly prefill: Throughput;
  /** the passes of one token each, after the prompt's */
  readonly decode: Throughput;
}

/** Text in pieces as it is generated; `result` sums up afterwards. */
export class Generation implements AsyncIterable<string> {
  readonly #run: () => AsyncGenerator<string, GenerationResult, void>;
  #result: GenerationResult | undefined;
  #started = false;

  /** Generations are started by {@linkcode Model.chat} and {@linkcode Model.complete}. */
  constructor(run: () => AsyncGenerator<string, GenerationResult, void>) {
    this.#run = run;
  }

  /**
   * The sum of it all.
   *
   * @throws {Error} Before the generation has ended.
   */
  get result(): GenerationResult {
    if (this.#result === undefined) {
      throw new Error("The generation has not ended: iterate over it first.");
    }
    return this.#result;
  }

  /** Generates to the end and returns the whole. */
  async finish(): Promise<GenerationResult> {
    for await (const _ of this);
    return this.result;
  }

  /** The pieces of text. A generation can be iterated once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, void> {
    if (this.#started) throw new Error("A generation can be iterated once.");
    this.#started = true;
    this.#result = yield* this.#run();
  }
}

/**
 * Generates from a prompt on a session.
 *
 * @param prompt the whole prefix, at least one token
 * @throws as {@linkcode Session.sync}, but for an aborted signal, which ends the generation
 */
export async function* generate(
  session: Session,
  tokenizer: Tokenizer,
  prompt: readonly number[],
  options: GenerationOptions,
): AsyncGenerator<string, GenerationResult, void> {
  const { signal, onRouting, maxTokens = Infinity, temperature = 0 } = options;
  if (!(maxTokens >= 0)) throw new RangeError("'maxTokens' must be a number from 0 up");
  if (prompt.length > session.context) {
    throw new ContextLengthError(prompt.length, session.context);
  }
  const sampler = createSampler(options);
  const stream = createTextStream(tokenizer, { special: false });
  const clock = new Clock();
  const all = [...prompt];
  let text = "";
  let finishReason: FinishReason = "length";
  let logits: Float32Array<ArrayBuffer> | undefined;
  // The last token needs no room of its own in the cache: nothing follows it.
  while (all.length - prompt.length < maxTokens && all.length <= session.context) {
    logits = await clock.time(session, all, { signal, onRouting, reuse: logits });
    if (logits === undefined) {
      finishReason = "abort";
      break;
    }
    const token = sampler.sample(logits, all);
    if (tokenizer.endOfGeneration.has(token)) {
      finishReason = "stop";
      break;
    }
    all.push(token);
    const piece = stream.push(token);
    text += piece;
    if (piece !== "") yield piece;
  }
  const rest = stream.flush();
  text += rest;
  if (rest !== "") yield rest;
  const seed = temperature > 0 && options.seed === undefined ? sampler.seed : undefined;
  return { text, tokens: all.slice(prompt.length), finishReason, seed, ...clock.figures() };
}

/** Times passes: the first is the prompt's, the others decode. */
class Clock {
  #firstTokens = 0;
  #firstSeconds = 0;
  #steps = 0;
  #stepSeconds = 0;

  /** The logits after `tokens`; undefined if the signal was aborted. */
  async time(
    session: Session,
    tokens: readonly number[],
    options: LogitsOptions,
  ): Promise<Float32Array<ArrayBuffer> | undefined> {
    const { signal } = options;
    if (signal?.aborted) return undefined;
    const before = session.cachedPrefix(tokens);
    const start = performance.now();
    try {
      const logits = await session.sync(tokens, options);
      this.#note(tokens.length - before, (performance.now() - start) / 1000);
      return logits;
    } catch (error) {
      if (signal?.aborted) return undefined;
      throw error;
    }
  }

  #note(tokens: number, seconds: number): void {
    if (this.#firstTokens === 0) {
      this.#firstTokens = tokens;
      this.#firstSeconds = seconds;
    } else {
      this.#steps++;
      this.#stepSeconds += seconds;
    }
  }

  figures(): Pick<GenerationResult, "timeToFirstTokenSeconds" | "prefill" | "decode"> {
    return {
      timeToFirstTokenSeconds: this.#firstSeconds,
      prefill: throughput(this.#firstTokens, this.#firstSeconds),
      decode: throughput(this.#steps, this.#stepSeconds),
    };
  }
}

function throughput(tokens: number, seconds: number): Throughput {
  return { tokens, tokensPerSecond: seconds > 0 ? tokens / seconds : 0 };
}
