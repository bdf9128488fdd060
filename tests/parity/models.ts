/**
 * The models and prompts on which our log-probabilities are compared with llama.cpp's: random ones, and
 * the trained one that ships.
 *
 * Together the random ones cover 1 to 4 layers, hidden sizes that differ from heads × head size, 4 to 128
 * experts, top-1 to top-8, every tensor type, tied and separate output heads, sizes that are no
 * multiple of a vector, the other mixtures, and the dense architectures. They are small, so that all
 * of them run in some minutes on two cores.
 *
 * @module
 */
import { DEFAULT_MODEL } from "../../cli/default_model.ts";
import type { Mix } from "../../quantize/mod.ts";
import type { Kind } from "./compare.ts";

/** Tensor types of the weight matrices; `q4_k_m` is a mix of Q4_K and Q6_K. Norms are F32. */
export type WeightTypes =
  | "f32"
  | "f16"
  | "bf16"
  | "q8_0"
  | "q4_0"
  | "q4_k"
  | "q5_k"
  | "q6_k"
  | "q4_k_m";

/** What every architecture has. */
interface Shape {
  name: string;
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headSize: number;
  vocabulary: number;
  /** Whether the output head is the token embedding. */
  tied: boolean;
  types: WeightTypes;
  /** What the random weights, of type `types`, are quantized to; undefined where they stay. */
  mix?: Mix;
  seed: number;
  /** Lengths of the prompts, in tokens. */
  prompts: readonly number[];
}

/** A Mixture-of-Experts model to compare. */
export interface MixtureModel extends Shape {
  architecture: "qwen3moe" | "qwen2moe" | "mixtral";
  experts: number;
  expertsUsed: number;
  expertWidth: number;
  /** Width of the expert that all tokens share, of a qwen2moe. */
  sharedWidth?: number;
  /** What experts add to the residual stream, against what a dense branch adds. */
  expertShare: number;
}

/** A dense model to compare. */
export interface DenseModel extends Shape {
  architecture: "qwen3" | "qwen2" | "llama";
  feedForwardWidth: number;
}

/** A random model to compare. */
export type RandomModel = MixtureModel | DenseModel;

/** A model to compare whose file is there already. */
export interface StoredModel {
  name: string;
  file: URL;
  types: WeightTypes;
  /** Conversations as its template renders them. */
  texts: readonly string[];
}

/** A model to compare. */
export type ParityModel = RandomModel | StoredModel;

/** Conversations of the kind that the small model was trained on, with tools and without. */
const CONVERSATIONS: { text: string }[] = JSON.parse(
  await Deno.readTextFile(new URL("../fixtures/small_model/rendered.json", import.meta.url)),
);

/** Prompt lengths: alone, a pair, less than a batch of kernels, whole batches, more than 512. */
const ALL_LENGTHS = [1, 2, 31, 512, 700] as const;
const SHORT_AND_512 = [1, 2, 31, 512] as const;
const SHORT_AND_700 = [1, 2, 31, 700] as const;

/** 2 layers, 8 experts of which 2 are used: rows of 256 suit every tensor type. */
const small = {
  architecture: "qwen3moe",
  layers: 2,
  hidden: 256,
  heads: 4,
  kvHeads: 2,
  headSize: 64,
  experts: 8,
  expertsUsed: 2,
  expertWidth: 256,
  // As much as attention: the floor bears with near-ties, and a wrong expert must show.
  expertShare: 1,
  vocabulary: 512,
  tied: false,
  prompts: SHORT_AND_512,
} as const;

/** A shared expert, as wide as three of the others. */
const sharing = { architecture: "qwen2moe", sharedWidth: 768, expertsUsed: 3 } as const;

const mixtral = { architecture: "mixtral" } as const;

/** The ratios of Qwen3-30B-A3B: many narrow experts, top-8, heads wider than the hidden size. */
const manyExperts = {
  ...small,
  hidden: 512,
  heads: 8,
  headSize: 128,
  experts: 128,
  expertsUsed: 8,
} as const;

const dense = {
  layers: 2,
  hidden: 256,
  heads: 4,
  kvHeads: 2,
  headSize: 64,
  feedForwardWidth: 512,
  vocabulary: 512,
  tied: false,
  prompts: SHORT_AND_512,
} as const;

/** The random models, each with its prompts. */
export const models: readonly RandomModel[] = [
  { ...small, name: "f32", types: "f32", seed: 1, prompts: ALL_LENGTHS },
  { ...small, name: "f16", types: "f16", seed: 2, prompts: ALL_LENGTHS },
  { ...small, name: "bf16", types: "bf16", seed: 3 },
  { ...small, name: "q8_0", types: "q8_0", seed: 4, prompts: ALL_LENGTHS },
  { ...small, name: "q4_0", types: "q4_0", seed: 5 },
  { ...small, name: "q4_k", types: "q4_k", seed: 6, prompts: SHORT_AND_700 },
  { ...small, name: "q5_k", types: "q5_k", seed: 7 },
  { ...small, name: "q6_k", types: "q6_k", seed: 8 },
  { ...small, name: "q4_k_m", types: "q4_k_m", seed: 9, prompts: ALL_LENGTHS },
  {
    ...small,
    name: "one layer, top-1 of 4, tied",
    layers: 1,
    experts: 4,
    expertsUsed: 1,
    tied: true,
    types: "q4_k_m",
    seed: 10,
  },
  {
    ...small,
    name: "three layers, top-3 of 5",
    layers: 3,
    experts: 5,
    expertsUsed: 3,
    types: "q8_0",
    seed: 11,
    prompts: SHORT_AND_700,
  },
  {
    ...small,
    name: "four layers, top-4 of 16, tied",
    layers: 4,
    experts: 16,
    expertsUsed: 4,
    tied: true,
    types: "q4_k_m",
    seed: 12,
  },
  { ...manyExperts, name: "top-8 of 128", types: "q4_k_m", seed: 13 },
  { ...manyExperts, name: "top-8 of 128, f16", layers: 1, expertWidth: 64, types: "f16", seed: 14 },
  {
    ...small,
    name: "sizes off the vector, f32",
    hidden: 200,
    heads: 3,
    kvHeads: 1,
    headSize: 40,
    expertWidth: 72,
    vocabulary: 301,
    types: "f32",
    seed: 15,
    prompts: SHORT_AND_700,
  },
  {
    ...small,
    name: "sizes off the vector, q8_0",
    hidden: 224,
    heads: 5,
    kvHeads: 1,
    headSize: 96,
    expertWidth: 160,
    vocabulary: 301,
    types: "q8_0",
    seed: 16,
  },
  {
    ...small,
    name: "sizes off the vector, q4_0, tied",
    hidden: 288,
    heads: 6,
    kvHeads: 3,
    headSize: 32,
    expertWidth: 96,
    vocabulary: 515,
    tied: true,
    types: "q4_0",
    seed: 17,
  },
  {
    ...small,
    name: "one head for each KV head, q6_k",
    hidden: 512,
    heads: 2,
    kvHeads: 2,
    headSize: 128,
    types: "q6_k",
    seed: 18,
  },
  { ...small, ...sharing, name: "qwen2moe, f32", types: "f32", seed: 25, prompts: ALL_LENGTHS },
  { ...small, ...sharing, name: "qwen2moe, q8_0", types: "q8_0", seed: 26 },
  { ...small, ...sharing, name: "qwen2moe", types: "q4_k_m", experts: 16, seed: 27 },
  {
    ...small,
    ...sharing,
    name: "qwen2moe, sizes off the vector, f16",
    hidden: 200,
    heads: 5,
    kvHeads: 5,
    headSize: 40,
    expertWidth: 72,
    sharedWidth: 36,
    vocabulary: 301,
    types: "f16",
    seed: 28,
  },
  { ...small, ...mixtral, name: "mixtral, f32", types: "f32", seed: 29, prompts: ALL_LENGTHS },
  { ...small, ...mixtral, name: "mixtral, q8_0", types: "q8_0", seed: 30 },
  { ...small, ...mixtral, name: "mixtral", types: "q4_k_m", seed: 31 },
  {
    ...small,
    ...mixtral,
    name: "mixtral, top-3 of 5, tied, q4_k_m",
    layers: 3,
    experts: 5,
    expertsUsed: 3,
    tied: true,
    types: "q4_k_m",
    seed: 32,
  },
  { ...dense, name: "qwen3, f32", architecture: "qwen3", types: "f32", seed: 19 },
  { ...dense, name: "qwen3, tied", architecture: "qwen3", types: "q4_k_m", tied: true, seed: 20 },
  { ...dense, name: "qwen2, f16, tied", architecture: "qwen2", types: "f16", tied: true, seed: 21 },
  { ...dense, name: "qwen2", architecture: "qwen2", types: "q8_0", seed: 22 },
  { ...dense, name: "llama, f32", architecture: "llama", types: "f32", seed: 23 },
  { ...dense, name: "llama", architecture: "llama", types: "q4_k_m", seed: 24 },
  { ...small, name: "quantized to q4_k_m", types: "f32", mix: "q4_k_m", seed: 33 },
  {
    ...dense,
    name: "quantized to q5_k_m, tied",
    architecture: "qwen3",
    types: "bf16",
    mix: "q5_k_m",
    tied: true,
    seed: 34,
  },
  {
    ...small,
    name: "quantized to q6_k, rows of 160 and 72",
    hidden: 160,
    expertWidth: 72,
    types: "f16",
    mix: "q6_k",
    seed: 35,
  },
  { ...small, name: "quantized to q8_0", types: "f32", mix: "q8_0", seed: 36 },
  { ...small, name: "quantized to q4_0", types: "f32", mix: "q4_0", seed: 37 },
];

/** The models that are compared as they are stored. */
export const storedModels: readonly StoredModel[] = [
  {
    name: "the trained model that ships",
    file: DEFAULT_MODEL,
    types: "q4_k_m",
    texts: CONVERSATIONS.map(({ text }) => text),
  },
];

/**
 * Which bars hold for a model's weights. BF16 counts as quantized: llama.cpp rounds activations to
 * the 8 bits of a bfloat16 before each product, which moves a random model by 0.02 to 0.03.
 */
export function kindOf({ types, mix = types }: { types: WeightTypes; mix?: string }): Kind {
  return mix === "f32" || mix === "f16" ? "float" : "quantized";
}

/**
 * A prompt of random ids, the same for the same arguments (the 32-bit linear congruential
 * generator of Numerical Recipes, high bits).
 *
 * @returns `length` ids below `vocabulary`.
 */
export function randomPrompt(length: number, vocabulary: number, seed: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * vocabulary);
  });
}
