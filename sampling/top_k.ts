/**
 * The ids of the `k` highest logits, best first; of equal logits the lower id is the better one.
 *
 * A heap of the best `k` so far, its worst member at the root, makes one pass over the vocabulary
 * enough: most logits are turned away by one comparison with the root.
 *
 * @param logits [vocabulary], without NaN.
 * @param k At least 1; all ids if it exceeds the vocabulary.
 */
export function selectTopK(logits: Float32Array, k: number): Uint32Array {
  const size = Math.min(k, logits.length);
  const heap = new Uint32Array(size);
  for (let id = 0; id < size; id++) heap[id] = id;
  for (let root = (size >> 1) - 1; root >= 0; root--) siftDown(heap, size, root, logits);

  let worst = logits[heap[0]!]!;
  for (let id = size; id < logits.length; id++) {
    if (logits[id]! > worst) {
      heap[0] = id;
      siftDown(heap, size, 0, logits);
      worst = logits[heap[0]]!;
    }
  }
  return sortBestFirst(heap, logits);
}

/** Heapsort: the worst remaining moves to the end, over and over. Sorts and returns `heap`. */
function sortBestFirst(heap: Uint32Array, logits: Float32Array): Uint32Array {
  for (let end = heap.length - 1; end > 0; end--) {
    const worst = heap[0]!;
    heap[0] = heap[end]!;
    heap[end] = worst;
    siftDown(heap, end, 0, logits);
  }
  return heap;
}

/** Lets the id at `root` sink until both its children are better than it. */
function siftDown(heap: Uint32Array, size: number, root: number, logits: Float32Array): void {
  const id = heap[root]!;
  let hole = root;
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= size) break;
    if (child + 1 < size && isWorse(heap[child + 1]!, heap[child]!, logits)) child++;
    if (!isWorse(heap[child]!, id, logits)) break;
    heap[hole] = heap[child]!;
    hole = child;
  }
  heap[hole] = id;
}

function isWorse(id: number, other: number, logits: Float32Array): boolean {
  const logit = logits[id]!;
  const otherLogit = logits[other]!;
  return logit < otherLogit || (logit === otherLogit && id > other);
}
