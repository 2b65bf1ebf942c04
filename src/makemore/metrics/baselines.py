"""Baselines for the losses: models that count, fitted to the training lines in a moment."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.distributed.group import ALONE, Group
from makemore.metrics.losses import Losses, Rows, losses
from makemore.models import bigram, build, configure
from makemore.models.base import Model

SCORED_TOKENS = 2_000_000
"""At most about this many tokens of a split are scored; a larger split is subsampled."""

TAUGHT_TOKENS = 3_000_000
"""At most about this many tokens are counted for a baseline or a teacher, whose tables must fit in memory."""

TABLE = 2048
"""From this many ids on, the bigram is computed from the pairs that occur instead of a V x V table."""


def fitted(corpus: Corpus, type: str, **knobs: float) -> Model:
    """Return a model of a counting type, with these knobs, fitted to the training lines of a corpus."""
    model = build(
        type, len(corpus.vocab), configure(type, corpus.longest, **knobs, labels=len(corpus.vocab.labels))
    )
    count_lines(model, corpus, TAUGHT_TOKENS)
    return model


def count_lines(model: Model, corpus: Corpus, tokens: int) -> None:
    """Fit a counting model to the training lines, or to a random subset of about `tokens` tokens."""
    stream = corpus.inputs(corpus.at_most("train", tokens))
    model.fit(torch.from_numpy(stream), torch.from_numpy(kinds_of(corpus.vocab)))
    corpus.release()


def baseline(corpus: Corpus, type: str, rows: dict[str, Rows], group: Group = ALONE) -> dict[str, Losses]:
    """Return the losses of a counting model, fitted to the training split, on some rows of each split."""
    if type == "bigram" and len(corpus.vocab) > TABLE:
        train = corpus.stream(corpus.at_most("train", TAUGHT_TOKENS))
        return {
            split: pair_losses(train, corpus, some, bigram.Config.smoothing) for split, some in rows.items()
        }
    model = fitted(corpus, type)
    return {split: losses(model, corpus, some, group) for split, some in rows.items()}


def pair_losses(train: npt.NDArray[np.integer], corpus: Corpus, rows: Rows, smoothing: float) -> Losses:
    """Return the losses of a bigram on some rows (M,), from only the pairs in the stream `train` (N,):

    p(b | a) = (count(a, b) + s) / (count(a) + s V)

    `models.bigram` computes the same from a table of V x V, which is too large for a large vocabulary.
    """
    V, some = len(corpus.vocab), corpus.subset(rows)
    pairs, counts = np.unique(train[:-1].astype(np.int64) * V + train[1:], return_counts=True)
    totals = np.bincount(train[:-1], minlength=V)
    a, b = some.tokens[:-1].astype(np.int64), some.tokens[1:]
    at = np.minimum(np.searchsorted(pairs, a * V + b), len(pairs) - 1)
    count = np.where(pairs[at] == a * V + b, counts[at], 0)
    tokens = np.log(totals[a] + smoothing * V) - np.log(count + smoothing)
    return Losses(tokens, some.lengths + 1, some.hashes)
