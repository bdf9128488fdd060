/**
 * llama.cpp as a reference: a GGUF file evaluated natively on the CPU by `npm:node-llama-cpp`.
 *
 * What its numbers are:
 *
 * - The sampler chain is greedy choice alone. Temperature, top-k, top-p, min-p and penalties may
 *   change or drop logits, greedy choice does neither.
 * - Probabilities arrive as f32. Each is the softmax within a few roundings, so the logarithm of
 *   every normal f32 is good to about 1e-6; smaller ones are not comparable.
 * - The KV cache is f16. Flash attention is on, as llama.cpp itself chooses on the CPU: for long
 *   prompts its tiled kernel multiplies and sums in f32 and is the closest to plain mathematics
 *   (6e-5 on a random F32 model, against 8e-4 without flash attention, where queries and softmax
 *   are rounded to f16). Token by token and for short prompts it sums values in f16 (5e-3).
 *
 * The file needs a vocabulary: `tokenizer.ggml.model` = "gpt2" with `tokenizer.ggml.tokens` and
 * at least one entry in `tokenizer.ggml.merges` is enough. A tokenizer "none" or "no_vocab" makes
 * the library abort the process.
 *
 * @module
 */
// Named here and locked in deno.parity.lock, not in deno.json: with all its binaries it is 700 MB,
// which whoever only runs the program would download too.
import { getLlama, LlamaLogLevel, type LlamaModel, type Token } from "npm:node-llama-cpp@3.21.1";
import { logProbabilities } from "./probabilities.ts";

/** A model held by llama.cpp. One call at a time: both ways share one KV cache. */
export interface Reference extends AsyncDisposable {
  /** Number of token ids. */
  readonly vocabulary: number;
  /**
   * Evaluates the whole prompt in one batch.
   *
   * @param tokens The prompt, at most `batchSize` ids.
   * @returns One row per position: natural log-probabilities [vocabulary] of the next token, in
   * the order of the ids; -Infinity where the probability underflows f32.
   * @throws {RangeError} If the prompt is longer than the batch or an id is outside the vocabulary.
   */
  batch(tokens: readonly number[]): Promise<Float32Array[]>;
  /**
   * Evaluates the prompt token by token: the rows of {@linkcode Reference.batch}, but for the
   * rounding of other kernels. Their distance is llama.cpp's distance from itself.
   *
   * @throws {RangeError} As {@linkcode Reference.batch} does.
   */
  steps(tokens: readonly number[]): Promise<Float32Array[]>;
}

/** How {@linkcode openReference} sets llama.cpp up. */
export interface ReferenceOptions {
  /** Threads; 1 by default, for on small models threads spend their time waiting for each other. */
  threads?: number;
  /** Longest prompt in tokens, logical and physical batch alike; 1024 by default. */
  batchSize?: number;
  /** Whether attention is the flash kernel; true by default. */
  flashAttention?: boolean;
}

/**
 * Loads a GGUF file into llama.cpp.
 *
 * @param path The file, with a vocabulary in its metadata.
 * @throws {Error} If node-llama-cpp has no binary for this machine, or llama.cpp refuses the file.
 */
export async function openReference(
  path: string,
  options: ReferenceOptions = {},
): Promise<Reference> {
  const llama = await getLlama({
    gpu: false,
    build: "never",
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
  });
  try {
    return await referenceOf(await llama.loadModel({ modelPath: path }), options);
  } catch (error) {
    await llama.dispose();
    throw error;
  }
}

async function referenceOf(
  model: LlamaModel,
  { threads = 1, batchSize = 1024, flashAttention = true }: ReferenceOptions,
): Promise<Reference> {
  const vocabulary = [...model.iterateAllTokens()].length;
  const context = await model.createContext({
    // The last cell stays free: a sequence that reaches it erases its beginning.
    contextSize: batchSize + 1,
    batchSize,
    threads,
    flashAttention,
  });
  const sequence = context.getSequence();

  const start = async (tokens: readonly number[]): Promise<void> => {
    checkPrompt(tokens, vocabulary, batchSize);
    await sequence.clearHistory();
  };
  // One call is one batch of llama.cpp, and continues where the last call ended.
  const evaluate = async (tokens: readonly number[]): Promise<Float32Array[]> => {
    const results = await sequence.controlledEvaluate(tokens.map((token) => [
      token as Token,
      { generateNext: { probabilities: true, options: { temperature: 0 } } },
    ]));
    return results.map((result) =>
      logProbabilities(result?.next.probabilities ?? new Map(), vocabulary)
    );
  };

  return {
    vocabulary,
    async batch(tokens) {
      await start(tokens);
      return evaluate(tokens);
    },
    async steps(tokens) {
      await start(tokens);
      const rows: Float32Array[] = [];
      for (const token of tokens) rows.push(...await evaluate([token]));
      return rows;
    },
    [Symbol.asyncDispose]: () => model.llama.dispose(),
  };
}

function checkPrompt(tokens: readonly number[], vocabulary: number, batchSize: number): void {
  if (tokens.length > batchSize) {
    throw new RangeError(
      `A prompt of ${tokens.length} tokens does not fit one batch of ${batchSize}`,
    );
  }
  for (const token of tokens) {
    if (!Number.isInteger(token) || token < 0 || token >= vocabulary) {
      throw new RangeError(`Token id ${token} is outside the vocabulary of ${vocabulary}`);
    }
  }
}
