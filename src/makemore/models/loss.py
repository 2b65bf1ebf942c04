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


def taught(logits: Tensor, targets: Tensor, teacher: Tensor, share: float) -> Tensor:
    """Return the sum of the cross-entropy with targets that are partly a teacher's, in nats.

    What was to be predicted at a position is the character that stands there with probability 1 - share, and
    otherwise one as the teacher (B, T, V) expects it: label smoothing (Szegedy et al. 2016) towards what is
    plausible there instead of towards all characters alike.
    """
    logp = logits.log_softmax(-1)  # (B, T, V)
    stands = logp.gather(-1, targets.clamp(min=0)[..., None])[..., 0]  # (B, T)
    expected = (teacher * logp).sum(-1)  # (B, T)
    return -((1 - share) * stands + share * expected)[targets != IGNORE].sum()
