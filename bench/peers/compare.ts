/**
 * Measuring engines side by side: the machine's speed drifts, so that only numbers of the same minute
 * compare.
 *
 * @module
 */
import { counted } from "../../cli/format.ts";
import type { Contender } from "./contender.ts";
import type { Sample } from "./speeds.ts";
import type { Workload } from "./workload.ts";

/** What an engine came to with a number of threads. */
export interface Entry {
  readonly engine: string;
  readonly threads: number;
  /** by repetition; undefined where there is none */
  readonly samples: readonly (Sample | undefined)[];
  /** why there are no more samples */
  readonly failure: string | undefined;
}

/** What engines came to on one model. */
export interface Comparison {
  /** the model, for people */
  readonly title: string;
  /** bytes of weights that a decoded token reads */
  readonly activeBytesPerToken: number;
  readonly entries: readonly Entry[];
}

/** Engines that are measured on one model. The first is this engine. */
export interface Match {
  readonly title: string;
  readonly activeBytesPerToken: number;
  readonly contenders: readonly Contender[];
  /** what every turn begins with */
  readonly warmUp: Workload;
  /** the workload of a repetition */
  readonly workload: (repetition: number) => Workload;
}

/** How {@linkcode compare} measures. */
export interface CompareOptions {
  readonly threads: readonly number[];
  readonly repetitions: number;
  /** asked after each repetition, with how many there were */
  readonly hasTime: (done: number) => boolean;
  /** hears what comes next */
  readonly tell: (text: string) => void;
  /** ends the comparison with its reason */
  readonly signal: AbortSignal;
}

interface MutableEntry extends Entry {
  samples: (Sample | undefined)[];
  failure: string | undefined;
}

/**
 * Measures all matches, in each repetition every engine with every number of threads once, every other
 * repetition in the opposite order. An engine that fails is not asked again with as many threads.
 *
 * @returns the comparisons, and how many repetitions there was time for
 */
export async function compare(
  matches: readonly Match[],
  { threads, repetitions, hasTime, tell, signal }: CompareOptions,
): Promise<{ comparisons: Comparison[]; repetitions: number }> {
  const turns = matches.flatMap((match) =>
    threads.flatMap((threads) =>
      match.contenders.map((contender) => ({
        match,
        contender,
        entry: {
          engine: contender.name,
          threads,
          samples: [],
          failure: undefined,
        } as MutableEntry,
      }))
    )
  );
  let repetition = 0;
  for (; repetition < repetitions && (repetition === 0 || hasTime(repetition)); repetition++) {
    for (const { match, contender, entry } of repetition % 2 === 0 ? turns : turns.toReversed()) {
      if (entry.failure !== undefined) continue;
      signal.throwIfAborted();
      const turn = `${repetition + 1}/${repetitions}`;
      tell(`${turn} ${match.title}: ${entry.engine}, ${counted(entry.threads, "thread")}`);
      const task = {
        threads: entry.threads,
        warmUp: match.warmUp,
        measured: match.workload(repetition),
      };
      try {
        entry.samples[repetition] = await contender.measure(task);
      } catch (error) {
        signal.throwIfAborted();
        entry.failure = error instanceof Error ? error.message : String(error);
        tell(`  not run: ${entry.failure}`);
      }
    }
  }
  const comparisons = matches.map((match) => ({
    title: match.title,
    activeBytesPerToken: match.activeBytesPerToken,
    entries: turns.filter((turn) => turn.match === match).map(({ entry }) => entry),
  }));
  return { comparisons, repetitions: repetition };
}
