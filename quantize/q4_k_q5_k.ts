import { halfValue } from "../kernels/oracles/half.ts";
import { type Block, type QuantizeBlock, scaleBits } from "./block.ts";
import {
  errorOf,
  fitScaleAndMinimum,
  type GroupSums,
  nearestQuant,
  type ScaleAndMinimum,
  sumGroup,
  type WeightSums,
} from "./with_minimum.ts";

const GROUPS = 8;
const GROUP = 32;
/** The highest scale or minimum that is stored. */
const HIGHEST = 63;

/** A block's scales and minimums as they are stored, and what they come to. */
interface Stored {
  /** the bits of d and of dmin, f16 */
  d: number;
  dmin: number;
  /** of each group, 0 to 63 */
  readonly scales: Uint8Array;
  readonly minimums: Uint8Array;
  /** Σ importance · error² */
  error: number;
  /** the d and the dmin with the least error for these groups and quants */
  bestD: number;
  bestDmin: number;
}

const newStored = (): Stored => ({
  d: 0,
  dmin: 0,
  scales: new Uint8Array(GROUPS),
  minimums: new Uint8Array(GROUPS),
  error: 0,
  bestD: 0,
  bestDmin: 0,
});

const groupSums = Array.from(
  { length: GROUPS },
  (): WeightSums => ({ importance: 0, weight: 0, square: 0 }),
);
/** The smallest weight of each group, or 0, and the largest. */
const lowest = new Float64Array(GROUPS);
const highest = new Float64Array(GROUPS);
const wanted = Array.from({ length: GROUPS }, (): ScaleAndMinimum => ({ scale: 0, minimum: 0 }));
const sums: GroupSums = { quant: 0, square: 0, product: 0 };
const chosenSums: GroupSums = { quant: 0, square: 0, product: 0 };
const quants = new Uint8Array(GROUPS * GROUP);
let [best, tried] = [newStored(), newStored()];

/** How often d and dmin are fitted to the quants. */
const FITS = 2;

/** Quantizes 256 weights to Q4_K: d · scale · q - dmin · minimum, with both for each 32. */
export const quantizeQ4_K: QuantizeBlock = (block, out) => {
  const squaredError = quantize(block, 15, out);
  writeNibbles(out, 16);
  return squaredError;
};

/** Quantizes 256 weights to Q5_K, whose quants have a fifth bit. */
export const quantizeQ5_K: QuantizeBlock = (block, out) => {
  const squaredError = quantize(block, 31, out);
  for (let i = 0; i < GROUP; i++) {
    let fifths = 0;
    for (let group = 0; group < GROUPS; group++) {
      fifths |= quants[group * GROUP + i]! >> 4 << group;
    }
    out.setUint8(16 + i, fifths);
  }
  writeNibbles(out, 48);
  return squaredError;
};

/** Of each 64 quants the first 32 are low nibbles, the others the high nibbles of the same bytes. */
function writeNibbles(out: DataView, offset: number): void {
  for (let i = 0; i < 128; i++) {
    const first = 64 * (i >> 5) + (i & 31);
    out.setUint8(offset + i, (quants[first]! & 15) | (quants[first + 32]! & 15) << 4);
  }
}

/** Writes d, dmin, the scales and the minimums, and leaves the quants in `quants`. */
function quantize(block: Block, levels: number, out: DataView): number {
  measure(block);
  best.error = Infinity;
  // The range of each group divided into equal steps: the plain way, which the fit has to beat.
  wanted.forEach((group, index) => {
    group.scale = (highest[index]! - lowest[index]!) / levels;
    group.minimum = -lowest[index]!;
  });
  settle(block, levels, largestScale(), largestMinimum(), false);
  wanted.forEach((group, index) => {
    fitScaleAndMinimum(
      block.weights,
      block.importance,
      index * GROUP,
      (index + 1) * GROUP,
      groupSums[index]!,
      lowest[index]!,
      highest[index]!,
      levels,
      group,
    );
  });
  settle(block, levels, largestScale(), largestMinimum(), true);
  for (let fit = 0; fit < FITS; fit++) {
    const [d, dmin] = [scaleBits(best.bestD), scaleBits(best.bestDmin)];
    if (d === best.d && dmin === best.dmin) break;
    if (!settle(block, levels, d, dmin, true)) break;
  }
  writeScales(out);
  return chooseQuants(block, levels);
}

function measure({ weights, importance }: Block): void {
  for (let group = 0; group < GROUPS; group++) {
    let [total, weight, square, low, high] = [0, 0, 0, 0, -Infinity];
    for (let i = group * GROUP; i < (group + 1) * GROUP; i++) {
      const [x, w] = [weights[i]!, importance[i]!];
      total += w;
      weight += w * x;
      square += w * x * x;
      if (x < low) low = x;
      if (x > high) high = x;
    }
    lowest[group] = low;
    highest[group] = high;
    const own = groupSums[group]!;
    own.importance = total;
    own.weight = weight;
    own.square = square;
  }
}

function largestScale(): number {
  return scaleBits(Math.max(...wanted.map(({ scale }) => scale)) / HIGHEST);
}

function largestMinimum(): number {
  return scaleBits(Math.max(...wanted.map(({ minimum }) => minimum)) / HIGHEST);
}

/** The nearest number that can be stored for `value`, a multiple of `unit`. */
function stored(value: number, unit: number): number {
  if (unit === 0) return 0;
  const nearest = Math.round(value / unit);
  return nearest < 0 ? 0 : nearest > HIGHEST ? HIGHEST : nearest;
}

/**
 * Chooses the stored scales and minimums of all groups for a d and a dmin, near those that are wanted,
 * and keeps them if their error is the least so far.
 *
 * @param d the bits of d
 * @param dmin the bits of dmin
 * @param neighbours whether a group may have other scales and minimums near by, if they are better
 */
function settle(
  block: Block,
  levels: number,
  d: number,
  dmin: number,
  neighbours: boolean,
): boolean {
  const [unit, minimumUnit] = [halfValue(d), halfValue(dmin)];
  // The sums of the regression of all weights over scale · quant and -minimum.
  let [error, aa, ab, bb, ax, bx] = [0, 0, 0, 0, 0, 0];
  for (let group = 0; group < GROUPS; group++) {
    error += settleGroup(block, group, levels, unit, minimumUnit, neighbours);
    const [scale, minimum] = [tried.scales[group]!, tried.minimums[group]!];
    const own = groupSums[group]!;
    aa += scale * scale * chosenSums.square;
    ab += scale * minimum * chosenSums.quant;
    bb += minimum * minimum * own.importance;
    ax += scale * chosenSums.product;
    bx += minimum * own.weight;
  }
  if (error >= best.error) return false;
  const determinant = aa * bb - ab * ab;
  const solvable = determinant > 1e-9 * aa * bb;
  tried.d = d;
  tried.dmin = dmin;
  tried.error = error;
  tried.bestD = solvable ? (ax * bb - bx * ab) / determinant : aa > 0 ? ax / aa : unit;
  tried.bestDmin = solvable ? (ax * ab - bx * aa) / determinant : minimumUnit;
  [best, tried] = [tried, best];
  return true;
}

/** Chooses one group's, into `tried`, with its sums in `chosenSums`. Returns the error. */
function settleGroup(
  { weights, importance }: Block,
  group: number,
  levels: number,
  unit: number,
  minimumUnit: number,
  neighbours: boolean,
): number {
  const own = groupSums[group]!;
  const [start, end] = [group * GROUP, (group + 1) * GROUP];
  const nearest = stored(wanted[group]!.scale, unit);
  const nearestMinimum = stored(wanted[group]!.minimum, minimumUnit);
  let least = Infinity;
  const attempt = (storedScale: number, storedMinimum: number): void => {
    const [scale, minimum] = [unit * storedScale, minimumUnit * storedMinimum];
    const inverse = scale === 0 ? 0 : 1 / scale;
    // Without a scale all quants are 0.
    sumGroup(weights, importance, start, end, inverse, minimum, levels, sums);
    const error = errorOf(scale, minimum, sums, own);
    if (error >= least) return;
    least = error;
    tried.scales[group] = storedScale;
    tried.minimums[group] = storedMinimum;
    chosenSums.quant = sums.quant;
    chosenSums.square = sums.square;
    chosenSums.product = sums.product;
  };
  attempt(nearest, nearestMinimum);
  if (!neighbours) return least;
  for (let scale = nearest - 1; scale <= nearest + 1; scale++) {
    if (scale < 0 || scale > HIGHEST) continue;
    if (scale !== nearest) attempt(scale, nearestMinimum);
    // The minimum that fits the quants just found.
    const fitted = (unit * scale * sums.quant - own.weight) / own.importance;
    const fittedMinimum = stored(fitted, minimumUnit);
    if (fittedMinimum !== nearestMinimum) attempt(scale, fittedMinimum);
  }
  return least;
}

/** 12 bytes: 6 bits of each, the upper bits of the last four above those of the first. */
function writeScales(out: DataView): void {
  const { d, dmin, scales, minimums } = best;
  out.setUint16(0, d, true);
  out.setUint16(2, dmin, true);
  for (let i = 0; i < 4; i++) {
    out.setUint8(4 + i, scales[i]! | scales[4 + i]! >> 4 << 6);
    out.setUint8(8 + i, minimums[i]! | minimums[4 + i]! >> 4 << 6);
    out.setUint8(12 + i, (scales[4 + i]! & 15) | (minimums[4 + i]! & 15) << 4);
  }
}

function chooseQuants({ weights }: Block, levels: number): number {
  const [unit, minimumUnit] = [halfValue(best.d), halfValue(best.dmin)];
  let squaredError = 0;
  for (let i = 0; i < GROUPS * GROUP; i++) {
    const group = i >> 5;
    const scale = unit * best.scales[group]!;
    const minimum = minimumUnit * best.minimums[group]!;
    const quant = scale === 0 ? 0 : nearestQuant(weights[i]!, 1 / scale, minimum, levels);
    quants[i] = quant;
    squaredError += (weights[i]! - (scale * quant - minimum)) ** 2;
  }
  return squaredError;
}
