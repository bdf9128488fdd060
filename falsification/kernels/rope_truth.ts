/**
 * Rotary embedding as mathematics has it, in f64, and the cases that tests of it go through.
 *
 * @module
 */
import { randomFloats } from "../../kernels/comparing.ts";

/** Which elements make a point: i and i + rotary / 2 (NEOX), or 2i and 2i + 1. */
export type RopeKind = "neox" | "pairs";

/** How heads are turned. */
export interface Rotation {
  readonly kind: RopeKind;
  readonly heads: number;
  readonly headSize: number;
  /** elements of a head that turn: the first ones */
  readonly rotary: number;
  readonly base: number;
  /** positions are divided by this */
  readonly scale: number;
  /** [rotary / 2], one more divisor for each pair */
  readonly factors?: Float32Array | undefined;
}

/** (heads, headSize, rotary): whole and partial heads, with and without a remainder of lanes. */
const SHAPES = [[1, 2, 2], [3, 10, 6], [1, 20, 14], [2, 80, 64], [4, 64, 64], [2, 128, 128]];
const KINDS: readonly RopeKind[] = ["neox", "pairs"];
/** From the first to far beyond what most models were trained for. */
export const POSITIONS = [0, 1, 77, 4095, 100_000];
/** Tokens of each case. */
export const TOKENS = 3;

/**
 * How far f32 leads from a pair of length 1: two products and a sum, in two elements, by 2 sqrt(2)
 * times 2^-24, the rounded cosine and sine by another 2^-24.5. Angles, in f64, are good to 1e-9.
 */
export const ROUNDING = 4 * 2 ** -24;

/** Every shape and kind, with random elements between -1 and 1. */
export function* cases(base = 1e6) {
  for (const [heads, headSize, rotary] of SHAPES as [number, number, number][]) {
    for (const kind of KINDS) {
      const rotation: Rotation = { kind, heads, headSize, rotary, base, scale: 1 };
      yield { rotation, x: randomFloats(headSize + rotary, TOKENS * heads * headSize) };
    }
  }
}

/** Where the elements of each pair lie in a head. */
export function pairsOf({ kind, rotary }: Rotation): [number, number][] {
  return Array.from(
    { length: rotary / 2 },
    (_, i) => kind === "neox" ? [i, i + rotary / 2] : [2 * i, 2 * i + 1],
  );
}

/** Radians by which a pair turns at a position, in f64. */
export function angleOf(position: number, pair: number, rotation: Rotation): number {
  const { rotary, base, scale, factors } = rotation;
  const frequency = Math.exp(-2 * pair / rotary * Math.log(base));
  return position * frequency / scale / (factors?.[pair] ?? 1);
}

/** The same rotation as a complex product in f64. */
export function turned(x: Float32Array, firstPosition: number, rotation: Rotation): Float32Array {
  const { heads, headSize } = rotation;
  const out = x.slice();
  for (let head = 0; head < x.length / headSize; head++) {
    const position = firstPosition + Math.floor(head / heads);
    pairsOf(rotation).forEach(([first, second], pair) => {
      const [a, b] = [x[head * headSize + first]!, x[head * headSize + second]!];
      const angle = angleOf(position, pair, rotation);
      out[head * headSize + first] = a * Math.cos(angle) - b * Math.sin(angle);
      out[head * headSize + second] = a * Math.sin(angle) + b * Math.cos(angle);
    });
  }
  return out;
}

/** The sum of products, in f64. */
export function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** Euclidean. */
export const length = (x: Float32Array): number => Math.sqrt(dot(x, x));
