"""Writes the trained weights as a checkpoint in Hugging Face's form.

    python export.py FOLDER CHECKPOINT

FOLDER is that of train.py. CHECKPOINT gets config.json, model.safetensors, tokenizer.json and
tokenizer_config.json, which `Qwen3MoeForCausalLM.from_pretrained` and convert.ts read.
"""

import dataclasses
import json
import pathlib
import shutil
import sys
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from model import ModelShape

TEMPLATE = pathlib.Path(__file__).parent / "chat_template.jinja"


def checkpoint_tensors(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights by their names in a published checkpoint, where every expert has its own."""
    tensors: dict[str, Tensor] = {}
    for name, values in weights.items():
        if name.endswith(".experts.gate_up_proj"):
            prefix = name.removesuffix("gate_up_proj")
            for expert, matrix in enumerate(values):
                gate, up = matrix.chunk(2)
                tensors[f"{prefix}{expert}.gate_proj.weight"] = gate.contiguous()
                tensors[f"{prefix}{expert}.up_proj.weight"] = up.contiguous()
        elif name.endswith(".experts.down_proj"):
            prefix = name.removesuffix("down_proj")
            for expert, matrix in enumerate(values):
                tensors[f"{prefix}{expert}.down_proj.weight"] = matrix.contiguous()
        else:
            tensors[name] = values
    return tensors


def configuration(shape: ModelShape, end: int, padding: int) -> dict[str, Any]:
    """config.json. intermediate_size is that of dense layers, of which there is none."""
    return {
        "architectures": ["Qwen3MoeForCausalLM"],
        "model_type": "qwen3_moe",
        **dataclasses.asdict(shape),
        "attention_bias": False,
        "decoder_sparse_step": 1,
        "hidden_act": "silu",
        "intermediate_size": shape.num_experts_per_tok * shape.moe_intermediate_size,
        "mlp_only_layers": [],
        "norm_topk_prob": True,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "bos_token_id": None,
        "eos_token_id": end,
        "pad_token_id": padding,
    }


def export(folder: pathlib.Path, checkpoint: pathlib.Path) -> None:
    checkpoint.mkdir(parents=True, exist_ok=True)
    weights = torch.load(folder / "weights.pt", weights_only=True)
    save_file(checkpoint_tensors(weights), checkpoint / "model.safetensors", {"format": "pt"})
    shutil.copy(folder / "tokenizer.json", checkpoint / "tokenizer.json")
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    vocabulary = len(tokenizer["model"]["vocab"] | ids)
    config = configuration(
        ModelShape(vocab_size=vocabulary), ids["<|im_end|>"], ids["<|endoftext|>"]
    )
    write_json(checkpoint / "config.json", config)
    write_json(
        checkpoint / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_bos_token": False,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "chat_template": TEMPLATE.read_text(encoding="utf-8"),
        },
    )


def write_json(path: pathlib.Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    export(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
