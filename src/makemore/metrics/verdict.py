"""Does a model memorise? One verdict, used everywhere.

Two numbers decide: the share of samples that are training lines, and the copy ratio R, the mean probability
of a training line over that of a held-out line. The share alone says little: a good model of names produces
many real names. R alone says little for long lines, where small differences at every character multiply
although almost no sample is a copy.

    little    almost no sample is a copy, or R is known to be small
    much      samples are copies, and R is above COPIES beyond chance
    unknown   there are too few held-out lines, or they differ too much, to tell

Both verdicts need evidence. Whether R is above COPIES is tested by permutation, which is exact for any number
of lines: a line's split does not depend on its probability, so if training lines are at most COPIES times as
likely, their probabilities over COPIES could just as well be those of held-out lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from makemore.errors import with_flags
from makemore.files.results import Flag, Result
from makemore.metrics.intervals import Interval

COPIES, COPIES_RED = 2.0, 4.0
"""A copy ratio above the first is memorising; for "little", the whole interval must lie below the second
(calibrated on n-grams: benchmarks/NOTES.md)."""

COPIED = 0.05
"""If at most this share of samples is copies, little is memorised whatever R is: for long lines R is high as
soon as the model knows anything about the training lines."""

CHANCE = 0.01
"""The accepted probability of saying that a model memorises if it does not."""

VAGUE = 100.0
"""R counts as unknown if the ends of its interval are this many times apart."""

_ENOUGH = 20
"""Held-out lines below which the numbers of a summary by an older version are not trusted."""

LITTLE, MUCH, UNKNOWN = "little", "much", "unknown"

ADVISED = ("novel", "dropout", "teacher", "order")
"""The arguments that the advice of a verdict names."""


@dataclass(frozen=True)
class Copying:
    """How likely the training lines are, compared with lines that were not trained on."""

    ratio: float
    """R: the mean probability of a different training line over that of a held-out line; 1 is no memorising.
    NaN if its interval is VAGUE, or if there is none."""
    interval: Interval
    """95% interval of R; NaN if R is."""
    train: float
    """The probability that a sample is a training line."""
    held_out: float
    """The probability that a sample is a held-out line."""
    lines: int
    """Different held-out lines."""
    chance: float
    """The probability of an R this large or larger if the true ratio were COPIES."""
    folds: bool = False
    """Whether R comes from leaving lines out in turn, instead of from the held-out lines."""


@dataclass(frozen=True)
class Verdict(Result):
    """Whether a model memorises, and the numbers that say so."""

    level: str
    """LITTLE, MUCH or UNKNOWN."""
    share: float
    """Share of samples that are training lines, from 0 to 1."""
    ratio: float | None
    """R, if it is known."""
    interval: Interval | None
    """Its 95% interval."""
    held_out: int
    """Different lines, not trained on, that R comes from."""
    folds: bool = False
    """Whether these are all lines, left out in turn, instead of the held-out lines."""

    @property
    def sentence(self) -> str:
        """The verdict in words, the share of copies first."""
        copies = f"{percent(self.share)} of samples are training lines"
        likelier = between = ""
        if self.ratio is not None and self.interval is not None:
            low, high = (times(end) for end in self.interval)
            others = "when they are left out" if self.folds else "held-out ones"
            likelier = f"training lines are {times(self.ratio)}x as likely as {others}"
            between = f"{low} to {high}"
        if self.level == LITTLE and self.share <= COPIED:
            if self.ratio is not None and self.ratio > COPIES:
                return f"{copies}: few copies, though {likelier} ({between})"
            return f"{copies}: little is memorised"
        if self.level == LITTLE:
            why = f"lines it never saw are likely too ({likelier}, {between})"
            return f"{copies}, but little is memorised: {why}"
        copies += f"; {likelier} ({between})" * bool(likelier)
        if self.level == MUCH:
            return f"{copies}: much is memorised"
        lines = (
            f"{self.held_out:,} lines, left out in turn,"
            if self.folds
            else f"{self.held_out:,} held-out lines"
        )
        return f"{copies}: the {lines} cannot tell whether that is memorising"

    def advice(self, flag: Flag = str) -> str:
        """Return what to do about it, "" if nothing; `flag` spells the arguments that the advice names."""
        if self.level == LITTLE:
            return ""
        text = "sample without copies (novel=True), or find more lines"
        if self.level == MUCH:
            text = (
                "sample without copies (novel=True), or train a smaller or more regularised model "
                "(a network with more dropout or a teacher, an n-gram of a lower order)"
            )
        return with_flags(text, ADVISED, flag)

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the verdict as it is in summary.json and in the JSON of `makemore eval`."""
        interval = {"interval": list(self.interval or (None, None))}
        words = {"sentence": self.sentence, "advice": self.advice(flag)}
        return super().to_json(flag) | interval | words

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Return the verdict from the values that `to_json` returned."""
        if isinstance(values, dict) and isinstance(ends := values.get("interval"), list) and None in ends:
            values = values | {"interval": None}
        return super().from_json(values)


def percent(share: float) -> str:
    """Return a share in percent, with a decimal only if it is small."""
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def times(ratio: float) -> str:
    """Return a ratio with only as many digits as mean something."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.1f}" if ratio >= 0.95 else f"{ratio:.2g}"


def judge(copies: Copying, share: float | None = None) -> Verdict:
    """Return the verdict, given the share of samples that are training lines; None takes `copies.train`."""
    share = copies.train if share is None else share
    known = math.isfinite(copies.ratio)
    level = UNKNOWN
    if share <= COPIED:
        level = LITTLE
    elif copies.chance < CHANCE:
        level = MUCH
    elif known and copies.ratio <= COPIES and copies.interval[1] <= COPIES_RED:
        level = LITTLE
    ratio, interval = (copies.ratio, copies.interval) if known else (None, None)
    return Verdict(level, min(1.0, share), ratio, interval, copies.lines, copies.folds)


def judge_older(share: float, ratio: float, interval: Interval, held_out: int) -> Verdict:
    """Return the verdict on a run of an older version, which kept only these numbers; R may be NaN."""
    low, high = interval
    if not high < VAGUE * low or held_out < _ENOUGH:
        ratio = low = high = math.nan
    chance = 0.0 if low > COPIES else 1.0
    return judge(Copying(ratio, (low, high), share, math.nan, held_out, chance))
