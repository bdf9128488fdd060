/**
 * Uniform numbers in [0, 1) with 53 random bits, the same sequence for a seed on every platform:
 * xoshiro128** 1.1 by D. Blackman and S. Vigna ("Scrambled Linear Pseudorandom Number Generators",
 * ACM TOMS 47, 2021), its state filled by SplitMix64 as its authors advise.
 *
 * @param seed An integer in [0, 2^53).
 * @returns A function that gives the next number.
 */
export function createRandom(seed: number): () => number {
  const nextSeed = splitMix64(BigInt(seed));
  const [first, second] = [nextSeed(), nextSeed()];
  const next = xoshiro128([lowWord(first), highWord(first), lowWord(second), highWord(second)]);
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/**
 * The generator itself.
 *
 * @param state Four 32-bit words, not all zero.
 * @returns A function that gives the next 32-bit unsigned integer.
 */
export function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [a, b, c, d] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
}

/**
 * SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators",
 * OOPSLA 2014): turns similar seeds into unrelated 64-bit words, and never gives two zeros in a row.
 *
 * @returns A function that gives the next 64-bit unsigned integer.
 */
export function splitMix64(seed: bigint): () => bigint {
  let state = seed;
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let mixed = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    return mixed ^ (mixed >> 31n);
  };
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function lowWord(word: bigint): number {
  return Number(word & 0xffffffffn);
}

function highWord(word: bigint): number {
  return Number(word >> 32n);
}
