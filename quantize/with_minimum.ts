/**
 * The search for a scale and a minimum of 32 weights that are `scale · quant - minimum`: groups of
 * Q4_K and Q5_K.
 *
 * As without a minimum (`symmetric.ts`), fit and rounding are taken in turns from several scales to
 * begin with. The fit is a weighted linear regression of the weights over their quants, whose constant
 * may not be above 0, because a minimum is stored without a sign.
 *
 * @module
 */

/** Sums over a group of weights x and quants q, each term times its importance. */
export interface GroupSums {
  /** Σ q */
  quant: number;
  /** Σ q² */
  square: number;
  /** Σ x q */
  product: number;
}

/** Sums that do not depend on the quants, each term times its importance. */
export interface WeightSums {
  /** Σ 1 */
  importance: number;
  /** Σ x */
  weight: number;
  /** Σ x² */
  square: number;
}

/** A group's scale, and the minimum that is subtracted, both at least 0. */
export interface ScaleAndMinimum {
  scale: number;
  minimum: number;
}

/** Scales that are tried: those that make the range of the weights this many quants longer than it
 * may be, so that its ends are cut off, or shorter. */
const FIRST_STEP = -1;
const STEP = 0.15;
const STEPS = 14;

/** Turns of the fit; few groups change after so many. */
const TURNS = 3;

/** The nearest quant of `(x + minimum) / scale`, for the inverse of a scale. */
export function nearestQuant(x: number, inverse: number, minimum: number, highest: number): number {
  const quant = Math.floor((x + minimum) * inverse + 0.5);
  return quant < 0 ? 0 : quant > highest ? highest : quant;
}

/** Sums over the weights from `start` to `end` with their nearest quants, from 0 to `highest`. */
export function sumGroup(
  x: Float64Array,
  importance: Float64Array,
  start: number,
  end: number,
  inverse: number,
  minimum: number,
  highest: number,
  sums: GroupSums,
): void {
  let [quants, square, product] = [0, 0, 0];
  const constant = minimum * inverse + 0.5;
  for (let i = start; i < end; i++) {
    const value = x[i]!;
    let quant = Math.floor(value * inverse + constant);
    quant = quant < 0 ? 0 : quant > highest ? highest : quant;
    const weighted = importance[i]! * quant;
    quants += weighted;
    square += weighted * quant;
    product += weighted * value;
  }
  sums.quant = quants;
  sums.square = square;
  sums.product = product;
}

/** Σ importance · (x - (scale · quant - minimum))², multiplied out. */
export function errorOf(
  scale: number,
  minimum: number,
  { quant, square, product }: GroupSums,
  weights: WeightSums,
): number {
  return weights.square + scale * (scale * square - 2 * product) +
    minimum * (minimum * weights.importance + 2 * (weights.weight - scale * quant));
}

const sums: GroupSums = { quant: 0, square: 0, product: 0 };

/**
 * The scale and the minimum with the least error over the weights from `start` to `end`, each weighted
 * by its importance.
 *
 * @param weights the group's sums
 * @param lowest its smallest weight, or 0 if none is below
 * @param highest its largest weight
 * @param levels the highest quant
 */
export function fitScaleAndMinimum(
  x: Float64Array,
  importance: Float64Array,
  start: number,
  end: number,
  weights: WeightSums,
  lowest: number,
  highest: number,
  levels: number,
  into: ScaleAndMinimum,
): void {
  into.scale = 0;
  into.minimum = -lowest;
  if (highest <= lowest) return;
  let least = Infinity;
  const attempt = (inverse: number, minimum: number): boolean => {
    sumGroup(x, importance, start, end, inverse, minimum, levels, sums);
    const { quant, square, product } = sums;
    const determinant = weights.importance * square - quant * quant;
    // With all quants alike it is 0 but for rounding, and a fit would be of rounding.
    if (!(determinant > 1e-9 * weights.importance * square)) return false;
    let scale = (weights.importance * product - weights.weight * quant) / determinant;
    let subtracted = (quant * product - square * weights.weight) / determinant;
    if (subtracted < 0) [scale, subtracted] = [product / square, 0];
    if (!(scale > 0)) return false;
    const error = errorOf(scale, subtracted, sums, weights);
    if (error >= least) return false;
    least = error;
    into.scale = scale;
    into.minimum = subtracted;
    return true;
  };
  for (let step = 0; step < STEPS; step++) {
    attempt((levels + FIRST_STEP + STEP * step) / (highest - lowest), -lowest);
  }
  for (let turn = 0; turn < TURNS && attempt(1 / into.scale, into.minimum); turn++);
  if (least === Infinity) into.scale = (highest - lowest) / levels;
}
