/**
 * What llama.cpp said about a few small models, kept in files, so that the comparison runs where
 * llama.cpp does not. `fixtures.ts` writes them, `fixtures_test.ts` compares.
 *
 * @module
 */
import type { Recording } from "../../falsification/recorded/format.ts";
import type { Summary } from "./compare.ts";
import { type RandomModel, randomPrompt } from "./models.ts";

/** One model's file: the log-probabilities of llama.cpp's batch. */
export interface Fixture extends Recording {
  readonly model: RandomModel;
  /** llama.cpp's batch against its steps at these positions, when the file was written. */
  readonly floor: Summary;
}

const small = {
  layers: 2,
  hidden: 256,
  heads: 4,
  kvHeads: 2,
  headSize: 64,
  // The smallest vocabulary that a random model can have.
  vocabulary: 260,
  tied: false,
  prompts: [180],
} as const;

const mixture = {
  ...small,
  architecture: "qwen3moe",
  experts: 8,
  expertsUsed: 2,
  expertWidth: 256,
  expertShare: 1,
} as const;

const dense = { ...small, feedForwardWidth: 512 } as const;

/** The models that have a fixture. Names are file names. */
export const fixtureModels: readonly RandomModel[] = [
  {
    ...mixture,
    name: "qwen3moe-f32",
    types: "f32",
    hidden: 200,
    heads: 3,
    kvHeads: 1,
    headSize: 40,
    expertWidth: 72,
    seed: 101,
  },
  { ...mixture, name: "qwen3moe-f16", types: "f16", seed: 102 },
  { ...mixture, name: "qwen3moe-bf16", types: "bf16", seed: 103 },
  { ...mixture, name: "qwen3moe-q8_0", types: "q8_0", seed: 104 },
  { ...mixture, name: "qwen3moe-q4_0", types: "q4_0", seed: 105 },
  {
    ...mixture,
    name: "qwen3moe-q4_k_m",
    types: "q4_k_m",
    layers: 3,
    experts: 16,
    expertsUsed: 4,
    seed: 106,
  },
  {
    ...mixture,
    name: "qwen2moe-f32",
    architecture: "qwen2moe",
    types: "f32",
    expertsUsed: 3,
    sharedWidth: 192,
    expertWidth: 64,
    seed: 110,
  },
  {
    ...mixture,
    name: "qwen2moe-q8_0",
    architecture: "qwen2moe",
    types: "q8_0",
    sharedWidth: 512,
    seed: 111,
  },
  { ...mixture, name: "mixtral-f32", architecture: "mixtral", types: "f32", seed: 112 },
  { ...mixture, name: "mixtral-q4_k_m", architecture: "mixtral", types: "q4_k_m", seed: 113 },
  { ...dense, name: "qwen3-q6_k", architecture: "qwen3", types: "q6_k", tied: true, seed: 107 },
  { ...dense, name: "qwen2-f16", architecture: "qwen2", types: "f16", seed: 108 },
  { ...dense, name: "llama-q5_k", architecture: "llama", types: "q5_k", seed: 109 },
];

/** Every fifth: 36 of 180, so that a single near-tie costs less than 3 points of agreement. */
const POSITION_STRIDE = 5;

/** A fixture's prompt, and the positions of it that are kept. */
export function fixturePrompt(model: RandomModel): { tokens: number[]; positions: number[] } {
  const tokens = randomPrompt(model.prompts[0]!, model.vocabulary, model.seed);
  const positions = [...tokens.keys()].filter((position) =>
    position % POSITION_STRIDE === POSITION_STRIDE - 1
  );
  return { tokens, positions };
}

/** Those that contract qwen3-moe-forward-v1 speaks of, and that are published with it. */
const PUBLISHED: readonly string[] = ["qwen3moe-f32", "qwen3moe-q4_k_m"];

/** Where a model's fixture lies. */
export function fixtureUrl({ name }: RandomModel): URL {
  const path = PUBLISHED.includes(name)
    ? `../../falsification/recorded/${name}.llama-cpp.json`
    : `../fixtures/parity/${name}.json`;
  return new URL(path, import.meta.url);
}
