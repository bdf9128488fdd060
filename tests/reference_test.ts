import assert from "node:assert/strict";
import { openGguf } from "../gguf/mod.ts";
import { describeArchitecture, readHyperParameters } from "../model/hyperparameters.ts";
import { referenceLogits } from "../model/reference.ts";
import { resolveTensors } from "../model/tensors.ts";
import { loadModel } from "../mod.ts";
import { synthesizeBlob, type SynthOptions } from "../synth/mod.ts";
import { randomPrompt } from "./parity/models.ts";

/** Bars on the cosine between the engine's logits and the reference's, over the positions. */
interface Bars {
  minimum: number;
  median: number;
}

/** Only the engine rounds activations: to 8 bits where the weights are quantized. */
const BARS = {
  f32: { minimum: 0.99999, median: 0.99999 },
  q8_0: { minimum: 0.999, median: 0.999 },
  q4_k_m: { minimum: 0.98, median: 0.995 },
} as const satisfies Record<string, Bars>;

type Types = keyof typeof BARS;

const PROMPT_LENGTH = 24;

/** Sizes that are no multiple of a vector. */
const OFF_THE_VECTOR = {
  hidden: 104,
  heads: 3,
  kvHeads: 1,
  headSize: 40,
  experts: 5,
  expertsUsed: 3,
  expertWidth: 36,
} as const;

const SHAPES: readonly (SynthOptions & { name: string; types: Types })[] = [
  { name: "qwen3moe, f32", types: "f32", expertShare: 1 },
  { name: "qwen3moe, q8_0", types: "q8_0" },
  { name: "qwen3moe, q4_k_m", types: "q4_k_m" },
  {
    name: "sizes off the vector, f32",
    types: "f32",
    expertShare: 1,
    ...OFF_THE_VECTOR,
    seed: 1,
  },
  {
    name: "top-4 of 16, tied, q8_0",
    types: "q8_0",
    tied: true,
    layers: 3,
    hidden: 128,
    experts: 16,
    expertsUsed: 4,
    expertWidth: 64,
    seed: 2,
  },
  { name: "top-1 of 4, tied, q4_k_m", types: "q4_k_m", tied: true, experts: 4, expertsUsed: 1 },
  {
    name: "qwen2moe, f32",
    architecture: "qwen2moe",
    types: "f32",
    expertShare: 1,
    ...OFF_THE_VECTOR,
    sharedWidth: 52,
    seed: 8,
  },
  { name: "qwen2moe, q8_0", architecture: "qwen2moe", types: "q8_0", seed: 9 },
  { name: "qwen2moe, q4_k_m", architecture: "qwen2moe", types: "q4_k_m", seed: 10 },
  {
    name: "mixtral, f32",
    architecture: "mixtral",
    types: "f32",
    expertShare: 1,
    hidden: 72,
    expertWidth: 44,
    seed: 11,
  },
  { name: "mixtral, q8_0", architecture: "mixtral", types: "q8_0", seed: 12 },
  { name: "mixtral, q4_k_m", architecture: "mixtral", types: "q4_k_m", seed: 13 },
  { name: "qwen3, q4_k_m", architecture: "qwen3", types: "q4_k_m", seed: 3 },
  { name: "qwen2, f32", architecture: "qwen2", types: "f32", hidden: 128, seed: 4 },
  { name: "qwen2, q8_0", architecture: "qwen2", types: "q8_0", seed: 5 },
  { name: "llama, f32", architecture: "llama", types: "f32", hidden: 128, seed: 6 },
  { name: "llama, q4_k_m", architecture: "llama", types: "q4_k_m", seed: 7 },
];

for (const { name, ...options } of SHAPES) {
  Deno.test(`the engine's logits are those of plain mathematics: ${name}`, async () => {
    const blob = await synthesizeBlob({ ...options, vocabulary: 260 });
    const tokens = randomPrompt(PROMPT_LENGTH, 260, 1);
    const expected = await reference(blob, tokens);
    const logits = await engine(blob, tokens);
    assert.equal(expected.length, PROMPT_LENGTH);
    assert.equal(logits.length, PROMPT_LENGTH);

    const cosines = logits.map((row, position) => cosine(row, expected[position]!));
    cosines.sort((a, b) => a - b);
    const { minimum, median } = BARS[options.types];
    assert.ok(cosines[0]! >= minimum, `minimum ${cosines[0]}`);
    assert.ok(cosines[PROMPT_LENGTH / 2]! >= median, `median ${cosines[PROMPT_LENGTH / 2]}`);
    // A cosine says nothing of the size, and of constant rows nothing at all.
    for (const [position, row] of logits.entries()) {
      const ratio = deviation(row) / deviation(expected[position]!);
      assert.ok(Math.abs(ratio - 1) < 0.05, `${ratio} times the spread at position ${position}`);
      assert.ok(deviation(row) > 1, `spread ${deviation(row)} at position ${position}`);
    }
  });
}

async function reference(blob: Blob, tokens: readonly number[]): Promise<Float32Array[]> {
  await using file = await openGguf(blob);
  const sizes = readHyperParameters(file);
  const description = describeArchitecture(file);
  const tensors = resolveTensors(file, sizes);
  return await Array.fromAsync(referenceLogits({ file, sizes, description, tensors }, tokens));
}

async function engine(blob: Blob, tokens: readonly number[]): Promise<Float32Array[]> {
  await using model = await loadModel(blob, { threads: 1 });
  await using session = model.session({ context: tokens.length });
  return await Array.fromAsync(session.logits(tokens));
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [product, aSquare, bSquare] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    aSquare += a[i]! ** 2;
    bSquare += b[i]! ** 2;
  }
  return product / Math.sqrt(aSquare * bSquare);
}

function deviation(row: Float32Array): number {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length);
}
