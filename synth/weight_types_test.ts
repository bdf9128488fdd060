import assert from "node:assert/strict";
import { matrixType } from "./weight_types.ts";

const MODEL = { types: "q4_k_m", layers: 48, experts: 128, tied: false } as const;

/** The layers in which a role has Q6_K. */
function largerLayers(role: "attn_v" | "ffn_down_exps", layers: number): number[] {
  return Array.from({ length: layers }, (_, layer) => layer)
    .filter((layer) => matrixType({ ...MODEL, layers }, role, layer) === "Q6_K");
}

Deno.test("matrixType() gives the layers of Q4_K_M that llama.cpp gives more bits", () => {
  // By hand from use_more_bits: below 48/8, from 7·48/8, and where (layer - 6) mod 3 is 2.
  const of48 = [
    0,
    1,
    2,
    3,
    4,
    5,
    8,
    11,
    14,
    17,
    20,
    23,
    26,
    29,
    32,
    35,
    38,
    41,
    42,
    43,
    44,
    45,
    46,
    47,
  ];
  assert.deepEqual(largerLayers("attn_v", 48), of48);
  assert.deepEqual(largerLayers("ffn_down_exps", 48), of48);
  // In whole numbers 6/8 is 0 and 42/8 is 5; 7/8 is 0.
  assert.deepEqual(largerLayers("ffn_down_exps", 6), [2, 5]);
  assert.deepEqual(largerLayers("ffn_down_exps", 1), [0]);
});

Deno.test("matrixType() gives attention more bits in a model of eight experts, as llama.cpp does", () => {
  const attention = ["attn_q", "attn_k", "attn_v", "attn_output"] as const;
  assert.deepEqual(
    attention.map((role) => matrixType({ ...MODEL, experts: 8 }, role, 0)),
    ["Q4_K", "Q8_0", "Q8_0", "Q5_K"],
  );
  assert.deepEqual(
    attention.map((role) => matrixType(MODEL, role, 0)),
    ["Q4_K", "Q4_K", "Q6_K", "Q4_K"],
  );
});

Deno.test("matrixType() stores the output head in Q6_K, wherever it is", () => {
  assert.equal(matrixType(MODEL, "output", 0), "Q6_K");
  assert.equal(matrixType(MODEL, "token_embd", 0), "Q4_K");
  assert.equal(matrixType({ ...MODEL, tied: true }, "token_embd", 0), "Q6_K");
});

Deno.test("matrixType() gives every matrix one type where the choice is no mix", () => {
  for (const role of ["output", "token_embd", "attn_v", "ffn_down_exps"] as const) {
    assert.equal(matrixType({ ...MODEL, types: "q5_k" }, role, 0), "Q5_K");
    assert.equal(matrixType({ ...MODEL, types: "bf16" }, role, 0), "BF16");
  }
});
