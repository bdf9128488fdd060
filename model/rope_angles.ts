/** What turns a head's element pairs: the RoPE base, and what a file changes about it. */
export interface RopeOptions {
  readonly ropeBase: number;
  /** elements that rotate */
  readonly ropeDimensions: number;
  /** positions are divided by this */
  readonly ropeScale: number;
  /** one divisor for each pair (llama 3's long contexts), from the tensor rope_freqs */
  readonly frequencyFactors?: Float32Array | undefined;
}

/**
 * Cosines and sines for `tokens` positions from `firstPosition` on (Su et al. 2021): pair i turns by
 * `position / ropeScale * ropeBase^(-2i / ropeDimensions) / frequencyFactors[i]` radians.
 *
 * @param out [tokens, 2, ropeDimensions / 2] f32
 */
export function writeRopeAngles(
  out: Float32Array,
  firstPosition: number,
  tokens: number,
  { ropeBase, ropeDimensions, ropeScale, frequencyFactors }: RopeOptions,
): void {
  const pairs = ropeDimensions / 2;
  for (let pair = 0; pair < pairs; pair++) {
    const frequency = ropeBase ** (-2 * pair / ropeDimensions) /
      (ropeScale * (frequencyFactors?.[pair] ?? 1));
    for (let token = 0; token < tokens; token++) {
      const angle = (firstPosition + token) * frequency;
      const at = token * ropeDimensions + pair;
      out[at] = Math.cos(angle);
      out[at + pairs] = Math.sin(angle);
    }
  }
}
