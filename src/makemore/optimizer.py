"""Which weights are updated how, and the learning rate over time."""

from __future__ import annotations

import math

import torch
from torch import nn

CLIP = 1.0
"""Gradients are scaled down to this norm (Pascanu et al. 2013): one odd batch cannot throw the run."""


def optimizers(
    model: nn.Module, learning_rate: float, weight_decay: float, muon: bool
) -> list[torch.optim.Optimizer]:
    """Return the optimisers of a model; together they hold each weight once.

    AdamW (Loshchilov & Hutter 2019) updates everything, except that with `muon` the hidden matrices go to
    Muon (Jordan et al. 2024), which turns each update into a near-orthogonal matrix, scaled to the size
    that AdamW's would have so that both share one learning rate. Hidden is a matrix inside a module, other
    than a table of embeddings, whose rows are looked up one by one, and the output layer `head`. Vectors
    (biases, gains) are not decayed.
    """
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    hidden, decayed, plain = [], [], []
    for name, parameter in model.named_parameters():
        module, _, _ = name.partition(".")
        if parameter.ndim < 2:
            plain.append(parameter)
        elif (
            muon and parameter.ndim == 2 and "." in name and module != "head" and id(parameter) not in tables
        ):
            hidden.append(parameter)
        else:
            decayed.append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    found: list[torch.optim.Optimizer] = [
        torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate, betas=(0.9, 0.99), fused=True)
    ]
    if hidden:
        found.append(
            torch.optim.Muon(
                hidden, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
            )
        )
    return found


def schedule(step: int, max_steps: int) -> float:
    """Return the share of the full learning rate at a step, counted from 0.

    It rises in a straight line over the first 5 % of the steps (200 at most) and then falls to zero along a
    half cosine (Loshchilov & Hutter 2017). With max_steps of -1, a run without an end, it rises and stays.
    """
    warmup = 200 if max_steps < 0 else min(200, max(1, max_steps // 20))
    if step < warmup:
        return (step + 1) / warmup
    if max_steps < 0:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, max_steps - warmup)))
