/**
 * From a pair of ids to a number, by open addressing with linear probing. A `Map` would need the
 * pair as one number beyond 2^31, which it keeps as an object: it takes more than twice as long to fill.
 */
export interface PairTable {
  /** The value of the pair, or -1. */
  get(left: number, right: number): number;
  /** Sets the value of the pair, a number from 0, unless it has one. */
  add(left: number, right: number, value: number): void;
}

/** [slot × 3] left, right, value. */
const SLOT = 3;

/** Makes a table for `capacity` pairs at most. */
export function createPairTable(capacity: number): PairTable {
  // At most half full, so that a probe ends soon.
  const slotCount = 2 ** Math.ceil(Math.log2(2 * capacity + 2));
  const slots = new Int32Array(SLOT * slotCount).fill(-1);

  /** Where the pair is, or the free slot where it would be. */
  function find(left: number, right: number): number {
    // Odd multipliers carry every bit of an id upwards; the shift brings them down to the slot.
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let slot = hash & (slotCount - 1);; slot = (slot + 1) & (slotCount - 1)) {
      const at = SLOT * slot;
      if (slots[at + 2]! < 0 || (slots[at] === left && slots[at + 1] === right)) return at;
    }
  }

  return {
    get: (left, right) => slots[find(left, right) + 2]!,
    add(left, right, value) {
      const at = find(left, right);
      if (slots[at + 2]! >= 0) return;
      slots[at] = left;
      slots[at + 1] = right;
      slots[at + 2] = value;
    },
  };
}
