"""How much is read, kept or processed at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from makemore.corpus.mapped import release


@dataclass(frozen=True)
class Sizes:
    """Limits that keep memory bounded, however large a file is. Tests pass small ones."""

    large: int = 1 << 25
    """Bytes of files, or characters of a stream, above which a corpus is kept on disk."""
    chunk: int = 1 << 16
    """Tokens of a chunk: neighbouring lines that are stored, checked and shuffled together."""
    piece: int = 1 << 22
    """Tokens processed at a time when all lines are visited."""
    sorted_at_once: int = 1 << 22
    """Hashes sorted in memory at a time."""
    compared: int = 1 << 22
    """Lines up to which the different ones are counted exactly; for more lines the number is estimated."""
    subsample: int = 2_000_000
    """Tokens of a subsample that stands for a whole split."""
    spread: int = 2048
    """Chunks that a subsample is taken from, at least: a sorted list has similar lines side by side."""
    pool: int = 256
    """Chunks whose lines are shuffled together: about 16 million tokens."""
    block: int = 1 << 20
    """Bytes read from a file at a time."""
    endless: int = 1 << 24
    """Characters of a line above which reading stops, whatever `max_length` says: it may have no end."""


SIZES = Sizes()
"""The usual sizes."""


def usual() -> Sizes:
    """Return the sizes to use where none are given. Tests of whole commands replace SIZES."""
    return SIZES


def chunk_rows(offsets: npt.NDArray[np.int64], sizes: Sizes) -> npt.NDArray[np.int64]:
    """Return the first row of each chunk, and N, from the offsets (N + 1,)."""
    n = len(offsets) - 1
    starts = np.arange(0, int(offsets[-1]), sizes.chunk)
    cuts, done = [], 0
    for i in range(0, n + 1, sizes.piece):
        some = offsets[i : i + sizes.piece]
        upto = int(np.searchsorted(starts, some[-1], side="right"))
        cuts.append(i + np.searchsorted(some, starts[done:upto]))
        done = upto
        release(some)
    return np.unique(np.append(np.minimum(np.concatenate(cuts), n), n))
