/**
 * From logits to a token: greedy, or a draw with repetition penalty, top-k, top-p, min-p and
 * temperature, applied in that order (llama.cpp's). A seed fixes the random numbers on every
 * platform, so the same seed draws the same tokens from the same logits.
 *
 * @example
 * ```ts
 * const sampler = createSampler({ temperature: 0.7, topP: 0.8, topK: 20, repeatPenalty: 1.05 });
 * const id = sampler.sample(new Float32Array([0.5, 2, -1]), [0, 1]);
 * ```
 *
 * @module
 */
export type { SamplingOptions } from "./options.ts";
export { argMax, createSampler, type Sampler } from "./sampler.ts";
