/**
 * An engine's logits against those of the published implementations.
 *
 * @module
 */
import assert from "node:assert/strict";
import { cosine, relativeError } from "../qwen3_moe_forward/rows.ts";
import { type ForwardPass, logitsOfPublished } from "../qwen3_moe_forward/subject.ts";
import { publishedLogits, type PublishedName } from "./published.ts";

/**
 * The published implementations keep keys and values in f32. f16 rounds each by 2^-11 at most, and what that
 * comes to in the logits depends on the weights: below 2^-10 in models of two layers.
 */
const HALF_PRECISION = 2 ** -10;

/** The logits at one position, ours and the published ones. */
export interface PublishedPair {
  /** the model's name and the position, for messages */
  readonly where: string;
  /** [vocabulary] */
  readonly ours: Float32Array;
  /** [vocabulary] */
  readonly theirs: Float32Array;
}

/** An implementation's rows and the published ones, for each position of each sequence. */
export async function publishedPairs(
  subject: ForwardPass,
  name: PublishedName,
): Promise<PublishedPair[]> {
  const pairs: PublishedPair[] = [];
  for (const sequence of (await publishedLogits(name)).sequences) {
    const rows = await logitsOfPublished(subject, name, sequence);
    sequence.rows.forEach((theirs, position) => {
      const where = `${name}, position ${position} of ${sequence.rows.length}`;
      const ours = rows[position];
      assert.equal(ours?.length, theirs.length, `logits of ${where}`);
      pairs.push({ where, ours: ours!, theirs });
    });
  }
  return pairs;
}

/** Fails where the logits at a position are not the published ones but for the precision of f16 keys. */
export async function assertPublished(
  subject: ForwardPass,
  name: PublishedName,
): Promise<void> {
  for (const { where, ours, theirs } of await publishedPairs(subject, name)) {
    const error = relativeError(ours, theirs);
    assert.ok(error <= HALF_PRECISION, `${where}: ${error}`);
    const angle = cosine(ours, theirs);
    assert.ok(angle >= 0.99999, `${where}: cosine ${angle}`);
  }
}
