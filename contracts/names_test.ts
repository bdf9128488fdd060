import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Architecture,
  ARCHITECTURES,
  FUSED_PARTS,
  type FusedRole,
  GLOBAL_ROLES,
  isKnownArchitecture,
  LAYER_ROLES,
  normalizeArchitecture,
  requiredRoles,
  resolveNames,
  type Role,
  roleOf,
  tensorName,
} from "./mod.ts";

const FUSED_ROLES = Object.keys(FUSED_PARTS) as FusedRole[];
const ROLES: Role[] = [...GLOBAL_ROLES, ...LAYER_ROLES, ...FUSED_ROLES];
const PLACE = { layer: 0, expert: 0 };

/**
 * What a file must hold, copied by hand from llama.cpp: the tensors that `load_arch_tensors` in
 * `src/models/*.cpp` creates without TENSOR_NOT_REQUIRED, plus, for qwen2, phi2 and bert, the
 * projection biases that every checkpoint of theirs has. `.weight` is left out.
 */
const REQUIRED: Partial<Record<Architecture, { global: string; layer: string }>> = {
  llama: {
    global: "token_embd output_norm",
    layer: "attn_norm attn_q attn_k attn_v attn_output ffn_norm ffn_gate ffn_up ffn_down",
  },
  qwen2: {
    global: "token_embd output_norm",
    layer: "attn_norm attn_q attn_q.bias attn_k attn_k.bias attn_v attn_v.bias attn_output " +
      "ffn_norm ffn_gate ffn_up ffn_down",
  },
  qwen2_moe: {
    global: "token_embd output_norm output",
    layer: "attn_norm attn_q attn_q.bias attn_k attn_k.bias attn_v attn_v.bias attn_output " +
      "ffn_norm ffn_gate_inp ffn_gate_exps ffn_up_exps ffn_down_exps " +
      "ffn_gate_inp_shexp ffn_gate_shexp ffn_up_shexp ffn_down_shexp",
  },
  qwen3: {
    global: "token_embd output_norm",
    layer: "attn_norm attn_q attn_k attn_v attn_output attn_q_norm attn_k_norm " +
      "ffn_norm ffn_gate ffn_up ffn_down",
  },
  qwen3_moe: {
    global: "token_embd output_norm",
    layer: "attn_norm attn_q attn_k attn_v attn_output attn_q_norm attn_k_norm " +
      "ffn_norm ffn_gate_inp ffn_gate_exps ffn_up_exps ffn_down_exps",
  },
  gemma2: {
    global: "token_embd output_norm",
    layer: "attn_norm attn_q attn_k attn_v attn_output post_attention_norm " +
      "ffn_norm ffn_gate ffn_up ffn_down post_ffw_norm",
  },
  phi: {
    global: "token_embd output_norm",
    layer: "attn_norm attn_qkv attn_output ffn_norm ffn_up ffn_down",
  },
  phi2: {
    global: "token_embd output_norm output_norm.bias output output.bias",
    layer: "attn_norm attn_norm.bias attn_q attn_q.bias attn_k attn_k.bias attn_v attn_v.bias " +
      "attn_output attn_output.bias ffn_up ffn_up.bias ffn_down ffn_down.bias",
  },
  gpt2: {
    global: "token_embd position_embd output_norm output_norm.bias",
    layer: "attn_norm attn_norm.bias attn_qkv attn_qkv.bias attn_output attn_output.bias " +
      "ffn_norm ffn_norm.bias ffn_up ffn_up.bias ffn_down ffn_down.bias",
  },
  bert: {
    global: "token_embd position_embd token_embd_norm token_embd_norm.bias",
    layer: "attn_q attn_q.bias attn_k attn_k.bias attn_v attn_v.bias attn_output " +
      "attn_output.bias attn_output_norm attn_output_norm.bias ffn_up ffn_up.bias " +
      "ffn_down ffn_down.bias layer_output_norm layer_output_norm.bias",
  },
  openelm: {
    global: "token_embd output_norm",
    layer: "attn_norm attn_qkv attn_q_norm attn_k_norm attn_output ffn_norm " +
      "ffn_gate ffn_up ffn_down",
  },
  falcon: {
    global: "token_embd output_norm output_norm.bias",
    layer: "attn_norm attn_norm.bias attn_qkv attn_output ffn_up ffn_down",
  },
  stablelm: {
    global: "token_embd output_norm output_norm.bias output",
    layer: "attn_norm attn_norm.bias attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down",
  },
};

/** What a layer of a checkpoint holds, copied from the state dicts of Hugging Face transformers. */
const CHECKPOINT_LAYER: Partial<Record<Architecture, string[]>> = {
  qwen3_moe: [
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.mlp.experts.0.down_proj.weight",
    "model.layers.0.mlp.experts.0.gate_proj.weight",
    "model.layers.0.mlp.experts.0.up_proj.weight",
    "model.layers.0.mlp.gate.weight",
    "model.layers.0.post_attention_layernorm.weight",
    "model.layers.0.self_attn.k_norm.weight",
    "model.layers.0.self_attn.k_proj.weight",
    "model.layers.0.self_attn.o_proj.weight",
    "model.layers.0.self_attn.q_norm.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.self_attn.v_proj.weight",
  ],
  mixtral: [
    "model.layers.0.block_sparse_moe.experts.0.w1.weight",
    "model.layers.0.block_sparse_moe.experts.0.w2.weight",
    "model.layers.0.block_sparse_moe.experts.0.w3.weight",
    "model.layers.0.block_sparse_moe.gate.weight",
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.post_attention_layernorm.weight",
    "model.layers.0.self_attn.k_proj.weight",
    "model.layers.0.self_attn.o_proj.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.self_attn.v_proj.weight",
  ],
  phi: [
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.mlp.down_proj.weight",
    "model.layers.0.mlp.gate_up_proj.weight",
    "model.layers.0.post_attention_layernorm.weight",
    "model.layers.0.self_attn.o_proj.weight",
    "model.layers.0.self_attn.qkv_proj.weight",
  ],
  gpt2: [
    "transformer.h.0.attn.c_attn.bias",
    "transformer.h.0.attn.c_attn.weight",
    "transformer.h.0.attn.c_proj.bias",
    "transformer.h.0.attn.c_proj.weight",
    "transformer.h.0.ln_1.bias",
    "transformer.h.0.ln_1.weight",
    "transformer.h.0.ln_2.bias",
    "transformer.h.0.ln_2.weight",
    "transformer.h.0.mlp.c_fc.bias",
    "transformer.h.0.mlp.c_fc.weight",
    "transformer.h.0.mlp.c_proj.bias",
    "transformer.h.0.mlp.c_proj.weight",
  ],
};

/** The names of a file that holds what {@linkcode REQUIRED} says and nothing else. */
function fileNames(architecture: Architecture, layers: number): string[] {
  const { global, layer } = REQUIRED[architecture]!;
  const complete = (name: string) => name.endsWith(".bias") ? name : `${name}.weight`;
  const names = global.split(" ").map(complete);
  for (let n = 0; n < layers; n++) {
    names.push(...layer.split(" ").map((name) => `blk.${n}.${complete(name)}`));
  }
  return names;
}

Deno.test("F-TNV-001 normalizeArchitecture() is total", () => {
  const listed: Record<string, string> = {
    "LlamaForCausalLM LLaMAForCausalLM llama llama3": "llama",
    "Qwen2ForCausalLM qwen2 qwen2.5 qwen": "qwen2",
    "Qwen3ForCausalLM qwen3": "qwen3",
    "Qwen3MoeForCausalLM Qwen3MoEForCausalLM Qwen3CoderForCausalLM Qwen3_5MoeForCausalLM qwen3_moe qwen3moe":
      "qwen3_moe",
    "Phi3ForCausalLM Phi3SmallForCausalLM phi3": "phi",
    "PhiForCausalLM phi2": "phi2",
    "Qwen2MoeForCausalLM qwen2moe": "qwen2_moe",
    "MistralForCausalLM mistral": "mistral",
    "DeepseekV2ForCausalLM deepseek2": "deepseek2",
    "GPT2LMHeadModel gpt2": "gpt2",
    "GPTNeoXForCausalLM gptneox": "gpt_neox",
  };
  for (const [names, architecture] of Object.entries(listed)) {
    for (const name of names.split(" ")) {
      assert.equal(normalizeArchitecture(name), architecture, name);
      assert.equal(normalizeArchitecture(name.toUpperCase()), architecture, name);
      assert.ok(isKnownArchitecture(name), name);
    }
  }
  for (const architecture of ARCHITECTURES) {
    assert.equal(normalizeArchitecture(architecture), architecture);
  }
  for (const name of ["", " ", "__proto__", "constructor", "toString", "qwen3moe\0", "mamba"]) {
    assert.equal(normalizeArchitecture(name), "llama", JSON.stringify(name));
    assert.equal(isKnownArchitecture(name), false, JSON.stringify(name));
  }
  fc.assert(fc.property(fc.string({ unit: "binary" }), (name) => {
    const architecture = normalizeArchitecture(name);
    assert.ok(ARCHITECTURES.includes(architecture));
    if (!isKnownArchitecture(name)) assert.equal(architecture, "llama");
  }));
});

Deno.test(
  "F-TNV-002 every required role has a name and every tensor of a real-size header has a role",
  () => {
    for (const architecture of ARCHITECTURES) {
      const { global, layer, fused } = requiredRoles(architecture);
      assert.ok(layer.length > 0, architecture);
      for (const role of [...global, ...layer, ...fused]) {
        for (const namespace of ["gguf", "hf"] as const) {
          const resolves = (role: Role) =>
            tensorName(architecture, role, namespace, PLACE) !== undefined;
          const holders = FUSED_ROLES.filter((fused) => FUSED_PARTS[fused].some((p) => p === role));
          assert.ok(
            resolves(role) || holders.some(resolves),
            `${architecture} requires ${role}, which has no ${namespace} name`,
          );
        }
      }
    }

    const names = [...fileNames("qwen3_moe", 48), "output.weight"];
    assert.equal(names.length, 579); // as many as Qwen3-30B-A3B has
    const { found, missing, unmapped } = resolveNames("qwen3_moe", names, 48);
    assert.deepEqual([missing, unmapped], [[], []]);
    assert.equal(found.size, 579);
    assert.deepEqual(found.get("blk.47.ffn_down_exps.weight"), {
      role: "ffn_down_exps",
      layer: 47,
    });
    assert.deepEqual(found.get("output.weight"), { role: "output", layer: undefined });
  },
);

Deno.test("F-TNV-003 dense feed-forward names never resolve for qwen3_moe", () => {
  for (const role of ["ffn_gate", "ffn_up", "ffn_down"] as const) {
    for (const namespace of ["gguf", "hf"] as const) {
      assert.equal(tensorName("qwen3_moe", role, namespace, PLACE), undefined);
    }
    assert.equal(roleOf("qwen3_moe", `blk.0.${role}.weight`), undefined);
    assert.ok(!requiredRoles("qwen3_moe").layer.includes(role));
  }
  const dense = resolveNames("qwen3_moe", fileNames("qwen3", 1), 1);
  assert.deepEqual(dense.missing.map(({ name }) => name).sort(), [
    "blk.0.ffn_down_exps.weight",
    "blk.0.ffn_gate_exps.weight",
    "blk.0.ffn_gate_inp.weight",
    "blk.0.ffn_up_exps.weight",
  ]);
  assert.deepEqual(dense.unmapped.sort(), [
    "blk.0.ffn_down.weight",
    "blk.0.ffn_gate.weight",
    "blk.0.ffn_up.weight",
  ]);
});

Deno.test("F-TNV-004 required names equal the lists of llama.cpp and transformers", () => {
  for (const architecture of Object.keys(REQUIRED) as Architecture[]) {
    const { global, layer, fused } = requiredRoles(architecture);
    const names = [...global, ...layer, ...fused].map((role) =>
      tensorName(architecture, role, "gguf", PLACE)
    );
    assert.deepEqual(names.sort(), fileNames(architecture, 1).sort(), architecture);
  }
  for (const architecture of Object.keys(CHECKPOINT_LAYER) as Architecture[]) {
    const { layer, fused } = requiredRoles(architecture);
    const names = [...layer, ...fused].map((role) => tensorName(architecture, role, "hf", PLACE));
    assert.deepEqual(names.sort(), CHECKPOINT_LAYER[architecture], architecture);
  }
});

Deno.test("F-TNV-005 roleOf() inverts tensorName()", () => {
  for (const architecture of ARCHITECTURES) {
    for (const role of ROLES) {
      const layer = (GLOBAL_ROLES as readonly Role[]).includes(role) ? undefined : 11;
      const position = layer === undefined ? {} : { layer };
      const name = tensorName(architecture, role, "gguf", position);
      if (name === undefined) continue;
      assert.deepEqual(roleOf(architecture, name), { role, layer }, `${architecture} ${name}`);
    }
    const hf = ROLES.map((role) => tensorName(architecture, role, "hf", PLACE))
      .filter((name) => name !== undefined);
    assert.equal(new Set(hf).size, hf.length, architecture);
  }
});

Deno.test("F-TNV-007 resolveNames() reports each tensor taken away and each one added", () => {
  for (const architecture of Object.keys(REQUIRED) as Architecture[]) {
    const names = fileNames(architecture, 2);
    for (const absent of names) {
      const { missing, unmapped } = resolveNames(
        architecture,
        names.filter((name) => name !== absent),
        2,
      );
      assert.deepEqual(missing.map(({ name }) => name), [absent], architecture);
      assert.deepEqual(unmapped, []);
      const { role, layer } = missing[0]!;
      assert.deepEqual({ role, layer }, roleOf(architecture, absent));
    }
  }
  const foreign = [
    "blk.2.attn_q.weight", // the file has layers 0 and 1
    "blk.99999999999999999999.attn_q.weight",
    "blk.00.attn_q.weight",
    "blk.-1.attn_q.weight",
    "blk.{n}.attn_q.weight",
    "blk..attn_q.weight",
    "blk.0.attn_q",
    "blk.0.attn_q.weight\n",
    "blk.0.__proto__",
    "constructor",
    "__proto__",
    "",
    "position_embd.weight",
    "blk.0.token_embd.weight",
    "attn_q.weight",
  ];
  const { missing, unmapped } = resolveNames("qwen3", [...fileNames("qwen3", 2), ...foreign], 2);
  assert.deepEqual(missing, []);
  assert.deepEqual(unmapped, foreign);
});

Deno.test("F-TNV-008 a fused tensor stands for its parts and all its parts for it", () => {
  const unmet = (architecture: Architecture, take: string[], give: string[]) => {
    const names = fileNames(architecture, 1)
      .filter((name) => !take.includes(name.split(".").slice(2).join(".")))
      .concat(give.map((name) => `blk.0.${name}`));
    const { missing, unmapped } = resolveNames(architecture, names, 1);
    assert.deepEqual(unmapped, []);
    return missing.map(({ role }) => role);
  };
  const weights = ["attn_q.weight", "attn_k.weight", "attn_v.weight"];
  const biases = ["attn_q.bias", "attn_k.bias", "attn_v.bias"];
  assert.deepEqual(unmet("phi2", weights, ["attn_qkv.weight"]), []);
  assert.deepEqual(unmet("phi2", biases, ["attn_qkv.bias"]), []);
  assert.deepEqual(unmet("phi2", weights, []), ["attn_q", "attn_k", "attn_v"]);
  assert.deepEqual(unmet("phi", ["attn_qkv.weight"], weights), []);
  assert.deepEqual(unmet("phi", ["attn_qkv.weight"], weights.slice(1)), ["attn_qkv"]);
});

Deno.test("tensorName() names each expert of a checkpoint", () => {
  const position = { layer: 5, expert: 127 };
  assert.equal(
    tensorName("qwen3_moe", "ffn_gate_exps", "hf", position),
    "model.layers.5.mlp.experts.127.gate_proj.weight",
  );
  assert.equal(
    tensorName("mixtral", "ffn_down_exps", "hf", position),
    "model.layers.5.block_sparse_moe.experts.127.w2.weight",
  );
});

Deno.test("tensorName() asks for the layer or the expert that a name depends on", () => {
  assert.throws(() => tensorName("llama", "attn_q", "gguf"), {
    name: "RangeError",
    message: "'layer' must be an integer from 0 to fill in 'blk.{n}.attn_q.weight'",
  });
  assert.throws(
    () => tensorName("qwen3_moe", "ffn_up_exps", "hf", { layer: 0 }),
    { name: "RangeError", message: /^'expert' must be/ },
  );
  for (const layer of [-1, 0.5, NaN, Infinity]) {
    assert.throws(() => tensorName("llama", "attn_q", "gguf", { layer }), RangeError);
  }
});

Deno.test("resolveNames() refuses a number of layers that no model has", () => {
  for (const layers of [-1, 1.5, NaN, 4097, 2 ** 32]) {
    assert.throws(() => resolveNames("llama", [], layers), RangeError);
  }
});

Deno.test("resolveNames() reads 100,000 names in a time that grows with their number alone", () => {
  const names = fileNames("qwen3_moe", 4000).concat(
    Array.from({ length: 52_000 }, (_, index) => `blk.0.stranger.${index}`),
  );
  const start = performance.now();
  const { missing, unmapped } = resolveNames("qwen3_moe", names, 4000);
  const milliseconds = performance.now() - start;
  assert.deepEqual([missing.length, unmapped.length], [0, 52_000]);
  // It takes some 50 ms; comparing each name with each would take minutes.
  assert.ok(milliseconds < 5000, `${milliseconds} ms`);
});
