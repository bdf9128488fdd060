"""Checkpoints as GGUF files and back, with names and keys as llama.cpp's converter writes them. They
stand here, not in the contract of names, which is tested with these files."""

import re

import gguf
import numpy

ARCHITECTURES = {
    "llama": "llama",
    # Mixtral has no name of its own: it is a llama with experts.
    "mixtral": "llama",
    "qwen2": "qwen2",
    "qwen2_moe": "qwen2moe",
    "qwen3": "qwen3",
    "qwen3_moe": "qwen3moe",
}

GLOBAL_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}

LAYER_NAMES = {
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.q_proj.bias": "attn_q.bias",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.k_proj.bias": "attn_k.bias",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.v_proj.bias": "attn_v.bias",
    "self_attn.o_proj.weight": "attn_output.weight",
    "self_attn.q_norm.weight": "attn_q_norm.weight",
    "self_attn.k_norm.weight": "attn_k_norm.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
    "mlp.gate.weight": "ffn_gate_inp.weight",
    "block_sparse_moe.gate.weight": "ffn_gate_inp.weight",
    "mlp.shared_expert_gate.weight": "ffn_gate_inp_shexp.weight",
    "mlp.shared_expert.gate_proj.weight": "ffn_gate_shexp.weight",
    "mlp.shared_expert.up_proj.weight": "ffn_up_shexp.weight",
    "mlp.shared_expert.down_proj.weight": "ffn_down_shexp.weight",
}

# The projections of one expert, and the tensor that holds those of all experts of a layer.
EXPERT_NAMES = {
    "gate_proj": "ffn_gate_exps.weight",
    "up_proj": "ffn_up_exps.weight",
    "down_proj": "ffn_down_exps.weight",
    "w1": "ffn_gate_exps.weight",
    "w3": "ffn_up_exps.weight",
    "w2": "ffn_down_exps.weight",
}

EXPERT = re.compile(r"(?:mlp|block_sparse_moe)\.experts\.(\d+)\.(\w+)\.weight")


def turned_in_pairs(weights, heads):
    """Rows of queries or keys in the order of llama's GGUF files, where RoPE turns neighbours: a
    checkpoint turns the first half of a head with the second."""
    rows, columns = weights.shape
    halves = weights.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def gguf_tensors(config, checkpoint):
    """The tensors of a GGUF file by name; numpy's shapes have the innermost dimension last."""
    tensors, stacks = {}, {}
    in_pairs = {
        "self_attn.q_proj.weight": config["num_attention_heads"],
        "self_attn.k_proj.weight": config["num_key_value_heads"],
    }
    for name, weights in checkpoint.items():
        if name in GLOBAL_NAMES:
            tensors[GLOBAL_NAMES[name]] = weights
            continue
        layer, rest = re.fullmatch(r"model\.layers\.(\d+)\.(.+)", name).groups()
        expert = EXPERT.fullmatch(rest)
        if expert:
            stack = f"blk.{layer}.{EXPERT_NAMES[expert[2]]}"
            stacks.setdefault(stack, {})[int(expert[1])] = weights
            continue
        if ARCHITECTURES[config["model_type"]] == "llama" and rest in in_pairs:
            weights = turned_in_pairs(weights, in_pairs[rest])
        if rest == "mlp.shared_expert_gate.weight":
            weights = weights[0]
        tensors[f"blk.{layer}.{LAYER_NAMES[rest]}"] = weights
    for name, experts in stacks.items():
        tensors[name] = numpy.stack([experts[i] for i in range(len(experts))])
    return tensors


def write_hyper_parameters(writer, config):
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    head = config.get("head_dim", hidden // heads)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(head)
    writer.add_vocab_size(config["vocab_size"])
    experts = config.get("num_experts", config.get("num_local_experts"))
    if experts is None:
        return
    writer.add_expert_count(experts)
    writer.add_expert_used_count(config["num_experts_per_tok"])
    if "moe_intermediate_size" in config:
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    if "shared_expert_intermediate_size" in config:
        writer.add_expert_shared_feed_forward_length(config["shared_expert_intermediate_size"])
    # A file says so where it differs from what the architecture's files mean.
    usual = {"qwen3_moe": True, "qwen2_moe": False}.get(config["model_type"])
    if usual is not None and config["norm_topk_prob"] != usual:
        writer.add_expert_weights_norm(config["norm_topk_prob"])


def in_bfloat16(weights):
    return (numpy.ascontiguousarray(weights, "<f4").view("<u4") >> 16).astype("<u2")


def write_gguf(path, config, checkpoint, bfloat16):
    """Norms, biases and routers are F32 in either file."""
    writer = gguf.GGUFWriter(path, ARCHITECTURES[config["model_type"]])
    writer.add_name(path.stem)
    types = gguf.LlamaFileType
    writer.add_file_type(types.MOSTLY_BF16 if bfloat16 else types.ALL_F32)
    write_hyper_parameters(writer, config)
    for name, weights in gguf_tensors(config, checkpoint).items():
        weights = numpy.ascontiguousarray(weights, "<f4")
        if bfloat16 and weights.ndim > 1 and not name.endswith("ffn_gate_inp.weight"):
            bits = in_bfloat16(weights).view(numpy.uint8)
            writer.add_tensor(name, bits, raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_qwen3_moe(path):
    """config.json and checkpoint of a Qwen3-MoE's GGUF file, its weights decoded to f32."""
    reader = gguf.GGUFReader(path)

    def field(key):
        return reader.fields[f"qwen3moe.{key}"].contents()

    tensors = {
        tensor.name: numpy.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type))
        for tensor in reader.tensors
    }
    config = {
        "architectures": ["Qwen3MoeForCausalLM"],
        "model_type": "qwen3_moe",
        "num_hidden_layers": field("block_count"),
        "max_position_embeddings": field("context_length"),
        "hidden_size": field("embedding_length"),
        "intermediate_size": field("feed_forward_length"),
        "num_attention_heads": field("attention.head_count"),
        "num_key_value_heads": field("attention.head_count_kv"),
        "head_dim": field("attention.key_length"),
        "rms_norm_eps": field("attention.layer_norm_rms_epsilon"),
        "rope_theta": field("rope.freq_base"),
        "num_experts": field("expert_count"),
        "num_experts_per_tok": field("expert_used_count"),
        "moe_intermediate_size": field("expert_feed_forward_length"),
        "vocab_size": len(tensors["token_embd.weight"]),
        "attention_bias": False,
        "decoder_sparse_step": 1,
        "hidden_act": "silu",
        "mlp_only_layers": [],
        "norm_topk_prob": True,
        "tie_word_embeddings": "output.weight" not in tensors,
    }
    names = {ours: theirs for theirs, ours in GLOBAL_NAMES.items()}
    stacks = {EXPERT_NAMES[part]: part for part in ("gate_proj", "up_proj", "down_proj")}
    in_layer = {
        ours: theirs for theirs, ours in LAYER_NAMES.items() if "block_sparse_moe" not in theirs
    }
    checkpoint = {}
    for name, weights in tensors.items():
        if name in names:
            checkpoint[names[name]] = weights
            continue
        layer, rest = re.fullmatch(r"blk\.(\d+)\.(.+)", name).groups()
        prefix = f"model.layers.{layer}"
        if rest in stacks:
            for expert, matrix in enumerate(weights):
                checkpoint[f"{prefix}.mlp.experts.{expert}.{stacks[rest]}.weight"] = matrix
        else:
            checkpoint[f"{prefix}.{in_layer[rest]}"] = weights
    return config, checkpoint
