/**
 * Models with random weights: valid GGUF files of any shape, for tests, benchmarks and looking
 * around without a download. A model of 17 GiB takes no more memory than one of 17 MB, and its
 * answers are noise of a sensible size.
 *
 * ```ts
 * import { synthesizeBlob } from "./mod.ts";
 * import { openGguf } from "../gguf/mod.ts";
 *
 * const blob = await synthesizeBlob({ layers: 1, experts: 4, types: "q8_0", seed: 7 });
 * await using file = await openGguf(blob);
 * console.log(file.tensors.get("blk.0.ffn_gate_exps.weight")?.shape); // [ 256, 256, 4 ]
 * ```
 *
 * @module
 */

// Making a model.
export { layoutSynth, synthesize, synthesizeBlob, type SynthesizeOptions } from "./synthesize.ts";

// What it looks like.
export {
  SYNTH_ARCHITECTURES,
  type SynthArchitecture,
  SynthOptionError,
  type SynthOptions,
} from "./options.ts";
export { SYNTH_PRESETS } from "./presets.ts";
export { WEIGHT_TYPES, type WeightTypes } from "./weight_types.ts";

// How to tell one.
export { RANDOM_WEIGHTS_KEY } from "./metadata.ts";
