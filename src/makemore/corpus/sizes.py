"""How much is read, kept or processed at a time."""

from __future__ import annotations

from dataclasses import dataclass


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
