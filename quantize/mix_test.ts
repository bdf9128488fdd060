import assert from "node:assert/strict";
import { fittingType, isMixed, type MixedModel, mixedType } from "./mix.ts";

const MODEL: MixedModel = { mix: "q4_k_m", layers: 48, experts: 128, tied: false };
const ATTENTION = ["attn_q", "attn_k", "attn_v", "attn_output"] as const;

/** The layers in which a role has Q6_K. */
function largerLayers(
  role: "attn_v" | "ffn_down_exps",
  layers: number,
  mix: MixedModel["mix"] = "q4_k_m",
): number[] {
  return Array.from({ length: layers }, (_, layer) => layer)
    .filter((layer) => mixedType({ ...MODEL, mix, layers }, role, layer) === "Q6_K");
}

Deno.test("mixedType() gives the layers of Q4_K_M that llama.cpp gives more bits", () => {
  // By hand from use_more_bits: below 48/8, from 7·48/8, and where (layer - 6) mod 3 is 2.
  const between = [8, 11, 14, 17, 20, 23, 26, 29, 32, 35, 38, 41];
  const of48 = [0, 1, 2, 3, 4, 5, ...between, 42, 43, 44, 45, 46, 47];
  assert.deepEqual(largerLayers("attn_v", 48), of48);
  assert.deepEqual(largerLayers("ffn_down_exps", 48), of48);
  assert.deepEqual(largerLayers("ffn_down_exps", 48, "q5_k_m"), of48);
  // In whole numbers 6/8 is 0 and 42/8 is 5; 7/8 is 0.
  assert.deepEqual(largerLayers("ffn_down_exps", 6), [2, 5]);
  assert.deepEqual(largerLayers("ffn_down_exps", 1), [0]);
});

Deno.test("mixedType() gives attention more bits in a model of eight experts, as llama.cpp does", () => {
  const types = (model: Partial<MixedModel>) =>
    ATTENTION.map((role) => mixedType({ ...MODEL, ...model }, role, 0));
  assert.deepEqual(types({}), ["Q4_K", "Q4_K", "Q6_K", "Q4_K"]);
  assert.deepEqual(types({ experts: 8 }), ["Q4_K", "Q8_0", "Q8_0", "Q5_K"]);
  assert.deepEqual(types({ experts: 8, mix: "q5_k_m" }), ["Q5_K", "Q8_0", "Q8_0", "Q5_K"]);
  assert.deepEqual(types({ experts: 8, mix: "q6_k" }), ["Q6_K", "Q8_0", "Q8_0", "Q6_K"]);
  assert.deepEqual(types({ experts: 8, mix: "f16" }), ["F16", "F16", "F16", "F16"]);
});

Deno.test("mixedType() gives the values of a model of 70 B five bits where others have four", () => {
  const model = { ...MODEL, layers: 80, experts: 0, is70B: true };
  assert.deepEqual([0, 10, 12].map((layer) => mixedType(model, "attn_v", layer)), [
    "Q6_K",
    "Q5_K",
    "Q6_K",
  ]);
});

Deno.test("mixedType() stores the output head in Q6_K, wherever it is", () => {
  assert.equal(mixedType(MODEL, "output", 0), "Q6_K");
  assert.equal(mixedType(MODEL, "token_embd", 0), "Q4_K");
  assert.equal(mixedType({ ...MODEL, tied: true }, "token_embd", 0), "Q6_K");
  assert.equal(mixedType({ ...MODEL, mix: "q4_0" }, "output", 0), "Q6_K");
  assert.equal(mixedType({ ...MODEL, mix: "q8_0" }, "output", 0), "Q8_0");
  assert.equal(mixedType({ ...MODEL, mix: "bf16" }, "output", 0), "BF16");
});

Deno.test("isMixed() leaves vectors and the router alone", () => {
  assert.ok(isMixed("ffn_down_exps", [256, 64, 8]));
  assert.ok(isMixed("attn_q", [256, 256]));
  assert.ok(!isMixed("ffn_gate_inp", [256, 8]));
  assert.ok(!isMixed("attn_norm", [256]));
  assert.ok(!isMixed("attn_q_norm", [64, 32]));
  assert.ok(!isMixed("attn_q_bias", [64, 1]));
  assert.ok(!isMixed("attn_q", [256, 1]));
});

Deno.test("fittingType() falls back to Q8_0 and F16 where rows are no whole blocks", () => {
  assert.equal(fittingType("Q4_K", 512), "Q4_K");
  assert.equal(fittingType("Q4_K", 160), "Q8_0");
  assert.equal(fittingType("Q6_K", 200), "F16");
  assert.equal(fittingType("Q8_0", 96), "Q8_0");
  assert.equal(fittingType("Q8_0", 72), "F16");
  assert.equal(fittingType("BF16", 7), "BF16");
});
