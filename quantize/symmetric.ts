/**
 * The search for a scale of weights that are `scale · quant`, without a minimum: groups of Q4_0, Q6_K
 * and Q8_0.
 *
 * Given the quants, the best scale is a least-squares fit; given the scale, the best quants are the
 * nearest ones. The two are taken in turns, from several scales to begin with, for each leads to a
 * minimum of its own.
 *
 * @module
 */

/** Quants that a group may have. */
export interface QuantRange {
  /** Below 0, and at least as far from it as {@linkcode highest}. */
  readonly lowest: number;
  readonly highest: number;
}

/** Sums over a group of weights x and quants q, each term times its importance. */
export interface SymmetricSums {
  /** Σ x q */
  product: number;
  /** Σ q² */
  square: number;
}

/** How many scales are tried on either side of the one that gives the furthest weight the furthest
 * quant, and how far apart, in quants of that weight. */
const STEPS = 5;
const STEP = 0.18;

/** Turns of the fit; few groups change after so many. */
const TURNS = 3;

/** The nearest quant of `x / scale`, for the inverse of a scale. */
export function nearestQuant(x: number, inverse: number, { lowest, highest }: QuantRange): number {
  const quant = Math.floor(x * inverse + 0.5);
  return quant < lowest ? lowest : quant > highest ? highest : quant;
}

/**
 * Sums over the group with the nearest quants.
 *
 * @param x the weights
 * @param importance of each weight
 * @param inverse of the scale
 */
export function symmetricSums(
  x: Float64Array,
  importance: Float64Array,
  start: number,
  end: number,
  inverse: number,
  range: QuantRange,
  sums: SymmetricSums,
): void {
  const { lowest, highest } = range;
  let [product, square] = [0, 0];
  for (let i = start; i < end; i++) {
    const value = x[i]!;
    let quant = Math.floor(value * inverse + 0.5);
    quant = quant < lowest ? lowest : quant > highest ? highest : quant;
    const weighted = importance[i]! * quant;
    product += weighted * value;
    square += weighted * quant;
  }
  sums.product = product;
  sums.square = square;
}

const sums: SymmetricSums = { product: 0, square: 0 };

/**
 * The scale with the least error over a group of weights, each weighted by its importance. It may be
 * negative, so that the furthest weight can have the lowest quant. 0 for weights that are all 0.
 *
 * @param x the weights, of which those from `start` to `end` are the group
 * @param importance of each weight, above 0 where the weight is not 0
 */
export function fitScale(
  x: Float64Array,
  importance: Float64Array,
  start: number,
  end: number,
  range: QuantRange,
): number {
  const furthest = furthestFromZero(x, start, end);
  if (furthest === 0) return 0;

  let [best, gain] = [0, 0];
  const attempt = (inverse: number): boolean => {
    symmetricSums(x, importance, start, end, inverse, range, sums);
    // With the best scale the error is Σ x² less this.
    const found = sums.square > 0 ? sums.product * sums.product / sums.square : 0;
    if (found <= gain) return false;
    gain = found;
    best = sums.product / sums.square;
    return true;
  };
  for (let step = -STEPS; step <= STEPS; step++) attempt((range.lowest + STEP * step) / furthest);
  for (let turn = 0; turn < TURNS && attempt(1 / best); turn++);
  return best;
}

/** The number that is furthest from 0, with its sign. */
export function furthestFromZero(numbers: Float64Array, start = 0, end = numbers.length): number {
  let furthest = 0;
  for (let i = start; i < end; i++) {
    if (Math.abs(numbers[i]!) > Math.abs(furthest)) furthest = numbers[i]!;
  }
  return furthest;
}
