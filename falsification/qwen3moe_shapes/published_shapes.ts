/**
 * Shapes of tensors as published models have them, copied by hand, so that contract
 * qwen3moe-shapes-v1 is held against something other than itself.
 *
 * @module
 */
import type { Role, ShapeSizes } from "../../contracts/mod.ts";

/** A published model's sizes, and what its GGUF file holds. */
export interface PublishedShapes {
  readonly model: string;
  /** from its `config.json`, in elements */
  readonly sizes: ShapeSizes;
  /** innermost dimension first */
  readonly shapes: Readonly<Partial<Record<Role, readonly number[]>>>;
}

/** From Qwen1.5-MoE-A2.7B's `config.json`; 24 layers, 4 experts for each token. */
export const QWEN2_MOE_SIZES: ShapeSizes = {
  hidden: 2048,
  heads: 16,
  kvHeads: 16,
  headSize: 128,
  feedForward: 0,
  experts: 60,
  expertFeedForward: 1408,
  sharedFeedForward: 5632,
  vocabulary: 151_936,
  ropeDimensions: 128,
};

/** From Mixtral-8x7B's `config.json`; 32 layers, 2 experts for each token. */
export const MIXTRAL_SIZES: ShapeSizes = {
  hidden: 4096,
  heads: 32,
  kvHeads: 8,
  headSize: 128,
  feedForward: 0,
  experts: 8,
  expertFeedForward: 14_336,
  sharedFeedForward: 0,
  vocabulary: 32_000,
  ropeDimensions: 128,
};

/** Three mixtures and two dense models, which have every role between them. */
export const PUBLISHED_SHAPES: readonly PublishedShapes[] = [
  {
    model: "Qwen3-30B-A3B",
    sizes: {
      hidden: 2048,
      heads: 32,
      kvHeads: 4,
      headSize: 128,
      feedForward: 0,
      experts: 128,
      expertFeedForward: 768,
      sharedFeedForward: 0,
      vocabulary: 151_936,
      ropeDimensions: 128,
    },
    shapes: {
      token_embd: [2048, 151_936],
      output_norm: [2048],
      output: [2048, 151_936],
      attn_norm: [2048],
      attn_q: [2048, 4096],
      attn_k: [2048, 512],
      attn_v: [2048, 512],
      attn_output: [4096, 2048],
      attn_q_norm: [128],
      attn_k_norm: [128],
      ffn_norm: [2048],
      ffn_gate_inp: [2048, 128],
      ffn_gate_exps: [2048, 768, 128],
      ffn_up_exps: [2048, 768, 128],
      ffn_down_exps: [768, 2048, 128],
    },
  },
  {
    model: "Qwen1.5-MoE-A2.7B",
    sizes: QWEN2_MOE_SIZES,
    shapes: {
      attn_k: [2048, 2048],
      attn_k_bias: [2048],
      ffn_gate_inp: [2048, 60],
      ffn_gate_exps: [2048, 1408, 60],
      ffn_up_exps: [2048, 1408, 60],
      ffn_down_exps: [1408, 2048, 60],
      ffn_gate_inp_shexp: [2048],
      ffn_gate_shexp: [2048, 5632],
      ffn_up_shexp: [2048, 5632],
      ffn_down_shexp: [5632, 2048],
    },
  },
  {
    model: "Mixtral-8x7B",
    sizes: MIXTRAL_SIZES,
    shapes: {
      attn_k: [4096, 1024],
      ffn_gate_inp: [4096, 8],
      ffn_gate_exps: [4096, 14_336, 8],
      ffn_up_exps: [4096, 14_336, 8],
      ffn_down_exps: [14_336, 4096, 8],
    },
  },
  {
    model: "Qwen2.5-0.5B",
    sizes: {
      hidden: 896,
      heads: 14,
      kvHeads: 2,
      headSize: 64,
      feedForward: 4864,
      experts: 0,
      expertFeedForward: 0,
      sharedFeedForward: 0,
      vocabulary: 151_936,
      ropeDimensions: 64,
    },
    shapes: {
      token_embd: [896, 151_936],
      attn_q: [896, 896],
      attn_k: [896, 128],
      attn_q_bias: [896],
      attn_k_bias: [128],
      attn_v_bias: [128],
      ffn_gate: [896, 4864],
      ffn_up: [896, 4864],
      ffn_down: [4864, 896],
    },
  },
  {
    model: "Llama-3.2-1B, with the output's bias that Llama's configuration knows (attention_bias)",
    sizes: {
      hidden: 2048,
      heads: 32,
      kvHeads: 8,
      headSize: 64,
      feedForward: 8192,
      experts: 0,
      expertFeedForward: 0,
      sharedFeedForward: 0,
      vocabulary: 128_256,
      ropeDimensions: 64,
    },
    shapes: {
      rope_freqs: [32],
      attn_k: [2048, 512],
      attn_output: [2048, 2048],
      attn_output_bias: [2048],
      ffn_down: [8192, 2048],
    },
  },
];
