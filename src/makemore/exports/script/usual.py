"""How much of a context's probability goes to characters that it has not been seen with: by a formula."""

from __future__ import annotations

import torch
from torch import Tensor

from makemore.counting.smoothing import formulas
from makemore.counting.strings import Array


def discounts_of(ids: Array, counted: tuple[list[Array], ...], *more: object) -> Tensor:
    """Return a, and Chen and Goodman's three D, of each length, (n, 4)."""
    return torch.tensor([[0.1, *formulas(each)] for each in counted[1]], dtype=torch.float64)
