import assert from "node:assert/strict";
import { matrixType } from "./weight_types.ts";

const MODEL = { layers: 48, experts: 8, tied: false } as const;

Deno.test("matrixType() gives every matrix one type where the choice is no mix", () => {
  for (const role of ["output", "token_embd", "attn_v", "ffn_down_exps"] as const) {
    assert.equal(matrixType({ ...MODEL, types: "q5_k" }, role, 0), "Q5_K");
    assert.equal(matrixType({ ...MODEL, types: "q6_k" }, role, 0), "Q6_K");
    assert.equal(matrixType({ ...MODEL, types: "q4_0" }, role, 0), "Q4_0");
    assert.equal(matrixType({ ...MODEL, types: "bf16" }, role, 0), "BF16");
  }
});

Deno.test("matrixType() takes the types of a mix from its recipe", () => {
  const types = (types: "q4_k_m" | "q5_k_m") =>
    (["output", "token_embd", "attn_v", "ffn_up_exps"] as const)
      .map((role) => matrixType({ ...MODEL, types }, role, 0));
  assert.deepEqual(types("q4_k_m"), ["Q6_K", "Q4_K", "Q8_0", "Q4_K"]);
  assert.deepEqual(types("q5_k_m"), ["Q6_K", "Q5_K", "Q8_0", "Q5_K"]);
});
