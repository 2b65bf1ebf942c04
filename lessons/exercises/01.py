"""Exercises of lesson 1. Fill in the functions; `makemore lessons check 1` grades them."""

import torch
from torch import Tensor


def row_probabilities(counts: Tensor, s: float) -> Tensor:
    """Turn counts into probabilities.

    counts: (V, V) int64, row a has how often each character followed a. s: added to every count, 0 or more.
    Returns (V, V) floats whose rows sum to 1. A row that has nothing even so becomes 1 / V everywhere.
    """
    raise NotImplementedError


def trigram_counts(ids: Tensor, V: int) -> Tensor:
    """Count the triples of a stream of ids.

    ids: (M,) int64, each below V. Returns (V, V, V) int64: entry [a, b, c] is how often a, b, c stood in a row.
    No loop over the stream: `torch.bincount` counts numbers, so make each triple a number.
    """
    raise NotImplementedError


def bits_per_character(table: Tensor, ids: Tensor) -> float:
    """Score a line.

    table: (V, V) probabilities. ids: (M,) int64, a line with the 0 before and after it.
    Returns the mean of -log2 p over its M - 1 pairs, in bits. One bit is log(2) nats.
    """
    raise NotImplementedError
