"""Holds the exported checkpoint against the published implementation.

    python verify_export.py FOLDER CHECKPOINT

transformers' Qwen3MoeForCausalLM must load it with no tensor missing, left over or misshapen, and
give the same logits as model.py with the weights that were trained, to 1e-4, over conversations of
many lengths.
"""

import pathlib
import random
import sys

import torch
import transformers

from batches import assemble, encode
from conversations import any_conversation
from curriculum import FOURTH
from model import ModelShape, SmallModel
from render import render
from tokenizer import load_tokenizer

TOLERANCE = 1e-4
CONVERSATIONS = 20


@torch.no_grad()
def largest_difference(folder: pathlib.Path, checkpoint: pathlib.Path) -> float:
    """The largest difference of any logit."""
    tokenizer = load_tokenizer(folder)
    own = SmallModel(ModelShape(vocab_size=tokenizer.get_vocab_size()))
    own.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    published, report = transformers.Qwen3MoeForCausalLM.from_pretrained(
        checkpoint, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    if any(report.values()):
        raise SystemExit(f"the checkpoint does not fit: {report}")
    chance = random.Random(11)
    largest = 0.0
    for _ in range(CONVERSATIONS):
        sample = encode(tokenizer, render(any_conversation(chance, FOURTH)))
        part = assemble([sample], None)
        logits, _ = own(part.batch, torch.arange(len(sample.tokens)))
        expected = published(torch.tensor([sample.tokens])).logits[0]
        largest = max(largest, (logits - expected).abs().max().item())
    return largest


if __name__ == "__main__":
    difference = largest_difference(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    print(f"largest difference of a logit: {difference:.2e}")
    if difference > TOLERANCE:
        raise SystemExit(f"more than {TOLERANCE}")
