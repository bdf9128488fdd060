/**
 * The repetition penalty of CTRL (Keskar et al. 2019, section 4.1), as llama.cpp applies it: each
 * distinct recent token once, dividing a positive logit and multiplying a negative one, so that a
 * penalty above 1 always makes the token less likely.
 *
 * @param logits [vocabulary], not changed.
 * @param recent Ids of the tokens to penalize; repeats count once.
 * @param penalized [vocabulary], receives the penalized copy.
 * @throws {RangeError} If an id lies outside the vocabulary.
 */
export function penalizeRepetition(
  logits: Float32Array,
  recent: readonly number[],
  penalty: number,
  penalized: Float32Array,
): void {
  penalized.set(logits);
  for (const id of recent) {
    const logit = logits[id];
    if (logit === undefined) {
      throw new RangeError(`'history' has token ${id}, but there are ${logits.length} logits`);
    }
    penalized[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
}
