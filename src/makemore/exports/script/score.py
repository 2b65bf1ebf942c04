"""Losses and samples of a model."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from makemore.exports.script.base import Model
from makemore.exports.script.lines import batch


@torch.no_grad()
def evaluate(model: Model, lines: list[str], ids: dict[str, int]) -> float:
    """Return the mean of -log p over all characters and ends of some lines, in nats."""
    lines, total = sorted(lines, key=len), 0.0
    for i in range(0, len(lines), 200):
        inputs, targets = batch(lines[i : i + 200], ids)
        total += F.cross_entropy(model.eval()(inputs)[0].mT, targets, ignore_index=-1, reduction="sum").item()
    return total / sum(len(line) + 1 for line in lines)


@torch.no_grad()
def sample(model: Model, ids: Tensor, longest: int, temperature: float, never: list[int]) -> Tensor:
    """Return how lines (B, T) go on, until all have ended, or are too long, without some ids."""
    logits, state = model.eval()(ids)
    while ids.shape[1] <= longest and not (ids[:, 1:] == 0).any(1).all():
        p = (
            (logits[:, -1] / temperature).index_fill(1, torch.tensor(never).long(), -torch.inf).softmax(-1)
        )  # (B, V)
        ids = torch.cat([ids, torch.multinomial(p, 1)], 1)
        logits, state = model(ids[:, -1:], state)
    return ids
