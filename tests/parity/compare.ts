/**
 * How far two evaluations of the same prompt lie apart, and whether that is rounding.
 *
 * Rounding alone moves log-probabilities, and a near-tie between experts moves a position far. So
 * the distance between two engines is judged beside the distance between two evaluations by
 * llama.cpp itself, the prompt at once against token by token: the floor.
 *
 * Positions of several prompts of one model belong into one summary: among 31 positions a single
 * one weighs 3 points of agreement.
 *
 * @module
 */
import { SMALLEST_LOG_PROBABILITY } from "./probabilities.ts";

/** Two rows for one position, compared. */
export interface PositionComparison {
  /** Largest absolute difference of a log-probability, in nats. */
  largestDifference: number;
  /** Cosine of the angle between the rows, -1 to 1. */
  cosine: number;
  /** Whether both rows name the same most likely token. */
  sameTop: boolean;
}

/** Many compared positions in five numbers. */
export interface Summary {
  positions: number;
  /** Median over positions of the largest difference, in nats. */
  median: number;
  /** 95th percentile of the same. */
  p95: number;
  cosineMedian: number;
  /** Share of positions with the same most likely token, 0 to 1. */
  top1Agreement: number;
}

/** How the weights of a model are held: rounding of activations decides the bars. */
export type Kind = "float" | "quantized";

/** One measured number beside its limit. */
export interface Bar {
  name: "median" | "p95" | "cosine median" | "top-1 agreement";
  measured: number;
  limit: number;
  /** Whether the limit is the largest or the smallest number allowed. */
  bound: "at most" | "at least";
  passed: boolean;
}

/** The bars of one model and whether all hold. */
export interface Verdict {
  passed: boolean;
  bars: Bar[];
}

/**
 * A median floor below this, in nats, means that llama.cpp used the same kernels for both
 * evaluations: those give 0 to 1e-5, different kernels on quantized weights 0.04 and more.
 */
const ONE_KERNEL_FLOOR = 0.001;

/**
 * Compares two evaluations of one prompt, position by position.
 *
 * @param ours Rows of log-probabilities [positions, vocabulary].
 * @param theirs Rows of the same shape.
 * @throws {RangeError} If the shapes differ.
 */
export function comparePositions(
  ours: readonly Float32Array[],
  theirs: readonly Float32Array[],
): PositionComparison[] {
  if (ours.length !== theirs.length) {
    throw new RangeError(`${ours.length} positions cannot be compared with ${theirs.length}`);
  }
  return ours.map((row, position) => comparePosition(row, theirs[position]!));
}

/**
 * Compares two rows of log-probabilities [vocabulary]. Values below
 * {@linkcode SMALLEST_LOG_PROBABILITY} count as equal to it. A row that holds NaN is infinitely
 * far from every other.
 */
function comparePosition(ours: Float32Array, theirs: Float32Array): PositionComparison {
  if (ours.length !== theirs.length) {
    throw new RangeError(`A row of ${ours.length} cannot be compared with one of ${theirs.length}`);
  }
  let largestDifference = 0;
  let product = 0;
  let ourSquare = 0;
  let theirSquare = 0;
  for (let id = 0; id < ours.length; id++) {
    const our = Math.max(ours[id]!, SMALLEST_LOG_PROBABILITY);
    const their = Math.max(theirs[id]!, SMALLEST_LOG_PROBABILITY);
    largestDifference = Math.max(largestDifference, Math.abs(our - their));
    product += our * their;
    ourSquare += our * our;
    theirSquare += their * their;
  }
  if (Number.isNaN(largestDifference)) {
    return { largestDifference: Infinity, cosine: -1, sameTop: false };
  }
  return {
    largestDifference,
    cosine: product / Math.sqrt(ourSquare * theirSquare),
    sameTop: mostLikely(ours) === mostLikely(theirs),
  };
}

function mostLikely(row: Float32Array): number {
  return row.indexOf(row.reduce((highest, value) => Math.max(highest, value), -Infinity));
}

/**
 * Summarizes compared positions, of one prompt or of several.
 *
 * @throws {RangeError} If there are none.
 */
export function summarize(positions: readonly PositionComparison[]): Summary {
  if (positions.length === 0) throw new RangeError("No positions to summarize");
  const differences = positions.map((position) => position.largestDifference);
  return {
    positions: positions.length,
    median: percentile(differences, 0.5),
    p95: percentile(differences, 0.95),
    cosineMedian: percentile(positions.map((position) => position.cosine), 0.5),
    top1Agreement: positions.filter((position) => position.sameTop).length / positions.length,
  };
}

/** The percentile with linear interpolation between ranks; `fraction` from 0 to 1. */
function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = fraction * (sorted.length - 1);
  const low = sorted[Math.floor(rank)]!;
  const high = sorted[Math.ceil(rank)]!;
  return low === high ? low : low + (high - low) * (rank - Math.floor(rank));
}

/**
 * Judges our distance from llama.cpp.
 *
 * Float weights have fixed bars. Quantized weights may be 1.5 times as far from llama.cpp as it is
 * from itself; where it used one kernel for both evaluations its own distance says nothing, and
 * the bars are fixed as well.
 *
 * @param ours Our evaluation against llama.cpp's.
 * @param floor llama.cpp's batch against its steps, over the same prompts.
 */
export function verdict(ours: Summary, floor: Summary, kind: Kind): Verdict {
  const bars = kind === "float"
    ? [atMost("median", ours.median, 0.01), atLeast("cosine median", ours.cosineMedian, 0.9999)]
    : [
      ...distanceBars(ours, floor),
      atLeast("cosine median", ours.cosineMedian, 0.9995),
      atLeast("top-1 agreement", ours.top1Agreement, floor.top1Agreement - 0.03),
    ];
  return { passed: bars.every((bar) => bar.passed), bars };
}

function distanceBars(ours: Summary, floor: Summary): Bar[] {
  const oneKernel = floor.median < ONE_KERNEL_FLOOR;
  return [
    atMost("median", ours.median, oneKernel ? 0.1 : 1.5 * floor.median),
    atMost("p95", ours.p95, oneKernel ? 0.2 : 1.5 * floor.p95),
  ];
}

function atMost(name: Bar["name"], measured: number, limit: number): Bar {
  return { name, measured, limit, bound: "at most", passed: measured <= limit };
}

function atLeast(name: Bar["name"], measured: number, limit: number): Bar {
  return { name, measured, limit, bound: "at least", passed: measured >= limit };
}
