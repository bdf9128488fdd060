"""What the published implementation says about a Qwen3-MoE in a GGUF file, such as the small model.

    python3 tools/reference/trained_model.py MODEL.gguf TOKENS --record LOGITS.json
    python3 tools/reference/trained_model.py MODEL.gguf TOKENS --compare OURS.f32

TOKENS are ids with commas between. The file is read by the `gguf` package, and its weights, decoded to
f32, are loaded into transformers' Qwen3MoeForCausalLM. The first form keeps its logits; the second holds
those against them that `cli.ts logits` wrote, and fails where one position's cosine is below 0.99999.
"""

import argparse
import base64
import json

import numpy
import torch

from gguf_files import read_qwen3_moe
from published_models import load, recorded

LEAST_COSINE = 0.99999


def compare(expected, actual):
    """Prints how far the rows lie apart; whether they are near enough."""
    products = (expected * actual).sum(-1)
    lengths = numpy.linalg.norm(expected, axis=-1) * numpy.linalg.norm(actual, axis=-1)
    least = (products / lengths).min()
    print(f"{len(expected)} positions: least cosine {least:.8f}, largest difference "
          f"{abs(expected - actual).max():.2e}")
    return least >= LEAST_COSINE


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("tokens", type=lambda text: [int(id) for id in text.split(",")])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--record", metavar="LOGITS.json")
    action.add_argument("--compare", metavar="OURS.f32")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config, checkpoint = read_qwen3_moe(arguments.model)
    answer = recorded(config, load(config, checkpoint), [arguments.tokens])
    if arguments.record:
        with open(arguments.record, "w") as file:
            file.write(json.dumps(answer, indent=2) + "\n")
        return
    logits = base64.b64decode(answer["sequences"][0]["logits"])
    rows = (len(arguments.tokens), answer["vocabulary"])
    expected = numpy.frombuffer(logits, "<f4").reshape(rows).astype("f8")
    actual = numpy.fromfile(arguments.compare, "<f4").reshape(rows).astype("f8")
    if not compare(expected, actual):
        raise SystemExit(f"below {LEAST_COSINE}")


if __name__ == "__main__":
    main()
