"""Epochs of batches of similar length, from memory or from disk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from makemore.corpus.corpus import Corpus

WINDOW = 32
"""How many batches are sorted by length together: enough for little padding, few enough to stay mixed."""


def epoch(
    lengths: npt.NDArray[np.signedinteger],
    tokens_per_batch: int,
    seed: int,
    number: int,
    window: int = WINDOW,
    pool: int | None = None,
) -> list[npt.NDArray[np.int64]]:
    """Return one epoch of lines of the given lengths (N,): every line once, in batches of similar size.

    The lines are shuffled, sorted by length within windows of a few batches and cut there, so a batch holds
    lines of about one length and little padding; then the batches are shuffled. A window of 1 leaves the
    lengths in a batch mixed. The seed and the numbers of the epoch and of the pool, if there are several,
    decide the order.
    """
    random = np.random.default_rng([seed, number] + ([] if pool is None else [pool]))
    order = random.permutation(len(lengths))
    cost = lengths[order] + 1  # a line and its end
    n_batches = max(1, round(int(cost.sum()) / tokens_per_batch))
    n_windows = max(1, round(n_batches / window))
    in_window = np.minimum((np.cumsum(cost) - cost) * n_windows // cost.sum(), n_windows - 1)
    # in every second window lengths descend, so a batch that spans two windows has similar lengths too
    order = order[np.lexsort((np.where(in_window % 2, -cost, cost), in_window))]
    cost = lengths[order] + 1
    # a line goes to the batch that its middle token falls into, so batches are of equal size
    batch = np.minimum((np.cumsum(cost) - cost / 2) * n_batches // cost.sum(), n_batches - 1)
    cuts = np.flatnonzero(np.diff(batch)) + 1
    batches = np.split(order, cuts)
    return [batches[i] for i in random.permutation(len(batches))]


class Batches:
    """Endless epochs over a split of a corpus. Its position can be read, and set to resume there.

    The chunks of the corpus are shuffled and divided into pools; the lines of a pool are shuffled and cut
    into batches. Most lists are one pool, so they are shuffled as a whole.
    """

    def __init__(
        self, corpus: Corpus, split: str, tokens_per_batch: int, seed: int, window: int = WINDOW
    ) -> None:
        """Start with the first batch of the first epoch."""
        self._corpus, self._split = corpus, split
        self._tokens, self._seed, self._window = tokens_per_batch, seed, window
        self.epoch = 0
        """The epoch of the next batch."""
        self.pool = 0
        """Its pool in the epoch."""
        self.position = 0
        """Its number in the pool."""

    def __iter__(self) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the row numbers of each batch."""
        n, most = len(self._corpus.chunks) - 1, self._corpus.sizes.pool
        while True:
            order = np.arange(n)
            if n > most:
                order = np.random.default_rng([self._seed, self.epoch, n]).permutation(n)
            pools = -(-n // most)
            while self.pool < pools:  # equal pools: one chunk alone has only neighbours
                chunks = np.sort(order[self.pool * n // pools : (self.pool + 1) * n // pools])
                rows = self._corpus.rows_of(chunks, self._split)
                batches = self._batches(rows, self.pool if n > most else None)
                self._corpus.release()
                while self.position < len(batches):
                    self.position += 1
                    yield rows[batches[self.position - 1]]
                self.pool, self.position = self.pool + 1, 0
            self.epoch, self.pool = self.epoch + 1, 0

    def _batches(self, rows: npt.NDArray[np.int64], pool: int | None) -> list[npt.NDArray[np.int64]]:
        if not len(rows):
            return []
        lengths = self._corpus.lengths_of(rows)
        return epoch(lengths, self._tokens, self._seed, self.epoch, self._window, pool)
