"""Dropout for several processes that does what it would do in one.

Every process makes the mask of the whole batch and uses its own rows of it, so that the results do not depend on
the number of processes, up to rounding.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn


class Sharing(Protocol):
    """A process that shares each batch with others: its number, how many they are, and the lines of the batch."""

    rank: int
    size: int
    lines: int


class SharedDropout(nn.Dropout):
    """Dropout that makes the mask of the whole batch, as one process would, and uses its own rows of it."""

    def __init__(self, p: float, group: Sharing) -> None:
        """Keep the probability of dropping a number, and the group that shares each batch."""
        super().__init__(p)
        self.group = group

    def forward(self, input: Tensor) -> Tensor:
        """Drop numbers from this process's rows of a batch, (b, ...), in training."""
        if not self.training or self.p == 0:
            return input
        # in the order in which the input lies in memory, as torch does
        order = sorted(range(input.dim()), key=input.stride().__getitem__, reverse=True)
        shape = [self.group.lines if d == 0 else input.shape[d] for d in order]
        whole = torch.empty(shape, dtype=input.dtype, device=input.device).bernoulli_(1 - self.p)
        mask = whole.div_(1 - self.p).permute([order.index(d) for d in range(input.dim())])  # (B, ...)
        own = mask[self.group.rank :: self.group.size]
        return input * own if len(own) else input * 0
