"""The negative log-likelihood, the one loss of every model."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

IGNORE = -1
"""The target at padding: it is not predicted and costs nothing."""


def token_nll(logits: Tensor, targets: Tensor) -> Tensor:
    """Return -log p(target) of every position, in nats; 0 where the target is IGNORE.

    logits: (B, T, V), targets: (B, T) int64. Returns (B, T).
    """
    B, T, V = logits.shape
    loss = F.cross_entropy(
        logits.reshape(B * T, V), targets.reshape(B * T), ignore_index=IGNORE, reduction="none"
    )
    return loss.view(B, T)


def nll(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of -log p over the targets, in nats, and how many targets there are.

    Their quotient is the loss. Kept apart, batches add up exactly whatever their sizes.
    """
    B, T, V = logits.shape
    total = F.cross_entropy(
        logits.reshape(B * T, V), targets.reshape(B * T), ignore_index=IGNORE, reduction="sum"
    )
    return total, (targets != IGNORE).sum()
