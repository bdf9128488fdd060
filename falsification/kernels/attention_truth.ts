/**
 * Attention as mathematics has it, in f64, and the cases that tests of it go through.
 *
 * @module
 */
import { randomFloats } from "../../kernels/comparing.ts";
import type { KvFormat } from "../../kernels/kv_formats.ts";
import { roundKv } from "../../kernels/oracles/kv.ts";
import { softmaxOf } from "../../kernels/oracles/softmax.ts";

/** Heads, and how wide they are. */
export interface HeadShape {
  /** query heads, a multiple of kvHeads */
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

/** Queries, and the cache that they look into. */
export interface AttentionCase extends HeadShape {
  /** [tokens, heads, headSize], token t at position firstPosition + t */
  readonly q: Float32Array;
  /** [positions, kvHeads, headSize] from position 0 on, numbers that f16 has */
  readonly keys: Float32Array;
  /** [positions, kvHeads, headSize], likewise */
  readonly values: Float32Array;
  readonly firstPosition: number;
  /** f16 where absent */
  readonly format?: KvFormat;
}

/** (heads, kvHeads, headSize): groups from 1 to 20, head sizes to the largest. */
export const SHAPES: readonly HeadShape[] = [
  [1, 1, 2],
  [2, 1, 20],
  [4, 2, 64],
  [6, 3, 80],
  [3, 3, 10],
  [40, 2, 16],
  [16, 2, 128],
  [2, 1, 256],
].map(([heads, kvHeads, headSize]) => ({ heads, kvHeads, headSize }) as HeadShape);

/** (firstPosition, tokens): around a tile of 8 tokens, a block of 128 positions and a span of 512, and far off. */
export const SPANS = [
  [0, 1],
  [0, 7],
  [0, 8],
  [0, 9],
  [120, 8],
  [127, 1],
  [128, 17],
  [505, 9],
  [600, 1],
] as const;

/** Multiples of 2^-10 between -1 and 1, which f16 has. */
function randomHalves(seed: number, length: number): Float32Array {
  return randomFloats(seed, length).map((value) => Math.round(1024 * value) / 1024);
}

/** Queries between -2 and 2, keys and values between -1 and 1. */
export function randomCase(shape: HeadShape, firstPosition: number, tokens: number): AttentionCase {
  const { heads, kvHeads, headSize } = shape;
  const seed = 1000 * firstPosition + 10 * tokens + headSize;
  const cached = (firstPosition + tokens) * kvHeads * headSize;
  return {
    ...shape,
    firstPosition,
    q: randomFloats(seed, tokens * heads * headSize, 2),
    keys: randomHalves(seed + 1, cached),
    values: randomHalves(seed + 2, cached),
  };
}

/** Every shape with every span. */
export function* cases(): Generator<AttentionCase> {
  for (const shape of SHAPES) {
    for (const [firstPosition, tokens] of SPANS) yield randomCase(shape, firstPosition, tokens);
  }
}

/** Element 0 of each row is `of(row)`, the others are 0. */
export function firstElements(
  rows: number,
  headSize: number,
  of: (row: number) => number,
): Float32Array {
  const out = new Float32Array(rows * headSize);
  for (let row = 0; row < rows; row++) out[row * headSize] = of(row);
  return out;
}

export function tokensOf({ q, heads, headSize }: AttentionCase): number {
  return q.length / (heads * headSize);
}

/**
 * The same case with what q8_0 makes of its keys and values.
 *
 * @param round what is made of one head's
 */
export function inQ8_0(
  attended: AttentionCase,
  round = (row: Float32Array) => roundKv("q8_0", row),
): AttentionCase {
  const { headSize } = attended;
  const rounded = (x: Float32Array) => {
    const out = new Float32Array(x.length);
    for (let i = 0; i < x.length; i += headSize) out.set(round(x.subarray(i, i + headSize)), i);
    return out;
  };
  return { ...attended, keys: rounded(attended.keys), values: rounded(attended.values) };
}

/** The parts of attention that can be replaced, to see whether tests notice. */
export interface AttentionParts {
  /** positions that a token sees: those from 0 up to, and without, this one */
  visible(position: number, positions: number): number;
  /** the key-value head that a query head reads */
  kvHead(head: number, shape: HeadShape): number;
  /** multiplies scores */
  scale(headSize: number): number;
  weights(scores: readonly number[]): number[];
}

const RIGHT: AttentionParts = {
  visible: (position) => position + 1,
  kvHead: (head, { heads, kvHeads }) => Math.floor(head * kvHeads / heads),
  scale: (headSize) => 1 / Math.sqrt(headSize),
  weights: softmaxOf,
};

/** @returns [tokens, heads, headSize] */
export function attentionTruth(
  attended: AttentionCase,
  replaced: Partial<AttentionParts> = {},
): Float32Array {
  const parts = { ...RIGHT, ...replaced };
  const { q, keys, values, heads, kvHeads, headSize, firstPosition } = attended;
  const positions = keys.length / (kvHeads * headSize);
  const scale = parts.scale(headSize);
  const out = new Float32Array(q.length);
  for (let row = 0; row < q.length / headSize; row++) {
    const position = firstPosition + Math.floor(row / heads);
    const kvHead = parts.kvHead(row % heads, attended);
    const begins = Array.from(
      { length: parts.visible(position, positions) },
      (_, p) => (p * kvHeads + kvHead) * headSize,
    );
    const scores = begins.map((begin) => {
      let score = 0;
      for (let i = 0; i < headSize; i++) score += q[row * headSize + i]! * keys[begin + i]!;
      return score * scale;
    });
    const sums = new Float64Array(headSize);
    parts.weights(scores).forEach((weight, p) => {
      const begin = begins[p]!;
      for (let i = 0; i < headSize; i++) sums[i] = sums[i]! + weight * values[begin + i]!;
    });
    out.set(sums, row * headSize);
  }
  return out;
}
