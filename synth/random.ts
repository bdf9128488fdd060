/** Fills an array with the next words of a random sequence. */
export type RandomWords = (words: Uint32Array) => void;

/** Rounds that separate a seed from its neighbours before the first word is given out. */
const WARM_UP_ROUNDS = 12;

/**
 * Random 32-bit words, the same sequence for a seed on every platform: sfc32, the "small fast
 * counting" generator of C. Doty-Humphrey's PractRand, warmed up as NumPy does its 64-bit sibling.
 * It needs no multiplication, so a gigabyte takes about a second.
 *
 * @param seed Three words of 32 bits.
 */
export function createRandomWords(seed: readonly [number, number, number]): RandomWords {
  let [first, second, third] = seed;
  let counter = 1;

  function fill(words: Uint32Array): void {
    // Locals, which the compiler keeps in registers.
    let a = first, b = second, c = third, count = counter;
    for (let i = 0; i < words.length; i++) {
      const word = (a + b + count) | 0;
      count = (count + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + word) | 0;
      words[i] = word;
    }
    first = a;
    second = b;
    third = c;
    counter = count;
  }

  fill(new Uint32Array(WARM_UP_ROUNDS));
  return fill;
}

/**
 * The random words of one tensor. Each has a sequence of its own, so that its weights don't depend
 * on which tensors stand before it.
 *
 * @param seed An integer in [0, 2^53).
 */
export function randomWordsOf(seed: number, tensorName: string): RandomWords {
  return createRandomWords([seed >>> 0, Math.floor(seed / 2 ** 32), hash(tensorName)]);
}

/** FNV-1a, 32 bits, over the UTF-16 units (tensor names are ASCII). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}
