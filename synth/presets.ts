import { type Instance, INSTANCES } from "../contracts/mod.ts";
import type { SynthOptions } from "./options.ts";

/** A random model of a published one's sizes. */
function likeInstance(instance: Instance): SynthOptions {
  const { layers, hidden, heads, kvHeads, headSize, experts, expertsUsed } = instance;
  return {
    architecture: "qwen3moe",
    layers,
    hidden,
    heads,
    kvHeads,
    headSize,
    experts,
    expertsUsed,
    expertWidth: instance.expertFeedForward,
    vocabulary: instance.vocabulary,
    context: instance.contextLength,
    ropeBase: instance.ropeBase,
    rmsEpsilon: instance.rmsEpsilon,
  };
}

/** A small model, and the shapes of published ones, which the contract of their forward pass states. */
export const SYNTH_PRESETS: ReadonlyMap<string, SynthOptions> = new Map<string, SynthOptions>([
  ["tiny", {}],
  ...Object.entries(INSTANCES).map(([key, instance]) => [key, likeInstance(instance)] as const),
]);
