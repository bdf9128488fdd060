"""Checkpoints with random weights, as Hugging Face's are published: the names, shapes and sizes of
their tensors."""

import numpy


def rounded(weights):
    """The nearest numbers that bfloat16 has, so that a model is the same in both of its files."""
    bits = weights.astype("<f4").view("<u4")
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype("<u4").view("<f4")


def tensor_shapes(config):
    """(name, shape, mean, deviation) of each tensor of a checkpoint, as PyTorch has shapes."""
    hidden = config["hidden_size"]
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head = config.get("head_dim", hidden // heads)
    kind = config["model_type"]

    def matrix(name, rows, columns, gain=1.0):
        return name, (rows, columns), 0.0, gain / columns**0.5

    def norm(name, size):
        return name, (size,), 1.0, 0.1

    yield "model.embed_tokens.weight", (config["vocab_size"], hidden), 0.0, 1.0
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield norm(prefix + "input_layernorm.weight", hidden)
        for part, count in (("q", heads), ("k", kv_heads), ("v", kv_heads)):
            yield matrix(f"{prefix}self_attn.{part}_proj.weight", count * head, hidden)
            if kind in ("qwen2", "qwen2_moe"):
                yield f"{prefix}self_attn.{part}_proj.bias", (count * head,), 0.0, 0.5
            if kind in ("qwen3", "qwen3_moe") and part != "v":
                yield norm(f"{prefix}self_attn.{part}_norm.weight", head)
        yield matrix(prefix + "self_attn.o_proj.weight", hidden, heads * head)
        yield norm(prefix + "post_attention_layernorm.weight", hidden)
        yield from feed_forward(config, prefix, matrix)
    yield norm("model.norm.weight", hidden)
    if not config["tie_word_embeddings"]:
        yield matrix("lm_head.weight", config["vocab_size"], hidden, 2.0)


def feed_forward(config, prefix, matrix):
    hidden, kind = config["hidden_size"], config["model_type"]

    def block(name, width, parts):
        gate, up, down = parts
        yield matrix(f"{prefix}{name}.{gate}.weight", width, hidden)
        yield matrix(f"{prefix}{name}.{up}.weight", width, hidden)
        yield matrix(f"{prefix}{name}.{down}.weight", hidden, width, 2.0)

    projections = ("gate_proj", "up_proj", "down_proj")
    if kind == "mixtral":
        yield matrix(prefix + "block_sparse_moe.gate.weight", config["num_local_experts"], hidden, 2.0)
        for expert in range(config["num_local_experts"]):
            name = f"block_sparse_moe.experts.{expert}"
            yield from block(name, config["intermediate_size"], ("w1", "w3", "w2"))
    elif kind in ("qwen2_moe", "qwen3_moe"):
        yield matrix(prefix + "mlp.gate.weight", config["num_experts"], hidden, 2.0)
        for expert in range(config["num_experts"]):
            name = f"mlp.experts.{expert}"
            yield from block(name, config["moe_intermediate_size"], projections)
    else:
        yield from block("mlp", config["intermediate_size"], projections)
    if kind == "qwen2_moe":
        width = config["shared_expert_intermediate_size"]
        yield from block("mlp.shared_expert", width, projections)
        yield matrix(prefix + "mlp.shared_expert_gate.weight", 1, hidden)


def random_checkpoint(config, seed):
    """A checkpoint's tensors by name, in f32."""
    random = numpy.random.default_rng(seed)
    return {
        name: rounded(mean + deviation * random.standard_normal(shape, dtype=numpy.float32))
        for name, shape, mean, deviation in tensor_shapes(config)
    }
