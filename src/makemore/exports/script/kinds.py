"""Kinds of characters, for models that count."""

from __future__ import annotations

import unicodedata

import numpy as np
import torch
from torch import Tensor


def kinds_of(vocabulary: str) -> Tensor:
    """Return the kind of each id, (V,): a capital, a small letter, a digit ...; each sign is one of its own."""
    kinds = [unicodedata.category(character) for character in vocabulary[1:]]
    signs = [c if kind[0] in "PSZ" else kind for kind, c in zip(kinds, vocabulary[1:], strict=True)]
    return torch.from_numpy(np.unique(["\n", *signs], return_inverse=True)[1])
