"""Classifying a run's held-out lines."""

from __future__ import annotations

import numpy as np

from makemore.corpus.splits import SPLITS
from makemore.metrics.classification import Classification, classification
from makemore.metrics.losses import Losses, Rows
from makemore.runs.run import Run

TOKENS = 4_000_000
"""Characters to score, at most: each line is scored once for each label."""


def classified(run: Run, losses: Losses, rows: Rows) -> Classification | None:
    """Return how well a run tells which label held-out lines have; None if its lines have none.

    Args:
        run: The run.
        losses: The losses of some test lines.
        rows: (M,) which lines these are.

    """
    labels, corpus = run.labels, run.corpus
    of_test = corpus.labels_of(rows)
    if labels is None or of_test is None:
        return None
    each = max(1, int((labels.counts[1:] > 0).sum()))
    most = int(TOKENS / each)
    held_out = np.concatenate([corpus.at_most(split, most // 2) for split in SPLITS[1:]])
    numbers = corpus.labels_of(held_out)
    assert numbers is not None
    held_out, numbers = held_out[numbers > 0], numbers[numbers > 0]
    found = run.classify(corpus.lines(held_out))
    given = (
        (labels.names[has], line.labels[0][0]) for has, line in zip(numbers.tolist(), found, strict=True)
    )
    return classification(labels.names, labels.counts.tolist(), given, losses, of_test.tolist())
