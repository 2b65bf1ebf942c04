"""What there is to see inside a model: grids, levels of contexts and a map, as numbers that a page can draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from makemore.files.results import Result

DIGITS = 4
"""Decimals of the numbers in grids: more cannot be seen."""


@dataclass(frozen=True)
class Grid(Result):
    """A table of numbers, to be drawn as a heat map."""

    title: str
    """What tells it from other grids of the same view; empty if it is the only one."""
    rows: tuple[str, ...]
    """The names of the R rows."""
    columns: tuple[str, ...]
    """The names of the C columns."""
    values: tuple[tuple[float, ...], ...]
    """(R, C). A row may be shorter: attention looks back only."""
    low: float
    """The lowest value that is possible, 0 or below."""
    high: float
    """The highest one."""
    marked: int | None = None
    """A row to frame."""

    @classmethod
    def of(
        cls,
        values: npt.NDArray[np.floating],
        rows: Sequence[str],
        columns: Sequence[str],
        low: float = 0.0,
        high: float = 1.0,
        title: str = "",
        marked: int | None = None,
    ) -> Self:
        """Return the grid of an array (R, C)."""
        rounded = np.round(np.asarray(values, dtype=np.float64), DIGITS)
        high = max(high, float(rounded.max()))
        return cls(title, tuple(rows), tuple(columns), tuple(map(tuple, rounded.tolist())), low, high, marked)


@dataclass(frozen=True)
class Level(Result):
    """What one length of context says about the next character."""

    context: tuple[str, ...]
    """The last characters, which it looks at; the end of a line for its beginning."""
    seen: int
    """How often it was counted; 0 if it does not occur."""
    share: float
    """For an n-gram: how much of the estimate is left to the shorter context, 0 for the empty one. For
    context-tree weighting: the weight of this length."""
    p: tuple[float, ...]
    """The probability of each of the view's characters at this level."""


@dataclass(frozen=True)
class Point(Result):
    """A character on a map."""

    character: str
    kind: str
    """What kind of character it is: "vowel", "digit" and so on."""
    x: float
    y: float


@dataclass(frozen=True)
class View(Result):
    """One thing to see: grids, or levels, or a map."""

    title: str
    says: str
    """What one sees, in a sentence or two."""
    across: str = ""
    """What the columns of its grids are."""
    down: str = ""
    """What their rows are."""
    grids: tuple[Grid, ...] = ()
    characters: tuple[str, ...] = ()
    """Those whose probabilities the levels have."""
    levels: tuple[Level, ...] = ()
    """From the shortest context to the longest."""
    share: str = ""
    """What the levels' share is."""
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Inside(Result):
    """What there is to see in a model that has read a text."""

    type: str
    says: str
    """What the model is, in a sentence or two."""
    text: tuple[str, ...]
    """The characters that it has read."""
    views: tuple[View, ...]
