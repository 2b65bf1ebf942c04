"""How models compare: the results, and measuring finished runs for them.

A difference between two models is that of their losses on the same test lines. Its interval comes from
resampling the lines, and allows for the seeds; the difference is a tie if the interval covers 0. Losses are
in nats per token.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from makemore.corpus.splits import SPLITS
from makemore.files.results import Flag, Result
from makemore.metrics import quality
from makemore.metrics.intervals import Interval, ratio_interval
from makemore.metrics.losses import Losses, by_group
from makemore.metrics.losses import losses as losses_of
from makemore.metrics.verdict import Verdict
from makemore.models import count_parameters
from makemore.runs.run import Run
from makemore.runs.summary import Summary

SEED_SPREAD, SEED_LINES = 0.004, 28_851
"""Standard deviation of the test loss over seeds, in nats per token, that is assumed if too few types were
trained more than once, and the number of training lines that it is for. It is a little above that of the
types of the ladder on names (benchmarks/RESULTS.md). For fewer lines it grows with the square root of the
ratio."""

SAMPLES = quality.UNIQUE_OF
"""Samples of each model, for its speed and its uniqueness."""

_INFINITE, _UNKNOWN = {"null": math.inf}, {"null": math.nan}
"""What null stands for in JSON: in a loss, and in other numbers."""


@dataclass(frozen=True, kw_only=True)
class Compared(Result):
    """One model of a comparison; its runs differ only in their seed."""

    name: str
    type: str
    runs: tuple[str, ...]
    """Their directories."""
    parameters: int
    seconds: float
    """How long training took: the median of the runs."""
    nll: Mapping[str, float] = field(metadata=_INFINITE)
    """The mean loss of the runs on each split, in nats per token."""
    nll_of_runs: tuple[float, ...] = field(metadata=_INFINITE)
    """The test loss of each run."""
    samples_per_second: float
    uniqueness: float
    """Share of different samples."""
    train_mass: float | None = None
    """Share of samples that are training lines, the mean of the runs."""
    copy_ratio: float = field(metadata=_UNKNOWN)
    """R, the mean of the runs; not a number where it is not known."""
    memorising: Verdict | None = None
    """The verdict on the first run."""
    interval: Interval = field(metadata=_UNKNOWN)
    """95% interval of the test loss."""
    tie_with_best: bool = False
    """Whether chance could explain its distance from the best model. True for the best model itself."""
    nll_by_label: Mapping[str, float] = field(default_factory=dict, metadata=_INFINITE)
    """The mean loss of the runs on the test lines with each label, if they have labels."""


@dataclass(frozen=True)
class Pair(Result):
    """How two models differ."""

    a: str
    """Name of the better one."""
    b: str
    difference: float = field(metadata=_UNKNOWN)
    """Test loss of b minus that of a, in nats per token."""
    interval: Interval = field(metadata=_UNKNOWN)
    """95% interval of the difference, with other lines and other seeds."""
    tie: bool
    """Whether the interval covers 0."""


@dataclass(frozen=True)
class Comparison(Result):
    """Several models on the same lines, the best first, and which differences between them are real."""

    lines: Mapping[str, int]
    """Lines of each split."""
    scored_lines: int
    """Test lines that the losses come from: all of them, unless the file is large."""
    seed_spread: float
    """Standard deviation of the test loss over seeds."""
    entries: tuple[Compared, ...]
    """The best test loss first."""
    pairs: tuple[Pair, ...]
    """Every pair of models."""
    failed: Mapping[str, str] | None = None
    """Names of the runs that could not be trained, and why; None if the comparison trained no runs."""

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the fields; `failed` only if the comparison trained its runs."""
        found = super().to_json(flag)
        if self.failed is None:
            del found["failed"]
        return found

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Return the comparison from the values that `to_json` returned."""
        if isinstance(values, dict) and isinstance(lines := values.get("lines"), dict):
            values = {"scored_lines": lines.get("test")} | values  # an older makemore scored them all
        found = super().from_json(values)
        names = [each.name for each in found.entries if each.runs]
        if not names or len(names) < len(found.entries):
            raise ValueError("it has no entries, or one without runs")
        if not {side for pair in found.pairs for side in (pair.a, pair.b)} <= set(names):
            raise ValueError("a pair names a model that is not an entry")
        if any(
            split not in nll for split in SPLITS for nll in (found.lines, *(e.nll for e in found.entries))
        ):
            raise ValueError("a split is missing")
        return found


# measuring


@dataclass(frozen=True)
class _Scored:
    """One model and its loss on the test lines."""

    name: str
    runs: list[Run]
    losses: Losses
    """The mean of the runs."""
    of_runs: tuple[float, ...]
    """The test loss of each run."""
    labels: npt.NDArray[np.int64] | None
    """(M,) the labels of the test lines; None if they have none."""

    @property
    def learned(self) -> bool:
        """Whether its weights depend on the seed."""
        return not self.runs[0].model.counting


def summary_of(run: Run) -> Summary:
    """Return the summary of a finished run."""
    summary = run.summary()
    assert summary is not None
    return summary


def measure(named: Mapping[str, list[Run]]) -> Comparison:
    """Measure each model's finished runs, all on the same lines, and compare every pair of models."""
    scored = [_scored(name, runs) for name, runs in named.items()]
    corpus = scored[0].runs[0].corpus
    spread = _seed_spread(scored)
    scored.sort(key=lambda each: float(each.losses.lines.sum()))
    pairs = tuple(_pair(a, b, spread) for a, b in itertools.combinations(scored, 2))
    with_best = {pair.b: pair.tie for pair in pairs if pair.a == scored[0].name}
    return Comparison(
        lines=corpus.counts(),
        scored_lines=len(scored[0].losses.lengths),
        seed_spread=spread,
        entries=tuple(_measured(each, with_best.get(each.name, True)) for each in scored),
        pairs=pairs,
    )


def _scored(name: str, runs: list[Run]) -> _Scored:
    """Return a model with its loss on the test lines."""
    found, labels = [], None
    for run in runs:
        # the same lines in the same order, whatever their order in each run's file
        some = run.corpus.subsample("test", together=True)
        order = np.argsort(some.hashes, kind="stable")
        labels = None if some.labels is None else some.labels[order].astype(np.int64)
        found.append(losses_of(run.model, some, order))
    lengths, units = found[0].lengths, found[0].units
    mean = np.mean([losses.lines for losses in found], axis=0)
    losses = Losses(np.repeat(mean / lengths, lengths), lengths, units)
    return _Scored(name, runs, losses, tuple(each.loss.nll for each in found), labels)


def _pair(a: _Scored, b: _Scored, spread: float) -> Pair:
    """Compare two models line by line. spread: standard deviation of a loss over seeds."""
    with np.errstate(invalid="ignore"):
        difference = b.losses.lines - a.losses.lines
    lengths, units = a.losses.lengths.astype(np.float64), np.asarray(a.losses.units)
    chance = float(np.sqrt(sum(spread**2 / len(each.runs) for each in (a, b) if each.learned)))
    low, high = ratio_interval(difference, lengths, units, chance)
    apart = float(difference.sum() / lengths.sum())
    tie = not (low > 0 or high < 0) if math.isfinite(apart) else math.isnan(apart)
    return Pair(a.name, b.name, apart, (low, high), tie)


def _measured(scored: _Scored, tie_with_best: bool) -> Compared:
    """Return everything about one model."""
    runs, losses = scored.runs, scored.losses
    lengths, units = losses.lengths.astype(np.float64), np.asarray(losses.units)
    samples = [_timed(run) for run in runs]
    summaries = [summary_of(run) for run in runs]
    nll = {split: float(np.mean([summary.nll[split] for summary in summaries])) for split in SPLITS}
    if len(lengths) < runs[0].corpus.counts()["test"]:  # the interval is that of this loss
        nll["test"] = float(np.mean(scored.of_runs))
    ratios = [math.nan if summary.copy_ratio is None else summary.copy_ratio for summary in summaries]
    masses = [summary.train_mass for summary in summaries if summary.train_mass is not None]
    return Compared(
        name=scored.name,
        type=runs[0].type,
        runs=tuple(str(run.directory) for run in runs),
        parameters=count_parameters(runs[0].model),
        seconds=float(np.median([summary.seconds for summary in summaries])),
        nll=nll,
        nll_of_runs=scored.of_runs,
        samples_per_second=float(np.median([rate for rate, _ in samples])),
        uniqueness=float(np.mean([quality.uniqueness(lines) for _, lines in samples])),
        train_mass=float(np.mean(masses)) if len(masses) == len(runs) else None,
        copy_ratio=float(np.mean(ratios)),
        memorising=summaries[0].memorising,
        interval=ratio_interval(losses.lines, lengths, units, positive=True),
        tie_with_best=tie_with_best,
        nll_by_label=_by_label(scored),
    )


def _by_label(scored: _Scored) -> dict[str, float]:
    """Return the loss of the test lines with each label; empty if they have none."""
    if scored.labels is None:
        return {}
    names = ("", *scored.runs[0].vocab.labels)
    return {names[i]: part.nll for i, part in sorted(by_group(scored.losses, scored.labels).items())}


def _timed(run: Run) -> tuple[float, list[str]]:
    """Return how many samples a second the run yields, and the samples."""
    run.sample(10, cut=True, seed=0)
    began = time.perf_counter()
    lines = run.sample(SAMPLES, cut=True, seed=1)
    return len(lines) / (time.perf_counter() - began), lines


def _seed_spread(scored: list[_Scored]) -> float:
    """Return the standard deviation of the test loss over seeds, from the models with several runs."""
    several = [each.of_runs for each in scored if len(each.runs) > 1]
    free = sum(len(losses) - 1 for losses in several)
    if free < 4:  # too few to tell
        lines = scored[0].runs[0].corpus.counts()["train"]
        return SEED_SPREAD * math.sqrt(max(1.0, SEED_LINES / lines))
    return float(np.sqrt(sum(np.var(losses) * len(losses) for losses in several) / free))
