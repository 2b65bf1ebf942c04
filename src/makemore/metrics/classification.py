"""How well a model tells which label lines have, and how likely it finds the lines of each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from makemore.corpus.vocab import NO_LABEL
from makemore.files.results import Result
from makemore.metrics.intervals import Interval, wilson
from makemore.metrics.losses import Losses, Part, by_group

SHOWN = 12
"""Labels in a table of confusions, at most: more cannot be read at once."""


@dataclass(frozen=True)
class OfLabel(Result):
    """The test lines with one label."""

    label: str
    """Empty for lines without one."""
    train: int
    """How many training lines have it."""
    loss: Part | None
    """The loss of its test lines, given the label; None if there are none."""
    lines: int
    """How many test lines were classified."""
    right: int
    """How many of these were given this label."""


@dataclass(frozen=True)
class Classification(Result):
    """How often held-out lines are given the label that they have."""

    lines: int
    """How many were classified: validation and test lines that have a label, or some of them if there are many."""
    accuracy: float
    """The share of these that were given their label."""
    interval: Interval
    """Its 95% interval (Wilson's)."""
    commonest: float
    """The accuracy of always naming the label that is commonest in training."""
    labels: tuple[OfLabel, ...]
    """Each label, the commonest in training first."""
    confusion: Mapping[str, Mapping[str, int]]
    """For each label, how many of its lines were given which label."""


def classification(
    names: Sequence[str],
    train: Sequence[int],
    given: Iterable[tuple[str, str]],
    losses: Losses,
    labels: Sequence[int],
) -> Classification:
    """Return how well lines were classified.

    Args:
        names: The labels by their numbers; number 0 is for lines that have none.
        train: How many training lines have each.
        given: Of each line that was classified, the label it has and the label that it was given.
        losses: The losses of test lines.
        labels: The numbers of their labels, (M,).

    """
    confusion: dict[str, Counter[str]] = {}
    for has, found in given:
        confusion.setdefault(has, Counter())[found] += 1
    n = sum(of.total() for of in confusion.values())
    right = sum(of[name] for name, of in confusion.items())
    order = sorted(range(len(names)), key=lambda i: (-train[i], names[i]))
    parts = by_group(losses, np.asarray(labels, dtype=np.int64))
    commonest = next((names[i] for i in order if names[i] != NO_LABEL), NO_LABEL)
    each = []
    for i in order:
        of = confusion.get(names[i], Counter[str]())
        if names[i] != NO_LABEL or i in parts or train[i]:
            each.append(OfLabel(names[i], train[i], parts.get(i), of.total(), of[names[i]]))
    return Classification(
        lines=n,
        accuracy=right / n if n else math.nan,
        interval=wilson(right, n),
        commonest=confusion.get(commonest, Counter[str]()).total() / n if n else math.nan,
        labels=tuple(each),
        confusion={name: dict(of.most_common()) for name, of in sorted(confusion.items())},
    )
