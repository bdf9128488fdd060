"""Makes small models with random weights, writes each as two GGUF files, F32 and BF16, and asks the
published implementation, the one of Hugging Face's transformers, for its logits in f32.

    python3 tools/reference/published_models.py falsification/recorded/published

writes NAME.f32.gguf, NAME.bf16.gguf and NAME.json with tokens and logits. The README beside this file
says what has to be installed.
"""

import base64
import json
import pathlib
import sys
import tempfile

import numpy
import torch
import transformers
from safetensors.torch import save_file

from checkpoints import random_checkpoint
from gguf_files import write_gguf
from models import MODELS


def load(config, checkpoint):
    """The model, loaded from disk as a published checkpoint is."""
    implementation = getattr(transformers, config["architectures"][0])
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps({**config, "dtype": "float32"})
        (pathlib.Path(folder) / "config.json").write_text(text)
        tensors = {name: torch.from_numpy(weights) for name, weights in checkpoint.items()}
        save_file(tensors, f"{folder}/model.safetensors", metadata={"format": "pt"})
        model, report = implementation.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="eager",
            output_loading_info=True,
        )
    left = {key: names for key, names in report.items() if names}
    if left:
        raise SystemExit(f"checkpoint and model differ in their tensors: {left}")
    if model.config.rope_parameters["rope_theta"] != config["rope_theta"]:
        raise SystemExit("the RoPE base was not taken over")
    return model.eval()


def sequence(model, tokens):
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0].numpy().astype("<f4")
    return {"tokens": tokens, "logits": base64.b64encode(logits.tobytes()).decode()}


def recorded(config, model, sequences):
    """What is kept of a model: its logits at every position of the sequences of tokens."""
    return {
        "reference": (
            f"{config['architectures'][0]} of transformers {transformers.__version__}, "
            f"torch {torch.__version__.split('+')[0]}, float32, eager attention"
        ),
        "vocabulary": config["vocab_size"],
        "sequences": [sequence(model, tokens) for tokens in sequences],
    }


def record(name, target):
    asked = MODELS[name]
    config, seed = asked["config"], asked["seed"]
    checkpoint = random_checkpoint(config, seed)
    for suffix, bfloat16 in (("f32", False), ("bf16", True)):
        write_gguf(target / f"{name}.{suffix}.gguf", config, checkpoint, bfloat16)
    model = load(config, checkpoint)
    random = numpy.random.default_rng(seed + 1000)
    vocabulary = config["vocab_size"]
    lengths = asked["tokens"]
    sequences = [random.integers(0, vocabulary, length).tolist() for length in lengths]
    answer = recorded(config, model, sequences)
    (target / f"{name}.json").write_text(json.dumps(answer, indent=2) + "\n")


def main(target):
    torch.set_num_threads(1)
    target.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        record(name, target)
        sizes = [path.stat().st_size for path in sorted(target.glob(f"{name}.*"))]
        print(name, *sizes)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
