"""Solutions of lesson 1's exercises."""

import math

import torch
from torch import Tensor


def row_probabilities(counts: Tensor, s: float) -> Tensor:
    raised = counts + s
    total = raised.sum(1, keepdim=True)  # (V, 1)
    return torch.where(total > 0, raised / total, 1 / counts.shape[1])


def trigram_counts(ids: Tensor, V: int) -> Tensor:
    triples = (ids[:-2] * V + ids[1:-1]) * V + ids[2:]  # (M - 2,)
    return torch.bincount(triples, minlength=V**3).view(V, V, V)


def bits_per_character(table: Tensor, ids: Tensor) -> float:
    return -table[ids[:-1], ids[1:]].log().mean().item() / math.log(2)
