/**
 * The router of a mixture of experts (Shazeer et al. 2017): which experts a token goes to.
 *
 * @module
 */
import { softmaxOf } from "./softmax.ts";

/** The router's choice. */
export interface Routes {
  /** [tokens, k] */
  readonly ids: Int32Array;
  /** [tokens, k] */
  readonly weights: Float32Array;
}

/**
 * Softmax over all experts, then the k largest in falling order, the lower expert first on a tie.
 *
 * NaN and -infinity count as the lowest finite f32 and +infinity as the largest, so that a broken
 * router still names experts that exist.
 *
 * @param logits [tokens, experts]
 * @param normalize divide a token's k weights by their sum
 */
export function route(
  logits: Float32Array,
  experts: number,
  k: number,
  normalize: boolean,
): Routes {
  const tokens = logits.length / experts;
  const ids = new Int32Array(tokens * k);
  const weights = new Float32Array(tokens * k);
  for (let token = 0; token < tokens; token++) {
    const row = Array.from(logits.subarray(token * experts, (token + 1) * experts), finite);
    const probabilities = softmaxOf(row);
    // The logits' order, which softmax keeps but for rounding.
    const chosen = row.map((_, expert) => expert).sort((a, b) => row[b]! - row[a]! || a - b)
      .slice(0, k);
    const sum = normalize ? chosen.reduce((sum, expert) => sum + probabilities[expert]!, 0) : 1;
    ids.set(chosen, token * k);
    weights.set(chosen.map((expert) => probabilities[expert]! / sum), token * k);
  }
  return { ids, weights };
}

const LARGEST_F32 = (2 - 2 ** -23) * 2 ** 127;

function finite(logit: number): number {
  return Number.isNaN(logit) ? -LARGEST_F32 : Math.min(Math.max(logit, -LARGEST_F32), LARGEST_F32);
}
