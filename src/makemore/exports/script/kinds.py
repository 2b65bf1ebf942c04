"""Kinds of characters, for models that count."""

from __future__ import annotations

from unicodedata import category

import torch
from torch import Tensor


def kinds_of(vocabulary: str) -> Tensor:
    """Return the kind of each id, (V,): a capital, a small letter, a digit ...; each sign is one of its own."""
    kinds = [category(character) for character in vocabulary[1:]]
    names = ["\n", *(c if kind[0] in "PSZ" else kind for kind, c in zip(kinds, vocabulary[1:], strict=True))]
    number = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return torch.tensor([number[name] for name in names])
