"""Several models on the same split: trained one after another, then put in order, ties told from differences.

DIR/comparison.json      what is compared and how it is trained; once all are done, the results too
DIR/TYPE-SEED/           a run directory for each
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import os
import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from makemore.corpus.cache import read_corpus
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import AS_USUAL, How
from makemore.corpus.splits import SPLITS
from makemore.distributed.devices import pick_device
from makemore.errors import MakemoreError, command_line
from makemore.files.atomic import damage, held, kind, read_json, to_json
from makemore.files.manifest import Manifest
from makemore.files.results import Flag, Result
from makemore.metrics import quality
from makemore.metrics.baselines import fitted
from makemore.metrics.intervals import Interval, ratio_interval
from makemore.metrics.losses import Losses
from makemore.metrics.losses import losses as losses_of
from makemore.metrics.verdict import Verdict
from makemore.models import MODELS, count_parameters, model_class
from makemore.reports.inspection import pace_of
from makemore.runs.run import Run
from makemore.runs.settings import check_given, recipe
from makemore.runs.summary import Summary
from makemore.training.events import Event
from makemore.training.start import train
from makemore.training.teacher import TEACHER_ORDER

FORMAT = "makemore comparison"
PLAN = "comparison.json"

SEED = 3407
"""Of the first run of each type; the others have the numbers that follow."""

SEED_SPREAD, SEED_LINES = 0.004, 28_851
"""Standard deviation of the test loss over seeds, in nats per token, where too few types were trained more than once:
a little above what the ladder's types have on so many training lines, names (benchmarks/RESULTS.md). Of fewer lines it is
taken to be larger by the root of their ratio."""

MOST_SEEDS = 1000
"""Runs of a type, at most."""

SAMPLES = quality.UNIQUE_OF
"""Samples of each model, for its speed and for how many of them are different."""


INFINITE = {"null": math.inf}
"""What null stands for in a loss that is read back."""

UNKNOWN = {"null": math.nan}


@dataclass(frozen=True, kw_only=True)
class Compared(Result):
    """One model of a comparison; its runs differ only in their seed."""

    name: str
    type: str
    runs: tuple[str, ...]
    """Their directories."""
    parameters: int
    seconds: float
    """That training took, the median of the runs."""
    nll: Mapping[str, float] = field(metadata=INFINITE)
    """The mean loss of the runs on each split, in nats per token."""
    nll_of_runs: tuple[float, ...] = field(metadata=INFINITE)
    """The test loss of each run."""
    samples_per_second: float
    uniqueness: float
    """Share of different samples."""
    train_mass: float | None = None
    """Share of samples that are training lines, the mean of the runs."""
    copy_ratio: float = field(metadata=UNKNOWN)
    """R, the mean of the runs; not a number where it is not known."""
    memorising: Verdict | None = None
    """The verdict on the first run."""
    interval: Interval = field(metadata=UNKNOWN)
    """Of the test loss, 95 %."""
    tie_with_best: bool = False
    """Whether chance could explain its distance from the best model. True of the best one itself."""


@dataclass(frozen=True)
class Pair(Result):
    """How two models differ."""

    a: str
    """Name of the better one."""
    b: str
    difference: float = field(metadata=UNKNOWN)
    """Test loss of b less that of a, in nats per token."""
    interval: Interval = field(metadata=UNKNOWN)
    """Of the difference, 95 %: other lines, and other seeds."""
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
    """Every two models."""
    failed: Mapping[str, str] | None = None
    """Names of the runs that could not be trained, and why; None if all runs were there before."""

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the fields; `failed` only of a comparison that trained its runs."""
        found = super().to_json(flag)
        if self.failed is None:
            del found["failed"]
        return found

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Return the comparison that `to_json` gave these values for."""
        if isinstance(values, dict) and isinstance(lines := values.get("lines"), dict):
            values = {"scored_lines": lines.get("test")} | values  # an older makemore scored them all
        found = super().from_json(values)
        names = [each.name for each in found.entries if each.runs]
        if not names or len(names) < len(found.entries):
            raise ValueError("it has no entries, or one without runs")
        if not {side for pair in found.pairs for side in (pair.a, pair.b)} <= set(names):
            raise ValueError("a pair is not of its entries")
        if any(
            split not in nll for split in SPLITS for nll in (found.lines, *(e.nll for e in found.entries))
        ):
            raise ValueError("a split is missing")
        return found


@dataclass(frozen=True)
class Finished:
    """A run of a comparison that has been trained, or was there already."""

    name: str
    type: str
    nll: Mapping[str, float]
    """The loss on each split, in nats per token."""
    seconds: float
    """That training took."""
    parameters: int


@dataclass(frozen=True)
class _Scored:
    """One model, its runs, and their loss."""

    name: str
    type: str
    runs: list[Run]
    losses: Losses
    """On the test lines, averaged over the runs."""
    of_runs: tuple[float, ...]
    """The test loss of each run."""

    @property
    def learned(self) -> bool:
        """Whether its weights depend on the seed."""
        return not model_class(self.type).counting


def compare(
    source: str | Path | None = None,
    types: Sequence[str] | None = None,
    *,
    work_dir: str | Path = "comparison",
    seeds: int = 1,
    time: float | None = None,
    max_steps: int | None = None,
    device: str = "auto",
    how: How = AS_USUAL,
    on_event: Callable[[str, Event], None] = lambda name, event: None,
    on_run: Callable[[Finished], None] = lambda finished: None,
    on_failure: Callable[[str, str], None] = lambda name, message: None,
    on_estimate: Callable[[int, float], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Comparison | None:
    """Train some types on a file of lines, and return how they compare, as `compare_runs` does; None if stopped.

    source, time, max_steps, device: as in `train`; how: how lines are read; None takes every type's own. types: None takes all. seeds: runs of
    each type that learns. What is in the directory already is kept, and what was begun there is gone on with.
    on_event: called with the name of a run and every event of its training. on_estimate: called first, with how many runs are left to
    train and about how many seconds that takes; that is measured only if this is given. on_run: called with the numbers of each run
    that is done. A type whose training fails is left out, and told under `failed`. Raises MakemoreError for what the caller can mend.
    """
    names = _names(types, seeds)
    budget: dict[str, Any] = {"time": time, "max_steps": max_steps}
    check_given({name: value for name, value in budget.items() if value is not None})
    pick_device(device)
    directory = Path(work_dir)
    corpus = read_corpus(source, how)
    asked = {"fingerprint": corpus.fingerprint} | budget
    _check(directory, asked, names)
    if on_estimate is not None:
        on_estimate(*_estimated(corpus, names, directory, device, time, max_steps))
    options = {"source": source, "device": device} | budget | vars(how)
    failed: dict[str, str] = {}
    done: dict[str, list[Run]] = {}
    with held(directory):
        files = _claim(directory, asked, names)
        for kind_of, i, name in [(t, i, name) for t in names for i, name in enumerate(names[t])]:
            begin = {"type": kind_of, "seed": SEED + i} | options
            try:
                run = _trained(directory / name, begin, functools.partial(on_event, name), stop)
            except MakemoreError as error:
                failed[name] = str(error)
                on_failure(name, str(error))
                continue
            if run is None:
                return None
            done.setdefault(kind_of, []).append(run)
            summary = _summary(run)
            on_run(Finished(name, kind_of, summary.nll, summary.seconds, summary.parameters))
        if not done:
            raise MakemoreError(next(iter(failed.values())))
        result = replace(_compared(done), failed=failed)
        _write_plan(files, asked | {"result": result.to_json()})
    return result


def _estimated(
    corpus: Corpus,
    names: dict[str, list[str]],
    directory: Path,
    device: str,
    time: float | None,
    max_steps: int | None,
) -> tuple[int, float]:
    """Return how many runs are still to be trained, and about how many seconds that takes on this machine.

    A few steps of each type are timed; training that stops early takes less.
    """
    left = {
        type: sum(not (directory / run / "summary.json").exists() for run in runs)
        for type, runs in names.items()
    }
    learning = {type: n for type, n in left.items() if n and not model_class(type).counting}
    total, seconds = sum(left.values()), 0.0
    if time is not None or not learning:
        return total, sum(learning.values()) * (time or 0.0)
    teacher = fitted(corpus, "ngram", order=TEACHER_ORDER)
    for type, n in learning.items():
        steps = recipe(type).max_steps if max_steps is None else max_steps
        with contextlib.suppress(
            MakemoreError
        ):  # a type that cannot be trained is told of when its turn comes
            seconds += n * steps * pace_of(corpus, type, teacher, device)
    return total, seconds


def _names(types: Sequence[str] | None, seeds: int) -> dict[str, list[str]]:
    """Return the names of the runs of each type, or raise MakemoreError."""
    if types is not None and not types:
        raise MakemoreError(f"--types: names no type; there are {', '.join(MODELS)}")
    if not 1 <= seeds <= MOST_SEEDS:
        raise MakemoreError(f"--seeds {seeds}: must be from 1 to {MOST_SEEDS}")
    names = {}
    for type in MODELS if types is None else types:
        once = model_class(type).counting  # counting has nothing random
        names[type] = [f"{type}-{SEED + i}" for i in range(1 if once else seeds)]
    return names


def compare_runs(directories: Sequence[str | Path]) -> Comparison:
    """Return how finished runs compare.

    A difference is that of two models' losses on the same test lines; its interval comes from drawing the lines anew
    and allows for the seeds. It is a tie where the interval covers 0. Losses are in nats per token.
    Raises MakemoreError for runs that are not finished, or whose splits differ.
    """
    if len({Path(d).resolve() for d in directories}) < max(2, len(directories)):
        raise MakemoreError("compare: give two different run directories or more, or a file of lines")
    runs = [Run.load(d) for d in directories]
    for run in runs:
        if not run.summary():
            raise MakemoreError(
                f"{run.directory}: its training has not ended; go on with `{command_line('--resume', '-o', run.directory)}`"
            )
        for split in SPLITS:
            if runs[0].corpus.content(split) != run.corpus.content(split):
                raise MakemoreError(
                    f"{run.directory}: has other {split} lines than {runs[0].directory}, so their losses "
                    "cannot be compared; train both on the same file"
                )
    return _compared({str(run.directory): [run] for run in runs})


def result_of(directory: str | Path) -> Comparison | None:
    """Return what `compare` found in a directory before; None if it is no comparison's.

    Raises MakemoreError for a comparison that has not ended.
    """
    path = Path(directory) / PLAN
    if not os.path.isfile(path):
        return None
    plan = read_json(path)
    with damage(path):
        if plan.get("format") != FORMAT:
            raise ValueError("not a comparison's")
    if plan.get("result") is None:
        raise MakemoreError(
            f"{directory}: its comparison has not ended; run the same `makemore compare` again"
        )
    with damage(path):
        return Comparison.from_json(plan["result"])


def _owned(directory: Path) -> Manifest:
    """Return the manifest of a comparison's directory; of an older makemore's, what is recognised as its own."""
    names = set()
    with contextlib.suppress(MakemoreError, AttributeError):
        if kind(directory / PLAN) == "file" and read_json(directory / PLAN).get("format") == FORMAT:
            names = {PLAN, *(path.parent.name for path in directory.glob("*-[0-9]*/config.json"))}
    return Manifest(directory, names)


def _check(directory: Path, asked: dict[str, Any], names: dict[str, list[str]]) -> None:
    """Raise MakemoreError if a directory is not free for this comparison, and does not hold its beginning."""
    path = directory / PLAN
    if kind(directory) and not directory.is_dir():
        raise MakemoreError(f"{directory}: is a {kind(directory)}; choose a directory with -o")
    if kind(directory / "config.json"):
        raise MakemoreError(f"{directory}: holds a run; choose another directory with -o")
    files = _owned(directory)
    if kind(path) and PLAN in files:
        plan = read_json(path)
        with damage(path):
            if plan.get("format") != FORMAT:
                raise ValueError("not a comparison's")
            before = {name: plan[name] for name in asked}
        if before != asked:
            name = next(name for name in asked if asked[name] != before[name])
            what = "a comparison on other lines" if name == "fingerprint" else (
                f"a comparison with --{name.replace('_', '-')} {before[name]}"
            )  # fmt: skip
            raise MakemoreError(f"{directory}: already holds {what}; choose another directory with -o")
    files.check(PLAN)
    files.check(*itertools.chain(*names.values()), wanted="directory")


def _claim(directory: Path, asked: dict[str, Any], names: dict[str, list[str]]) -> Manifest:
    """Note that a directory is this comparison's, and return its manifest."""
    _check(directory, asked, names)
    files = _owned(directory)
    files.claim(*itertools.chain(*names.values()), wanted="directory")
    _write_plan(files, asked)  # a result there was may not be that of what is asked now
    return files


def _write_plan(files: Manifest, plan: dict[str, Any]) -> None:
    with files.writing(PLAN) as path:
        path.write_text(to_json({"format": FORMAT} | plan, indent=2) + "\n", "utf-8", "backslashreplace")


def _trained(
    directory: Path, begin: dict[str, Any], on_event: Callable[[Event], None], stop: Callable[[], bool]
) -> Run | None:
    """Return a run that is trained to its end, whatever of it there was before; None if it was stopped."""
    if (directory / "config.json").exists():
        run = Run.load(directory)
        if not run.summary():
            run = train(work_dir=directory, resume=True, device=begin["device"], on_event=on_event, stop=stop)
    else:
        run = train(work_dir=directory, on_event=on_event, stop=stop, **begin)
    return run if run.summary() else None


def _summary(run: Run) -> Summary:
    summary = run.summary()
    assert summary is not None  # checked when the run was opened
    return summary


def _compared(named: dict[str, list[Run]]) -> Comparison:
    """Measure the runs of each name, and compare every two names."""
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
    """Score the runs of one model on the test lines."""
    found = []
    for run in runs:
        # the same lines in the same order, wherever they stand in each run's file
        some = run.corpus.subsample("test", together=True)
        found.append(losses_of(run.model, some, np.argsort(some.hashes, kind="stable")))
    lengths, units = found[0].lengths, found[0].units
    mean = np.mean([losses.lines for losses in found], axis=0)
    losses = Losses(np.repeat(mean / lengths, lengths), lengths, units)
    return _Scored(name, runs[0].type, runs, losses, tuple(each.loss.nll for each in found))


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
    """Return all that is told of one model."""
    runs, losses = scored.runs, scored.losses
    lengths, units = losses.lengths.astype(np.float64), np.asarray(losses.units)
    drawn = [_drawn(run) for run in runs]
    summaries = [_summary(run) for run in runs]
    nll = {split: float(np.mean([summary.nll[split] for summary in summaries])) for split in SPLITS}
    if len(lengths) < runs[0].corpus.counts()["test"]:  # their intervals are to be around their loss
        nll["test"] = float(np.mean(scored.of_runs))
    ratios = [math.nan if summary.copy_ratio is None else summary.copy_ratio for summary in summaries]
    masses = [summary.train_mass for summary in summaries if summary.train_mass is not None]
    return Compared(
        name=scored.name,
        type=scored.type,
        runs=tuple(str(run.directory) for run in runs),
        parameters=count_parameters(runs[0].model),
        seconds=float(np.median([summary.seconds for summary in summaries])),
        nll=nll,
        nll_of_runs=scored.of_runs,
        samples_per_second=float(np.median([rate for rate, _ in drawn])),
        uniqueness=float(np.mean([quality.uniqueness(lines) for _, lines in drawn])),
        train_mass=float(np.mean(masses)) if len(masses) == len(runs) else None,
        copy_ratio=float(np.mean(ratios)),
        memorising=summaries[0].memorising,
        interval=ratio_interval(losses.lines, lengths, units, positive=True),
        tie_with_best=tie_with_best,
    )


def _drawn(run: Run) -> tuple[float, list[str]]:
    """Draw samples, and say how many a second there were."""
    run.sample(10, seed=0)
    began = clock.perf_counter()
    lines = run.sample(SAMPLES, seed=1)
    return len(lines) / (clock.perf_counter() - began), lines


def _seed_spread(scored: list[_Scored]) -> float:
    """The standard deviation of the test loss over seeds, from the types that have several runs."""
    several = [each.of_runs for each in scored if len(each.runs) > 1]
    free = sum(len(losses) - 1 for losses in several)
    if free < 4:  # too few to tell
        lines = scored[0].runs[0].corpus.counts()["train"]
        return SEED_SPREAD * math.sqrt(max(1.0, SEED_LINES / lines))
    return float(np.sqrt(sum(np.var(losses) * len(losses) for losses in several) / free))
