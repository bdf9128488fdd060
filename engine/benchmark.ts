/**
 * Measuring a model's speed, in the manner of llama.cpp's bench.
 *
 * @module
 */
import type { ExpertUse } from "../moe/expert_store.ts";
import type { Model } from "./model.ts";
import type { Session } from "./session.ts";

/** What is measured. */
export interface BenchmarkOptions {
  /** "prefill" takes all tokens at once, "decode" one after another. */
  readonly kind: "prefill" | "decode";
  /** Tokens that are measured. */
  readonly tokens: number;
  /** Tokens that are in the KV cache before. */
  readonly depth: number;
  /** How often it is measured. */
  readonly repetitions: number;
  /** Ends the measurement with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What came out. */
export interface BenchmarkResult {
  /** Over the repetitions; the deviation is the standard deviation. */
  readonly tokensPerSecond: { readonly mean: number; readonly deviation: number };
  /** What the model's threads read from memory with nothing else to do, over the repetitions. */
  readonly streamBytesPerSecond: number;
  /** Of the experts that were wanted, those that were in memory; undefined without experts. */
  readonly expertHitRate: number | undefined;
  /** Bytes of the file that were read for experts, for each token. */
  readonly expertBytesReadPerToken: number;
}

/** Tokens at once after which nearly every expert of 128 has been read. */
const WARM_UP_PREFILL = 256;
/** Decoded tokens after which every kernel runs optimized code. */
const WARM_UP_DECODE = 24;
/** So often they are decoded at most. */
const WARM_UP_ROUNDS = 64;
/**
 * Experts that are computed where the file is mapped are packed while tokens go by, and are faster then.
 * The model is warm when no more of those wanted are unpacked than this share, or when it falls no
 * further: rarely wanted ones may stay as they are.
 */
const UNPACKED_SHARE = 0.05;
const FALLS = 0.97;

/**
 * Measures. Each repetition computes other tokens, so that no expert is there only because the last
 * repetition had it read.
 *
 * @throws {RangeError} If depth and tokens do not fit into the model's context.
 */
export async function benchmark(
  model: Model,
  { kind, tokens, depth, repetitions, signal }: BenchmarkOptions,
): Promise<BenchmarkResult> {
  const { vocabulary, contextLength } = model.parameters;
  const context = Math.min(contextLength, depth + Math.max(tokens, WARM_UP_PREFILL));
  await using session = model.session({ context: Math.max(context, depth + tokens) });
  const options = signal === undefined ? {} : { signal };
  const random = (count: number, seed: number) => randomTokens(count, seed, vocabulary);
  const before = random(depth, 0);
  const measure = (own: readonly number[], how = kind) => run(session, before, own, how, options);
  const room = session.context - depth;
  await measure(random(Math.min(room, WARM_UP_PREFILL), 1), "prefill");
  if (kind === "prefill") await measure(random(tokens, 2));
  else {
    await warmUp(model, (round) => measure(random(Math.min(room, WARM_UP_DECODE), 1e6 + round)));
  }

  const runs: number[] = [];
  const streams: number[] = [];
  const start = model.expertUse;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    streams.push(await model.measureStream());
    runs.push(tokens / await measure(random(tokens, 3 + repetition)));
  }
  const use = difference(model.expertUse, start);
  return {
    tokensPerSecond: { mean: mean(runs), deviation: deviation(runs) },
    streamBytesPerSecond: mean(streams),
    expertHitRate: use.hits + use.misses === 0 ? undefined : use.hits / (use.hits + use.misses),
    expertBytesReadPerToken: use.bytesRead / (tokens * repetitions),
  };
}

/** Decodes until what is wanted is packed. */
async function warmUp(model: Model, decode: (round: number) => Promise<unknown>): Promise<void> {
  let before = Infinity;
  let steady = 0;
  for (let round = 0; round < WARM_UP_ROUNDS && steady < 2; round++) {
    const start = model.expertUse;
    await decode(round);
    const { hits, misses, unpacked } = difference(model.expertUse, start);
    if (unpacked <= (hits + misses) * UNPACKED_SHARE) return;
    const share = unpacked / (hits + misses);
    steady = share > before * FALLS ? steady + 1 : 0;
    before = share;
  }
}

/** Seconds that `tokens` take after `before`, which is computed unless it is in the cache. */
async function run(
  session: Session,
  before: readonly number[],
  tokens: readonly number[],
  kind: "prefill" | "decode",
  options: { signal?: AbortSignal },
): Promise<number> {
  if (before.length > 0) await session.sync(before, options);
  const prefix = [...before];
  const step = kind === "prefill" ? tokens.length : 1;
  let reuse: Float32Array<ArrayBuffer> | undefined;
  const start = performance.now();
  for (let i = 0; i < tokens.length; i += step) {
    prefix.push(...tokens.slice(i, i + step));
    reuse = await session.sync(prefix, { ...options, reuse });
  }
  return (performance.now() - start) / 1000;
}

/** Ids that look random and are the same for a seed. */
function randomTokens(count: number, seed: number, vocabulary: number): number[] {
  let state = seed * 2_654_435_761 + 1 >>> 0;
  return Array.from({ length: count }, () => {
    // Numerical Recipes' generator; the upper bits are the random ones.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * vocabulary);
  });
}

function difference(after: ExpertUse, before: ExpertUse): ExpertUse {
  return {
    hits: after.hits - before.hits,
    misses: after.misses - before.misses,
    bytesRead: after.bytesRead - before.bytesRead,
    unpacked: after.unpacked - before.unpacked,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
