import type { SynthOptions } from "./options.ts";

/** Qwen3-30B-A3B and -235B-A22B differ in their sizes only. */
const QWEN3_MOE: SynthOptions = {
  architecture: "qwen3moe",
  kvHeads: 4,
  headSize: 128,
  experts: 128,
  expertsUsed: 8,
  vocabulary: 151_936,
  context: 262_144,
  ropeBase: 1e7,
  rmsEpsilon: 1e-6,
};

/** Shapes of published models, from their `config.json`, and a small one. */
export const SYNTH_PRESETS: ReadonlyMap<string, SynthOptions> = new Map<string, SynthOptions>([
  ["tiny", {}],
  ["qwen3-30b-a3b", { ...QWEN3_MOE, layers: 48, hidden: 2048, heads: 32, expertWidth: 768 }],
  ["qwen3-235b-a22b", { ...QWEN3_MOE, layers: 94, hidden: 4096, heads: 64, expertWidth: 1536 }],
]);
