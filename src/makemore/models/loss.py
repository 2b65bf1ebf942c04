"""The negative log-likelihood, the one loss of every model."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

IGNORE = -1
"""The target at padding: it is not predicted and costs nothing."""


def nll(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of -log p over the targets, in nats, and their number, given logits (B, T, V).

    Their quotient is the loss. Returned separately, they add up exactly over batches of any size. Targets (B,
    T) that are IGNORE are not counted.
    """
    total = F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="sum"
    )  # of (B T, V) and (B T,)
    return total, (targets != IGNORE).sum()


def taught(logits: Tensor, targets: Tensor, teacher: Tensor, share: float) -> Tensor:
    """Return the sum of the cross-entropy with soft targets, in nats.

    A target mixes the observed character with the teacher's prediction: label smoothing (Szegedy et al. 2016)
    towards what is plausible at a position instead of towards all characters equally.

    Args:
        logits: (B, T, V).
        targets: (B, T) int64, the observed characters; IGNORE is not counted.
        teacher: (B, T, V), the probabilities that the teacher predicts.
        share: The teacher's share of a target, from 0 to 1.

    """
    logp = logits.log_softmax(-1)  # (B, T, V)
    observed = logp.gather(-1, targets.clamp(min=0)[..., None])[..., 0]  # (B, T)
    expected = (teacher * logp).sum(-1)  # (B, T)
    return -((1 - share) * observed + share * expected)[targets != IGNORE].sum()
