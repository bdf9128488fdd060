import assert from "node:assert/strict";
import { resolveSynthOptions, SynthOptionError, type SynthOptions } from "./options.ts";

/** Options that can not be, the one at fault first. */
const REFUSED: readonly (SynthOptions & { at: keyof SynthOptions })[] = [
  { at: "layers", layers: 0 },
  { at: "layers", layers: 1.5 },
  { at: "layers", layers: NaN },
  { at: "heads", heads: 2000 },
  { at: "kvHeads", heads: 4, kvHeads: 3 },
  { at: "headSize", headSize: 63 },
  { at: "expertsUsed", experts: 4, expertsUsed: 5 },
  { at: "hidden", hidden: 200 },
  { at: "hidden", hidden: 100, types: "q8_0" },
  { at: "heads", heads: 3 },
  { at: "expertWidth", expertWidth: 128 },
  { at: "feedForwardWidth", architecture: "qwen3", feedForwardWidth: 100, types: "q4_0" },
  { at: "experts", architecture: "llama", experts: 8 },
  { at: "expertWidth", architecture: "qwen2", expertWidth: 256 },
  { at: "expertShare", architecture: "qwen3", expertShare: 1 },
  { at: "expertShare", expertShare: 0 },
  { at: "sharedWidth", sharedWidth: 256 },
  { at: "sharedWidth", architecture: "mixtral", sharedWidth: 256 },
  { at: "sharedWidth", architecture: "qwen2moe", sharedWidth: 128 },
  { at: "expertWidth", architecture: "mixtral", expertWidth: 128 },
  { at: "tied", architecture: "qwen2moe", tied: true },
  { at: "vocabulary", vocabulary: 259 },
  { at: "ropeBase", ropeBase: 0 },
  { at: "rmsEpsilon", rmsEpsilon: Infinity },
  // The largest number of f32 is 3.4e38, the smallest above 0 is 1.4e-45.
  { at: "ropeBase", ropeBase: 3.5e38 },
  { at: "rmsEpsilon", rmsEpsilon: 1e-300 },
  { at: "seed", seed: -1 },
  { at: "seed", seed: 2 ** 53 },
  { at: "types", types: "q3_k" as "q4_k" },
  { at: "architecture", architecture: "gpt2" as "llama" },
];

Deno.test("resolveSynthOptions() refuses sizes that don't fit and names the option", () => {
  for (const { at, ...options } of REFUSED) {
    assert.throws(
      () => resolveSynthOptions(options),
      (error) =>
        error instanceof SynthOptionError && error.option === at &&
        error.message === `'${at}' ${error.problem}`,
      JSON.stringify(options),
    );
  }
});

Deno.test("resolveSynthOptions() says what a row must be a multiple of", () => {
  assert.throws(() => resolveSynthOptions({ heads: 3 }), {
    message:
      "'heads' times the head size must be a multiple of 256, the block size of Q4_K, not 192",
  });
});

Deno.test("resolveSynthOptions() allows any row of floats, and blocks of 32", () => {
  resolveSynthOptions({ hidden: 201, headSize: 34, heads: 3, expertWidth: 7, types: "f32" });
  resolveSynthOptions({ hidden: 224, headSize: 96, heads: 5, expertWidth: 160, types: "q8_0" });
});

Deno.test("resolveSynthOptions() derives sizes that were left out from those that weren't", () => {
  const { kvHeads, expertsUsed, feedForwardWidth } = resolveSynthOptions({
    hidden: 512,
    heads: 1,
    headSize: 256,
    experts: 1,
  });
  assert.deepEqual([kvHeads, expertsUsed, feedForwardWidth], [1, 1, 1536]);
});
