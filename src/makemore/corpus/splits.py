"""Which split a line belongs to: only a keyed hash of its text decides.

Equal lines always fall into the same split, so a test line is never trained on, and a line keeps its split
when the file grows or is reordered. README.md in this folder says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from makemore.corpus.vocab import Ids, code_points

SPLITS = ("train", "validation", "test")
"""The splits. A line's split is stored as an index into this tuple."""

SHARES = (0.90, 0.05, 0.05)
"""The share of the different lines in each split."""

KEY = int.from_bytes(hashlib.blake2b(b"makemore splits 1", digest_size=8).digest(), "little")
"""The key of the hash. Another key would give other splits."""

_AT_ONCE = 1 << 11  # lines hashed at a time: their arrays stay in the processor's cache


def line_hashes(
    codes: npt.NDArray[np.uint32] | None,
    tokens: Ids,
    offsets: npt.NDArray[np.int64],
    begins: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.uint64]:
    """Return a keyed 64-bit hash of the text of every line.

    Each (character, position) pair is mixed into 64 random bits; the bits of a line are summed and mixed
    again (Zobrist hashing). The order of a sum does not matter, so all lines are hashed at once.

    Args:
        codes: The code points of each id, so that the hash does not depend on the vocabulary; None if
            `tokens` are code points already.
        tokens: (M,) the stream, with a boundary before and after each line.
        offsets: (N + 1,) positions of the boundaries.
        begins: (V + 1,) where the code points of each id begin in `codes`; None if each is one.

    """
    hashes = np.empty(len(offsets) - 1, dtype=np.uint64)
    for i in range(0, len(hashes), _AT_ONCE):
        starts = offsets[i : i + _AT_ONCE + 1]
        ids, starts = tokens[starts[0] : starts[-1]], starts - starts[0]
        if codes is None:
            characters = ids
        elif begins is None:
            characters = codes[ids]
        else:
            n = np.diff(begins)[ids]  # code points of each id
            ends = np.append(0, n.cumsum())
            at = np.arange(ends[-1]) + np.repeat(begins[:-1][ids] - ends[:-1], n)
            characters, starts = codes[at], ends[starts]
        position = np.arange(len(characters)) - np.repeat(starts[:-1], np.diff(starts))
        pair = (position.astype(np.uint64) << np.uint64(32)) | characters
        sums = np.add.reduceat(mix(pair ^ np.uint64(KEY)), starts[:-1])
        hashes[i : i + _AT_ONCE] = mix(sums)
    return hashes


def hashes_of(lines: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return the hash of every line of a list, as `line_hashes` does for a stream."""
    codes = code_points("\n" + "".join(line + "\n" for line in lines))
    return line_hashes(None, codes, np.cumsum([0, *(len(line) + 1 for line in lines)]))


def mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spread every bit of x over all 64 (the finaliser of SplitMix64, Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def split_of(hashes: npt.NDArray[np.uint64], tiny: bool = True) -> npt.NDArray[np.uint8]:
    """Return the split of each line, from its hash (N,), as an index into SPLITS.

    90 % of lines train, 5 % are for validation and 5 % for testing. If that leaves a split empty, the
    different lines are ranked by their hash and divided so that each split gets at least one. Only in such a
    tiny list can a line change its split when the file grows. `tiny` is False if the hashes are those of a
    part of a large list.
    """
    bounds = np.array([share * 2.0**64 for share in np.cumsum(SHARES)[:-1]], dtype=np.uint64)
    split = np.searchsorted(bounds, hashes, side="right").astype(np.uint8)
    if not tiny or len(np.unique(split)) == len(SPLITS):
        return split
    ranked, inverse = np.unique(hashes, return_inverse=True)
    each = max(1, round(SHARES[2] * len(ranked)))
    by_rank = np.zeros(len(ranked), dtype=np.uint8)
    by_rank[-2 * each :] = SPLITS.index("validation")
    by_rank[-each:] = SPLITS.index("test")
    return by_rank[inverse]
