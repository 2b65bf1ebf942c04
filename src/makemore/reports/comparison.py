"""Training several models on the same lines, one after another, and comparing them.

DIR/comparison.json    what is compared, and once all runs are trained, how they compare
DIR/TYPE-SEED/         the run directories
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from makemore.corpus.cache import read_corpus
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import AS_USUAL, How
from makemore.corpus.splits import SPLITS
from makemore.distributed.devices import pick_device
from makemore.errors import MakemoreError, shown
from makemore.files.json_io import read_json, to_json
from makemore.files.locks import held
from makemore.files.manifest import Manifest
from makemore.files.paths import damage, kind
from makemore.files.results import Flag, Result
from makemore.files.typed import check_fields, checked, checked_path, checked_paths
from makemore.metrics.baselines import fitted
from makemore.metrics.rows import check_no_table
from makemore.models import MODELS, model_class
from makemore.reports.compared import Comparison, measure, summary_of
from makemore.reports.pace import pace_of
from makemore.runs.run import Run
from makemore.runs.settings import Given, recipe
from makemore.runs.summary import Summary
from makemore.training.events import Event
from makemore.training.plan import check_used
from makemore.training.start import train
from makemore.training.teacher import TEACHER_ORDER

FORMAT = "makemore comparison"
PLAN = "comparison.json"

SEED = 3407
"""The seed of the first run of each type; the other runs have the seeds after it."""

MOST_SEEDS = 1000
"""The most runs of a type."""


@dataclass(frozen=True)
class Listener:
    """What a comparison calls while it trains its runs."""

    on_estimate: Callable[[int, float], None] | None = None
    """Called first, with the number of runs to train and about how many seconds they take; without it nothing
    is estimated."""
    on_event: Callable[[str, Event], None] = lambda name, event: None
    """Called with the name of a run and every event of its training."""
    on_run: Callable[[str, Summary], None] = lambda name, summary: None
    """Called with the name and the summary of every run that is trained, or was trained before."""
    on_failure: Callable[[str, MakemoreError], None] = lambda name, error: None
    """Called with the name of a run that cannot be trained, and why."""
    stop: Callable[[], bool] = lambda: False
    """Called after every step; the comparison stops, ready to be continued, if it returns True."""


_SILENT = Listener()


def compare(
    source: str | Path | None = None,
    types: str | Sequence[str] | None = None,
    *,
    work_dir: str | Path = "comparison",
    seeds: int = 1,
    device: str = "auto",
    how: How = AS_USUAL,
    time: float | None = None,
    max_steps: int | None = None,
    listener: Listener = _SILENT,
) -> Comparison | None:
    """Train several types on the same lines, and compare them.

    Finished runs in the directory are kept, and unfinished ones are continued. A type that cannot be trained
    is left out.

    Args:
        source: A file, or the name of a bundled list; None is "names".
        types: The types to train, or one; None trains all.
        work_dir: The directory for the runs.
        seeds: Runs of each type that learns.
        device: "auto", "cpu", "cuda" or "mps".
        how: How to read lines.
        time: Seconds to train each run.
        max_steps: Steps to train each run; without a time either, each type's own.
        listener: What to call along the way.

    Returns:
        How the types compare; None if the comparison was stopped.

    Raises:
        MakemoreError: If the file cannot be read, an argument is out of range, the directory holds something
            else, or no type can be trained.

    """
    given = Given(max_steps=max_steps, time=time)
    names = _names(types, seeds, time=time, max_steps=max_steps)
    pick_device(device)
    directory = checked_path("work_dir", work_dir)
    corpus = check_no_table(read_corpus(source, how), how)
    plan = _Plan(corpus.fingerprint, given.time, given.max_steps)
    _check(directory, plan, names)
    if listener.on_estimate is not None:
        listener.on_estimate(*_estimated(corpus, names, directory, device, plan))
    begin = functools.partial(train, source, device=device, stop=listener.stop, **how.options)
    steps = None if plan.max_steps is None else int(plan.max_steps)
    failed: dict[str, str] = {}
    done: dict[str, list[Run]] = {}
    with held(directory):
        files = _claim(directory, plan, names)
        for kind_of, i, name in _in_turn(names):
            try:
                own = functools.partial(begin, type=kind_of, seed=SEED + i)
                if not MODELS[kind_of].counting:  # counting takes no steps
                    own = functools.partial(own, time=plan.time, max_steps=steps)
                run = _trained(directory / name, own, device, listener)
            except MakemoreError as error:
                failed[name] = str(error)
                listener.on_failure(name, error)
                continue
            if run is None:
                return None
            done.setdefault(kind_of, []).append(run)
            listener.on_run(name, summary_of(run))
        if not done:
            raise MakemoreError(next(iter(failed.values())))
        result = replace(measure(done), failed=failed)
        _write(files, replace(plan, result=result))
    return result


def compare_runs(directories: Sequence[str | Path]) -> Comparison:
    """Return how finished runs compare.

    Args:
        directories: Two run directories or more.

    Raises:
        MakemoreError: If a run is not finished, or the runs have different splits.

    """
    paths = checked_paths("directories", directories)
    if len({path.resolve() for path in paths}) < max(2, len(paths)):
        raise MakemoreError("compare: give at least two different run directories, or a file of lines")
    runs = [Run.load(path) for path in paths]
    for run in runs:
        if run.summary() is None:
            raise MakemoreError(
                f"{run.directory}: its training has not ended; continue it with resume=True", option="resume"
            )
        if runs[0].vocab.labels != run.vocab.labels:
            raise MakemoreError(
                f"{run.directory}: was not trained with the same labels as {runs[0].directory}; a loss given what "
                "kind a line is of cannot be compared with one that is not: train both with label, or both without"
            )
        for split in SPLITS:
            if runs[0].corpus.content(split) != run.corpus.content(split):
                raise MakemoreError(
                    f"{run.directory}: has other {split} lines than {runs[0].directory}, so their losses "
                    "cannot be compared; train both on the same file"
                )
        if runs[0].vocab.forms.clusters != run.vocab.forms.clusters:
            raise MakemoreError(
                f"{run.directory}: has other characters than {runs[0].directory}, so a loss per character cannot "
                "be compared; train both with graphemes, or both without"
            )
    return measure({str(run.directory): [run] for run in runs})


def result_of(directory: str | Path) -> Comparison | None:
    """Return the result of an earlier comparison; None if the directory holds none.

    Raises MakemoreError if the comparison has not ended, or its file is damaged.
    """
    path = Path(directory) / PLAN
    if not os.path.isfile(path):
        return None
    plan = _read(path)
    if plan.result is None:
        raise MakemoreError(f"{directory}: its comparison has not ended; run the same comparison again")
    return plan.result


def _names(types: str | Sequence[str] | None, seeds: int, **limits: float | None) -> dict[str, list[str]]:
    """Return the names of the runs of each type, or raise MakemoreError."""
    if types is not None and not types:
        raise MakemoreError(f"types is empty; there are {', '.join(MODELS)}", option="types")
    types = [types] if isinstance(types, str) else types
    if types is not None and not isinstance(types, Iterable):
        raise MakemoreError(f"types must be names, not {shown(repr(types))}", option="types")
    if not 1 <= checked("seeds", seeds, int) <= MOST_SEEDS:
        raise MakemoreError(f"seeds must be from 1 to {MOST_SEEDS}, not {seeds}", option="seeds")
    names = {}
    for type in MODELS if types is None else types:
        once = model_class(type).counting  # counting has no randomness
        names[type] = [f"{type}-{SEED + i}" for i in range(1 if once else seeds)]
    if all(MODELS[type].counting for type in names):
        check_used(next(iter(names)), [name for name, value in limits.items() if value is not None])
    return names


def _in_turn(names: dict[str, list[str]]) -> Iterator[tuple[str, int, str]]:
    """Yield the type, the number and the name of every run."""
    for type, runs in names.items():
        for i, name in enumerate(runs):
            yield type, i, name


def _estimated(
    corpus: Corpus, names: dict[str, list[str]], directory: Path, device: str, plan: _Plan
) -> tuple[int, float]:
    """Return how many runs are left to train, and about how many seconds that takes at most on this machine.

    A few steps of each type are timed; training that stops early takes less.
    """
    left = {
        type: sum(not (directory / run / "summary.json").exists() for run in runs)
        for type, runs in names.items()
    }
    learning = {type: n for type, n in left.items() if n and not model_class(type).counting}
    total, seconds = sum(left.values()), 0.0
    if plan.time is not None or not learning:
        return total, sum(learning.values()) * (plan.time or 0.0)
    teacher = fitted(corpus, "ngram", order=TEACHER_ORDER)
    for type, n in learning.items():
        steps = recipe(type).max_steps if plan.max_steps is None else plan.max_steps
        with contextlib.suppress(MakemoreError):  # a type that cannot be trained is reported in its turn
            seconds += n * steps * pace_of(corpus, type, teacher, device)
    return total, seconds


def _trained(directory: Path, begin: Callable[..., Run], device: str, listener: Listener) -> Run | None:
    """Return a finished run, started or finished now or before; None if training was stopped."""
    on_event = functools.partial(listener.on_event, directory.name)
    if not (directory / "config.json").exists():
        run = begin(work_dir=directory, on_event=on_event)
    else:
        run = Run.load(directory)
        if run.summary() is None:
            stop = listener.stop
            run = train(work_dir=directory, resume=True, device=device, on_event=on_event, stop=stop)
    return run if run.summary() is not None else None


# the directory


@dataclass(frozen=True)
class _Plan(Result):
    """The content of comparison.json: what is compared, and how it ended."""

    fingerprint: str
    """The fingerprint of the lines."""
    time: float | None
    max_steps: float | None
    """A whole number; -1 trains without end."""
    result: Comparison | None = None

    def __post_init__(self) -> None:
        """Make Python's numbers of NumPy's, as JSON needs them."""
        check_fields(self)

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the fields; the result once there is one."""
        found = super().to_json(flag)
        if self.result is None:
            del found["result"]
        return {"format": FORMAT} | found

    @classmethod
    def from_json(cls, values: object) -> _Plan:
        """Return the plan from the values that `to_json` returned."""
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise ValueError("not a comparison")
        return super().from_json(values)


def _read(path: Path) -> _Plan:
    """Read comparison.json. Raises MakemoreError if it is damaged or not makemore's."""
    values = read_json(path)
    with damage(path):
        return _Plan.from_json(values)


def _owned(directory: Path) -> Manifest:
    """Return the manifest of a comparison's directory; the files of an older one, without, are recognised."""
    names = set()
    with contextlib.suppress(MakemoreError, AttributeError):
        if kind(directory / PLAN) == "file" and read_json(directory / PLAN).get("format") == FORMAT:
            names = {PLAN, *(path.parent.name for path in directory.glob("*-[0-9]*/config.json"))}
    return Manifest(directory, names)


def _check(directory: Path, plan: _Plan, names: dict[str, list[str]]) -> None:
    """Raise MakemoreError if a directory holds anything that is in the way of this comparison."""
    path = directory / PLAN
    if kind(directory) and not directory.is_dir():
        raise MakemoreError(
            f"{directory}: is a {kind(directory)}; choose another directory with work_dir", option="work_dir"
        )
    if kind(directory / "config.json"):
        raise MakemoreError(
            f"{directory}: holds a run; choose another directory with work_dir", option="work_dir"
        )
    files = _owned(directory)
    if kind(path) and PLAN in files:
        before = _read(path)
        if before.fingerprint != plan.fingerprint:
            raise _taken(directory, "a comparison of other lines")
        for name, was, now in (
            ("time", before.time, plan.time),
            ("max_steps", before.max_steps, plan.max_steps),
        ):
            if was != now:
                how = f"without {name}" if was is None else f"with {name}={was}"
                raise _taken(directory, f"a comparison {how}", name)
    files.check(PLAN)
    files.check(*itertools.chain(*names.values()), wanted="directory")


def _taken(directory: Path, what: str, *options: str) -> MakemoreError:
    message = f"{directory}: already holds {what}; choose another directory with work_dir"
    return MakemoreError(message, option=(*options, "work_dir"))


def _claim(directory: Path, plan: _Plan, names: dict[str, list[str]]) -> Manifest:
    """Record that a directory belongs to a comparison, and return its manifest."""
    _check(directory, plan, names)
    files = _owned(directory)
    files.claim(*itertools.chain(*names.values()), wanted="directory")
    _write(files, plan)  # without the earlier result, which may be about other types
    return files


def _write(files: Manifest, plan: _Plan) -> None:
    with files.writing(PLAN) as path:
        path.write_text(to_json(plan.to_json(), indent=2) + "\n", "utf-8", "backslashreplace")
