"""Calibration: does what the model gives 20 % come true in 20 % of the cases?

After Guo et al., "On Calibration of Modern Neural Networks" (2017), but over all classes instead of only the
likeliest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from makemore.corpus.corpus import Corpus
from makemore.files.results import Result
from makemore.metrics.losses import Rows, passes

BINS = 15
"""As in Guo et al. 2017."""


@dataclass(frozen=True)
class Bin(Result):
    """All predictions with a probability in [low, high)."""

    low: float
    high: float
    count: int
    predicted: float
    """Their mean probability."""
    observed: float
    """The share of them that came true."""


@dataclass(frozen=True)
class Calibration:
    """How far probabilities are from how often they come true."""

    error: float
    """The expected calibration error, from 0 (perfect) to 2."""
    bins: tuple[Bin, ...]
    """The bins that are not empty."""
    by_chance: float
    """The error to expect from a perfectly calibrated model on as many tokens."""


def calibration(model: nn.Module, corpus: Corpus, rows: Rows) -> Calibration:
    """Return how well a model is calibrated on some lines.

    Every probability that the model gives, to any character at any position, is a prediction. Predictions are
    put into bins of equal width by their probability, and the error is

        sum over bins of (predictions in it) |mean probability - share that came true| / (positions)
    """
    count, predicted, true, variance = np.zeros((4, BINS))
    positions = 0
    for _, _, logits, targets in passes(model, corpus.subset(rows)):
        real = targets >= 0  # (B, T)
        p = logits[real].double().softmax(-1).cpu().numpy()  # (N, V)
        target = targets[real].cpu().numpy()
        which = np.minimum((p * BINS).astype(np.int64), BINS - 1)
        count += np.bincount(which.reshape(-1), minlength=BINS)
        predicted += np.bincount(which.reshape(-1), p.reshape(-1), BINS)
        variance += np.bincount(which.reshape(-1), (p * (1 - p)).reshape(-1), BINS)
        true += np.bincount(which[np.arange(len(p)), target], minlength=BINS)
        positions += len(p)
    edges = np.linspace(0, 1, BINS + 1).tolist()
    bins = tuple(
        Bin(edges[i], edges[i + 1], int(n), float(predicted[i] / n), float(true[i] / n))
        for i, n in enumerate(count)
        if n
    )
    error = float(np.abs(predicted - true).sum() / positions)
    by_chance = float(np.sqrt(2 / np.pi * variance).sum() / positions)  # the mean size of normal deviations
    return Calibration(error, bins, by_chance)
