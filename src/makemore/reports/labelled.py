"""What the page says about the labels of a run's lines."""

from __future__ import annotations

from dataclasses import dataclass

from makemore.corpus.vocab import NO_LABEL
from makemore.metrics.classification import SHOWN, Classification, OfLabel
from makemore.runs.run import Run

BESIDE = 6
"""Labels whose samples are shown side by side, at most: the commonest."""

SAMPLES = 8
"""Samples of each."""


@dataclass(frozen=True)
class Labelled:
    """A run's labels on the page."""

    found: Classification
    shown: tuple[OfLabel, ...]
    """The commonest labels, those of the table."""
    given: tuple[str, ...]
    """The same without lines that have no label: the rows and columns of the confusions."""
    samples: tuple[tuple[str, tuple[str, ...]], ...]
    """Labels, each with samples of it."""

    @property
    def left_out(self) -> int:
        """How many labels are not shown."""
        return len(self.found.labels) - len(self.shown)


def labelled(run: Run, found: Classification | None) -> Labelled | None:
    """Return what the page says about a run's labels; None if its lines have none."""
    if found is None:
        return None
    shown = found.labels[:SHOWN]
    given = tuple(each.label for each in shown if each.label != NO_LABEL)
    of_each = []
    for name in [each.label for each in shown if each.train and each.label != NO_LABEL][:BESIDE]:
        texts = run.sample(SAMPLES, label=name, cut=True, seed=1)
        of_each.append((name, tuple(texts)))
    return Labelled(found, shown, given, tuple(of_each))
