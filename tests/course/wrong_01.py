"""Wrong answers to the exercises of lesson 1 that people give, and what they should be told."""

import torch
from torch import Tensor


def no_keepdim(counts: Tensor, s: float) -> Tensor:
    return (counts + s) / (counts + s).sum(1)


def columns(counts: Tensor, s: float) -> Tensor:
    return (counts + s) / (counts + s).sum(0, keepdim=True)


def empty_row(counts: Tensor, s: float) -> Tensor:
    return (counts + s) / (counts + s).sum(1, keepdim=True)


def turned_round(ids: Tensor, V: int) -> Tensor:
    triples = (ids[2:] * V + ids[1:-1]) * V + ids[:-2]
    return torch.bincount(triples, minlength=V**3).view(V, V, V)


def no_minlength(ids: Tensor, V: int) -> Tensor:
    return torch.bincount((ids[:-2] * V + ids[1:-1]) * V + ids[2:])


def nats(table: Tensor, ids: Tensor) -> float:
    return -table[ids[:-1], ids[1:]].log().mean().item()


def total(table: Tensor, ids: Tensor) -> float:
    return -table[ids[:-1], ids[1:]].log2().sum().item()


WRONG = [
    ("row_probabilities", no_keepdim, "keepdim=True"),
    ("row_probabilities", columns, "columns sum to 1"),
    ("row_probabilities", empty_row, "0 / 0 = nan"),
    ("trigram_counts", turned_round, "turned round"),
    ("trigram_counts", no_minlength, "shape"),
    ("bits_per_character", nats, "nats"),
    ("bits_per_character", total, "the sum"),
]
