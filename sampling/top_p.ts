/** Width of a histogram bucket in logits: fine enough that few ids share the one that is cut. */
const BUCKET_WIDTH = 1 / 16;

/** Beyond 512 / 16 = 32 below the best a token has e^-32 of its probability; the rest shares a bucket. */
const BUCKETS = 512;

/**
 * Top-p (nucleus) sampling of Holtzman et al. 2020: the smallest set of likeliest tokens whose
 * probabilities at temperature 1 sum to `p` or more. The token that reaches `p` is in the set, and
 * of equally likely tokens the lower id comes first.
 *
 * Sorting a whole vocabulary costs more than the rest of sampling together, so a histogram over the
 * distance to the best logit finds the one bucket in which the sum reaches `p`: likelier buckets are
 * kept whole, and only that one is sorted.
 *
 * @param logits [vocabulary], without NaN, the highest of them finite.
 * @param best The highest logit.
 * @param p In (0, 1).
 * @returns The ids kept, in no particular order.
 */
export function selectTopP(logits: Float32Array, best: number, p: number): Uint32Array {
  const bucketMass = new Float64Array(BUCKETS);
  const bucketSize = new Uint32Array(BUCKETS);
  let total = 0;
  for (let id = 0; id < logits.length; id++) {
    const weight = Math.exp(logits[id]! - best);
    const bucket = bucketOf(logits[id]!, best);
    bucketMass[bucket]! += weight;
    bucketSize[bucket]!++;
    total += weight;
  }

  let cut = 0;
  let kept = 0;
  let missing = p * total;
  while (cut < BUCKETS - 1 && missing > bucketMass[cut]!) {
    missing -= bucketMass[cut]!;
    kept += bucketSize[cut]!;
    cut++;
  }

  const ids = new Uint32Array(kept + bucketSize[cut]!);
  let likelier = 0;
  let tied = kept;
  for (let id = 0; id < logits.length; id++) {
    const bucket = bucketOf(logits[id]!, best);
    if (bucket < cut) ids[likelier++] = id;
    else if (bucket === cut) ids[tied++] = id;
  }
  // The sort is stable, so equal logits stay in the order of their ids.
  const cutBucket = ids.subarray(kept).sort((a, b) => logits[b]! - logits[a]!);
  return ids.subarray(0, kept + countToReach(logits, cutBucket, best, missing));
}

/**
 * Top-p among tokens that are already ranked: probabilities are relative to these tokens alone.
 *
 * @param ranked Ids, best first.
 * @returns The part of `ranked` that stays.
 */
export function cutTopP(logits: Float32Array, ranked: Uint32Array, p: number): Uint32Array {
  const best = logits[ranked[0]!]!;
  let total = 0;
  for (const id of ranked) total += Math.exp(logits[id]! - best);
  return ranked.subarray(0, countToReach(logits, ranked, best, p * total));
}

/** How many of the ranked ids it takes for their weights e^(logit - best) to sum to `mass`. */
function countToReach(
  logits: Float32Array,
  ranked: Uint32Array,
  best: number,
  mass: number,
): number {
  let sum = 0;
  for (let count = 0; count < ranked.length; count++) {
    sum += Math.exp(logits[ranked[count]!]! - best);
    if (sum >= mass) return count + 1;
  }
  return ranked.length;
}

function bucketOf(logit: number, best: number): number {
  return Math.min(BUCKETS - 1, Math.floor((best - logit) / BUCKET_WIDTH));
}
