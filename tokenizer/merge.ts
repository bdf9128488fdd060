/**
 * What byte-pair encoding and SentencePiece share: begin with small symbols, and again and again
 * join the best pair of neighbours, the leftmost among equals, until no rule applies. They differ
 * only in how a pair finds its rule.
 */
export interface MergeRules {
  /**
   * The rule that joins two neighbours, or -1. `left` and `right` are their token ids; together
   * they cover the first symbols `start` to `end` (exclusive).
   */
  find(left: number, right: number, start: number, end: number): number;
  /** [rules] the smaller, the earlier; below 2^22. */
  readonly priority: Int32Array;
  /** [rules] the token that the rule makes. */
  readonly product: Int32Array;
}

// A queue entry is one number, priority * POSITIONS + position: exact below 2^53.
const POSITIONS = 2 ** 31;

/** Longest input, in symbols, whose work memory is kept for the next call. */
const KEPT_SYMBOLS = 1024;

interface Workspace {
  /** [symbols] position of the next living symbol. */
  readonly next: Int32Array;
  /** [symbols] position of the previous living symbol. */
  readonly previous: Int32Array;
  /** [symbols] the rule that joins this symbol with the next, -1 for none. */
  readonly rule: Int32Array;
  /** [2 × symbols] binary heap: a merge takes one entry out and puts at most two in. */
  readonly heap: Float64Array;
}

const keptWorkspace = createWorkspace(KEPT_SYMBOLS);

function createWorkspace(symbols: number): Workspace {
  return {
    next: new Int32Array(symbols),
    previous: new Int32Array(symbols),
    rule: new Int32Array(symbols),
    heap: new Float64Array(2 * symbols),
  };
}

/**
 * Joins symbols in place, in O(n log n) for n symbols.
 *
 * @param ids `[count]` the first symbols' token ids; the survivors' ids when it returns.
 * @param count Number of symbols.
 * @param ends `[count]`, filled where given: the survivor at `ids[i]` covers the first symbols up
 * to `ends[i]`, exclusive.
 * @returns The number of survivors.
 */
export function mergeSymbols(
  ids: Int32Array,
  count: number,
  rules: MergeRules,
  ends?: Int32Array,
): number {
  const workspace = count <= KEPT_SYMBOLS ? keptWorkspace : createWorkspace(count);
  const { next, previous, rule, heap } = workspace;
  let heapSize = 0;

  /** Looks up the rule for a symbol and its right neighbour, and queues it. */
  function consider(position: number): void {
    const right = next[position]!;
    const found = right === count
      ? -1
      : rules.find(ids[position]!, ids[right]!, position, next[right]!);
    rule[position] = found;
    if (found < 0) return;
    heapSize = heapPush(heap, heapSize, rules.priority[found]! * POSITIONS + position);
  }

  for (let i = 0; i < count; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  for (let i = 0; i < count; i++) consider(i);

  while (heapSize > 0) {
    const entry = heap[0]!;
    heapSize = heapPop(heap, heapSize);
    const position = entry % POSITIONS;
    const found = rule[position]!;
    // Entries are not taken out when a neighbour changes: they no longer match the rule then.
    if (found < 0 || rules.priority[found] !== (entry - position) / POSITIONS) continue;
    const absorbed = next[position]!;
    rule[absorbed] = -1;
    ids[position] = rules.product[found]!;
    const after = next[absorbed]!;
    next[position] = after;
    if (after < count) previous[after] = position;
    consider(position);
    if (previous[position]! >= 0) consider(previous[position]!);
  }

  let survivors = 0;
  for (let i = 0; i < count; i = next[i]!) {
    if (ends) ends[survivors] = next[i]!;
    ids[survivors++] = ids[i]!;
  }
  return survivors;
}

/** Puts a value into the min-heap of `size` values; returns the new size. */
function heapPush(heap: Float64Array, size: number, value: number): number {
  let hole = size;
  while (hole > 0) {
    const parent = (hole - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[hole] = heap[parent]!;
    hole = parent;
  }
  heap[hole] = value;
  return size + 1;
}

/** Takes the smallest value, `heap[0]`, out of the min-heap; returns the new size. */
function heapPop(heap: Float64Array, size: number): number {
  const last = size - 1;
  const value = heap[last]!;
  let hole = 0;
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= last) break;
    if (child + 1 < last && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= value) break;
    heap[hole] = heap[child]!;
    hole = child;
  }
  heap[hole] = value;
  return last;
}
