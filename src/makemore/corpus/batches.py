"""Epochs of length-bucketed batches, from memory or from disk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from makemore.corpus.corpus import Corpus

POOL = 256
"""Chunks whose lines are shuffled together: some 16 million tokens."""

WINDOW = 32
"""Batches whose lines are sorted by length together: enough for little padding, few enough to stay mixed."""


def epoch(
    lengths: npt.NDArray[np.int64],
    tokens_per_batch: int,
    seed: int,
    number: int,
    window: int = WINDOW,
    pool: int | None = None,
) -> list[npt.NDArray[np.int64]]:
    """Return one epoch: every line once, in batches of about `tokens_per_batch` predicted tokens.

    lengths: (N,) characters of each line. Each batch is an array of places in `lengths`. The lines are
    shuffled, sorted by length within windows of some batches and cut there, so that a batch holds lines of
    about one length and little padding; then the batches are shuffled. A window of 1 leaves the lengths
    in a batch mixed. The order depends on seed and number alone, and on the pool where there are several.
    """
    random = np.random.default_rng([seed, number] + ([] if pool is None else [pool]))
    order = random.permutation(len(lengths))
    cost = lengths[order] + 1  # a line and its end
    n_batches = max(1, round(int(cost.sum()) / tokens_per_batch))
    n_windows = max(1, round(n_batches / window))
    in_window = np.minimum((np.cumsum(cost) - cost) * n_windows // cost.sum(), n_windows - 1)
    # every second window falls, so that a batch across two of them has lines of one length too
    order = order[np.lexsort((np.where(in_window % 2, -cost, cost), in_window))]
    cost = lengths[order] + 1
    # batch number of each line, by the place of its middle in the run of tokens, so that batches are even
    batch = np.minimum((np.cumsum(cost) - cost / 2) * n_batches // cost.sum(), n_batches - 1)
    cuts = np.flatnonzero(np.diff(batch)) + 1
    batches = np.split(order, cuts)
    return [batches[i] for i in random.permutation(len(batches))]


class Batches:
    """Epochs without end over a split of a corpus, and the place reached, which can be set.

    The chunks of the corpus are shuffled, and so many of them at a time, a pool, are shuffled line by line and cut into
    batches. Most lists are one pool, and shuffled as a whole.
    """

    def __init__(
        self, corpus: Corpus, split: str, tokens_per_batch: int, seed: int, window: int = WINDOW
    ) -> None:
        """split: the rows to serve; the rest as in `epoch`."""
        self._corpus, self._split = corpus, split
        self._tokens, self._seed, self._window = tokens_per_batch, seed, window
        self.epoch = 0
        """The epoch that the next batch belongs to."""
        self.pool = 0
        """The pool of the epoch that it belongs to."""
        self.position = 0
        """The number of the next batch in its pool."""

    def __iter__(self) -> Iterator[npt.NDArray[np.int64]]:
        n = len(self._corpus.chunks) - 1
        while True:
            order = np.arange(n)
            if n > POOL:
                order = np.random.default_rng([self._seed, self.epoch, n]).permutation(n)
            pools = -(-n // POOL)
            while self.pool < pools:  # as even as can be: the lines of one chunk alone would be neighbours
                chunks = np.sort(order[self.pool * n // pools : (self.pool + 1) * n // pools])
                rows = self._corpus.rows_of(chunks, self._split)
                lengths = self._corpus.lengths_of(rows)
                pool = self.pool if n > POOL else None
                batches = (
                    epoch(lengths, self._tokens, self._seed, self.epoch, self._window, pool)
                    if len(rows)
                    else []
                )
                self._corpus.release()
                while self.position < len(batches):
                    self.position += 1
                    yield rows[batches[self.position - 1]]
                self.pool, self.position = self.pool + 1, 0
            self.epoch, self.pool = self.epoch + 1, 0


def in_order(
    rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], tokens_per_batch: int
) -> list[npt.NDArray[np.int64]]:
    """Return the rows once, sorted by length and cut where a padded batch would pass `tokens_per_batch`."""
    order = np.argsort(lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        # lines are sorted, so the last of the batch is its longest: grow while count x longest fits
        size = np.arange(1, min(len(order) - start, max(1, tokens_per_batch)) + 1)
        fits = size * (lengths[order[start : start + len(size)]] + 1) <= tokens_per_batch
        n = max(1, int(fits.sum()))
        batches.append(rows[order[start : start + n]])
        start += n
    return batches
