/**
 * What the layer loop has to know of an architecture beyond its tensors' names, which stand in
 * contracts/tensor-names-v1.yaml. An architecture without an entry has no forward pass.
 *
 * @module
 */
import type { Architecture } from "../contracts/mod.ts";

export interface ArchitectureDescription {
  /** Which elements of a head turn together: halves (NEOX) or neighbours (pairs). */
  readonly rope: "neox" | "pairs";
  /** The RoPE base of files that state none; undefined where such a file is refused. */
  readonly ropeBase: number | undefined;
  /** The mixture that follows attention in each layer; undefined for a dense feed-forward part. */
  readonly mixture: MixtureDescription | undefined;
}

/** Experts, of which a router chooses some for each token. */
export interface MixtureDescription {
  /** Whether the chosen experts' weights are divided by their sum, where the file does not say. */
  readonly normalizeWeights: boolean;
  /**
   * What an expert's width is in files that do not state it (`expert_feed_forward_length`): all of
   * `feed_forward_length`, or the part of it that falls to each chosen expert; undefined where such a
   * file is refused.
   */
  readonly impliedWidth: "all" | "part" | undefined;
  /**
   * Whether every token goes through one more expert, which no router chooses. Its output is weighed by
   * the sigmoid of a gate.
   */
  readonly shared: boolean;
}

/** The architectures with a forward pass. */
export const ARCHITECTURES: Readonly<Partial<Record<Architecture, ArchitectureDescription>>> = {
  llama: { rope: "pairs", ropeBase: 10_000, mixture: undefined },
  qwen2: { rope: "neox", ropeBase: undefined, mixture: undefined },
  qwen3: { rope: "neox", ropeBase: undefined, mixture: undefined },
  mixtral: {
    rope: "pairs",
    ropeBase: 10_000,
    mixture: { normalizeWeights: true, impliedWidth: "all", shared: false },
  },
  qwen2_moe: {
    rope: "neox",
    ropeBase: undefined,
    mixture: { normalizeWeights: false, impliedWidth: "part", shared: true },
  },
  qwen3_moe: {
    rope: "neox",
    ropeBase: undefined,
    mixture: { normalizeWeights: true, impliedWidth: undefined, shared: false },
  },
};
