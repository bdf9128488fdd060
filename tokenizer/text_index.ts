/**
 * From a token's text to its id, asked with a range of a longer string, so that no substring is
 * made for a question. For 151,936 tokens and as many merges it is about twice as fast to build
 * and ask as a `Map` of strings, and loading a vocabulary is mostly this.
 */
export interface TextIndex {
  /** The id of `text.slice(start, end)`, or -1. */
  find(text: string, start?: number, end?: number): number;
}

// A secret start makes it hard to write a file whose texts all collide.
const hashSeed = (Math.random() * 2 ** 32) | 0;

/**
 * Indexes texts by open addressing with linear probing. Where a text occurs twice, the first id
 * stays: `onDuplicate` is told of both.
 */
export function createTextIndex(
  texts: readonly string[],
  onDuplicate: (first: number, second: number) => void,
): TextIndex {
  // At most half full, so that a probe ends soon.
  const slotCount = 2 ** Math.ceil(Math.log2(2 * texts.length + 2));
  const mask = slotCount - 1;
  const slots = new Int32Array(slotCount).fill(-1);

  /** The slot of the text, or the free slot where it would stand. */
  function slotOf(text: string, start: number, end: number): number {
    let slot = hash(text, start, end) & mask;
    for (;;) {
      const id = slots[slot]!;
      if (id < 0 || equals(texts[id]!, text, start, end)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  for (let id = 0; id < texts.length; id++) {
    const text = texts[id]!;
    const slot = slotOf(text, 0, text.length);
    if (slots[slot]! < 0) slots[slot] = id;
    else onDuplicate(slots[slot]!, id);
  }
  return {
    find: (text, start = 0, end = text.length) => slots[slotOf(text, start, end)]!,
  };
}

/** FNV-1a over UTF-16 units, its high bits folded into the low ones that choose a slot. */
function hash(text: string, start: number, end: number): number {
  let value = hashSeed;
  for (let i = start; i < end; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value ^ (value >>> 15);
}

function equals(whole: string, text: string, start: number, end: number): boolean {
  const length = end - start;
  if (whole.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (whole.charCodeAt(i) !== text.charCodeAt(start + i)) return false;
  }
  return true;
}
