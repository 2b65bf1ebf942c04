"""95% intervals: how much a number would change if the file held other lines of the same kind.

They come from the bootstrap (Efron 1979): lines are resampled with replacement, a thousand times. Copies of
one line are resampled together, since they are one observation. That of a share is Wilson's.
"""

from __future__ import annotations

import math
from typing import overload

import numpy as np
import numpy.typing as npt

REPLICATES = 1000
"""How often the lines are resampled for an interval."""

UNITS = 2000
"""The most units to resample for an interval; more lines are first grouped at random into this many."""

FEWEST = 5
"""The fewest different lines, or tokens, for an interval: fewer do not show how much lines vary."""

TOO_FEW = "too few lines for an interval"
"""What is printed instead of an interval."""

_Z = 1.959963984540054
"""Standard deviations on either side of the mean that hold 95 % of a normal distribution."""

Floats = npt.NDArray[np.float64]
Units = npt.NDArray[np.integer]
"""(M,) lines with the same number are the same line."""

Interval = tuple[float, float]
"""The two ends; NaN where there is no interval."""


def exists(interval: Interval) -> bool:
    """Say whether both ends of an interval are known."""
    return all(map(math.isfinite, interval))


@np.errstate(invalid="ignore", divide="ignore")  # a loss may be infinite
def ratio_interval(
    top: Floats, bottom: Floats, units: Units, spread: float = 0.0, positive: bool = False
) -> Interval:
    """Return the interval of sum(top) / sum(bottom); NaN if there are fewer than FEWEST different lines.

    Each line adds one element to `top` (M,), `bottom` (M,) and `units` (M,); lines of the same unit are
    resampled together. If there are few lines the interval is widened by Student's t, since bootstrap samples
    of few lines vary too little; on a logarithmic scale if the ratio is `positive`, like a loss. `spread` is
    the standard deviation of the ratio from causes other than the lines.
    """
    _, unit = np.unique(units, return_inverse=True)
    random = np.random.default_rng(0)
    n = several = int(unit.max(initial=-1)) + 1
    if n < FEWEST:
        return math.nan, math.nan
    if n > UNITS:  # sums over groups vary as much as sums over lines
        unit = random.permutation(n)[unit] % UNITS
        n = UNITS
    a, b = np.bincount(unit, top, n), np.bincount(unit, bottom, n)
    drawn = random.integers(n, size=(REPLICATES, n))
    ratios = a[drawn].sum(1) / b[drawn].sum(1) + spread * random.standard_normal(REPLICATES)
    ends = quantiles(ratios)
    middle = a.sum() / b.sum()
    if positive and middle > 0 and np.isfinite(middle):
        ends = middle * (ends / middle) ** student(several)
    elif np.isfinite(middle):
        ends = middle + student(several) * (ends - middle)
    return float(ends[0]), float(ends[1])


def quantiles(values: Floats) -> Floats:
    """Return the ends of the middle 95% of some values, (2,); NaN if all of them are."""
    return np.nanquantile(values, (0.025, 0.975)) if not np.isnan(values).all() else np.full(2, np.nan)


def means(values: Floats, random: np.random.Generator) -> Floats:
    """Return the means of the values resampled REPLICATES times, (REPLICATES,)."""
    found: Floats = np.empty(REPLICATES)
    for i in range(REPLICATES):
        found[i] = values[random.integers(len(values), size=len(values))].mean()
    return found


def student(n: int) -> float:
    """Return the factor by which to widen the bootstrap interval of the mean of n values."""
    return t(n) / 1.96 * math.sqrt(n / (n - 1))


@overload
def t(n: int) -> float: ...
@overload
def t(n: npt.NDArray[np.int64]) -> Floats: ...
def t(n: int | npt.NDArray[np.int64]) -> float | Floats:
    """Return the 97.5 % point of Student's t for n values, by the expansion of Cornish and Fisher."""
    free = n - 1
    return 1.96 + 2.37 / free + 2.82 / free**2 + 2.56 / free**3 + 1.6 / free**4


def wilson(right: int, n: int) -> Interval:
    """Return the 95% interval of a share of n, after Wilson (1927); NaN at both ends if n is 0."""
    if not n:
        return math.nan, math.nan
    p, extra = right / n, _Z**2 / n
    middle = (p + extra / 2) / (1 + extra)
    half = _Z * math.sqrt(p * (1 - p) / n + extra / (4 * n)) / (1 + extra)
    return middle - half, middle + half
