/**
 * What is measured of an engine.
 *
 * @module
 */

/** What is measured, in the order of the report. */
export const KINDS = ["prefill64", "prefill512", "decode"] as const;

/** A prompt of 64 or 512 tokens at once, or tokens that follow one another. */
export type Kind = (typeof KINDS)[number];

/** Tokens per second. */
export type Speeds = Readonly<Record<Kind, number>>;

/** What an engine says of one repetition. */
export interface Sample {
  readonly speeds: Speeds;
  /** Of this engine: what as many threads read from memory just then, with nothing else to do. */
  readonly streamBytesPerSecond?: number;
  /** Milliseconds of a decoded token that go into the engine's interface, where it tells them. */
  readonly interfaceMilliseconds?: number;
  /** The engine's name and versions, for people. */
  readonly about: string;
}

/** The value in the middle, or between the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values have no median");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}

/** Tokens per second of a function that takes `tokens` tokens. */
export async function tokensPerSecond(
  tokens: number,
  compute: () => Promise<void>,
): Promise<number> {
  const start = performance.now();
  await compute();
  return tokens / (performance.now() - start) * 1000;
}
