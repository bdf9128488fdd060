/**
 * Which type each tensor of a model is stored in: llama.cpp's recipes, as `src/llama-quant.cpp` of
 * 2026 has them.
 *
 * @module
 */
import type { Role } from "../contracts/mod.ts";
import { WEIGHT_FORMATS, type WeightType } from "../kernels/formats.ts";

/** What a model is quantized to: a type, with more bits where a recipe says so. */
export type Mix = "q4_k_m" | "q5_k_m" | "q6_k" | "q8_0" | "q4_0" | "f16" | "bf16" | "f32";

/** The type of most matrices, and the mix's number in `general.file_type`: `enum llama_ftype` of
 * llama.cpp's `include/llama.h`. */
export const MIXES: Readonly<Record<Mix, { base: WeightType; fileType: number }>> = {
  q4_k_m: { base: "Q4_K", fileType: 15 },
  q5_k_m: { base: "Q5_K", fileType: 17 },
  q6_k: { base: "Q6_K", fileType: 18 },
  q8_0: { base: "Q8_0", fileType: 7 },
  q4_0: { base: "Q4_0", fileType: 2 },
  f16: { base: "F16", fileType: 1 },
  bf16: { base: "BF16", fileType: 32 },
  f32: { base: "F32", fileType: 0 },
};

/** The version of the block layouts, for `general.quantization_version` (`GGML_QNT_VERSION`). */
export const QUANTIZATION_VERSION = 2;

/** What a recipe depends on. */
export interface MixedModel {
  readonly mix: Mix;
  readonly layers: number;
  /** 0 for a dense model. */
  readonly experts: number;
  /** Whether the token embedding is the output head too. */
  readonly tied: boolean;
  /** Whether it is one of the models of 70 B whose 8 key-value heads make `attn_v` small. */
  readonly is70B?: boolean;
}

/**
 * Whether a tensor is a matrix that mixes store in fewer bits. Vectors (norms, biases) and the
 * router, on which everything hangs, stay F32.
 *
 * @param shape innermost dimension first
 */
export function isMixed(role: Role, shape: readonly number[]): boolean {
  // Dimensions of 1 at the end are none.
  if (shape.slice(1).every((size) => size === 1)) return false;
  return !KEPT_ROLES.has(role) && !/_norm$|_bias$|_norm_2$/.test(role);
}

const KEPT_ROLES: ReadonlySet<Role> = new Set<Role>([
  "ffn_gate_inp",
  "position_embd",
  "token_types",
  "rope_freqs",
  "rope_factors_long",
  "rope_factors_short",
]);

/** The type that a recipe stores a matrix in. */
export function mixedType(model: MixedModel, role: Role, layer: number): WeightType {
  const { mix, layers, experts, tied } = model;
  const { base } = MIXES[mix];
  if (WEIGHT_FORMATS[base].blockSize === 1) return base;
  const isMedium = mix === "q4_k_m" || mix === "q5_k_m";
  const larger = isMedium && hasMoreBits(layer, layers) ? "Q6_K" : base;
  const output = base === "Q8_0" ? "Q8_0" : "Q6_K";
  // Attention is a small part of a model of eight experts, and gets more bits there.
  const eightExperts = experts === 8;
  switch (role) {
    case "output":
      return output;
    case "token_embd":
      return tied ? output : base;
    case "attn_v":
    case "attn_qkv":
    case "attn_kv_b":
      if (eightExperts) return "Q8_0";
      return model.is70B && larger === "Q4_K" ? "Q5_K" : larger;
    case "attn_k":
      return eightExperts ? "Q8_0" : base;
    case "attn_output":
      return eightExperts && mix === "q4_k_m" ? "Q5_K" : base;
    case "ffn_down":
    case "ffn_down_exps":
    case "ffn_down_shexp":
      return larger;
    default:
      return base;
  }
}

/** The first and the last eighth of the layers, and every third between them. */
function hasMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor(7 * layers / 8) || (layer - eighth) % 3 === 2;
}

/**
 * The type for rows of a length that may be no whole blocks of the one wanted: then Q8_0 for the
 * K-quants, and F16 where rows are no multiple of 32 either. (llama.cpp takes Q5_0 for Q4_K and Q5_1
 * for Q5_K, which the kernels don't multiply.)
 */
export function fittingType(wanted: WeightType, rowLength: number): WeightType {
  const fits = (type: WeightType) => rowLength % WEIGHT_FORMATS[type].blockSize === 0;
  return fits(wanted) ? wanted : fits("Q8_0") ? "Q8_0" : "F16";
}
