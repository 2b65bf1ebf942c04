"""What training minimises."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from makemore.exports.script.base import Model


def objective(model: Model, lines: list[str], ids: dict[str, int]) -> Callable[..., Tensor]:
    """Return the loss, the mean of -log p of the next characters."""
    return lambda some, logits, targets: F.cross_entropy(logits.mT, targets, ignore_index=-1)
