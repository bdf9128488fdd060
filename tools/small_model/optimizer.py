"""Muon for the matrices of layers, AdamW for all else.

Muon replaces a matrix's momentum by the nearest orthogonal matrix (Jordan et al., 2024), scaled so
that one learning rate and one weight decay serve both (Liu et al., "Muon is Scalable for LLM
Training", 2025).
"""

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
WEIGHT_DECAY = 0.1


def orthogonal(matrices: Tensor) -> Tensor:
    """Roughly the nearest orthogonal matrix of each: five Newton-Schulz steps with the coefficients
    of Jordan. matrices: [..., rows, columns]."""
    x = matrices.bfloat16()
    wide = x.size(-2) <= x.size(-1)
    x = x if wide else x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x if wide else x.mT


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal. Parameters may be stacks: [..., rows, columns]."""

    def __init__(self, parameters: list[nn.Parameter], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"].lerp_(parameter.grad, 1 - MOMENTUM)
                update = orthogonal(parameter.grad.lerp(momentum, MOMENTUM))
                scale = 0.2 * max(parameter.shape[-2:]) ** 0.5
                parameter.mul_(1 - group["lr"] * WEIGHT_DECAY)
                parameter.add_(update, alpha=-group["lr"] * scale)


def make_optimizers(model: nn.Module, lr: float) -> list[torch.optim.Optimizer]:
    """Muon and AdamW over all parameters; norms do not decay."""
    matrices, tables, vectors = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            vectors.append(parameter)
        elif name.endswith(("embed_tokens.weight", "lm_head.weight", "gate.weight")):
            tables.append(parameter)
        else:
            matrices.append(parameter)
    groups = [
        {"params": tables, "weight_decay": WEIGHT_DECAY},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return [Muon(matrices, lr), torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), eps=1e-10)]
