"""What samples are like compared with held-out lines: how new, how near to the list and how varied they are.

Held-out lines are validation and test lines together; none of them is a training line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from makemore.files.results import Flag, Result, plain

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

UNIQUE_OF = 1000
"""The number of lines whose uniqueness is measured everywhere, since it falls with their number."""

VENDI_LINES = 1000
"""The most lines of a Vendi score, whose matrix has a row and a column for each."""

WORK = 4e9
"""About how many character comparisons the nearest lines may take: some seconds of one core."""


def uniqueness(lines: list[str]) -> float:
    """Return the share of different lines among the first UNIQUE_OF (MOSES, Polykovskiy et al. 2020)."""
    some = lines[:UNIQUE_OF]
    return len(set(some)) / len(some)


def novelty(lines: list[str], train: set[str]) -> float:
    """Return the share of the different lines that are not training lines. Higher is not always better."""
    different = set(lines)
    return len(different - train) / len(different)


# nearest training lines


@dataclass(frozen=True)
class Nearest:
    """How far lines are from the training lines, in edits."""

    distances: Counts
    """(N,) characters to insert, delete or change to turn each line into the nearest training line."""
    which: Counts
    """(N,) the nearest training line."""


def affordable(lines: int, mean_length: float, train: int) -> tuple[int, int]:
    """Return how many lines can be compared with how many of `train` training lines in some seconds."""
    pair = mean_length * max(1.0, mean_length / 64)  # 64 bits, a word, are compared at once
    most = WORK / pair
    n = int(min(lines, max(200, most / train)))
    return n, int(min(train, max(1000, most / n)))


def nearest(lines: list[str], train: list[str]) -> Nearest:
    """Return the nearest training line of each line by edit distance (Levenshtein 1966)."""
    distances, which = np.empty((2, len(lines)), dtype=np.int64)
    longest = max(map(len, [*lines, *train]))
    step = max(1, 30_000_000 // len(train))  # lines at a time, to bound the memory
    for i in range(0, len(lines), step):
        some = cdist(
            lines[i : i + step],
            train,
            scorer=Levenshtein.distance,
            dtype=np.min_scalar_type(longest),
            workers=-1,
        )
        which[i : i + step] = some.argmin(1)
        distances[i : i + step] = some.min(1)
    return Nearest(distances, which)


def mann_whitney(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return z of Mann and Whitney's test: above 0 if a is mostly greater than b, 0 if they mix evenly.

    Ties count half, and the spread is corrected for them. 0 if all values are the same.
    """
    a, b = np.asarray(a), np.asarray(b)
    values, times = np.unique(np.concatenate([a, b]), return_counts=True)
    rank = np.cumsum(times) - (times - 1) / 2  # the mean rank of each value
    n, m = len(a), len(b)
    u = rank[np.searchsorted(values, a)].sum() - n * (n + 1) / 2
    total = n + m
    spread = n * m / 12 * (total + 1 - (times**3 - times).sum() / (total * (total - 1)))
    return float((u - n * m / 2) / np.sqrt(spread)) if spread > 0 else 0.0


# what lines are made of


def grams(line: str, n: int) -> list[str]:
    """Return the n-grams of a line."""
    return [line[i : i + n] for i in range(len(line) - n + 1)]


FEATURES: dict[str, Callable[[str], list[str]]] = {
    "length": lambda line: [str(len(line))],
    "first": lambda line: [line[:1]],
    "last": lambda line: [line[-1:]],
    "1-gram": lambda line: grams(line, 1),
    "2-gram": lambda line: grams(line, 2),
    "3-gram": lambda line: grams(line, 3),
}
"""What distances compare: for each feature, a function that returns the values a line has."""


def _count(lines: list[str], feature: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for line in lines:
        for found in FEATURES[feature](line):
            counts[found] = counts.get(found, 0) + 1
    return counts


def jensen_shannon(a: dict[str, int], b: dict[str, int]) -> float:
    """Return the Jensen-Shannon divergence of two distributions, given as counts, in bits: 0 to 1.

    JSD = H((P + Q) / 2) - (H(P) + H(Q)) / 2                                         (Lin 1991)
    """
    keys = sorted(a.keys() | b.keys())
    p, q = (np.array([counts.get(key, 0) for key in keys], dtype=np.float64) for counts in (a, b))
    p, q = p / max(p.sum(), 1), q / max(q.sum(), 1)
    return max(0.0, _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2) / float(np.log(2))


def _entropy(p: npt.NDArray[np.floating]) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


@dataclass(frozen=True)
class Distance(Result):
    """How far samples and held-out lines are from the training lines in one feature."""

    samples: float
    """Jensen-Shannon divergence in bits."""
    held_out: float
    """The same for as many held-out lines: what chance alone gives."""

    @property
    def ratio(self) -> float:
        """1 if samples are as near as held-out lines."""
        return self.samples / self.held_out if self.held_out else float("nan")

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the distances and their ratio."""
        return super().to_json(flag) | {"ratio": plain(self.ratio)}


def distances(samples: list[str], held_out: list[str], train: list[str]) -> dict[str, Distance]:
    """Return the distance of samples and of held-out lines from the training lines in each feature.

    After GuacaMol (Brown et al. 2019). Equally many samples and held-out lines are compared, since fewer
    lines look farther away.
    """
    n = min(len(samples), len(held_out))
    found = {}
    for name in FEATURES:
        of_train = _count(train, name)
        near, floor = (jensen_shannon(_count(lines[:n], name), of_train) for lines in (samples, held_out))
        found[name] = Distance(near, floor)
    return found


# how varied lines are


def vendi(lines: list[str]) -> float:
    """Return the Vendi score of some lines over their number: near 0 if all are alike, 1 if none are.

    exp of the entropy of the eigenvalues of K / n, K the cosine similarity of the lines' counts of 1- to
    3-grams. After Friedman & Dieng, "The Vendi Score" (2022), arXiv:2210.02410.
    """
    each = [[g for n in (1, 2, 3) for g in grams(line, n)] for line in lines]
    names, ids = np.unique(np.concatenate([np.array(gs) for gs in each]), return_inverse=True)
    line = np.repeat(np.arange(len(lines)), [len(gs) for gs in each])
    step = max(1, 4_000_000 // len(lines))  # n-grams at a time, to bound the memory
    K = np.zeros((len(lines), len(lines)))
    for i in range(0, len(names), step):
        some = (ids >= i) & (ids < i + step)
        width = min(step, len(names) - i)
        counts = np.bincount(line[some] * width + ids[some] - i, minlength=len(lines) * width)
        X = counts.reshape(len(lines), width).astype(np.float64)
        K += X @ X.T
    size = np.sqrt(np.diag(K))
    K /= np.outer(size, size)
    values = np.linalg.eigvalsh(K / len(lines))
    return float(np.exp(_entropy(values[values > 1e-12]))) / len(lines)
