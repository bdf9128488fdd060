import assert from "node:assert/strict";
import { SYNTH_ARCHITECTURES } from "../../synth/mod.ts";
import { type MixtureModel, models, type RandomModel, randomPrompt } from "./models.ts";

const isMixture = (model: RandomModel): model is MixtureModel => "experts" in model;
const mixtures = models.filter(isMixture).filter(({ architecture }) => architecture === "qwen3moe");

function values<T, V>(items: readonly T[], pick: (item: T) => V): Set<V> {
  return new Set(items.map(pick));
}

Deno.test("models cover every tensor type, layer count and prompt length", () => {
  assert.deepEqual(values(mixtures, (model) => model.layers), new Set([2, 1, 3, 4]));
  assert.deepEqual(
    values(mixtures, (model) => model.types),
    new Set(["f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "q5_k", "q6_k", "q4_k_m"]),
  );
  assert.deepEqual(
    new Set(models.flatMap((model) => model.prompts)),
    new Set([1, 2, 31, 512, 700]),
  );
});

Deno.test("models cover 4 to 128 experts, top-1 to top-8, and both kinds of output head", () => {
  const experts = mixtures.map((model) => model.experts);
  const used = mixtures.map((model) => model.expertsUsed);
  assert.deepEqual([Math.min(...experts), Math.max(...experts)], [4, 128]);
  assert.deepEqual([Math.min(...used), Math.max(...used)], [1, 8]);
  assert.deepEqual(values(mixtures, (model) => model.tied), new Set([false, true]));
});

Deno.test("models cover hidden sizes equal to heads times head size, above and below", () => {
  const signs = values(mixtures, (model) => Math.sign(model.hidden - model.heads * model.headSize));
  assert.deepEqual(signs, new Set([0, 1, -1]));
});

Deno.test("models cover every architecture, with float and quantized weights", () => {
  for (const architecture of SYNTH_ARCHITECTURES) {
    const ofThis = models.filter((model) => model.architecture === architecture);
    assert.equal(values(ofThis, (model) => model.types.startsWith("q")).size, 2, architecture);
  }
});

Deno.test("models have names and seeds of their own", () => {
  assert.equal(values(models, (model) => model.name).size, models.length);
  assert.equal(values(models, (model) => model.seed).size, models.length);
});

Deno.test("every model has rows that its tensor type can hold", () => {
  // Values in a block: 256 for K-quants, 32 for Q8_0 and Q4_0.
  for (const model of models) {
    const block = model.types.includes("_k") ? 256 : model.types.startsWith("q") ? 32 : 1;
    const widths = isMixture(model)
      ? [model.expertWidth, model.sharedWidth ?? block]
      : [model.feedForwardWidth];
    for (const row of [model.hidden, model.heads * model.headSize, ...widths]) {
      assert.equal(row % block, 0, `${model.name}: rows of ${row}`);
    }
    assert.equal(model.heads % model.kvHeads, 0, model.name);
  }
});

Deno.test("randomPrompt() gives ids within the vocabulary, the same for the same seed", () => {
  const prompt = randomPrompt(700, 301, 5);
  assert.equal(prompt.length, 700);
  assert.ok(prompt.every((id) => Number.isInteger(id) && id >= 0 && id < 301));
  assert.deepEqual(prompt, randomPrompt(700, 301, 5));
  assert.notDeepEqual(prompt, randomPrompt(700, 301, 6));
  assert.ok(new Set(prompt).size > 200);
});

Deno.test("randomPrompt() follows the published generator", () => {
  // Numerical Recipes' first states from seed 0: 3C6EF35F, 47502932, D1CCF6E9, AAF95334 (hex);
  // their first two digits are what a vocabulary of 256 keeps.
  assert.deepEqual(randomPrompt(4, 256, 0), [0x3c, 0x47, 0xd1, 0xaa]);
});
