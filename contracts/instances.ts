// Generated from contracts/qwen3-moe-forward-v1.yaml. To change it, change that and run:
// deno run -A contracts/generate.ts

/** A published model's sizes, in elements, and constants. */
export interface Instance {
  /** what its makers call it */
  readonly name: string;
  /** transformer layers */
  readonly layers: number;
  /** width of the residual stream */
  readonly hidden: number;
  /** query heads */
  readonly heads: number;
  /** key-value heads */
  readonly kvHeads: number;
  /** width of one head */
  readonly headSize: number;
  /** experts of one layer */
  readonly experts: number;
  /** experts that each token goes through */
  readonly expertsUsed: number;
  /** width of one expert */
  readonly expertFeedForward: number;
  /** tokens that have an embedding */
  readonly vocabulary: number;
  /** positions the model was trained for */
  readonly contextLength: number;
  /** base of the rotary positions' frequencies */
  readonly ropeBase: number;
  /** added to the mean square in each RMSNorm */
  readonly rmsEpsilon: number;
}

/** The key of a published model. */
export type InstanceKey =
  | "qwen3-30b-a3b"
  | "qwen3-235b-a22b";

/** The published models whose shape the contract states. */
export const INSTANCES: Readonly<Record<InstanceKey, Instance>> = {
  "qwen3-30b-a3b": {
    name: "Qwen3-30B-A3B",
    layers: 48,
    hidden: 2048,
    heads: 32,
    kvHeads: 4,
    headSize: 128,
    experts: 128,
    expertsUsed: 8,
    expertFeedForward: 768,
    vocabulary: 151_936,
    contextLength: 262_144,
    ropeBase: 10_000_000,
    rmsEpsilon: 1e-6,
  },
  "qwen3-235b-a22b": {
    name: "Qwen3-235B-A22B",
    layers: 94,
    hidden: 4096,
    heads: 64,
    kvHeads: 4,
    headSize: 128,
    experts: 128,
    expertsUsed: 8,
    expertFeedForward: 1536,
    vocabulary: 151_936,
    contextLength: 262_144,
    ropeBase: 5_000_000,
    rmsEpsilon: 1e-6,
  },
};
