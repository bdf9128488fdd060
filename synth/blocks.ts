/**
 * Random weights in ggml's storage types, the same bits on every platform: of Math only `sqrt` is
 * used, which is exact, and no power of a fraction, which is not.
 *
 * Quantized types are not quantized from floats: random bits are valid quants, and only the scales
 * are set so that the weights come out with a mean near zero and the wanted standard deviation.
 * Block layouts are those of `ggml/src/ggml-common.h`.
 *
 * @module
 */
import { TENSOR_TYPES } from "../gguf/mod.ts";
import { bfloat16Bits, halfBits } from "../quantize/mod.ts";
import type { RandomWords } from "./random.ts";

/** The types that {@linkcode randomBlocks} can write. */
export type RandomType = "F32" | "F16" | "BF16" | "Q8_0" | "Q4_0" | "Q4_K" | "Q5_K" | "Q6_K";

/** The distribution that weights are drawn from. Quantized types have mean 0, whatever `mean`. */
export interface Distribution {
  readonly mean: number;
  /** Standard deviation. */
  readonly deviation: number;
}

/** Fills `blocks` whole blocks at the front of a buffer that begins on a word and is large enough. */
export type BlockWriter = (buffer: ArrayBuffer, blocks: number) => void;

/** A writer of a type's blocks. */
export function randomBlocks(
  type: RandomType,
  distribution: Distribution,
  random: RandomWords,
): BlockWriter {
  return WRITERS[type](distribution, random);
}

type MakeWriter = (distribution: Distribution, random: RandomWords) => BlockWriter;

const WRITERS: Readonly<Record<RandomType, MakeWriter>> = {
  F32: (distribution, random) => {
    const gaussian = createGaussian(distribution, random);
    return (buffer, count) => gaussian(new Float32Array(buffer, 0, count));
  },
  F16: (distribution, random) => roundedWriter(distribution, random, halfBits),
  BF16: (distribution, random) => roundedWriter(distribution, random, bfloat16Bits),
  Q8_0: ({ deviation }, random) => {
    const scales = scaleTable(deviation / deviationOfUniform(256));
    return (buffer, blocks) => {
      fillBlocks("Q8_0", buffer, blocks, random, avoidMinus128);
      const halves = new Uint16Array(buffer, 0, 17 * blocks);
      for (let at = 0; at < halves.length; at += 17) halves[at] = scales[halves[at]! & 15]!;
    };
  },
  Q4_0: ({ deviation }, random) => {
    const scales = scaleTable(deviation / deviationOfUniform(16));
    return (buffer, blocks) => {
      fillBlocks("Q4_0", buffer, blocks, random);
      const halves = new Uint16Array(buffer, 0, 9 * blocks);
      // A block's weights are d·(q - 8), of mean -d/2. Files have scales of both signs, and drawing
      // the sign makes the mean of many blocks vanish.
      for (let at = 0; at < halves.length; at += 9) {
        halves[at] = scales[halves[at]! & 15]! | (halves[at]! & 0x8000);
      }
    };
  },
  Q4_K: (distribution, random) => scaleAndMinimumWriter("Q4_K", 16, distribution, random),
  Q5_K: (distribution, random) => scaleAndMinimumWriter("Q5_K", 32, distribution, random),
  Q6_K: ({ deviation }, random) => {
    // A weight is d·scale·(q - 32): scale any i8, q any 6 bits.
    const scales = scaleTable(deviation / (deviationOfUniform(256) * deviationOfUniform(64)));
    return (buffer, blocks) => {
      fillBlocks("Q6_K", buffer, blocks, random);
      const halves = new Uint16Array(buffer, 0, 105 * blocks);
      for (let at = 104; at < halves.length; at += 105) halves[at] = scales[halves[at]! & 15]!;
    };
  },
};

/**
 * Q4_K and Q5_K: eight sub-blocks of weights d·scale·q - dmin·min, with 6-bit scales and mins. Both
 * are drawn from 32 to 63, and dmin = d·E[q], so the two terms cancel on average.
 */
function scaleAndMinimumWriter(
  type: "Q4_K" | "Q5_K",
  levels: number,
  { deviation }: Distribution,
  random: RandomWords,
): BlockWriter {
  const meanQuant = (levels - 1) / 2;
  const scaleVariance = varianceOfUniform(32);
  const meanSquareScale = 47.5 * 47.5 + scaleVariance;
  // Var[scale·q - E[q]·min] = E[scale²]·Var[q] + E[q]²·(Var[scale] + Var[min]).
  const variance = meanSquareScale * varianceOfUniform(levels) +
    meanQuant * meanQuant * 2 * scaleVariance;
  const unit = deviation / Math.sqrt(variance);
  const minimumScales = scaleTable(unit * meanQuant);
  // d in the low half of a block's first word, dmin in the high half.
  const pairs = scaleTable(unit).map((bits, index) => bits | (minimumScales[index]! << 16));
  const wordsPerBlock = TENSOR_TYPES[type].blockBytes / 4;
  return (buffer, blocks) => {
    fillBlocks(type, buffer, blocks, random);
    const words = new Uint32Array(buffer, 0, wordsPerBlock * blocks);
    for (let at = 0; at < words.length; at += wordsPerBlock) {
      words[at] = pairs[words[at]! & 15]!;
      // The highest bit of all sixteen 6-bit numbers: bit 5 of eight bytes for the first half of
      // them, bit 7 of the same bytes for the second.
      words[at + 1]! |= 0xa0a0a0a0;
      words[at + 2]! |= 0xa0a0a0a0;
    }
  };
}

/** Variance of an integer that takes each of `levels` consecutive values as often. */
function varianceOfUniform(levels: number): number {
  return (levels * levels - 1) / 12;
}

function deviationOfUniform(levels: number): number {
  return Math.sqrt(varianceOfUniform(levels));
}

/** Sixteen scales between 0.75 and 1.25 times one whose square is their mean square, as f16 bits. */
function scaleTable(scale: number): number[] {
  const factors = Array.from({ length: 16 }, (_, index) => 0.75 + index / 30);
  const meanSquare = factors.reduce((sum, factor) => sum + factor * factor, 0) / factors.length;
  const scales = Float32Array.from(factors, (factor) => scale * factor / Math.sqrt(meanSquare));
  return Array.from(new Int32Array(scales.buffer), halfBits);
}

function fillBlocks(
  type: RandomType,
  buffer: ArrayBuffer,
  blocks: number,
  random: RandomWords,
  change?: (words: Uint32Array) => void,
): void {
  const words = new Uint32Array(buffer, 0, Math.ceil(blocks * TENSOR_TYPES[type].blockBytes / 4));
  random(words);
  change?.(words);
}

/**
 * Turns the byte -128, which quantizing to Q8_0 never gives, into -127, in four bytes at a time:
 * a byte is 0x80 where it is zero after flipping its highest bit, and the classic test for a zero
 * byte (wrong only for a 0x81 above one, whose lowest bit is set anyway) says where to set bit 0.
 */
function avoidMinus128(words: Uint32Array): void {
  for (let at = 0; at < words.length; at++) {
    const flipped = words[at]! ^ 0x80808080;
    words[at]! |= ((flipped - 0x01010101) & ~flipped & 0x80808080) >>> 7;
  }
}

/** Standard deviation of a sum of four uniform 16-bit integers. */
const SUM_DEVIATION = 2 * deviationOfUniform(2 ** 16);
const SUM_MEAN = 2 * (2 ** 16 - 1);

/**
 * Floats from a sum of four uniform numbers (Irwin-Hall): close to a Gaussian, bounded, and the same
 * bits everywhere, which `Math.log` and `Math.cos` don't promise.
 */
function createGaussian(
  { mean, deviation }: Distribution,
  random: RandomWords,
): (into: Float32Array) => void {
  const factor = deviation / SUM_DEVIATION;
  let words = new Uint32Array(0);
  return (into) => {
    if (words.length !== 2 * into.length) words = new Uint32Array(2 * into.length);
    random(words);
    for (let index = 0; index < into.length; index++) {
      const first = words[2 * index]!;
      const second = words[2 * index + 1]!;
      const sum = (first >>> 16) + (first & 0xffff) + (second >>> 16) + (second & 0xffff);
      into[index] = mean + factor * (sum - SUM_MEAN);
    }
  };
}

/** Writes 16-bit floats. */
function roundedWriter(
  distribution: Distribution,
  random: RandomWords,
  round: (bits: number) => number,
): BlockWriter {
  const gaussian = createGaussian(distribution, random);
  let floats = new Float32Array(0);
  return (buffer, count) => {
    if (floats.length !== count) floats = new Float32Array(count);
    gaussian(floats);
    const bits = new Int32Array(floats.buffer);
    const halves = new Uint16Array(buffer, 0, count);
    for (let index = 0; index < count; index++) halves[index] = round(bits[index]!);
  };
}
