"""Lines that no model was trained on, for games with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from makemore.corpus.vocab import NO_LABEL, UNKNOWN
from makemore.errors import MakemoreError
from makemore.runs.run import Run

POOL = 50_000
"""Characters of the lines of each split to choose from, about, at most."""


@dataclass(frozen=True)
class Line:
    """A line of the list or of a model."""

    text: str
    label: str
    length: int
    """Its characters."""


def imported(run: Run) -> bool:
    """Return whether a run was imported: then its model was trained on most of the lines that are held out here.

    Such a run has results of no step, and was never evaluated; so has a blend, but its parts were trained. After
    more training it cannot be told from others.
    """
    summary = run.summary()
    return summary is not None and not summary.steps and run.setup.blend is None and not run.metrics()


def held_out(run: Run) -> list[Line]:
    """Return different held-out lines in random order, to be taken from the end: those of the test split first.

    Raises:
        MakemoreError: There are none, or the model was trained on them.

    """
    if imported(run):
        raise MakemoreError(
            "this model was trained elsewhere, on most of the held-out lines too, so a game would not be fair; "
            "choose another model"
        )
    corpus, names = run.corpus, (NO_LABEL, *run.vocab.labels)
    found: list[Line] = []
    for split in ("validation", "test"):
        rows = corpus.at_most(split, POOL)
        rows = rows[np.unique(corpus.hashes[rows], return_index=True)[1]]
        rows = np.random.default_rng().permutation(rows)
        numbers, texts = corpus.labels_of(rows), corpus.lines(rows)
        labels = [""] * len(rows) if numbers is None else [names[i] for i in numbers.tolist()]
        for text, label, seen in zip(texts, labels, corpus.seen(texts), strict=True):
            if seen == "held-out" and not (run.vocab.unknown and UNKNOWN in text):
                found.append(Line(text, label, len(run.vocab.forms.inner(text))))
    if not found:
        raise MakemoreError("nothing is held out to play with; make the list longer and train again")
    return found
