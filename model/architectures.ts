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
  /** What follows attention in each layer. */
  readonly feedForward: "dense" | "experts";
  /** Whether the chosen experts' weights are divided by their sum, where the file does not say. */
  readonly normalizeExpertWeights: boolean;
}

/** The architectures with a forward pass. */
export const ARCHITECTURES: Readonly<Partial<Record<Architecture, ArchitectureDescription>>> = {
  llama: { rope: "pairs", ropeBase: 10_000, feedForward: "dense", normalizeExpertWeights: false },
  qwen2: { rope: "neox", ropeBase: undefined, feedForward: "dense", normalizeExpertWeights: false },
  qwen3: { rope: "neox", ropeBase: undefined, feedForward: "dense", normalizeExpertWeights: false },
  qwen3_moe: {
    rope: "neox",
    ropeBase: undefined,
    feedForward: "experts",
    normalizeExpertWeights: true,
  },
};
