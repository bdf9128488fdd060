import { halfValue } from "../kernels/oracles/half.ts";
import { type Block, type QuantizeBlock, scaleBits } from "./block.ts";
import {
  fitScale,
  furthestFromZero,
  nearestQuant,
  type QuantRange,
  type SymmetricSums,
  symmetricSums,
} from "./symmetric.ts";

const SIZE = 32;
const Q8_0: QuantRange = { lowest: -127, highest: 127 };
const Q4_0: QuantRange = { lowest: -8, highest: 7 };

/** Quantizes 32 weights to Q8_0: d · q. */
export const quantizeQ8_0: QuantizeBlock = (block, out) => {
  const { weights } = block;
  const d = chooseD(block, Q8_0);
  const inverse = inverseOf(d);
  out.setUint16(0, d, true);
  for (let i = 0; i < SIZE; i++) {
    out.setInt8(2 + i, nearestQuant(weights[i]!, inverse, Q8_0));
  }
  return squaredError(weights, d, Q8_0);
};

/** Quantizes 32 weights to Q4_0: d · (q - 8), the first 16 in the low nibbles. */
export const quantizeQ4_0: QuantizeBlock = (block, out) => {
  const { weights } = block;
  const d = chooseD(block, Q4_0);
  const inverse = inverseOf(d);
  out.setUint16(0, d, true);
  for (let i = 0; i < SIZE / 2; i++) {
    const low = nearestQuant(weights[i]!, inverse, Q4_0) + 8;
    const high = nearestQuant(weights[SIZE / 2 + i]!, inverse, Q4_0) + 8;
    out.setUint8(2 + i, low | high << 4);
  }
  return squaredError(weights, d, Q4_0);
};

const sums: SymmetricSums = { product: 0, square: 0 };

/** The bits of the better of two: the fitted d, and the one that gives the furthest weight the
 * furthest quant. */
function chooseD({ weights, importance }: Block, range: QuantRange): number {
  const errorLess = (d: number): number => {
    const scale = halfValue(d);
    if (scale === 0) return 0;
    symmetricSums(weights, importance, 0, SIZE, 1 / scale, range, sums);
    return scale * (scale * sums.square - 2 * sums.product);
  };
  const plain = scaleBits(furthestFromZero(weights) / range.lowest);
  const fitted = scaleBits(fitScale(weights, importance, 0, SIZE, range));
  return errorLess(fitted) < errorLess(plain) ? fitted : plain;
}

function inverseOf(d: number): number {
  return (d & 0x7fff) === 0 ? 0 : 1 / halfValue(d);
}

function squaredError(weights: Float64Array, d: number, range: QuantRange): number {
  const [scale, inverse] = [halfValue(d), inverseOf(d)];
  let error = 0;
  for (let i = 0; i < SIZE; i++) {
    error += (weights[i]! - scale * nearestQuant(weights[i]!, inverse, range)) ** 2;
  }
  return error;
}
