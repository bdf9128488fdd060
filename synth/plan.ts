/**
 * Which tensors a random model has: those that the contract requires of its architecture, each with
 * its shape, its type and the distribution of its weights.
 *
 * The distributions keep a signal of size 1 at size 1. A projection's weights have the deviation
 * 1/√(row length), so its output is as large as its input. The branches of all layers together add
 * at most as much to the residual stream as the embedding put there, however many they are, so depth
 * does not blow it up; experts add less still, as the options say.
 *
 * @module
 */
import {
  type Architecture,
  normalizeArchitecture,
  requiredRoles,
  type Role,
  tensorName,
} from "../contracts/mod.ts";
import type { TensorDeclaration } from "../gguf/mod.ts";
import { isMixed } from "../quantize/mod.ts";
import type { Distribution, RandomType } from "./blocks.ts";
import { partsOf, type ResolvedSynthOptions } from "./options.ts";
import { matrixType } from "./weight_types.ts";

/** A tensor to be written, and what its weights look like. */
export interface PlannedTensor extends TensorDeclaration, Distribution {
  readonly type: RandomType;
}

/** The options, with the vocabulary counted. */
export interface Sizes extends ResolvedSynthOptions {
  /** Number of tokens. */
  readonly tokens: number;
}

/** Deviation of the logits: the best of 512 tokens gets a probability of about 0.1. */
const LOGIT_DEVIATION = 2;

/** Deviation of the router's logits: far enough apart that rounding seldom changes the order. */
const ROUTER_DEVIATION = 2;

/** √E[(silu(g)·u)²] for independent standard normal g and u: √0.3557. */
const SWIGLU_DEVIATION = 0.596;

/** Deviation of biases, and of norm weights around 1: enough that leaving one out shows. */
const VECTOR_DEVIATION = 0.1;

/** A role's tensor but for name and type. Shapes are innermost first: [row length, rows, …]. */
type Weights = Distribution & { readonly shape: readonly number[] };

const WEIGHTS: Readonly<Partial<Record<Role, (sizes: Sizes) => Weights>>> = {
  token_embd: (s) => ({
    shape: [s.hidden, s.tokens],
    mean: 0,
    deviation: embeddingDeviation(s),
  }),
  // A tied head would find the input token in its own embedding; signs at random hide it.
  output_norm: (s) => s.tied ? { shape: [s.hidden], mean: 0, deviation: 1 } : norm(s.hidden),
  output: (s) => projection([s.hidden, s.tokens], LOGIT_DEVIATION),
  attn_norm: (s) => norm(s.hidden),
  attn_q: (s) => projection([s.hidden, s.heads * s.headSize]),
  attn_k: (s) => projection([s.hidden, s.kvHeads * s.headSize]),
  attn_v: (s) => projection([s.hidden, s.kvHeads * s.headSize]),
  attn_q_bias: (s) => bias(s.heads * s.headSize),
  attn_k_bias: (s) => bias(s.kvHeads * s.headSize),
  attn_v_bias: (s) => bias(s.kvHeads * s.headSize),
  attn_output: (s) => projection([s.heads * s.headSize, s.hidden], branchGain(s)),
  attn_q_norm: (s) => norm(s.headSize),
  attn_k_norm: (s) => norm(s.headSize),
  ffn_norm: (s) => norm(s.hidden),
  ffn_gate: (s) => projection([s.hidden, s.feedForwardWidth]),
  ffn_up: (s) => projection([s.hidden, s.feedForwardWidth]),
  ffn_down: (s) => projection([s.feedForwardWidth, s.hidden], branchGain(s) / SWIGLU_DEVIATION),
  ffn_gate_inp: (s) => projection([s.hidden, s.experts], ROUTER_DEVIATION),
  ffn_gate_exps: (s) => projection([s.hidden, s.expertWidth, s.experts]),
  ffn_up_exps: (s) => projection([s.hidden, s.expertWidth, s.experts]),
  ffn_down_exps: (s) =>
    projection(
      [s.expertWidth, s.hidden, s.experts],
      s.expertShare * branchGain(s) / SWIGLU_DEVIATION,
    ),
  ffn_gate_inp_shexp: (s) => projection([s.hidden]),
  ffn_gate_shexp: (s) => projection([s.hidden, s.sharedWidth]),
  ffn_up_shexp: (s) => projection([s.hidden, s.sharedWidth]),
  ffn_down_shexp: (s) => projection([s.sharedWidth, s.hidden], branchGain(s) / SWIGLU_DEVIATION),
};

/** @param gain Size of the outputs for inputs of size 1. */
function projection(shape: readonly number[], gain = 1): Weights {
  return { shape, mean: 0, deviation: gain / Math.sqrt(shape[0]!) };
}

function norm(size: number): Weights {
  return { shape: [size], mean: 1, deviation: VECTOR_DEVIATION };
}

function bias(size: number): Weights {
  return { shape: [size], mean: 0, deviation: VECTOR_DEVIATION };
}

/** A head of its own has weights of the size that the logits ask for; a tied one is this. */
function embeddingDeviation({ tied, hidden }: Sizes): number {
  return tied ? LOGIT_DEVIATION / Math.sqrt(hidden) : 1;
}

/** Each layer has two branches, and independent contributions add up by their squares. */
function branchGain(sizes: Sizes): number {
  return embeddingDeviation(sizes) / Math.sqrt(2 * sizes.layers);
}

/** The tensors of a random model, in the order of its file. */
export function planTensors(sizes: Sizes): PlannedTensor[] {
  const architecture = normalizeArchitecture(sizes.architecture);
  const required = requiredRoles(architecture);
  const plan = (role: Role, layer?: number) => planTensor(sizes, architecture, role, layer);
  const [embedding, ...afterLayers] = required.global;
  return [
    plan(embedding!),
    ...Array.from(
      { length: sizes.layers },
      (_, layer) => required.layer.map((role) => plan(role, layer)),
    ).flat(),
    ...afterLayers.map((role) => plan(role)),
    ...(sizes.tied || afterLayers.includes("output") ? [] : [plan("output")]),
  ];
}

function planTensor(
  sizes: Sizes,
  architecture: Architecture,
  role: Role,
  layer?: number,
): PlannedTensor {
  const name = tensorName(architecture, role, "gguf", layer === undefined ? {} : { layer });
  const weights = WEIGHTS[role]?.(sizes);
  if (name === undefined || weights === undefined) {
    throw new Error(`the contract requires ${role} of ${architecture}, which has no weights here`);
  }
  const experts = partsOf(sizes.architecture).experts ? sizes.experts : 0;
  const type = isMixed(role, weights.shape)
    ? matrixType({ ...sizes, experts }, role, layer ?? 0)
    : "F32";
  return { name, type, ...weights };
}
