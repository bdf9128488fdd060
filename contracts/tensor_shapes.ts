// Generated from contracts/qwen3moe-shapes-v1.yaml. To change it, change that and run:
// deno run -A contracts/generate.ts

import type { Role } from "./tensor_names.ts";

/** The sizes, in elements, that shapes are made of. */
export interface ShapeSizes {
  /** width of the residual stream */
  readonly hidden: number;
  /** query heads */
  readonly heads: number;
  /** key-value heads */
  readonly kvHeads: number;
  /** width of one head, for queries, keys and values */
  readonly headSize: number;
  /** width of the dense feed-forward part */
  readonly feedForward: number;
  /** experts of one layer */
  readonly experts: number;
  /** width of one expert */
  readonly expertFeedForward: number;
  /** width of the expert that all tokens share */
  readonly sharedFeedForward: number;
  /** tokens that have an embedding */
  readonly vocabulary: number;
  /** elements of a head that rotate */
  readonly ropeDimensions: number;
}

/** The shape of each role's tensor, innermost dimension first, as GGUF stores it. */
export const SHAPES: Readonly<
  Partial<Record<Role, (sizes: ShapeSizes) => readonly number[]>>
> = {
  token_embd: (s) => [s.hidden, s.vocabulary],
  output_norm: (s) => [s.hidden],
  output: (s) => [s.hidden, s.vocabulary],
  rope_freqs: (s) => [s.ropeDimensions / 2],
  attn_norm: (s) => [s.hidden],
  attn_q: (s) => [s.hidden, s.heads * s.headSize],
  attn_k: (s) => [s.hidden, s.kvHeads * s.headSize],
  attn_v: (s) => [s.hidden, s.kvHeads * s.headSize],
  attn_output: (s) => [s.heads * s.headSize, s.hidden],
  attn_q_bias: (s) => [s.heads * s.headSize],
  attn_k_bias: (s) => [s.kvHeads * s.headSize],
  attn_v_bias: (s) => [s.kvHeads * s.headSize],
  attn_output_bias: (s) => [s.hidden],
  attn_q_norm: (s) => [s.headSize],
  attn_k_norm: (s) => [s.headSize],
  ffn_norm: (s) => [s.hidden],
  ffn_gate: (s) => [s.hidden, s.feedForward],
  ffn_up: (s) => [s.hidden, s.feedForward],
  ffn_down: (s) => [s.feedForward, s.hidden],
  ffn_gate_inp: (s) => [s.hidden, s.experts],
  ffn_gate_exps: (s) => [s.hidden, s.expertFeedForward, s.experts],
  ffn_up_exps: (s) => [s.hidden, s.expertFeedForward, s.experts],
  ffn_down_exps: (s) => [s.expertFeedForward, s.hidden, s.experts],
  ffn_gate_inp_shexp: (s) => [s.hidden],
  ffn_gate_shexp: (s) => [s.hidden, s.sharedFeedForward],
  ffn_up_shexp: (s) => [s.hidden, s.sharedFeedForward],
  ffn_down_shexp: (s) => [s.sharedFeedForward, s.hidden],
};
