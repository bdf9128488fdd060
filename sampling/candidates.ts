import type { ResolvedSamplingOptions } from "./options.ts";
import { selectTopK } from "./top_k.ts";
import { cutTopP, selectTopP } from "./top_p.ts";

/**
 * The ids that stay in the draw: top-k, then top-p among those, then min-p among those. The order
 * is llama.cpp's, and so is judging all three at temperature 1.
 *
 * @param logits [vocabulary], without NaN, the highest of them finite.
 * @param best The highest logit.
 * @returns Ids, at least one. Their order depends on the options but not on the platform.
 */
export function selectCandidates(
  logits: Float32Array,
  best: number,
  { topK, topP, minP }: Pick<ResolvedSamplingOptions, "topK" | "topP" | "minP">,
): Uint32Array {
  // p >= minP * pBest, said in logits: -Infinity, and so no bound, when minP is 0.
  const lowest = best + Math.log(minP);

  if (topK > 0 && topK < logits.length) {
    const ranked = selectTopK(logits, topK);
    const nucleus = topP < 1 ? cutTopP(logits, ranked, topP) : ranked;
    return nucleus.filter((id) => logits[id]! >= lowest);
  }
  if (topP < 1) return selectTopP(logits, best, topP).filter((id) => logits[id]! >= lowest);
  return selectFrom(logits, lowest);
}

/** The ids of the logits that are `lowest` or higher, in ascending order. */
function selectFrom(logits: Float32Array, lowest: number): Uint32Array {
  const ids = new Uint32Array(logits.length);
  let count = 0;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id]! >= lowest) ids[count++] = id;
  }
  return ids.subarray(0, count);
}
