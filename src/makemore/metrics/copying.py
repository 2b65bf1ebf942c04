"""Does a model repeat its training lines, more than one that knows the language would? One verdict, used everywhere.

Two numbers tell: the share of its samples that are training lines, and the copy ratio R, the mean probability of a training
line over that of a held-out one. A share alone says little: a good model of names says many real names. R alone says little
for long lines, where small differences in every character multiply, though hardly a sample is a copy.

    little    hardly any sample is a copy, or R is known to be small
    much      samples are copies, and R is above COPIES beyond chance
    unknown   the held-out lines are too few, or too different, to tell

Both verdicts need proof. That R is above COPIES is tested by permutation, which is exact for any number of lines: a line's split
does not depend on its probability, so if training lines are no more than COPIES times as likely, their probabilities over
COPIES could as well be those of the lines held out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from makemore.corpus.corpus import Corpus
from makemore.files.results import Flag, Result
from makemore.metrics.intervals import FEWEST, REPLICATES, Floats, Interval, means, quantiles, student
from makemore.metrics.losses import Losses, losses
from makemore.models.base import Model

COPIES, COPIES_RED = 2.0, 4.0
"""Copy ratios R above which a model is said to memorise, and below which all of the interval must lie where it is said not to
(calibrated on n-grams: benchmarks/NOTES.md)."""

COPIED = 0.05
"""Share of the samples that are copies up to which little is memorised, whatever R is: of long lines R is high as soon as a model
knows anything about the training lines."""

CHANCE = 0.01
"""Probability that a model which does not memorise is said to."""

VAGUE = 100.0
"""How many times apart the ends of R's interval may be for R to mean something."""

COPIED_TOKENS = 500_000
"""Tokens of a split that the copy ratio is of, at most, where not all of its lines were scored."""

FOLDS, FOLD_TOKENS = 10, 200_000
"""Parts of the lines that are left out in turn where a model that counts can be fitted again, and the tokens of a list that
may take."""

_DRAWS, _UNITS = 5000, 1000
"""Permutations, and held-out lines in each of them at most; more are put together at random into groups."""

_ENOUGH = 20
"""Held-out lines without which the numbers of an older summary, which came from fewer checks, are not believed."""

LITTLE, MUCH, UNKNOWN = "little", "much", "unknown"


@dataclass(frozen=True)
class Copying:
    """How likely the training lines are, beside lines that were not trained on."""

    ratio: float
    """R: the mean probability of a different training line over that of a held-out one; 1 is no memorising. Not a number where
    its interval is VAGUE or there is none."""
    interval: Interval
    """95 % interval of R; not numbers where R is none."""
    train: float
    """The probability that a sample is a training line."""
    held_out: float
    """The probability that it is a held-out line."""
    lines: int
    """Different lines held out."""
    chance: float
    """How probable so large an R, or a larger one, would be by chance if it were COPIES."""
    folds: bool = False
    """Whether R is from leaving lines out in turn, and not from the lines that were held out."""


@dataclass(frozen=True)
class Verdict(Result):
    """Whether a model memorises, and by which numbers."""

    level: str
    """LITTLE, MUCH or UNKNOWN."""
    share: float
    """Of the samples that are training lines, from 0 to 1."""
    ratio: float | None
    """R, where it is known."""
    interval: Interval | None
    """Its 95 % interval."""
    held_out: int
    """Different lines that R is from, on the side of those not trained on."""

    @property
    def sentence(self) -> str:
        """The verdict in words, the share of copies first."""
        copies = f"{percent(self.share)} of samples are training lines"
        likelier = ""
        if self.ratio is not None and self.interval is not None:
            low, high = (times(end) for end in self.interval)
            likelier = f"training lines are {times(self.ratio)}x as likely as held-out ones ({low} to {high})"
        if self.level == LITTLE and self.share <= COPIED:
            if self.ratio is not None and self.ratio > COPIES:
                return f"{copies}: few copies, though {likelier}"
            return f"{copies}: little is memorised"
        copies += f"; {likelier}" * bool(likelier)
        if self.level != UNKNOWN:
            return f"{copies}: {self.level} is memorised"
        return f"{copies}: from {self.held_out:,} held-out lines it cannot be told whether that is memorising"

    @property
    def advice(self) -> str:
        """What to do about it; empty where there is nothing to do."""
        if self.level == MUCH:
            return (
                "leave copies out with --novel, or train a smaller or more regularised model "
                "(--dropout, --teacher, a lower --order)"
            )
        return "" if self.level == LITTLE else "leave copies out with --novel, or find more lines"

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the verdict as summary.json and `makemore eval --json` have it."""
        interval = {"interval": list(self.interval or (None, None))}
        return super().to_json(flag) | interval | {"sentence": self.sentence, "advice": self.advice}

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Return the verdict that `to_json` gave these values for."""
        if isinstance(values, dict) and isinstance(ends := values.get("interval"), list) and None in ends:
            values = values | {"interval": None}
        return super().from_json(values)


def percent(share: float) -> str:
    """Return a share as people write it: one decimal only where it is small."""
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def times(ratio: float) -> str:
    """Return how many times something is, with no more digits than mean something."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.1f}" if ratio >= 0.95 else f"{ratio:.2g}"


def judge(copies: Copying, share: float | None = None) -> Verdict:
    """Return the verdict. share: of the samples that are training lines; None takes what the probabilities say."""
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
    return Verdict(level, min(1.0, share), ratio, interval, copies.lines)


def judge_older(share: float, ratio: float, interval: Interval, held_out: int) -> Verdict:
    """Return the verdict on a run of an older makemore, which kept these numbers alone.

    Args:
        share: Of the samples that are training lines.
        ratio: R; not a number where it is not known.
        interval: Its 95 % interval.
        held_out: Lines that were held out.

    """
    low, high = interval
    if not high < VAGUE * low or held_out < _ENOUGH:
        ratio = low = high = math.nan
    chance = 0.0 if low > COPIES else 1.0
    return judge(Copying(ratio, (low, high), share, math.nan, held_out, chance))


def verdict_of(summary: Mapping[str, Any]) -> Verdict | None:
    """Return the verdict that a run's summary holds, or one by its numbers; None where there are none."""
    said = summary.get("memorising")
    if said is not None and said["share"] is not None:
        return Verdict.from_json(said)
    share = summary.get("train_mass")
    if share is None:
        return None
    held_out = sum(summary["lines"][split] for split in ("validation", "test"))
    ends = summary.get("copy_ratio_interval") or (None, None)
    ratio, low, high = (math.nan if x is None else float(x) for x in (summary.get("copy_ratio"), *ends))
    return judge_older(share, ratio, (low, high), held_out)


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def copying(train: Losses, held_out: Losses) -> Copying:
    """Return the copy ratio R from the losses of the training lines and of the held-out ones.

        R = (sum of p(x) over different training lines x / their number) / (the same over held-out lines)

    Equal lines are known by their `units`.
    """
    logs = [-_different(found) for found in (train, held_out)]
    top = max(log.max() for log in logs)  # long lines have probabilities that no number is small enough for
    p, q = (np.exp(log - top) for log in logs)
    random = np.random.default_rng(0)
    ratio = float(p.mean() / q.mean())
    ratio, interval = _told(ratio, means(p, random) / means(q, random), min(len(p), len(q)))
    train_mass, held_out_mass = (min(1.0, float(np.exp(log).sum())) for log in logs)
    chance = _by_chance(p, q)
    if chance is None:
        chance = _of_few(len(train.lengths), len(held_out.lengths), train_mass)
    return Copying(ratio, interval, train_mass, held_out_mass, len(q), chance)


def copied(
    model: nn.Module, corpus: Corpus, found: dict[str, Losses], untrained: Callable[[], Model] | None = None
) -> Copying:
    """Return `copying` of a corpus.

    Of a split that the losses are only a part of, others are scored that were drawn so that each different line, however often
    it stands there, counts the same. The masses are no numbers then: a few lines have most of it, which drawing misses.

    Args:
        model: The trained model.
        corpus: What it was trained on.
        found: The losses of the lines of each split that were scored.
        untrained: Gives the model before it was fitted, if it is one that counts: where the held-out lines cannot tell, it is
            fitted again without some of the lines, in turn.

    """
    lines, whole = {}, True
    for split, each in found.items():
        if len(each.lengths) < corpus.counts()[split]:
            some, whole = corpus.subsample(split, COPIED_TOKENS, together=True), False
            each = losses(model, some, np.arange(len(some)))
        lines[split] = each.whole()
    copies = copying(lines["train"], lines["validation"] + lines["test"])
    if not whole:
        return Copying(copies.ratio, copies.interval, math.nan, math.nan, copies.lines, copies.chance)
    if untrained is None or judge(copies).level != UNKNOWN or len(corpus.tokens) > FOLD_TOKENS:
        return copies
    return _left_out(untrained, corpus, copies)


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def _left_out(untrained: Callable[[], Model], corpus: Corpus, copies: Copying) -> Copying:
    """R of a model that counts, fitted again without each of FOLDS parts of the lines: every line is held out once.

    Its probability where it was left out is beside its mean probability where it was not, so the same lines are on both sides.
    """
    hashes, first, number = np.unique(corpus.hashes, return_index=True, return_inverse=True)
    n = len(hashes)
    if n < FEWEST:
        return copies
    fold = np.random.default_rng(0).permutation(n) % min(FOLDS, n)
    logs = []
    for k in range(fold.max() + 1):
        model = untrained()
        rows = np.flatnonzero(fold[number] != k)
        model.fit(torch.from_numpy(corpus.stream(rows).astype(np.int64)))
        logs.append(-losses(model, corpus, first).lines)
    log = np.stack(logs)  # (folds, lines)
    p = np.exp(log - log.max())
    left = np.arange(len(p))[:, None] == fold
    known, new = np.where(left, 0, p).sum(0) / (len(p) - 1), p[fold, np.arange(n)]
    random = np.random.default_rng(0)
    drawn = [random.integers(n, size=n) for _ in range(REPLICATES)]
    ratios = np.array([known[some].sum() / new[some].sum() for some in drawn])
    ratio, interval = _told(float(known.sum() / new.sum()), ratios, n)
    chance = float((ratios <= COPIES).mean()) + 1 / REPLICATES
    return Copying(ratio, interval, copies.train, copies.held_out, n, chance, True)


def _different(found: Losses) -> Floats:
    """-log p of each different line."""
    lines = found.lines
    return lines if found.units is None else lines[np.unique(found.units, return_index=True)[1]]


def _told(ratio: float, ratios: Floats, n: int) -> tuple[float, Interval]:
    """R and its interval from the ratios of lines drawn anew, widened as Student's is; no numbers where that is vague.

    n: lines on the side with fewer of them.
    """
    ends = np.log(quantiles(ratios))
    if n < FEWEST or not np.isfinite([math.log(ratio), *ends] if ratio > 0 else [math.nan]).all():
        return math.nan, (math.nan, math.nan)
    low, high = np.exp(math.log(ratio) + student(n) * (ends - math.log(ratio))).tolist()
    return (ratio, (low, high)) if high < VAGUE * low else (math.nan, (math.nan, math.nan))


def _by_chance(p: Floats, q: Floats) -> float | None:
    """How probable held-out lines as unlikely as these are if training lines are COPIES times as likely as they.

    p, q: (N,), (M,) probabilities, up to a common factor, of training and of held-out lines. None for so few lines that no
    order of them would be improbable enough.
    """
    n, m = len(p) + len(q), len(q)
    random = np.random.default_rng(0)
    every = np.concatenate([p / COPIES, q])
    if n < 200:
        if math.comb(n, m) * CHANCE < 4:
            return None
        drawn = random.random((_DRAWS, n)).argpartition(m - 1)[:, :m]
        sums = every[drawn].sum(1)
    else:  # with replacement, which makes chance look a little greater
        if (size := -(-m // _UNITS)) > 1:  # sums over groups of lines vary as the lines do
            every = random.permutation(every)[: n // size * size].reshape(-1, size).sum(1)
        drawn = random.integers(len(every), size=(_DRAWS, m // size))
        sums = every[drawn].sum(1) * (m / (m // size * size))
    return float((1 + (sums <= q.sum() * (1 + 1e-9)).sum()) / (1 + _DRAWS))


def _of_few(train: int, held_out: int, share: float) -> float:
    """How often, at most, a file of lines that the model itself wrote would hold so many that are no training lines.

    By Chernoff's bound. train, held_out: lines of the file, equal ones too. share: the probability of all training lines together.
    """
    n, other = train + held_out, max(0.0, 1 - share)
    if other * n >= held_out:
        return 1.0
    if not other:
        return 0.0
    unlike = held_out * math.log(held_out / n / other) + train * math.log(train / n / (1 - other))
    return math.exp(-unlike)
