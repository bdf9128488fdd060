import { selectCandidates } from "./candidates.ts";
import { resolveSamplingOptions, type SamplingOptions } from "./options.ts";
import { createRandom } from "./random.ts";
import { penalizeRepetition } from "./repetition.ts";

/** Chooses tokens. It owns its random sequence: a new sampler with the same seed repeats it. */
export interface Sampler {
  /** The seed in use, given or picked: hand it to another sampler to repeat the run. */
  readonly seed: number;

  /**
   * Chooses the next token.
   *
   * @param logits [vocabulary], not changed. -Infinity rules a token out.
   * @param history All ids so far, prompt included; only the repetition penalty reads it.
   * @returns The id of the token: its place in `logits`.
   * @throws {RangeError} If a logit is NaN or +Infinity, or if all are -Infinity.
   */
  sample(logits: Float32Array, history: readonly number[]): number;
}

/**
 * Makes a sampler.
 *
 * @throws {RangeError} If an option is outside its range; the message names it.
 *
 * @example
 * ```ts
 * const sampler = createSampler({ temperature: 0.7, topK: 20, topP: 0.8, seed: 7 });
 * const id = sampler.sample(new Float32Array([1, 3, 2]), []);
 * ```
 */
export function createSampler(options: SamplingOptions = {}): Sampler {
  const resolved = resolveSamplingOptions(options);
  const { temperature, repeatPenalty, repeatLastN, seed } = resolved;
  const random = createRandom(seed);
  let scratch = new Float32Array(0);

  function penalize(logits: Float32Array, history: readonly number[]): Float32Array {
    const recent = repeatPenalty === 1 ? [] : lastOf(history, repeatLastN);
    if (recent.length === 0) return logits;
    if (scratch.length !== logits.length) scratch = new Float32Array(logits.length);
    penalizeRepetition(logits, recent, repeatPenalty, scratch);
    return scratch;
  }

  function sample(logits: Float32Array, history: readonly number[]): number {
    const penalized = penalize(logits, history);
    const bestId = argMax(penalized);
    if (temperature === 0) return bestId;

    const best = penalized[bestId]!;
    const candidates = selectCandidates(penalized, best, resolved);
    return draw(penalized, candidates, best, temperature, random());
  }

  return { seed, sample };
}

function lastOf(history: readonly number[], count: number): readonly number[] {
  if (count === 0) return [];
  return count === -1 ? history : history.slice(-count);
}

/**
 * The id of the highest logit, of equal ones the lowest id. Checks every logit on the way.
 *
 * @param logits [vocabulary]
 * @throws {RangeError} If a logit is NaN or +Infinity, or if all are -Infinity.
 */
export function argMax(logits: Float32Array): number {
  let bestId = -1;
  let best = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    // False for NaN as well.
    if (!(logit < Infinity)) throw new RangeError(badLogit(id, logit));
    if (logit > best) {
      best = logit;
      bestId = id;
    }
  }
  if (bestId < 0) {
    throw new RangeError(
      `No token can be sampled: all of the ${logits.length} logits are -Infinity`,
    );
  }
  return bestId;
}

function badLogit(id: number, logit: number): string {
  return `The logit of token ${id} is ${logit}: the forward pass that computed it went wrong`;
}

/**
 * Draws an id by inverting the cumulative distribution softmax(logits / temperature).
 *
 * @param uniform In [0, 1).
 */
function draw(
  logits: Float32Array,
  candidates: Uint32Array,
  best: number,
  temperature: number,
  uniform: number,
): number {
  const weights = new Float64Array(candidates.length);
  let total = 0;
  for (let i = 0; i < candidates.length; i++) {
    const weight = Math.exp((logits[candidates[i]!]! - best) / temperature);
    weights[i] = weight;
    total += weight;
  }

  const target = uniform * total;
  let sum = 0;
  let chosen = 0;
  for (let i = 0; i < candidates.length; i++) {
    if (weights[i] === 0) continue;
    chosen = i;
    sum += weights[i]!;
    if (sum > target) break;
  }
  return candidates[chosen]!;
}
