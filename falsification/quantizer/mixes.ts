/**
 * The tests of quantizer-v1 that speak of which type a tensor gets.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Role } from "../../contracts/mod.ts";
import type { WeightType } from "../../kernels/formats.ts";
import type { Mix, MixedModel } from "../../quantize/mod.ts";
import type { CodeTest } from "../falsification.ts";
import type { Quantizer } from "./quantizer.ts";

/** The layers of Qwen3-30B-A3B, of 48, in which its Q4_K_M file as published has Q6_K. */
const LARGER_OF_48 = [
  ...[0, 1, 2, 3, 4, 5, 8, 11, 14, 17, 20, 23],
  ...[26, 29, 32, 35, 38, 41, 42, 43, 44, 45, 46, 47],
];

const QWEN3: Omit<MixedModel, "mix"> = { layers: 48, experts: 128, tied: false };
const MIXTRAL: Omit<MixedModel, "mix"> = { layers: 32, experts: 8, tied: false };

/**
 * Types of tensors in a layer that has no more bits than others, and outside the layers, by
 * `llama_tensor_get_type` of llama.cpp's `src/llama-quant.cpp`.
 */
const PUBLISHED: readonly (readonly [
  Omit<MixedModel, "mix">,
  Mix,
  Partial<Record<Role, WeightType>>,
])[] = [
  [QWEN3, "q4_k_m", { output: "Q6_K", token_embd: "Q4_K", attn_q: "Q4_K", attn_v: "Q4_K" }],
  [QWEN3, "q5_k_m", { output: "Q6_K", token_embd: "Q5_K", attn_output: "Q5_K" }],
  [QWEN3, "q6_k", { output: "Q6_K", token_embd: "Q6_K", ffn_down_exps: "Q6_K" }],
  [QWEN3, "q8_0", { output: "Q8_0", token_embd: "Q8_0", ffn_up_exps: "Q8_0" }],
  [QWEN3, "q4_0", { output: "Q6_K", token_embd: "Q4_0", attn_v: "Q4_0" }],
  [QWEN3, "bf16", { output: "BF16", token_embd: "BF16", attn_v: "BF16" }],
  [MIXTRAL, "q4_k_m", { attn_q: "Q4_K", attn_k: "Q8_0", attn_v: "Q8_0", attn_output: "Q5_K" }],
  [MIXTRAL, "q5_k_m", { attn_q: "Q5_K", attn_k: "Q8_0", attn_v: "Q8_0", attn_output: "Q5_K" }],
  [{ ...QWEN3, tied: true }, "q4_k_m", { token_embd: "Q6_K" }],
];

/** A layer of 48 and one of 32 that are neither in an eighth at an end nor a third between. */
const PLAIN_LAYER: Record<number, number> = { 48: 6, 32: 5 };

/** Which type a tensor gets: F-QUANT-008 and 009. */
export const mixTests: readonly CodeTest<Quantizer>[] = [
  {
    id: "F-QUANT-008",
    title: "every tensor of a mix has the type that llama.cpp's recipe gives it",
    run({ mixedType }) {
      for (const mix of ["q4_k_m", "q5_k_m"] as const) {
        for (const role of ["attn_v", "ffn_down", "ffn_down_exps"] as const) {
          const larger = Array.from({ length: 48 }, (_, layer) => layer)
            .filter((layer) => mixedType({ ...QWEN3, mix }, role, layer) === "Q6_K");
          assert.deepEqual(larger, LARGER_OF_48, `${mix}: ${role}`);
        }
      }
      for (const [model, mix, types] of PUBLISHED) {
        for (const [role, type] of Object.entries(types)) {
          const found = mixedType({ ...model, mix }, role as Role, PLAIN_LAYER[model.layers]!);
          assert.equal(found, type, `${mix}: ${role} of ${model.experts} experts`);
        }
      }
    },
  },
  {
    id: "F-QUANT-009",
    title: "rows that are no whole blocks get a type that they fit",
    run({ fittingType }) {
      for (
        const [wanted, length, type] of [
          ["Q4_K", 256, "Q4_K"],
          ["Q4_K", 768, "Q4_K"],
          ["Q4_K", 160, "Q8_0"],
          ["Q5_K", 32, "Q8_0"],
          ["Q6_K", 288, "Q8_0"],
          ["Q6_K", 200, "F16"],
          ["Q8_0", 72, "F16"],
          ["Q4_0", 48, "F16"],
          ["F32", 7, "F32"],
          ["BF16", 7, "BF16"],
        ] as const
      ) {
        assert.equal(fittingType(wanted, length), type, `${wanted}, rows of ${length}`);
      }
    },
  },
];
