"""Solutions of lesson 7's exercises."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def padded_cross_entropy_backward(logits: Tensor, targets: Tensor) -> Tensor:
    real = targets >= 0  # (B, T)
    right = F.one_hot(
        targets.clamp(min=0), logits.shape[-1]
    )  # (B, T, V); what stands at padding does not matter
    return (logits.softmax(-1) - right) * real[..., None] / real.sum()


def layer_norm_backward(
    x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    centred = x - x.mean(1, keepdim=True)
    inv = (centred.square().mean(1, keepdim=True) + eps).rsqrt()  # (N, 1)
    norm = centred * inv
    g = dy * gain  # (N, C)
    dx = inv * (g - g.mean(1, keepdim=True) - norm * (g * norm).mean(1, keepdim=True))
    return dx, (dy * norm).sum(0), dy.sum(0)


def wrong_gradients(
    loss_at: Callable[[dict[str, Tensor]], float],
    parameters: dict[str, Tensor],
    claimed: dict[str, Tensor],
    tolerance: float = 1e-6,
) -> list[str]:
    step = 1e-5
    wrong = []
    for name, parameter in parameters.items():
        measured = torch.zeros_like(parameter)
        for i in range(parameter.numel()):
            moved = parameter.clone()
            moved.view(-1)[i] += step
            up = loss_at({**parameters, name: moved})
            moved.view(-1)[i] -= 2 * step
            down = loss_at({**parameters, name: moved})
            measured.view(-1)[i] = (up - down) / (2 * step)
        if claimed[name].shape != parameter.shape or (claimed[name] - measured).abs().max() > tolerance:
            wrong.append(name)
    return wrong
