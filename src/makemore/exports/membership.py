"""A small filter that tells whether a line is probably in the list: a Bloom filter, without the lines.

Every line of the list sets a few bits, chosen by hashes of its ids. A line one of whose bits is not set is
certainly not in the list; one whose bits are all set probably is. After Bloom, "Space/Time Trade-offs in Hash
Coding with Allowable Errors" (1970); the bits of a line follow from two hashes as in Kirsch, Mitzenmacher, "Less
Hashing, Same Performance" (2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from makemore.corpus.corpus import Corpus
from makemore.inference.base import Array

ERROR, WORST = 0.01, 0.1
"""The share of new lines that are mistaken for one in the list; the most where the list is long."""

LARGEST = 300_000 * 3 // 4
"""Bytes of a filter at most: 300 kB in base64."""

GOLDEN = 0x9E3779B1
BASES = (GOLDEN, 0x85EBCA77)


@dataclass(frozen=True)
class Filter:
    """Some bits."""

    content: bytes
    bits: int
    hashes: int
    """How many of them each line sets."""
    error: float
    """The share of new lines that are mistaken for one in the list."""


def filter_of(corpus: Corpus) -> Filter | None:
    """Return a filter of all lines of a corpus; None if too many are different."""
    if corpus.distinct * _needed(WORST) > 8 * LARGEST:
        return None
    pairs = np.unique(np.concatenate([_hashed(corpus, rows) for rows in corpus.slices()]))  # (N,)
    n = len(pairs)
    bits = min(math.ceil(n * _needed(ERROR)), 8 * LARGEST)
    hashes = max(1, round(bits / n * math.log(2)))
    first, step = (pairs >> np.uint64(32)).astype(np.uint32), pairs.astype(np.uint32) | np.uint32(1)
    there = np.zeros(-(-bits // 8) * 8, dtype=bool)
    for i in range(hashes):
        with np.errstate(over="ignore"):  # numbers are cut to 32 bits
            there[(first + np.uint32(i) * step) % np.uint32(bits)] = True
    content = np.packbits(there, bitorder="little").tobytes()
    return Filter(content, bits, hashes, float(there.mean()) ** hashes)


def _needed(error: float) -> float:
    """Return how many bits each line needs."""
    return -math.log(error) / math.log(2) ** 2


def _hashed(corpus: Corpus, rows: slice) -> Array:
    """Return two hashes of each of some lines, as one number of 64 bits, (B,)."""
    ids = corpus.stream(np.arange(rows.start, rows.stop))[1:].astype(np.uint32)
    ends = np.flatnonzero(ids == 0)
    starts = np.append(0, ends[:-1] + 1)
    place = np.arange(len(ids)) - np.repeat(starts, ends + 1 - starts)
    both = []
    with np.errstate(over="ignore"):  # numbers are cut to 32 bits
        mixed = ids * np.uint32(GOLDEN)
        mixed ^= mixed >> np.uint32(15)
        for base in BASES:
            powers = np.cumprod(np.full(int(place.max()) + 1, base, dtype=np.uint32), dtype=np.uint32)
            powers = np.append(np.uint32(1), powers[:-1])
            sums = np.add.reduceat(mixed * powers[place], starts, dtype=np.uint32)
            both.append(_mixed(sums).astype(np.uint64))
    found: Array = (both[0] << np.uint64(32)) | both[1]
    return found


def _mixed(x: Array) -> Array:
    """Return numbers of 32 bits, each of whose bits depends on all bits of x: MurmurHash3's last step."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return x
