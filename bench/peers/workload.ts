/**
 * What every engine computes: the same random prompts, as ids and as text.
 *
 * @module
 */
import type { Tokenizer } from "../../tokenizer/mod.ts";

/** A prompt. One engine takes ids, another text. */
export interface Prompt {
  readonly tokens: readonly number[];
  readonly text: string;
}

/** What is computed once for a measurement. */
export interface Workload {
  /** 64 tokens */
  readonly short: Prompt;
  /** 512 tokens */
  readonly long: Prompt;
  /** 64 tokens that come before those that are decoded */
  readonly before: Prompt;
  /** tokens decoded after that, each the likeliest by the engine's own reckoning */
  readonly decoded: number;
}

/** Positions that a workload takes at most. */
export const CONTEXT = 1024;

/** Tokens that are decoded where that is measured: this engine takes half a second on two cores. */
export const DECODED = 32;

/** Tokens that are decoded before: engines that optimize their code while it runs are warm then. */
export const WARM_UP_DECODED = 128;

/**
 * Random words of the vocabulary. A word is a token with a space before it, so that it is one token
 * in the text too.
 *
 * @param decoded tokens to decode
 * @throws {RangeError} If the vocabulary has too few such tokens.
 */
export function makeWorkload(tokenizer: Tokenizer, seed: number, decoded: number): Workload {
  const random = createRandom(seed);
  return {
    short: makePrompt(tokenizer, 64, random),
    long: makePrompt(tokenizer, 512, random),
    before: makePrompt(tokenizer, 64, random),
    decoded,
  };
}

function makePrompt(tokenizer: Tokenizer, length: number, random: () => number): Prompt {
  const words: string[] = [];
  for (let tries = 0; words.length < length; tries++) {
    if (tries === 1000 * length) throw new RangeError("the vocabulary has too few words");
    const text = tokenizer.tokenText(Math.floor(random() * tokenizer.vocabularySize));
    if (/^ [a-z]{2,}$/.test(text)) words.push(text);
  }
  const tokens = tokenizer.encode(words.join("")).slice(0, length);
  return { tokens, text: tokenizer.decode(tokens) };
}

/** Numbers from 0 to 1, exclusive: Numerical Recipes' generator, of which the upper bits are random. */
function createRandom(seed: number): () => number {
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}
