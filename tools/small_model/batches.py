"""Conversations as the model takes them: token ids, and where the loss counts."""

import dataclasses
import itertools
import random
from collections.abc import Iterable

import torch
from tokenizers import Tokenizer
from torch import Tensor

from conversations import any_conversation
from curriculum import Stage
from model import Batch
from render import Piece, render

# A group of conversations is padded to its longest, which is at most this many times its shortest.
PADDING = 1.2

# What the loss counts of users' and tools' text: one token in eight, at a part of its weight.
OTHER_SHARE = 1 / 8
OTHER_WEIGHT = 0.3


@dataclasses.dataclass(frozen=True)
class Sample:
    """One conversation. tokens: ids. learned: for each token whether the assistant says it."""

    tokens: list[int]
    learned: list[bool]


@dataclasses.dataclass(frozen=True)
class TrainingBatch:
    """batch: the tokens. wanted: [n] places of tokens whose successors are predicted. targets: [n]
    those successors. weights: [n] what each counts in the loss. owner: [n] the sample's number."""

    batch: Batch
    wanted: Tensor
    targets: Tensor
    weights: Tensor
    owner: Tensor


def encode(tokenizer: Tokenizer, pieces: Iterable[Piece]) -> Sample:
    """No token crosses the border of two pieces: one side of it is always a control token or a line
    break before other text."""
    tokens: list[int] = []
    learned: list[bool] = []
    for piece in pieces:
        ids = tokenizer.encode(piece.text).ids
        tokens += ids
        learned += [piece.is_answer] * len(ids)
    return Sample(tokens, learned)


def assemble(samples: list[Sample], chance: random.Random | None) -> TrainingBatch:
    """Lays samples out by length. Without a source of chance only answers are wanted."""
    order = sorted(range(len(samples)), key=lambda index: len(samples[index].tokens))
    groups: list[list[int]] = []
    for index in order:
        length = len(samples[index].tokens)
        if groups and length <= PADDING * len(samples[groups[-1][0]].tokens):
            groups[-1].append(index)
        else:
            groups.append([index])

    tokens: list[int] = []
    positions: list[int] = []
    wanted: list[tuple[int, int, float, int]] = []
    shapes: list[tuple[int, int]] = []
    for group in groups:
        width = len(samples[group[-1]].tokens)
        shapes.append((len(group), width))
        for index in group:
            sample = samples[index]
            start = len(tokens)
            tokens += sample.tokens + [0] * (width - len(sample.tokens))
            positions += range(width)
            following = itertools.pairwise(zip(sample.tokens, sample.learned))
            for offset, (_, (target, is_learned)) in enumerate(following):
                if is_learned:
                    wanted.append((start + offset, target, 1.0, index))
                elif chance and chance.random() < OTHER_SHARE:
                    wanted.append((start + offset, target, OTHER_WEIGHT, index))
    places, targets, weights, owner = zip(*wanted)
    return TrainingBatch(
        Batch(torch.tensor(tokens), torch.tensor(positions), tuple(shapes)),
        torch.tensor(places),
        torch.tensor(targets),
        torch.tensor(weights),
        torch.tensor(owner),
    )


def training_batch(tokenizer: Tokenizer, seed: str, stage: Stage, tokens: int) -> TrainingBatch:
    """A batch of about so many tokens, the same for the same seed."""
    chance = random.Random(seed)
    samples: list[Sample] = []
    total = 0
    while total < tokens:
        sample = encode(tokenizer, render(any_conversation(chance, stage)))
        samples.append(sample)
        total += len(sample.tokens)
    return assemble(samples, chance)
