import { halfValue } from "../kernels/oracles/half.ts";
import { type Block, scaleBits } from "./block.ts";
import {
  fitScale,
  furthestFromZero,
  nearestQuant,
  type QuantRange,
  type SymmetricSums,
  symmetricSums,
} from "./symmetric.ts";

const GROUPS = 16;
const GROUP = 16;
const RANGE: QuantRange = { lowest: -32, highest: 31 };

/** A block's scales as they are stored, and what they come to. */
interface Scales {
  /** the bits of d, an f16 */
  d: number;
  /** of each group, -128 to 127 */
  readonly groups: Int8Array;
  /** Σ importance · error² */
  error: number;
  /** the d with the least error for these groups and quants */
  bestD: number;
}

const newScales = (): Scales => ({ d: 0, groups: new Int8Array(GROUPS), error: 0, bestD: 0 });

const wanted = new Float64Array(GROUPS);
const squares = new Float64Array(GROUPS);
const sums: SymmetricSums = { product: 0, square: 0 };
let [best, tried] = [newScales(), newScales()];

/** How often d is fitted to the quants. */
const FITS = 2;

/** Quantizes 256 weights to Q6_K: d · scale · q, with a scale for each 16. */
export function quantizeQ6_K(block: Block, out: DataView): number {
  const { weights, importance } = block;
  for (let group = 0; group < GROUPS; group++) {
    let square = 0;
    for (let i = group * GROUP; i < (group + 1) * GROUP; i++) {
      square += importance[i]! * weights[i]! * weights[i]!;
    }
    squares[group] = square;
  }
  // Every weight the furthest quant's share of its group's furthest weight: the plain way, which
  // the fit has to beat.
  for (let group = 0; group < GROUPS; group++) {
    wanted[group] = furthestFromZero(weights, group * GROUP, (group + 1) * GROUP) / RANGE.lowest;
  }
  best.error = Infinity;
  settle(block, scaleBits(furthestFromZero(wanted) / -128), false);
  for (let group = 0; group < GROUPS; group++) {
    wanted[group] = fitScale(weights, importance, group * GROUP, (group + 1) * GROUP, RANGE);
  }
  settle(block, scaleBits(furthestFromZero(wanted) / -128), true);
  for (let fit = 0; fit < FITS; fit++) {
    const d = scaleBits(best.bestD);
    if (d === best.d || !settle(block, d, true)) break;
  }
  return write(block, out);
}

/**
 * Chooses the stored scales of all groups for a d, near those that are wanted, and keeps them if their
 * error is the least so far.
 *
 * @param neighbours whether a group may have the next scale below or above, if that is better
 */
function settle({ weights, importance }: Block, d: number, neighbours: boolean): boolean {
  const unit = halfValue(d);
  let [error, product, square] = [0, 0, 0];
  for (let group = 0; group < GROUPS; group++) {
    const nearest = unit === 0 ? 0 : clampScale(Math.round(wanted[group]! / unit));
    let [least, chosen, ownProduct, ownSquare] = [Infinity, 0, 0, 0];
    const reach = neighbours ? 1 : 0;
    for (let stored = nearest - reach; stored <= nearest + reach; stored++) {
      if (stored !== clampScale(stored)) continue;
      const scale = unit * stored;
      const inverse = scale === 0 ? 0 : 1 / scale;
      const [start, end] = [group * GROUP, (group + 1) * GROUP];
      symmetricSums(weights, importance, start, end, inverse, RANGE, sums);
      const own = squares[group]! - 2 * scale * sums.product + scale * scale * sums.square;
      if (own >= least) continue;
      [least, chosen] = [own, stored];
      [ownProduct, ownSquare] = [sums.product, sums.square];
    }
    tried.groups[group] = chosen;
    error += least;
    product += chosen * ownProduct;
    square += chosen * chosen * ownSquare;
  }
  if (error >= best.error) return false;
  tried.d = d;
  tried.error = error;
  tried.bestD = square > 0 ? product / square : 0;
  [best, tried] = [tried, best];
  return true;
}

function clampScale(scale: number): number {
  return scale < -128 ? -128 : scale > 127 ? 127 : scale;
}

/** Each half of the block has 64 bytes of lower 4 bits and 32 bytes of upper 2 bits. */
function write({ weights }: Block, out: DataView): number {
  const unit = halfValue(best.d);
  for (let at = 0; at < 192; at++) out.setUint8(at, 0);
  let squaredError = 0;
  for (let i = 0; i < GROUPS * GROUP; i++) {
    const scale = unit * best.groups[i >> 4]!;
    const quant = scale === 0 ? 0 : nearestQuant(weights[i]!, 1 / scale, RANGE);
    squaredError += (weights[i]! - scale * quant) ** 2;
    const stored = quant + 32;
    const [half, within] = [i >> 7, i & 127];
    const [lower, upper] = [64 * half + (within & 63), 128 + 32 * half + (i & 31)];
    out.setUint8(lower, out.getUint8(lower) | (stored & 15) << (within < 64 ? 0 : 4));
    out.setUint8(upper, out.getUint8(upper) | stored >> 4 << 2 * (within >> 5));
  }
  for (let group = 0; group < GROUPS; group++) out.setInt8(192 + group, best.groups[group]!);
  out.setUint16(208, best.d, true);
  return squaredError;
}
