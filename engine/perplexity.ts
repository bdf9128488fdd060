/**
 * How well a model foretells a text: perplexity, as llama.cpp's tool of that name computes it.
 *
 * The text's tokens are cut into windows as long as the context. Each begins anew, and of each the
 * second half is scored, so that every scored token has at least half a window before it. What is left
 * at the end and fills no window is left out; a text that is shorter than one is one window.
 *
 * @module
 */
import { argMax } from "../sampling/mod.ts";
import type { Model } from "./model.ts";

/** Fewest tokens that can be scored: with a half before them, two, whose spread can be told. */
export const FEWEST_TOKENS = 5;

/** Mean and spread of what tokens were given as natural log-probabilities. */
export class PerplexityEstimate {
  #count = 0;
  #sum = 0;
  #squares = 0;

  /** Tokens so far. */
  get tokens(): number {
    return this.#count;
  }

  /** Takes one more token's log-probability in. */
  add(logProbability: number): void {
    this.#count++;
    this.#sum += logProbability;
    this.#squares += logProbability * logProbability;
  }

  /** `exp` of the mean of the negative log-probabilities: 1 where every token was certain. */
  get perplexity(): number {
    return Math.exp(-this.#sum / this.#count);
  }

  /**
   * The perplexity's standard error: that of the mean (sample deviation over √n), times the
   * perplexity, which is the slope of `exp` there. NaN for fewer than two tokens.
   */
  get error(): number {
    const mean = this.#sum / this.#count;
    const variance = Math.max(0, this.#squares / this.#count - mean * mean);
    return this.#count < 2 ? NaN : Math.sqrt(variance / (this.#count - 1)) * this.perplexity;
  }
}

/**
 * log Σ exp(x), in f64: what logits are less by to be natural log-probabilities.
 *
 * @param logits [vocabulary]
 * @throws {RangeError} If a logit is NaN or +Infinity, or if all are -Infinity.
 */
export function logSumExp(logits: Float32Array): number {
  const largest = logits[argMax(logits)]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - largest);
  return largest + Math.log(sum);
}

/**
 * The natural log-probability of a token. logits: [vocabulary]
 *
 * @throws as {@linkcode logSumExp}
 */
export function logProbability(logits: Float32Array, token: number): number {
  return logits[token]! - logSumExp(logits);
}

/** A part of a text that is computed by itself. */
export interface Window {
  readonly tokens: readonly number[];
  /** The first position whose logits are scored, by the token that follows. */
  readonly from: number;
}

/**
 * Cuts a text into windows.
 *
 * @param context tokens of a window
 * @param bos the token that every window begins with, in place of its own; undefined for models that
 * have none put before a text
 */
export function windowsOf(
  tokens: readonly number[],
  context: number,
  bos: number | undefined,
): Window[] {
  const size = Math.min(context, tokens.length);
  const from = Math.floor(size / 2);
  return Array.from({ length: Math.floor(tokens.length / size) }, (_, index) => {
    const own = tokens.slice(index * size, (index + 1) * size);
    return { tokens: bos === undefined ? own : [bos, ...own.slice(1)], from };
  });
}

/** How to measure. */
export interface PerplexityOptions {
  /** Tokens of a window. */
  readonly context: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each window with what is known so far. */
  readonly onWindow?:
    | ((done: number, windows: number, estimate: PerplexityEstimate) => void)
    | undefined;
}

/** What was measured, and over how many windows. */
export interface PerplexityMeasurement {
  readonly estimate: PerplexityEstimate;
  readonly windows: number;
}

/**
 * Measures a model on a text.
 *
 * @throws {RangeError} If the text has fewer than {@linkcode FEWEST_TOKENS} tokens, or a
 * logit is no number.
 * @throws as {@linkcode Session.logits}
 */
export async function measurePerplexity(
  model: Model,
  tokens: readonly number[],
  { context, signal, onWindow }: PerplexityOptions,
): Promise<PerplexityMeasurement> {
  if (tokens.length < FEWEST_TOKENS) {
    throw new RangeError(`${tokens.length} tokens are too few: at least ${FEWEST_TOKENS}`);
  }
  const windows = windowsOf(tokens, context, firstToken(model));
  const estimate = new PerplexityEstimate();
  await using session = model.session({ context });
  for (const [index, window] of windows.entries()) {
    let position = window.from;
    // The last position's logits are for a token that is in no window.
    const known = window.tokens.slice(0, -1);
    for await (const logits of session.logits(known, { from: window.from, signal })) {
      estimate.add(logProbability(logits, window.tokens[++position]!));
    }
    onWindow?.(index + 1, windows.length, estimate);
  }
  return { estimate, windows: windows.length };
}

/** The token that the model has put before a text; undefined if it has none. */
function firstToken({ tokenizer }: Model): number | undefined {
  return tokenizer.encode("").at(0);
}
