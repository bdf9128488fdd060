/**
 * Names as other projects publish them, copied by hand, so that contract tensor-names-v1 is held
 * against something other than itself.
 *
 * @module
 */
import type { Architecture, Role } from "../../contracts/mod.ts";

/** A tensor that a GGUF file must hold. */
export interface PublishedTensor {
  readonly role: Role;
  /** from 0; undefined outside the layers */
  readonly layer: number | undefined;
  readonly name: string;
}

/**
 * Class names of Hugging Face transformers, strings of llama.cpp's `general.architecture`, and model
 * types, under the contract's key for them.
 */
export const PUBLISHED_ARCHITECTURES: Readonly<Partial<Record<Architecture, string>>> = {
  llama: "LlamaForCausalLM LLaMAForCausalLM llama llama3",
  mistral: "MistralForCausalLM mistral",
  mixtral: "MixtralForCausalLM mixtral",
  qwen2: "Qwen2ForCausalLM qwen2 qwen2.5 qwen",
  qwen2_moe: "Qwen2MoeForCausalLM qwen2_moe qwen2moe",
  qwen3: "Qwen3ForCausalLM qwen3",
  qwen3_moe: "Qwen3MoeForCausalLM Qwen3MoEForCausalLM Qwen3CoderForCausalLM " +
    "Qwen3_5MoeForCausalLM qwen3_moe qwen3moe",
  gemma2: "Gemma2ForCausalLM gemma2",
  phi: "Phi3ForCausalLM Phi3SmallForCausalLM phi3",
  phi2: "PhiForCausalLM phi2",
  deepseek2: "DeepseekV2ForCausalLM DeepseekV3ForCausalLM deepseek2",
  gpt2: "GPT2LMHeadModel gpt2",
  gpt_neox: "GPTNeoXForCausalLM gptneox",
};

const LLAMA = "attn_norm attn_q attn_k attn_v attn_output ffn_norm ffn_gate ffn_up ffn_down";

/**
 * What a file must hold: the tensors that `load_arch_tensors` in llama.cpp's `src/models/*.cpp`
 * creates without TENSOR_NOT_REQUIRED, plus, for qwen2, phi2 and bert, the projection biases that
 * every checkpoint of theirs has. `.weight` is left out. The contract's role is the name, with an
 * underscore before `bias`, unless it is given as `role=name`.
 */
const GGUF: Readonly<Partial<Record<Architecture, { global: string; layer: string }>>> = {
  llama: { global: "token_embd output_norm", layer: LLAMA },
  mistral: { global: "token_embd output_norm", layer: LLAMA },
  gemma: { global: "token_embd output_norm", layer: LLAMA },
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
  mixtral: {
    global: "token_embd output_norm",
    layer: "attn_norm attn_q attn_k attn_v attn_output " +
      "ffn_norm ffn_gate_inp ffn_gate_exps ffn_up_exps ffn_down_exps",
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
    layer: "attn_norm attn_qkv attn_output ffn_norm ffn_gate_up=ffn_up ffn_down",
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
  gpt_neox: {
    global: "token_embd output_norm output_norm.bias output",
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

const DECODER_LAYER: Readonly<Partial<Record<Role, string>>> = {
  attn_norm: "model.layers.0.input_layernorm.weight",
  attn_q: "model.layers.0.self_attn.q_proj.weight",
  attn_k: "model.layers.0.self_attn.k_proj.weight",
  attn_v: "model.layers.0.self_attn.v_proj.weight",
  attn_output: "model.layers.0.self_attn.o_proj.weight",
  ffn_norm: "model.layers.0.post_attention_layernorm.weight",
};

const GATED: Readonly<Partial<Record<Role, string>>> = {
  ffn_gate: "model.layers.0.mlp.gate_proj.weight",
  ffn_up: "model.layers.0.mlp.up_proj.weight",
  ffn_down: "model.layers.0.mlp.down_proj.weight",
};

const HEAD_NORMS: Readonly<Partial<Record<Role, string>>> = {
  attn_q_norm: "model.layers.0.self_attn.q_norm.weight",
  attn_k_norm: "model.layers.0.self_attn.k_norm.weight",
};

/**
 * What layer 0 of a checkpoint holds, expert 0 where there are experts, copied from the state dicts
 * of Hugging Face transformers.
 */
export const PUBLISHED_CHECKPOINT_LAYERS: Readonly<
  Partial<Record<Architecture, Readonly<Partial<Record<Role, string>>>>>
> = {
  llama: { ...DECODER_LAYER, ...GATED },
  qwen2: {
    ...DECODER_LAYER,
    ...GATED,
    attn_q_bias: "model.layers.0.self_attn.q_proj.bias",
    attn_k_bias: "model.layers.0.self_attn.k_proj.bias",
    attn_v_bias: "model.layers.0.self_attn.v_proj.bias",
  },
  qwen3: { ...DECODER_LAYER, ...GATED, ...HEAD_NORMS },
  qwen3_moe: {
    ...DECODER_LAYER,
    ...HEAD_NORMS,
    ffn_gate_inp: "model.layers.0.mlp.gate.weight",
    ffn_gate_exps: "model.layers.0.mlp.experts.0.gate_proj.weight",
    ffn_up_exps: "model.layers.0.mlp.experts.0.up_proj.weight",
    ffn_down_exps: "model.layers.0.mlp.experts.0.down_proj.weight",
  },
  qwen2_moe: {
    ...DECODER_LAYER,
    attn_q_bias: "model.layers.0.self_attn.q_proj.bias",
    attn_k_bias: "model.layers.0.self_attn.k_proj.bias",
    attn_v_bias: "model.layers.0.self_attn.v_proj.bias",
    ffn_gate_inp: "model.layers.0.mlp.gate.weight",
    ffn_gate_exps: "model.layers.0.mlp.experts.0.gate_proj.weight",
    ffn_up_exps: "model.layers.0.mlp.experts.0.up_proj.weight",
    ffn_down_exps: "model.layers.0.mlp.experts.0.down_proj.weight",
    ffn_gate_inp_shexp: "model.layers.0.mlp.shared_expert_gate.weight",
    ffn_gate_shexp: "model.layers.0.mlp.shared_expert.gate_proj.weight",
    ffn_up_shexp: "model.layers.0.mlp.shared_expert.up_proj.weight",
    ffn_down_shexp: "model.layers.0.mlp.shared_expert.down_proj.weight",
  },
  // w1 is the gate and w3 the up projection: down(silu(w1 x) * w3 x), down being w2.
  mixtral: {
    ...DECODER_LAYER,
    ffn_gate_inp: "model.layers.0.block_sparse_moe.gate.weight",
    ffn_gate_exps: "model.layers.0.block_sparse_moe.experts.0.w1.weight",
    ffn_up_exps: "model.layers.0.block_sparse_moe.experts.0.w3.weight",
    ffn_down_exps: "model.layers.0.block_sparse_moe.experts.0.w2.weight",
  },
  phi: {
    attn_norm: "model.layers.0.input_layernorm.weight",
    attn_qkv: "model.layers.0.self_attn.qkv_proj.weight",
    attn_output: "model.layers.0.self_attn.o_proj.weight",
    ffn_norm: "model.layers.0.post_attention_layernorm.weight",
    ffn_gate_up: "model.layers.0.mlp.gate_up_proj.weight",
    ffn_down: "model.layers.0.mlp.down_proj.weight",
  },
  gpt2: {
    attn_norm: "transformer.h.0.ln_1.weight",
    attn_norm_bias: "transformer.h.0.ln_1.bias",
    attn_qkv: "transformer.h.0.attn.c_attn.weight",
    attn_qkv_bias: "transformer.h.0.attn.c_attn.bias",
    attn_output: "transformer.h.0.attn.c_proj.weight",
    attn_output_bias: "transformer.h.0.attn.c_proj.bias",
    ffn_norm: "transformer.h.0.ln_2.weight",
    ffn_norm_bias: "transformer.h.0.ln_2.bias",
    ffn_up: "transformer.h.0.mlp.c_fc.weight",
    ffn_up_bias: "transformer.h.0.mlp.c_fc.bias",
    ffn_down: "transformer.h.0.mlp.c_proj.weight",
    ffn_down_bias: "transformer.h.0.mlp.c_proj.bias",
  },
};

/** The architectures whose required GGUF tensors are listed here. */
export const PUBLISHED_GGUF: readonly Architecture[] = Object.keys(GGUF) as Architecture[];

/** The tensors of a GGUF file that holds what its architecture requires and nothing else. */
export function publishedTensors(architecture: Architecture, layers: number): PublishedTensor[] {
  const { global, layer } = GGUF[architecture]!;
  const tensors = (list: string, layer: number | undefined) =>
    list.split(" ").map((entry): PublishedTensor => {
      const [role, name = role!] = entry.split("=");
      const complete = name.endsWith(".bias") ? name : `${name}.weight`;
      return {
        role: role!.replace(".", "_") as Role,
        layer,
        name: layer === undefined ? complete : `blk.${layer}.${complete}`,
      };
    });
  return [
    ...tensors(global, undefined),
    ...Array.from({ length: layers }, (_, n) => tensors(layer, n)).flat(),
  ];
}
