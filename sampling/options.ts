/** How the next token is chosen. Everything left out is off, and then sampling is greedy. */
export interface SamplingOptions {
  /** Divides the logits before the draw. 0 (the default) is greedy: always the highest logit. */
  temperature?: number;
  /** Only the `topK` highest logits stay in the draw. 0 (the default) keeps all. */
  topK?: number;
  /** Only the smallest set of likeliest tokens whose probabilities sum to `topP` stays. In (0, 1]. */
  topP?: number;
  /** Only tokens at least `minP` times as likely as the likeliest stay. In [0, 1]. */
  minP?: number;
  /** Above 1 makes recent tokens less likely, below 1 more likely. */
  repeatPenalty?: number;
  /** How many of the last tokens count as recent. 64 by default, -1 for all of them. */
  repeatLastN?: number;
  /** The same seed gives the same draws on every platform. A random one is picked if absent. */
  seed?: number;
}

/** Sampling options with every default filled in. */
export type ResolvedSamplingOptions = Required<SamplingOptions>;

/**
 * Fills in the defaults and checks every option.
 *
 * @throws {RangeError} If an option is outside its range; the message names it.
 */
export function resolveSamplingOptions(options: SamplingOptions): ResolvedSamplingOptions {
  const resolved = {
    temperature: options.temperature ?? 0,
    topK: options.topK ?? 0,
    topP: options.topP ?? 1,
    minP: options.minP ?? 0,
    repeatPenalty: options.repeatPenalty ?? 1,
    repeatLastN: options.repeatLastN ?? 64,
    seed: options.seed ?? randomSeed(),
  };
  const { temperature, topK, topP, minP, repeatPenalty, repeatLastN, seed } = resolved;
  const rules: [name: string, value: number, holds: boolean, rule: string][] = [
    ["temperature", temperature, temperature >= 0 && temperature < Infinity, "a number from 0 up"],
    ["topK", topK, Number.isSafeInteger(topK) && topK >= 0, "a non-negative integer"],
    ["topP", topP, topP > 0 && topP <= 1, "in (0, 1]"],
    ["minP", minP, minP >= 0 && minP <= 1, "in [0, 1]"],
    ["repeatPenalty", repeatPenalty, repeatPenalty > 0 && repeatPenalty < Infinity, "above 0"],
    [
      "repeatLastN",
      repeatLastN,
      Number.isSafeInteger(repeatLastN) && repeatLastN >= -1,
      "an integer from -1 up",
    ],
    ["seed", seed, Number.isSafeInteger(seed) && seed >= 0, "an integer in [0, 2^53)"],
  ];
  for (const [name, value, holds, rule] of rules) {
    if (!holds) throw new RangeError(`'${name}' must be ${rule}: got ${value}`);
  }
  return resolved;
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
