/**
 * Rotary position embedding (Su et al. 2021): a head's elements, taken two by two as points of
 * planes, turn by an angle for each plane.
 *
 * @module
 */

/** The shape of what is turned. */
export interface RopeShape {
  readonly heads: number;
  readonly headSize: number;
  /** how many elements of a head turn, an even number: the first ones */
  readonly rotary: number;
}

/**
 * The kind of GPT-NeoX: element i and element i + rotary / 2 are a point.
 *
 * @param x [tokens, heads, headSize]
 * @param angles [tokens, 2, rotary / 2], cosines then sines
 * @returns [tokens, heads, headSize]
 */
export function ropeNeox(x: Float32Array, angles: Float32Array, shape: RopeShape): Float32Array {
  const half = shape.rotary / 2;
  return turn(x, angles, shape, (i) => [i, i + half]);
}

/**
 * The kind of llama's GGUF files: elements 2i and 2i + 1 are a point.
 *
 * @param x [tokens, heads, headSize]
 * @param angles [tokens, 2, rotary / 2], cosines then sines
 * @returns [tokens, heads, headSize]
 */
export function ropePairs(x: Float32Array, angles: Float32Array, shape: RopeShape): Float32Array {
  return turn(x, angles, shape, (i) => [2 * i, 2 * i + 1]);
}

function turn(
  x: Float32Array,
  angles: Float32Array,
  { heads, headSize, rotary }: RopeShape,
  point: (plane: number) => [number, number],
): Float32Array {
  const out = x.slice();
  const planes = rotary / 2;
  for (let head = 0; head < x.length / headSize; head++) {
    const token = Math.floor(head / heads);
    for (let plane = 0; plane < planes; plane++) {
      const cosine = angles[token * rotary + plane]!;
      const sine = angles[token * rotary + planes + plane]!;
      const [first, second] = point(plane).map((i) => head * headSize + i) as [number, number];
      out[first] = x[first]! * cosine - x[second]! * sine;
      out[second] = x[first]! * sine + x[second]! * cosine;
    }
  }
  return out;
}
