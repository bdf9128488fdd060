"""Asks the published implementation of Qwen3-MoE, the one of Hugging Face's transformers, for the
logits of models with random weights, in f32.

    python3 tools/reference/published_logits.py FOLDER falsification/recorded

FOLDER is what write_models.ts wrote: NAME.gguf, and NAME.json with the tokens and positions that are
asked about. The answers are written to NAME.transformers.json. The README beside this file says
what has to be installed.
"""

import base64
import json
import pathlib
import sys
import tempfile

import gguf
import numpy
import torch
import transformers
from safetensors.torch import save_file

# A GGUF file's tensors in a checkpoint's names, as the published checkpoints have them.
GLOBAL_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
LAYER_NAMES = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "attn_q_norm.weight": "self_attn.q_norm.weight",
    "attn_k_norm.weight": "self_attn.k_norm.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "ffn_gate_inp.weight": "mlp.gate.weight",
}
EXPERT_NAMES = {
    "ffn_gate_exps.weight": "gate_proj.weight",
    "ffn_up_exps.weight": "up_proj.weight",
    "ffn_down_exps.weight": "down_proj.weight",
}


def checkpoint_tensors(reader):
    """The file's weights by their names in a checkpoint; stacked experts become one tensor each."""
    tensors = {}
    for tensor in reader.tensors:
        # The reader gives numpy's order: the innermost dimension last, as PyTorch has it.
        if tensor.tensor_type != gguf.GGMLQuantizationType.F32:
            raise SystemExit(f"{tensor.name} is {tensor.tensor_type.name}, not F32")
        weights = torch.from_numpy(numpy.array(tensor.data, dtype=numpy.float32))
        if tensor.name in GLOBAL_NAMES:
            tensors[GLOBAL_NAMES[tensor.name]] = weights
            continue
        _, layer, role = tensor.name.split(".", 2)
        prefix = f"model.layers.{layer}."
        if role in LAYER_NAMES:
            tensors[prefix + LAYER_NAMES[role]] = weights
        else:
            for expert, own in enumerate(weights):
                name = f"{prefix}mlp.experts.{expert}.{EXPERT_NAMES[role]}"
                tensors[name] = own.contiguous()
    return tensors


def configuration(reader, tensors):
    """The file's hyper-parameters as a checkpoint's config.json has them."""

    def value(key):
        return reader.fields[f"qwen3moe.{key}"].contents()

    return {
        "architectures": ["Qwen3MoeForCausalLM"],
        "model_type": "qwen3_moe",
        "attention_bias": False,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "hidden_act": "silu",
        # As in the config.json of the published models; a GGUF file does not say.
        "norm_topk_prob": True,
        "head_dim": value("attention.key_length"),
        "hidden_size": value("embedding_length"),
        "intermediate_size": value("feed_forward_length"),
        "max_position_embeddings": value("context_length"),
        "moe_intermediate_size": value("expert_feed_forward_length"),
        "num_attention_heads": value("attention.head_count"),
        "num_experts": value("expert_count"),
        "num_experts_per_tok": value("expert_used_count"),
        "num_hidden_layers": value("block_count"),
        "num_key_value_heads": value("attention.head_count_kv"),
        "rms_norm_eps": value("attention.layer_norm_rms_epsilon"),
        "rope_theta": value("rope.freq_base"),
        "tie_word_embeddings": "lm_head.weight" not in tensors,
        "use_sliding_window": False,
        "vocab_size": tensors["model.embed_tokens.weight"].shape[0],
        "dtype": "float32",
    }


def load(path):
    """The model of a GGUF file, loaded as a checkpoint on disk is."""
    reader = gguf.GGUFReader(path)
    tensors = checkpoint_tensors(reader)
    with tempfile.TemporaryDirectory() as folder:
        config = configuration(reader, tensors)
        (pathlib.Path(folder) / "config.json").write_text(json.dumps(config))
        save_file(tensors, f"{folder}/model.safetensors", metadata={"format": "pt"})
        model, report = transformers.Qwen3MoeForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="eager",
            output_loading_info=True,
        )
    left = {key: names for key, names in report.items() if names}
    if left:
        raise SystemExit(f"{path} and the model differ in their tensors: {left}")
    if model.config.rope_parameters["rope_theta"] != config["rope_theta"]:
        raise SystemExit(f"{path}: the RoPE base was not taken over")
    return model.eval()


def answer(folder, name):
    asked = json.loads((folder / f"{name}.json").read_text())
    model = load(folder / f"{name}.gguf")
    with torch.no_grad():
        logits = model(torch.tensor([asked["tokens"]])).logits[0]
    rows = logits[asked["positions"]].numpy().astype("<f4")
    asked["reference"] = (
        f"Qwen3MoeForCausalLM of transformers {transformers.__version__}, "
        f"torch {torch.__version__.split('+')[0]}, float32, eager attention"
    )
    asked["rows"] = base64.b64encode(rows.tobytes()).decode()
    return asked


def main(folder, target):
    torch.set_num_threads(1)
    for path in sorted(folder.glob("*.json")):
        record = json.dumps(answer(folder, path.stem), indent=2)
        (target / f"{path.stem}.transformers.json").write_text(record + "\n")
        print(path.stem)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
