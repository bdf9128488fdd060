import type { Role } from "../contracts/mod.ts";
import { type Mix, mixedType, MIXES } from "../quantize/mod.ts";
import type { RandomType } from "./blocks.ts";

/** How the weight matrices are stored: in one of llama.cpp's mixes "Q4_K_M" and "Q5_K_M", or all in
 * one type. */
export type WeightTypes = Mix | "q4_k" | "q5_k";

/** The type of most matrices, and the number of the mix in `general.file_type`; pure K types count as
 * the small mixes. */
const BY_NAME: Readonly<Record<WeightTypes, { base: RandomType; fileType: number }>> = {
  q4_k_m: MIXES.q4_k_m,
  q5_k_m: MIXES.q5_k_m,
  q4_k: { base: "Q4_K", fileType: 14 },
  q5_k: { base: "Q5_K", fileType: 16 },
  q6_k: MIXES.q6_k,
  q8_0: MIXES.q8_0,
  q4_0: MIXES.q4_0,
  f16: MIXES.f16,
  bf16: MIXES.bf16,
  f32: MIXES.f32,
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

/** What the choice of a matrix's type depends on. */
interface TypedModel {
  readonly types: WeightTypes;
  readonly layers: number;
  /** 0 for a dense model. */
  readonly experts: number;
  readonly tied: boolean;
}

/** The type of a weight matrix, the router excepted. */
export function matrixType(model: TypedModel, role: Role, layer: number): RandomType {
  const { types } = model;
  const isMix = types === "q4_k_m" || types === "q5_k_m";
  return isMix ? mixedType({ ...model, mix: types }, role, layer) : baseType(types);
}
