import type { Role } from "../contracts/mod.ts";
import type { RandomType } from "./blocks.ts";

/** How the weight matrices are stored: all in one type, or in llama.cpp's mix "Q4_K_M". */
export type WeightTypes =
  | "q4_k_m"
  | "q4_k"
  | "q5_k"
  | "q6_k"
  | "q8_0"
  | "q4_0"
  | "f16"
  | "bf16"
  | "f32";

/** The type of most matrices, and the number of the mix in `general.file_type` (`enum llama_ftype`
 * of llama.cpp's `include/llama.h`; pure K types count as the small mixes). */
const BY_NAME: Readonly<Record<WeightTypes, { base: RandomType; fileType: number }>> = {
  q4_k_m: { base: "Q4_K", fileType: 15 },
  q4_k: { base: "Q4_K", fileType: 14 },
  q5_k: { base: "Q5_K", fileType: 16 },
  q6_k: { base: "Q6_K", fileType: 18 },
  q8_0: { base: "Q8_0", fileType: 7 },
  q4_0: { base: "Q4_0", fileType: 2 },
  f16: { base: "F16", fileType: 1 },
  bf16: { base: "BF16", fileType: 32 },
  f32: { base: "F32", fileType: 0 },
};

/** Every choice of {@linkcode WeightTypes}. */
export const WEIGHT_TYPES = Object.keys(BY_NAME) as readonly WeightTypes[];

/** The type of most weight matrices. */
export function baseType(types: WeightTypes): RandomType {
  return BY_NAME[types].base;
}

/** The number that stands in `general.file_type`. */
export function fileTypeOf(types: WeightTypes): number {
  return BY_NAME[types].fileType;
}

/** What the mix depends on. */
interface MixedModel {
  readonly types: WeightTypes;
  readonly layers: number;
  /** 0 for a dense model. */
  readonly experts: number;
  readonly tied: boolean;
}

/** The type of a weight matrix, the router excepted. */
export function matrixType(model: MixedModel, role: Role, layer: number): RandomType {
  return model.types === "q4_k_m" ? q4KM(model, role, layer) : baseType(model.types);
}

/** What llama.cpp's `src/llama-quant.cpp` chooses for Q4_K_M. */
function q4KM({ layers, experts, tied }: MixedModel, role: Role, layer: number): RandomType {
  const larger = hasMoreBits(layer, layers) ? "Q6_K" : "Q4_K";
  // Attention is a small part of a model of eight experts, and gets more bits there.
  const eightExperts = experts === 8;
  switch (role) {
    case "output":
      return "Q6_K";
    case "token_embd":
      return tied ? "Q6_K" : "Q4_K";
    case "attn_v":
      return eightExperts ? "Q8_0" : larger;
    case "attn_k":
      return eightExperts ? "Q8_0" : "Q4_K";
    case "attn_output":
      return eightExperts ? "Q5_K" : "Q4_K";
    case "ffn_down":
    case "ffn_down_shexp":
    case "ffn_down_exps":
      return larger;
    default:
      return "Q4_K";
  }
}

/** The first and the last eighth of the layers, and every third between them. */
function hasMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor(7 * layers / 8) || (layer - eighth) % 3 === 2;
}
