// Generated from contracts/tensor-names-v1.yaml. To change it, change that and run:
// deno run -A contracts/generate.ts

/** The contract that this table was generated from. */
export const CONTRACT: string = "tensor-names-v1";

/** Its version. */
export const CONTRACT_VERSION: string = "1.3.0";

/** A canonical architecture key. */
export type Architecture =
  | "llama"
  | "mistral"
  | "mixtral"
  | "qwen2"
  | "qwen2_moe"
  | "qwen3"
  | "qwen3_moe"
  | "gemma"
  | "gemma2"
  | "gemma3"
  | "phi"
  | "phi2"
  | "deepseek"
  | "deepseek2"
  | "gpt2"
  | "gpt_neox"
  | "bert"
  | "openelm"
  | "falcon"
  | "stablelm";

/** The part of a tensor outside the layers. */
export type GlobalRole =
  | "token_embd"
  | "token_embd_norm"
  | "token_embd_norm_bias"
  | "token_types"
  | "position_embd"
  | "output_norm"
  | "output_norm_bias"
  | "output"
  | "output_bias"
  | "rope_freqs"
  | "rope_factors_long"
  | "rope_factors_short"
  | "cls"
  | "cls_bias"
  | "cls_output"
  | "cls_output_bias";

/** The part of a tensor of a layer. */
export type LayerRole =
  | "attn_norm"
  | "attn_norm_bias"
  | "attn_norm_2"
  | "attn_norm_2_bias"
  | "attn_q"
  | "attn_q_bias"
  | "attn_k"
  | "attn_k_bias"
  | "attn_v"
  | "attn_v_bias"
  | "attn_output"
  | "attn_output_bias"
  | "attn_q_norm"
  | "attn_k_norm"
  | "attn_q_a"
  | "attn_q_a_norm"
  | "attn_q_b"
  | "attn_kv_a_mqa"
  | "attn_kv_a_norm"
  | "attn_k_b"
  | "attn_v_b"
  | "attn_output_norm"
  | "attn_output_norm_bias"
  | "layer_output_norm"
  | "layer_output_norm_bias"
  | "post_attention_norm"
  | "ffn_norm"
  | "ffn_norm_bias"
  | "post_ffw_norm"
  | "ffn_gate"
  | "ffn_gate_bias"
  | "ffn_up"
  | "ffn_up_bias"
  | "ffn_down"
  | "ffn_down_bias"
  | "ffn_gate_inp"
  | "exp_probs_b"
  | "ffn_gate_exps"
  | "ffn_up_exps"
  | "ffn_down_exps"
  | "ffn_gate_inp_shexp"
  | "ffn_gate_shexp"
  | "ffn_up_shexp"
  | "ffn_down_shexp";

/** A tensor that holds several layer roles. */
export type FusedRole =
  | "attn_qkv"
  | "attn_qkv_bias"
  | "attn_kv_b"
  | "ffn_gate_up"
  | "ffn_gate_up_exps";

/** The part that a tensor plays in a model. */
export type Role = GlobalRole | LayerRole | FusedRole;

/** What an architecture says of one role: `{n}` is the layer, `{e}` the expert. */
export interface RoleNames {
  /** Whether a model can't be without it. */
  readonly required: boolean;
  /** The template of its name in a GGUF file. */
  readonly gguf?: string;
  /** The template of its name in a Hugging Face checkpoint. */
  readonly hf?: string;
}

/** Every canonical architecture key. */
export const ARCHITECTURES: readonly Architecture[] = [
  "llama",
  "mistral",
  "mixtral",
  "qwen2",
  "qwen2_moe",
  "qwen3",
  "qwen3_moe",
  "gemma",
  "gemma2",
  "gemma3",
  "phi",
  "phi2",
  "deepseek",
  "deepseek2",
  "gpt2",
  "gpt_neox",
  "bert",
  "openelm",
  "falcon",
  "stablelm",
];

/** Every global role. */
export const GLOBAL_ROLES: readonly GlobalRole[] = [
  "token_embd",
  "token_embd_norm",
  "token_embd_norm_bias",
  "token_types",
  "position_embd",
  "output_norm",
  "output_norm_bias",
  "output",
  "output_bias",
  "rope_freqs",
  "rope_factors_long",
  "rope_factors_short",
  "cls",
  "cls_bias",
  "cls_output",
  "cls_output_bias",
];

/** Every layer role. */
export const LAYER_ROLES: readonly LayerRole[] = [
  "attn_norm",
  "attn_norm_bias",
  "attn_norm_2",
  "attn_norm_2_bias",
  "attn_q",
  "attn_q_bias",
  "attn_k",
  "attn_k_bias",
  "attn_v",
  "attn_v_bias",
  "attn_output",
  "attn_output_bias",
  "attn_q_norm",
  "attn_k_norm",
  "attn_q_a",
  "attn_q_a_norm",
  "attn_q_b",
  "attn_kv_a_mqa",
  "attn_kv_a_norm",
  "attn_k_b",
  "attn_v_b",
  "attn_output_norm",
  "attn_output_norm_bias",
  "layer_output_norm",
  "layer_output_norm_bias",
  "post_attention_norm",
  "ffn_norm",
  "ffn_norm_bias",
  "post_ffw_norm",
  "ffn_gate",
  "ffn_gate_bias",
  "ffn_up",
  "ffn_up_bias",
  "ffn_down",
  "ffn_down_bias",
  "ffn_gate_inp",
  "exp_probs_b",
  "ffn_gate_exps",
  "ffn_up_exps",
  "ffn_down_exps",
  "ffn_gate_inp_shexp",
  "ffn_gate_shexp",
  "ffn_up_shexp",
  "ffn_down_shexp",
];

/** The layer roles that each fused tensor holds, in the order in which it holds them. */
export const FUSED_PARTS: Readonly<Record<FusedRole, readonly LayerRole[]>> = {
  attn_qkv: ["attn_q", "attn_k", "attn_v"],
  attn_qkv_bias: ["attn_q_bias", "attn_k_bias", "attn_v_bias"],
  attn_kv_b: ["attn_k_b", "attn_v_b"],
  ffn_gate_up: ["ffn_gate", "ffn_up"],
  ffn_gate_up_exps: ["ffn_gate_exps", "ffn_up_exps"],
};

/** Lower-case class name, GGUF architecture or model type → canonical key. */
export const ARCHITECTURE_MAP: ReadonlyMap<string, Architecture> = new Map([
  ["llamaforcausallm", "llama"],
  ["llama", "llama"],
  ["llama3", "llama"],
  ["mistralforcausallm", "mistral"],
  ["mistral", "mistral"],
  ["mistral3", "mistral"],
  ["mixtralforcausallm", "mixtral"],
  ["mixtral", "mixtral"],
  ["qwen2forcausallm", "qwen2"],
  ["qwen2", "qwen2"],
  ["qwen2.5", "qwen2"],
  ["qwen", "qwen2"],
  ["qwen2moeforcausallm", "qwen2_moe"],
  ["qwen2_moe", "qwen2_moe"],
  ["qwen2moe", "qwen2_moe"],
  ["qwen3forcausallm", "qwen3"],
  ["qwen3", "qwen3"],
  ["qwen3moeforcausallm", "qwen3_moe"],
  ["qwen3coderforcausallm", "qwen3_moe"],
  ["qwen3_5moeforcausallm", "qwen3_moe"],
  ["qwen3_moe", "qwen3_moe"],
  ["qwen3moe", "qwen3_moe"],
  ["gemmaforcausallm", "gemma"],
  ["gemma", "gemma"],
  ["gemma2forcausallm", "gemma2"],
  ["gemma2", "gemma2"],
  ["gemma3forcausallm", "gemma3"],
  ["gemma3_text", "gemma3"],
  ["gemma3", "gemma3"],
  ["phi3forcausallm", "phi"],
  ["phi3smallforcausallm", "phi"],
  ["phi3", "phi"],
  ["phi3small", "phi"],
  ["phi", "phi"],
  ["phiforcausallm", "phi2"],
  ["phi2", "phi2"],
  ["deepseekforcausallm", "deepseek"],
  ["deepseek", "deepseek"],
  ["deepseekv2forcausallm", "deepseek2"],
  ["deepseekv3forcausallm", "deepseek2"],
  ["deepseekv2", "deepseek2"],
  ["deepseek_v2", "deepseek2"],
  ["deepseek_v3", "deepseek2"],
  ["deepseek2", "deepseek2"],
  ["gpt2lmheadmodel", "gpt2"],
  ["gpt2", "gpt2"],
  ["gptneoxforcausallm", "gpt_neox"],
  ["gpt_neox", "gpt_neox"],
  ["gptneox", "gpt_neox"],
  ["bertmodel", "bert"],
  ["bertformaskedlm", "bert"],
  ["bert", "bert"],
  ["openelmforcausallm", "openelm"],
  ["openelm", "openelm"],
  ["falconforcausallm", "falcon"],
  ["falcon", "falcon"],
  ["stablelmforcausallm", "stablelm"],
  ["stablelm", "stablelm"],
]);

/** What stands for a name that is not in the map. */
export const UNKNOWN_ARCHITECTURE: Architecture = "llama";

/** Architecture → the mixture that goes by the same name in GGUF. */
export const MIXTURES: ReadonlyMap<Architecture, Architecture> = new Map([
  ["llama", "mixtral"],
]);

/** The roles of each architecture. A role that is not here has no tensor in it. */
export const NAMES: Readonly<
  Record<Architecture, Readonly<Partial<Record<Role, RoleNames>>>>
> = {
  llama: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    rope_freqs: { required: false, gguf: "rope_freqs.weight" },
    rope_factors_long: { required: false, gguf: "rope_factors_long.weight" },
    rope_factors_short: { required: false, gguf: "rope_factors_short.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_q_bias: {
      required: false,
      gguf: "blk.{n}.attn_q.bias",
      hf: "model.layers.{n}.self_attn.q_proj.bias",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_k_bias: {
      required: false,
      gguf: "blk.{n}.attn_k.bias",
      hf: "model.layers.{n}.self_attn.k_proj.bias",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_v_bias: {
      required: false,
      gguf: "blk.{n}.attn_v.bias",
      hf: "model.layers.{n}.self_attn.v_proj.bias",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    attn_output_bias: {
      required: false,
      gguf: "blk.{n}.attn_output.bias",
      hf: "model.layers.{n}.self_attn.o_proj.bias",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate: {
      required: true,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_gate_bias: {
      required: false,
      gguf: "blk.{n}.ffn_gate.bias",
      hf: "model.layers.{n}.mlp.gate_proj.bias",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_up_bias: {
      required: false,
      gguf: "blk.{n}.ffn_up.bias",
      hf: "model.layers.{n}.mlp.up_proj.bias",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
    ffn_down_bias: {
      required: false,
      gguf: "blk.{n}.ffn_down.bias",
      hf: "model.layers.{n}.mlp.down_proj.bias",
    },
  },
  mistral: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    rope_freqs: { required: false, gguf: "rope_freqs.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate: {
      required: true,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
  },
  mixtral: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    rope_freqs: { required: false, gguf: "rope_freqs.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate_inp: {
      required: true,
      gguf: "blk.{n}.ffn_gate_inp.weight",
      hf: "model.layers.{n}.block_sparse_moe.gate.weight",
    },
    ffn_gate_exps: {
      required: true,
      gguf: "blk.{n}.ffn_gate_exps.weight",
      hf: "model.layers.{n}.block_sparse_moe.experts.{e}.w1.weight",
    },
    ffn_up_exps: {
      required: true,
      gguf: "blk.{n}.ffn_up_exps.weight",
      hf: "model.layers.{n}.block_sparse_moe.experts.{e}.w3.weight",
    },
    ffn_down_exps: {
      required: true,
      gguf: "blk.{n}.ffn_down_exps.weight",
      hf: "model.layers.{n}.block_sparse_moe.experts.{e}.w2.weight",
    },
  },
  qwen2: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_q_bias: {
      required: true,
      gguf: "blk.{n}.attn_q.bias",
      hf: "model.layers.{n}.self_attn.q_proj.bias",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_k_bias: {
      required: true,
      gguf: "blk.{n}.attn_k.bias",
      hf: "model.layers.{n}.self_attn.k_proj.bias",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_v_bias: {
      required: true,
      gguf: "blk.{n}.attn_v.bias",
      hf: "model.layers.{n}.self_attn.v_proj.bias",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate: {
      required: true,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
  },
  qwen2_moe: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: true, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_q_bias: {
      required: true,
      gguf: "blk.{n}.attn_q.bias",
      hf: "model.layers.{n}.self_attn.q_proj.bias",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_k_bias: {
      required: true,
      gguf: "blk.{n}.attn_k.bias",
      hf: "model.layers.{n}.self_attn.k_proj.bias",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_v_bias: {
      required: true,
      gguf: "blk.{n}.attn_v.bias",
      hf: "model.layers.{n}.self_attn.v_proj.bias",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate_inp: {
      required: true,
      gguf: "blk.{n}.ffn_gate_inp.weight",
      hf: "model.layers.{n}.mlp.gate.weight",
    },
    ffn_gate_exps: {
      required: true,
      gguf: "blk.{n}.ffn_gate_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.gate_proj.weight",
    },
    ffn_up_exps: {
      required: true,
      gguf: "blk.{n}.ffn_up_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.up_proj.weight",
    },
    ffn_down_exps: {
      required: true,
      gguf: "blk.{n}.ffn_down_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.down_proj.weight",
    },
    ffn_gate_inp_shexp: {
      required: true,
      gguf: "blk.{n}.ffn_gate_inp_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_expert_gate.weight",
    },
    ffn_gate_shexp: {
      required: true,
      gguf: "blk.{n}.ffn_gate_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_expert.gate_proj.weight",
    },
    ffn_up_shexp: {
      required: true,
      gguf: "blk.{n}.ffn_up_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_expert.up_proj.weight",
    },
    ffn_down_shexp: {
      required: true,
      gguf: "blk.{n}.ffn_down_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_expert.down_proj.weight",
    },
  },
  qwen3: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    attn_q_norm: {
      required: true,
      gguf: "blk.{n}.attn_q_norm.weight",
      hf: "model.layers.{n}.self_attn.q_norm.weight",
    },
    attn_k_norm: {
      required: true,
      gguf: "blk.{n}.attn_k_norm.weight",
      hf: "model.layers.{n}.self_attn.k_norm.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate: {
      required: true,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
  },
  qwen3_moe: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    attn_q_norm: {
      required: true,
      gguf: "blk.{n}.attn_q_norm.weight",
      hf: "model.layers.{n}.self_attn.q_norm.weight",
    },
    attn_k_norm: {
      required: true,
      gguf: "blk.{n}.attn_k_norm.weight",
      hf: "model.layers.{n}.self_attn.k_norm.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate_inp: {
      required: true,
      gguf: "blk.{n}.ffn_gate_inp.weight",
      hf: "model.layers.{n}.mlp.gate.weight",
    },
    ffn_gate_exps: {
      required: true,
      gguf: "blk.{n}.ffn_gate_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.gate_proj.weight",
    },
    ffn_up_exps: {
      required: true,
      gguf: "blk.{n}.ffn_up_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.up_proj.weight",
    },
    ffn_down_exps: {
      required: true,
      gguf: "blk.{n}.ffn_down_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.down_proj.weight",
    },
  },
  gemma: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate: {
      required: true,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
  },
  gemma2: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    post_attention_norm: {
      required: true,
      gguf: "blk.{n}.post_attention_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.pre_feedforward_layernorm.weight",
    },
    post_ffw_norm: {
      required: true,
      gguf: "blk.{n}.post_ffw_norm.weight",
      hf: "model.layers.{n}.post_feedforward_layernorm.weight",
    },
    ffn_gate: {
      required: true,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
  },
  gemma3: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    attn_q_norm: {
      required: true,
      gguf: "blk.{n}.attn_q_norm.weight",
      hf: "model.layers.{n}.self_attn.q_norm.weight",
    },
    attn_k_norm: {
      required: true,
      gguf: "blk.{n}.attn_k_norm.weight",
      hf: "model.layers.{n}.self_attn.k_norm.weight",
    },
    post_attention_norm: {
      required: true,
      gguf: "blk.{n}.post_attention_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.pre_feedforward_layernorm.weight",
    },
    post_ffw_norm: {
      required: true,
      gguf: "blk.{n}.post_ffw_norm.weight",
      hf: "model.layers.{n}.post_feedforward_layernorm.weight",
    },
    ffn_gate: {
      required: true,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
  },
  phi: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    rope_factors_long: { required: false, gguf: "rope_factors_long.weight" },
    rope_factors_short: { required: false, gguf: "rope_factors_short.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: { required: false, gguf: "blk.{n}.attn_q.weight" },
    attn_k: { required: false, gguf: "blk.{n}.attn_k.weight" },
    attn_v: { required: false, gguf: "blk.{n}.attn_v.weight" },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
    attn_qkv: {
      required: true,
      gguf: "blk.{n}.attn_qkv.weight",
      hf: "model.layers.{n}.self_attn.qkv_proj.weight",
    },
    ffn_gate_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.gate_up_proj.weight",
    },
  },
  phi2: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.final_layernorm.weight" },
    output_norm_bias: {
      required: true,
      gguf: "output_norm.bias",
      hf: "model.final_layernorm.bias",
    },
    output: { required: true, gguf: "output.weight", hf: "lm_head.weight" },
    output_bias: { required: true, gguf: "output.bias", hf: "lm_head.bias" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_norm_bias: {
      required: true,
      gguf: "blk.{n}.attn_norm.bias",
      hf: "model.layers.{n}.input_layernorm.bias",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_q_bias: {
      required: true,
      gguf: "blk.{n}.attn_q.bias",
      hf: "model.layers.{n}.self_attn.q_proj.bias",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_k_bias: {
      required: true,
      gguf: "blk.{n}.attn_k.bias",
      hf: "model.layers.{n}.self_attn.k_proj.bias",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_v_bias: {
      required: true,
      gguf: "blk.{n}.attn_v.bias",
      hf: "model.layers.{n}.self_attn.v_proj.bias",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.dense.weight",
    },
    attn_output_bias: {
      required: true,
      gguf: "blk.{n}.attn_output.bias",
      hf: "model.layers.{n}.self_attn.dense.bias",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.fc1.weight",
    },
    ffn_up_bias: {
      required: true,
      gguf: "blk.{n}.ffn_up.bias",
      hf: "model.layers.{n}.mlp.fc1.bias",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.fc2.weight",
    },
    ffn_down_bias: {
      required: true,
      gguf: "blk.{n}.ffn_down.bias",
      hf: "model.layers.{n}.mlp.fc2.bias",
    },
    attn_qkv: { required: false, gguf: "blk.{n}.attn_qkv.weight" },
    attn_qkv_bias: { required: false, gguf: "blk.{n}.attn_qkv.bias" },
  },
  deepseek: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate: {
      required: false,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_up: {
      required: false,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_down: {
      required: false,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
    ffn_gate_inp: {
      required: false,
      gguf: "blk.{n}.ffn_gate_inp.weight",
      hf: "model.layers.{n}.mlp.gate.weight",
    },
    ffn_gate_exps: {
      required: false,
      gguf: "blk.{n}.ffn_gate_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.gate_proj.weight",
    },
    ffn_up_exps: {
      required: false,
      gguf: "blk.{n}.ffn_up_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.up_proj.weight",
    },
    ffn_down_exps: {
      required: false,
      gguf: "blk.{n}.ffn_down_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.down_proj.weight",
    },
    ffn_gate_shexp: {
      required: false,
      gguf: "blk.{n}.ffn_gate_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_experts.gate_proj.weight",
    },
    ffn_up_shexp: {
      required: false,
      gguf: "blk.{n}.ffn_up_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_experts.up_proj.weight",
    },
    ffn_down_shexp: {
      required: false,
      gguf: "blk.{n}.ffn_down_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_experts.down_proj.weight",
    },
  },
  deepseek2: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_q: {
      required: false,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    attn_q_a: {
      required: false,
      gguf: "blk.{n}.attn_q_a.weight",
      hf: "model.layers.{n}.self_attn.q_a_proj.weight",
    },
    attn_q_a_norm: {
      required: false,
      gguf: "blk.{n}.attn_q_a_norm.weight",
      hf: "model.layers.{n}.self_attn.q_a_layernorm.weight",
    },
    attn_q_b: {
      required: false,
      gguf: "blk.{n}.attn_q_b.weight",
      hf: "model.layers.{n}.self_attn.q_b_proj.weight",
    },
    attn_kv_a_mqa: {
      required: true,
      gguf: "blk.{n}.attn_kv_a_mqa.weight",
      hf: "model.layers.{n}.self_attn.kv_a_proj_with_mqa.weight",
    },
    attn_kv_a_norm: {
      required: true,
      gguf: "blk.{n}.attn_kv_a_norm.weight",
      hf: "model.layers.{n}.self_attn.kv_a_layernorm.weight",
    },
    attn_k_b: { required: false, gguf: "blk.{n}.attn_k_b.weight" },
    attn_v_b: { required: false, gguf: "blk.{n}.attn_v_b.weight" },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_gate: {
      required: false,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_up: {
      required: false,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_down: {
      required: false,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
    ffn_gate_inp: {
      required: false,
      gguf: "blk.{n}.ffn_gate_inp.weight",
      hf: "model.layers.{n}.mlp.gate.weight",
    },
    exp_probs_b: {
      required: false,
      gguf: "blk.{n}.exp_probs_b.bias",
      hf: "model.layers.{n}.mlp.gate.e_score_correction_bias",
    },
    ffn_gate_exps: {
      required: false,
      gguf: "blk.{n}.ffn_gate_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.gate_proj.weight",
    },
    ffn_up_exps: {
      required: false,
      gguf: "blk.{n}.ffn_up_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.up_proj.weight",
    },
    ffn_down_exps: {
      required: false,
      gguf: "blk.{n}.ffn_down_exps.weight",
      hf: "model.layers.{n}.mlp.experts.{e}.down_proj.weight",
    },
    ffn_gate_shexp: {
      required: false,
      gguf: "blk.{n}.ffn_gate_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_experts.gate_proj.weight",
    },
    ffn_up_shexp: {
      required: false,
      gguf: "blk.{n}.ffn_up_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_experts.up_proj.weight",
    },
    ffn_down_shexp: {
      required: false,
      gguf: "blk.{n}.ffn_down_shexp.weight",
      hf: "model.layers.{n}.mlp.shared_experts.down_proj.weight",
    },
    attn_kv_b: {
      required: true,
      gguf: "blk.{n}.attn_kv_b.weight",
      hf: "model.layers.{n}.self_attn.kv_b_proj.weight",
    },
    ffn_gate_up_exps: { required: false, gguf: "blk.{n}.ffn_gate_up_exps.weight" },
  },
  gpt2: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "transformer.wte.weight" },
    position_embd: { required: true, gguf: "position_embd.weight", hf: "transformer.wpe.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "transformer.ln_f.weight" },
    output_norm_bias: { required: true, gguf: "output_norm.bias", hf: "transformer.ln_f.bias" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "transformer.h.{n}.ln_1.weight",
    },
    attn_norm_bias: {
      required: true,
      gguf: "blk.{n}.attn_norm.bias",
      hf: "transformer.h.{n}.ln_1.bias",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "transformer.h.{n}.attn.c_proj.weight",
    },
    attn_output_bias: {
      required: true,
      gguf: "blk.{n}.attn_output.bias",
      hf: "transformer.h.{n}.attn.c_proj.bias",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "transformer.h.{n}.ln_2.weight",
    },
    ffn_norm_bias: {
      required: true,
      gguf: "blk.{n}.ffn_norm.bias",
      hf: "transformer.h.{n}.ln_2.bias",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "transformer.h.{n}.mlp.c_fc.weight",
    },
    ffn_up_bias: {
      required: true,
      gguf: "blk.{n}.ffn_up.bias",
      hf: "transformer.h.{n}.mlp.c_fc.bias",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "transformer.h.{n}.mlp.c_proj.weight",
    },
    ffn_down_bias: {
      required: true,
      gguf: "blk.{n}.ffn_down.bias",
      hf: "transformer.h.{n}.mlp.c_proj.bias",
    },
    attn_qkv: {
      required: true,
      gguf: "blk.{n}.attn_qkv.weight",
      hf: "transformer.h.{n}.attn.c_attn.weight",
    },
    attn_qkv_bias: {
      required: true,
      gguf: "blk.{n}.attn_qkv.bias",
      hf: "transformer.h.{n}.attn.c_attn.bias",
    },
  },
  gpt_neox: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "gpt_neox.embed_in.weight" },
    output_norm: {
      required: true,
      gguf: "output_norm.weight",
      hf: "gpt_neox.final_layer_norm.weight",
    },
    output_norm_bias: {
      required: true,
      gguf: "output_norm.bias",
      hf: "gpt_neox.final_layer_norm.bias",
    },
    output: { required: true, gguf: "output.weight", hf: "embed_out.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "gpt_neox.layers.{n}.input_layernorm.weight",
    },
    attn_norm_bias: {
      required: true,
      gguf: "blk.{n}.attn_norm.bias",
      hf: "gpt_neox.layers.{n}.input_layernorm.bias",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "gpt_neox.layers.{n}.attention.dense.weight",
    },
    attn_output_bias: {
      required: true,
      gguf: "blk.{n}.attn_output.bias",
      hf: "gpt_neox.layers.{n}.attention.dense.bias",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "gpt_neox.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_norm_bias: {
      required: true,
      gguf: "blk.{n}.ffn_norm.bias",
      hf: "gpt_neox.layers.{n}.post_attention_layernorm.bias",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "gpt_neox.layers.{n}.mlp.dense_h_to_4h.weight",
    },
    ffn_up_bias: {
      required: true,
      gguf: "blk.{n}.ffn_up.bias",
      hf: "gpt_neox.layers.{n}.mlp.dense_h_to_4h.bias",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "gpt_neox.layers.{n}.mlp.dense_4h_to_h.weight",
    },
    ffn_down_bias: {
      required: true,
      gguf: "blk.{n}.ffn_down.bias",
      hf: "gpt_neox.layers.{n}.mlp.dense_4h_to_h.bias",
    },
    attn_qkv: {
      required: true,
      gguf: "blk.{n}.attn_qkv.weight",
      hf: "gpt_neox.layers.{n}.attention.query_key_value.weight",
    },
    attn_qkv_bias: {
      required: true,
      gguf: "blk.{n}.attn_qkv.bias",
      hf: "gpt_neox.layers.{n}.attention.query_key_value.bias",
    },
  },
  bert: {
    token_embd: {
      required: true,
      gguf: "token_embd.weight",
      hf: "embeddings.word_embeddings.weight",
    },
    token_embd_norm: {
      required: true,
      gguf: "token_embd_norm.weight",
      hf: "embeddings.LayerNorm.weight",
    },
    token_embd_norm_bias: {
      required: true,
      gguf: "token_embd_norm.bias",
      hf: "embeddings.LayerNorm.bias",
    },
    token_types: {
      required: false,
      gguf: "token_types.weight",
      hf: "embeddings.token_type_embeddings.weight",
    },
    position_embd: {
      required: true,
      gguf: "position_embd.weight",
      hf: "embeddings.position_embeddings.weight",
    },
    cls: { required: false, gguf: "cls.weight", hf: "classifier.dense.weight" },
    cls_bias: { required: false, gguf: "cls.bias", hf: "classifier.dense.bias" },
    cls_output: { required: false, gguf: "cls.output.weight", hf: "classifier.out_proj.weight" },
    cls_output_bias: { required: false, gguf: "cls.output.bias", hf: "classifier.out_proj.bias" },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "encoder.layer.{n}.attention.self.query.weight",
    },
    attn_q_bias: {
      required: true,
      gguf: "blk.{n}.attn_q.bias",
      hf: "encoder.layer.{n}.attention.self.query.bias",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "encoder.layer.{n}.attention.self.key.weight",
    },
    attn_k_bias: {
      required: true,
      gguf: "blk.{n}.attn_k.bias",
      hf: "encoder.layer.{n}.attention.self.key.bias",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "encoder.layer.{n}.attention.self.value.weight",
    },
    attn_v_bias: {
      required: true,
      gguf: "blk.{n}.attn_v.bias",
      hf: "encoder.layer.{n}.attention.self.value.bias",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "encoder.layer.{n}.attention.output.dense.weight",
    },
    attn_output_bias: {
      required: true,
      gguf: "blk.{n}.attn_output.bias",
      hf: "encoder.layer.{n}.attention.output.dense.bias",
    },
    attn_output_norm: {
      required: true,
      gguf: "blk.{n}.attn_output_norm.weight",
      hf: "encoder.layer.{n}.attention.output.LayerNorm.weight",
    },
    attn_output_norm_bias: {
      required: true,
      gguf: "blk.{n}.attn_output_norm.bias",
      hf: "encoder.layer.{n}.attention.output.LayerNorm.bias",
    },
    layer_output_norm: {
      required: true,
      gguf: "blk.{n}.layer_output_norm.weight",
      hf: "encoder.layer.{n}.output.LayerNorm.weight",
    },
    layer_output_norm_bias: {
      required: true,
      gguf: "blk.{n}.layer_output_norm.bias",
      hf: "encoder.layer.{n}.output.LayerNorm.bias",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "encoder.layer.{n}.intermediate.dense.weight",
    },
    ffn_up_bias: {
      required: true,
      gguf: "blk.{n}.ffn_up.bias",
      hf: "encoder.layer.{n}.intermediate.dense.bias",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "encoder.layer.{n}.output.dense.weight",
    },
    ffn_down_bias: {
      required: true,
      gguf: "blk.{n}.ffn_down.bias",
      hf: "encoder.layer.{n}.output.dense.bias",
    },
    attn_qkv: { required: false, gguf: "blk.{n}.attn_qkv.weight" },
    attn_qkv_bias: { required: false, gguf: "blk.{n}.attn_qkv.bias" },
  },
  openelm: {
    token_embd: {
      required: true,
      gguf: "token_embd.weight",
      hf: "transformer.token_embeddings.weight",
    },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "transformer.norm.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "transformer.layers.{n}.attn_norm.weight",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "transformer.layers.{n}.attn.out_proj.weight",
    },
    attn_q_norm: {
      required: true,
      gguf: "blk.{n}.attn_q_norm.weight",
      hf: "transformer.layers.{n}.attn.q_norm.weight",
    },
    attn_k_norm: {
      required: true,
      gguf: "blk.{n}.attn_k_norm.weight",
      hf: "transformer.layers.{n}.attn.k_norm.weight",
    },
    ffn_norm: {
      required: true,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "transformer.layers.{n}.ffn_norm.weight",
    },
    ffn_gate: { required: true, gguf: "blk.{n}.ffn_gate.weight" },
    ffn_up: { required: true, gguf: "blk.{n}.ffn_up.weight" },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "transformer.layers.{n}.ffn.proj_2.weight",
    },
    attn_qkv: {
      required: true,
      gguf: "blk.{n}.attn_qkv.weight",
      hf: "transformer.layers.{n}.attn.qkv_proj.weight",
    },
    ffn_gate_up: { required: false, hf: "transformer.layers.{n}.ffn.proj_1.weight" },
  },
  falcon: {
    token_embd: {
      required: true,
      gguf: "token_embd.weight",
      hf: "transformer.word_embeddings.weight",
    },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "transformer.ln_f.weight" },
    output_norm_bias: { required: true, gguf: "output_norm.bias", hf: "transformer.ln_f.bias" },
    output: { required: false, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "transformer.h.{n}.input_layernorm.weight",
    },
    attn_norm_bias: {
      required: true,
      gguf: "blk.{n}.attn_norm.bias",
      hf: "transformer.h.{n}.input_layernorm.bias",
    },
    attn_norm_2: {
      required: false,
      gguf: "blk.{n}.attn_norm_2.weight",
      hf: "transformer.h.{n}.ln_attn.weight",
    },
    attn_norm_2_bias: {
      required: false,
      gguf: "blk.{n}.attn_norm_2.bias",
      hf: "transformer.h.{n}.ln_attn.bias",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "transformer.h.{n}.self_attention.dense.weight",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "transformer.h.{n}.mlp.dense_h_to_4h.weight",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "transformer.h.{n}.mlp.dense_4h_to_h.weight",
    },
    attn_qkv: {
      required: true,
      gguf: "blk.{n}.attn_qkv.weight",
      hf: "transformer.h.{n}.self_attention.query_key_value.weight",
    },
  },
  stablelm: {
    token_embd: { required: true, gguf: "token_embd.weight", hf: "model.embed_tokens.weight" },
    output_norm: { required: true, gguf: "output_norm.weight", hf: "model.norm.weight" },
    output_norm_bias: { required: true, gguf: "output_norm.bias", hf: "model.norm.bias" },
    output: { required: true, gguf: "output.weight", hf: "lm_head.weight" },
    attn_norm: {
      required: true,
      gguf: "blk.{n}.attn_norm.weight",
      hf: "model.layers.{n}.input_layernorm.weight",
    },
    attn_norm_bias: {
      required: true,
      gguf: "blk.{n}.attn_norm.bias",
      hf: "model.layers.{n}.input_layernorm.bias",
    },
    attn_q: {
      required: true,
      gguf: "blk.{n}.attn_q.weight",
      hf: "model.layers.{n}.self_attn.q_proj.weight",
    },
    attn_q_bias: {
      required: false,
      gguf: "blk.{n}.attn_q.bias",
      hf: "model.layers.{n}.self_attn.q_proj.bias",
    },
    attn_k: {
      required: true,
      gguf: "blk.{n}.attn_k.weight",
      hf: "model.layers.{n}.self_attn.k_proj.weight",
    },
    attn_k_bias: {
      required: false,
      gguf: "blk.{n}.attn_k.bias",
      hf: "model.layers.{n}.self_attn.k_proj.bias",
    },
    attn_v: {
      required: true,
      gguf: "blk.{n}.attn_v.weight",
      hf: "model.layers.{n}.self_attn.v_proj.weight",
    },
    attn_v_bias: {
      required: false,
      gguf: "blk.{n}.attn_v.bias",
      hf: "model.layers.{n}.self_attn.v_proj.bias",
    },
    attn_output: {
      required: true,
      gguf: "blk.{n}.attn_output.weight",
      hf: "model.layers.{n}.self_attn.o_proj.weight",
    },
    attn_q_norm: { required: false, gguf: "blk.{n}.attn_q_norm.weight" },
    attn_k_norm: { required: false, gguf: "blk.{n}.attn_k_norm.weight" },
    ffn_norm: {
      required: false,
      gguf: "blk.{n}.ffn_norm.weight",
      hf: "model.layers.{n}.post_attention_layernorm.weight",
    },
    ffn_norm_bias: {
      required: false,
      gguf: "blk.{n}.ffn_norm.bias",
      hf: "model.layers.{n}.post_attention_layernorm.bias",
    },
    ffn_gate: {
      required: true,
      gguf: "blk.{n}.ffn_gate.weight",
      hf: "model.layers.{n}.mlp.gate_proj.weight",
    },
    ffn_up: {
      required: true,
      gguf: "blk.{n}.ffn_up.weight",
      hf: "model.layers.{n}.mlp.up_proj.weight",
    },
    ffn_down: {
      required: true,
      gguf: "blk.{n}.ffn_down.weight",
      hf: "model.layers.{n}.mlp.down_proj.weight",
    },
  },
};
