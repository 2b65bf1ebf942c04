"""Solutions of lesson 12's exercises."""

import math

import torch
from torch import Tensor


def early_stopping(losses: list[float], patience: int) -> tuple[int, int]:
    kept = 0
    for i, loss in enumerate(losses):
        if loss < losses[kept]:
            kept = i
        if i - kept == patience:
            return kept, i
    return kept, len(losses) - 1


def lion_step(
    w: Tensor, g: Tensor, m: Tensor, rate: float, decay: float, betas: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    b1, b2 = betas
    direction = torch.sign(b1 * m + (1 - b1) * g)
    return (1 - rate * decay) * w - rate * direction, b2 * m + (1 - b2) * g


def effect(base: list[float], changed: list[float], student: dict[int, float]) -> tuple[float, float, str]:
    differences = torch.tensor(changed, dtype=torch.float64) - torch.tensor(base, dtype=torch.float64)
    n = len(differences)
    mean = differences.mean().item()
    half = student[n] * differences.std().item() / math.sqrt(n)  # std divides by n - 1
    if abs(mean) <= half:
        return mean, half, "within the spread"
    return mean, half, "better" if mean < 0 else "worse"
