"""What training minimises where a network and counts answer together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from makemore.exports.script.mixture import Mixture


def objective(model: Mixture, lines: list[str], ids: dict[str, int]) -> Callable[..., Tensor]:
    """Count the lines; return the loss, that of both and half that of the network alone."""
    model.fit(lines, ids)
    loss = partial(F.cross_entropy, ignore_index=-1)
    return lambda some, logits, targets: loss(logits[0].mT, targets) + 0.5 * loss(logits[1].mT, targets)
