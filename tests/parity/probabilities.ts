/**
 * From the probabilities a sampler reports to rows of log-probabilities that can be compared.
 *
 * @module
 */

/**
 * The natural logarithm of the smallest normal f32, about -87.3. A probability below it is held
 * with fewer bits or as zero, so its logarithm says no more than "smaller than this".
 */
export const SMALLEST_LOG_PROBABILITY: number = Math.log(2 ** -126);

/**
 * Turns a map from token id to probability, in any order, into a row in the order of the ids.
 *
 * A softmax computed in f32 divides by a sum with its own rounding error, which shifts a whole row
 * by the same amount; the row is therefore normalized again, in f64.
 *
 * @param probabilities Probability of every id of the vocabulary; their sum is about 1.
 * @param vocabulary Number of token ids.
 * @returns Natural log-probabilities [vocabulary]; -Infinity where the probability is zero.
 * @throws {Error} If the map does not hold every id once, for then a sampler has dropped some.
 */
export function logProbabilities(
  probabilities: ReadonlyMap<number, number>,
  vocabulary: number,
): Float32Array {
  let sum = 0;
  for (const probability of probabilities.values()) sum += probability;
  const row = new Float32Array(vocabulary);
  for (let id = 0; id < vocabulary; id++) {
    const probability = probabilities.get(id);
    if (probability === undefined) throw new Error(`No probability for token id ${id}`);
    row[id] = Math.log(probability / sum);
  }
  if (probabilities.size !== vocabulary) {
    throw new Error(`${probabilities.size} probabilities for a vocabulary of ${vocabulary}`);
  }
  return row;
}
