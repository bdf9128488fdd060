/**
 * Our side of the comparison: prompts through the engine as a user would run them.
 *
 * @module
 */
import { logSoftmax } from "../../falsification/qwen3_moe_forward/rows.ts";
import type { Model } from "../../mod.ts";

/** Threads of the engine: more than one, so that work is shared out in the comparison too. */
export const THREADS = 2;

/**
 * Evaluates a prompt from its beginning.
 *
 * @returns One row per position: natural log-probabilities [vocabulary] of the next token.
 */
export async function evaluate(model: Model, tokens: readonly number[]): Promise<Float32Array[]> {
  await using session = model.session({ context: tokens.length });
  const rows: Float32Array[] = [];
  for await (const logits of session.logits(tokens)) rows.push(logSoftmax(logits));
  return rows;
}
