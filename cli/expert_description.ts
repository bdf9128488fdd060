/**
 * What `inspect` says of a mixture's experts, by the shapes and sizes of their tensors.
 *
 * @module
 */
import type { TensorInfo } from "../gguf/mod.ts";

/** The experts of a model file; null stands for what the file does not say. */
export interface ExpertDescription {
  /** Of each layer. */
  readonly count: number | null;
  /** That each token goes through, in each layer, the shared one not counted. */
  readonly used: number | null;
  /** Width of one. */
  readonly width: number | null;
  /** Width of the expert that all tokens share; null where there is none. */
  readonly sharedWidth: number | null;
  /** Whether a gate weighs the shared expert. */
  readonly sharedGate: boolean;
  /** Bytes of one expert of one layer. Where layers differ in their types: the least and the most. */
  readonly bytesPerExpert: { readonly least: number; readonly most: number } | null;
  /** Bytes of all of them together. */
  readonly bytes: number;
  /** The same of the bytes of all tensors, from 0 to 1. */
  readonly share: number;
  /** Of all parameters, those that a token is computed with, from 0 to 1. */
  readonly activeShare: number | null;
}

// By their names, which are the same in every architecture: experts are stacked in one tensor.
const STACK = /_exps\.(weight|bias)$/;
const WIDTH_OF_EXPERTS = /\.ffn_(?:up|gate)_exps\.weight$/;
const WIDTH_OF_SHARED = /\.ffn_up_shexp\.weight$/;
const GATE_OF_SHARED = /\.ffn_gate_inp_shexp\.weight$/;
const LAYER = /^blk\.\d+\./;

/** Whether a tensor holds the experts of a layer. */
export function isExpertStack({ name }: TensorInfo): boolean {
  return STACK.test(name);
}

/**
 * Describes the experts; null for a dense model.
 *
 * @param experts how many a layer has, as the file says
 * @param used how many a token goes through, as the file says
 * @param parameters how many there are, and how many a token is computed with
 */
export function describeExperts(
  tensors: readonly TensorInfo[],
  experts: unknown,
  used: unknown,
  parameters: { readonly total: number; readonly active: number | null },
): ExpertDescription | null {
  const stacks = tensors.filter(isExpertStack);
  if (stacks.length === 0) return null;
  const count = typeof experts === "number" && experts > 0 ? experts : null;
  const sum = (all: readonly TensorInfo[]) => all.reduce((total, { bytes }) => total + bytes, 0);
  const ofLayers = new Map<string, number>();
  for (const { name, bytes } of stacks) {
    const layer = LAYER.exec(name)?.[0] ?? "";
    ofLayers.set(layer, (ofLayers.get(layer) ?? 0) + bytes);
  }
  const widthOf = (name: RegExp) => tensors.find((tensor) => name.test(tensor.name))?.shape[1];
  const { total, active } = parameters;
  return {
    count,
    used: typeof used === "number" ? used : null,
    width: widthOf(WIDTH_OF_EXPERTS) ?? null,
    sharedWidth: widthOf(WIDTH_OF_SHARED) ?? null,
    sharedGate: tensors.some(({ name }) => GATE_OF_SHARED.test(name)),
    bytesPerExpert: count === null ? null : {
      least: Math.min(...ofLayers.values()) / count,
      most: Math.max(...ofLayers.values()) / count,
    },
    bytes: sum(stacks),
    share: sum(stacks) / sum(tensors),
    activeShare: active === null ? null : active / total,
  };
}
