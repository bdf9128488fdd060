"""Trains under the rounding that the shipped file has: weights are replaced by their Q4_K rounding
for a step's two passes, and the gradients go to the exact weights (a straight-through estimate)."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


def rounded_as_q4k(weights: Tensor) -> Tensor:
    """Blocks of 32 with a scale and a minimum of 6 bits, eight of them to a super-block of 256, as
    in ggml's `block_q4_K`, by plain rounding. Rows are multiples of 256."""
    blocks = weights.reshape(-1, 8, 32)
    lowest = blocks.amin(-1, keepdim=True).clamp(max=0)
    scales = rounded_to_six_bits((blocks.amax(-1, keepdim=True) - lowest) / 15)
    lowest = -rounded_to_six_bits(-lowest)
    steps = ((blocks - lowest) / scales.clamp(min=1e-12)).round().clamp(0, 15)
    return (steps * scales + lowest).view_as(weights)


def rounded_to_six_bits(values: Tensor) -> Tensor:
    """values: [super-blocks, 8, 1], none negative."""
    unit = (values.amax(1, keepdim=True) / 63).clamp(min=1e-12)
    return (values / unit).round() * unit


def is_rounded(name: str) -> bool:
    """Routers and norms stay F32, and Q4_K_M gives the head more bits."""
    return not name.endswith(("norm.weight", "layernorm.weight", ".gate.weight", "lm_head.weight"))


@contextlib.contextmanager
def rounded_weights(model: nn.Module, rounding: bool = True) -> Iterator[None]:
    """Within it, the model's weights are rounded, if that is wanted."""
    exact: list[tuple[nn.Parameter, Tensor]] = []
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if rounding and is_rounded(name):
                exact.append((parameter, parameter.detach().clone()))
                parameter.copy_(rounded_as_q4k(parameter))
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, weights in exact:
                parameter.copy_(weights)
