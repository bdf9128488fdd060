"""The models that the published implementations are asked about: small ones with random weights, each
with something that an implementation could get wrong. Sizes bear the names of config.json.

`tokens` are the lengths of the sequences that are asked about. The seeds of mixtures were chosen, of
at least sixty each, so that the choice of experts is a near-tie for no token: there rounding would decide.
"""

COMMON = {
    "hidden_act": "silu",
    "max_position_embeddings": 256,
    "num_hidden_layers": 2,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": False,
    "vocab_size": 96,
}

QWEN3_MOE = {
    **COMMON,
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "attention_bias": False,
    "decoder_sparse_step": 1,
    "intermediate_size": 80,
    "mlp_only_layers": [],
    "norm_topk_prob": True,
    "use_sliding_window": False,
}

QWEN2_MOE = {
    **COMMON,
    "architectures": ["Qwen2MoeForCausalLM"],
    "model_type": "qwen2_moe",
    "decoder_sparse_step": 1,
    "intermediate_size": 80,
    "mlp_only_layers": [],
    "norm_topk_prob": False,
    "qkv_bias": True,
    "use_sliding_window": False,
}

MODELS = {
    # Heads wider than the hidden size has room for, sizes that are no multiple of a vector, and a
    # prompt that is longer than a tile of attention.
    "qwen3moe-odd": {
        "seed": 406,
        "tokens": [1, 150],
        "config": {
            **QWEN3_MOE,
            "hidden_size": 44,
            "num_attention_heads": 6,
            "num_key_value_heads": 2,
            "head_dim": 20,
            "num_experts": 5,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 28,
            "rope_theta": 10000.0,
        },
    },
    # Every constant far from what is usual, so that each of them shows in the logits.
    "qwen3moe-constants": {
        "seed": 428,
        "tokens": [24],
        "config": {
            **QWEN3_MOE,
            "hidden_size": 52,
            "num_attention_heads": 6,
            "num_key_value_heads": 2,
            "head_dim": 20,
            "num_experts": 5,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 20,
            "rms_norm_eps": 0.3,
            "rope_theta": 30.0,
            "tie_word_embeddings": True,
        },
    },
    # The chosen experts' weights are not divided by their sum.
    "qwen3moe-plain-weights": {
        "seed": 404,
        "tokens": [5, 40],
        "config": {
            **QWEN3_MOE,
            "hidden_size": 32,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 32,
            "num_experts": 8,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 32,
            "norm_topk_prob": False,
            "rope_theta": 10000000.0,
        },
    },
    "qwen3moe-top-1": {
        "seed": 455,
        "tokens": [40],
        "config": {
            **QWEN3_MOE,
            "hidden_size": 64,
            "num_attention_heads": 3,
            "num_key_value_heads": 3,
            "head_dim": 32,
            "num_experts": 3,
            "num_experts_per_tok": 1,
            "moe_intermediate_size": 32,
            "tie_word_embeddings": True,
        },
    },
    # One more expert for all tokens, wider than the others together, and biases.
    "qwen2moe": {
        "seed": 404,
        "tokens": [5, 40],
        "config": {
            **QWEN2_MOE,
            "hidden_size": 32,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "num_experts": 6,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 32,
            "shared_expert_intermediate_size": 128,
        },
    },
    "qwen2moe-normalized": {
        "seed": 422,
        "tokens": [40],
        "config": {
            **QWEN2_MOE,
            "hidden_size": 36,
            "num_attention_heads": 3,
            "num_key_value_heads": 1,
            "num_experts": 5,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 20,
            "norm_topk_prob": True,
            "rope_theta": 10000.0,
            "shared_expert_intermediate_size": 12,
        },
    },
    "mixtral": {
        "seed": 509,
        "tokens": [5, 40],
        "config": {
            **COMMON,
            "architectures": ["MixtralForCausalLM"],
            "model_type": "mixtral",
            "hidden_size": 32,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "num_local_experts": 6,
            "num_experts_per_tok": 2,
            "intermediate_size": 64,
            "sliding_window": None,
        },
    },
    "qwen3": {
        "seed": 308,
        "tokens": [40],
        "config": {
            **COMMON,
            "architectures": ["Qwen3ForCausalLM"],
            "model_type": "qwen3",
            "attention_bias": False,
            "hidden_size": 64,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "head_dim": 24,
            "intermediate_size": 96,
            "use_sliding_window": False,
        },
    },
    "qwen2": {
        "seed": 309,
        "tokens": [40],
        "config": {
            **COMMON,
            "architectures": ["Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "hidden_size": 64,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 96,
            "tie_word_embeddings": True,
            "use_sliding_window": False,
        },
    },
    "llama": {
        "seed": 310,
        "tokens": [40],
        "config": {
            **COMMON,
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "attention_bias": False,
            "mlp_bias": False,
            "hidden_size": 64,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "intermediate_size": 96,
            "rope_theta": 10000.0,
        },
    },
}
