"""One step of training: a batch of lines, one forward pass, one backward pass, one update of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from makemore.corpus.corpus import Corpus
from makemore.distributed.group import Forward
from makemore.models.loss import nll, taught
from makemore.training.teacher import Teacher

CLIP = 1.0
"""Gradients are scaled down to this norm (Pascanu et al. 2013), so that one odd batch cannot do much harm."""

BESIDE = 0.5
"""The weight of the loss of each further prediction that a model makes in training."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Batch:
    """Lines to learn from, padded to the same length."""

    inputs: Tensor
    """(B, T) int64, the ids of each line after a boundary."""
    targets: Tensor
    """(B, T) int64, the id after each input; IGNORE at padding."""
    tokens: int
    """Predicted tokens of the whole batch, over all processes."""
    divisor: Tensor | None = None
    """What the summed loss is divided by; None: the number of targets."""


def batch_of(corpus: Corpus, rows: npt.NDArray[np.int64], device: torch.device = CPU) -> Batch:
    """Return the rows (B,) of a corpus as a batch on a device."""
    inputs, targets = (torch.from_numpy(array).to(device) for array in corpus.batch(rows))
    return Batch(inputs, targets, int((corpus.lengths_of(rows) + 1).sum()))


def update(
    forward: Forward,
    optimizers: Sequence[torch.optim.Optimizer],
    rate: float,
    batch: Batch,
    teacher: Teacher | None = None,
    precision: torch.dtype = torch.float32,
) -> Tensor:
    """Take one step: the loss of a batch, its gradients, and one update of the weights.

    The optimisers hold each weight of the model once. A precision of torch.bfloat16 multiplies matrices in
    16 bits; weights, gradients and sums stay in 32. Return the loss before the update, in nats per token.
    """
    # forward
    with torch.autocast(batch.inputs.device.type, precision, enabled=precision != torch.float32):
        logits, _ = forward(batch.inputs)  # (B, T, V)
    own, *others = logits.float() if logits.ndim == 4 else [logits.float()]
    total, tokens = nll(own, batch.targets)
    if batch.divisor is not None:
        tokens = batch.divisor
    losses = [total, *(nll(each, batch.targets)[0] for each in others)]
    if teacher is not None:
        expected = teacher.expected(batch.inputs)  # (B, T, V)
        losses = [taught(each, batch.targets, expected, teacher.share) for each in (own, *others)]
    objective = losses[0]
    for loss in losses[1:]:
        objective = objective + BESIDE * loss

    # backward
    for optimizer in optimizers:
        optimizer.zero_grad()
    (objective / tokens).backward()
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    nn.utils.clip_grad_norm_([weight for group in groups for weight in group["params"]], CLIP)

    # update
    for group in groups:
        group["lr"] = rate
    for optimizer in optimizers:
        optimizer.step()
    return (total / tokens).detach()
