"""Blending: a run made of several trained runs, whose models answer as one. Nothing is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from makemore.corpus.corpus import Corpus
from makemore.corpus.joined import joined
from makemore.errors import MakemoreError, alike, shown
from makemore.files.locks import held
from makemore.files.typed import check_arguments, checked, checked_path
from makemore.metrics.losses import evaluate
from makemore.models.base import Model
from makemore.runs import forms
from makemore.runs.blends import HOWS, TYPE, Blend, Part
from makemore.runs.directory import RunDirectory
from makemore.runs.ownership import check_free
from makemore.runs.run import Run
from makemore.runs.settings import Settings
from makemore.runs.setup import Setup
from makemore.training.checkpoint import Progress
from makemore.training.finish import summarize

SCORED_TOKENS = 200_000
"""The most tokens of a list that `beside` scores."""

NOT_TRAINED = Settings(
    max_steps=0,
    batch_size=1,
    learning_rate=1.0,
    weight_decay=0.0,
    muon=False,
    eval_every=1,
    patience=0,
    seed=3407,
)
"""The settings of a blend, of which only the seed is used."""


def blend(
    runs: Sequence[str | Path | Run],
    weights: Sequence[float] | None = None,
    how: str = "mixture",
    work_dir: str | Path = "out",
    overwrite: bool = False,
) -> Run:
    """Make a run of several trained runs: at each character, their models predict together.

    The new run holds everything it needs; the others may change or go. Its list is theirs together, and its
    vocabulary too: in a mixture the characters of all, in a product those that all know. A blend of blends is
    one of all their parts.

    Args:
        runs: The runs, or their directories: two or more.
        weights: How much each counts, in any unit; None lets all count the same.
        how: "mixture" takes the mean of the predicted probabilities; "product" multiplies them, so that only
            what all find likely is likely.
        work_dir: The run directory to write.
        overwrite: Replace the run in work_dir.

    Returns:
        The new run.

    Raises:
        MakemoreError: There is nothing to blend, the runs do not fit each other, or an argument is not valid.

    """
    check_arguments(blend, {"how": how, "work_dir": work_dir, "overwrite": overwrite})
    if how not in HOWS:
        guess = alike(how, HOWS)
        raise MakemoreError(
            f"how must be {' or '.join(HOWS)}, not {shown(how, 40)}{';' * bool(guess)}{guess}", option="how"
        )
    several = [] if isinstance(runs, str) or not isinstance(runs, Iterable) else list(runs)
    if len(several) < 2:
        raise MakemoreError("blend needs two runs or more, each the directory that training wrote")
    shares = _shares(weights, len(several))
    sources = [each if isinstance(each, Run) else Run.load(checked_path("runs", each)) for each in several]
    directory = Path(work_dir)
    if any(directory.resolve() == each.directory.resolve() for each in sources):
        raise MakemoreError(
            f"{shown(directory)}: is one of the runs to blend; choose another work_dir", option="work_dir"
        )
    _check_different(sources)
    _check_alike(sources)
    check_free(directory, overwrite, resumes=False)
    made, model = together(sources, shares, how)
    vocab = made.vocab
    if len(vocab) == 1:
        raise MakemoreError(
            f"a product can only write what all of its runs can, and {_names(sources)} have no character in "
            "common; blend them as a mixture"
        )
    corpus = joined([each.corpus for each in sources], vocab)
    with held(directory):
        setup = Setup(TYPE, {}, NOT_TRAINED, vocab, corpus.reading, made)
        disk = RunDirectory(directory)
        disk.create(setup, corpus, overwrite)
        disk.save_best(model)
        run = Run.load(directory)
        run.corpus.prepare()
        summarize(run, Progress(), 0.0)
    return run


def together(sources: Sequence[Run], shares: Sequence[float], how: str) -> tuple[Blend, Model]:
    """Return the blend of some runs and its model. A blend among them becomes its parts.

    Raises:
        MakemoreError: A run is not trained, or is another kind of blend.

    """
    parts: list[Part] = []
    models: list[Model] = []
    for run, share in zip(sources, shares, strict=True):
        of = run.setup.blend
        if of is None:
            name, vocab = run.directory.resolve().name, run.vocab
            parts.append(Part(name, run.type, run.setup.knobs, tuple(vocab.names[1:]), vocab.unknown, share))
            models.append(run.model)
            continue
        if of.how != how:
            raise MakemoreError(
                f"{run.directory}: is a {of.how} and cannot be part of a {how}; blend the runs it was made of",
                option="how",
            )
        parts += [replace(part, share=part.share * share) for part in of.parts]
        models += [each for each in run.model.get_submodule("parts").children() if isinstance(each, Model)]
    made = Blend(how, tuple(parts))
    return made, forms.blended(made, models).eval()


@dataclass(frozen=True)
class Beside:
    """The losses of a run and of a blend on the run's own test lines, in nats per token."""

    name: str
    lines: int
    alone: float
    blended: float


def beside(made: Run, sources: Sequence[Run]) -> list[Beside]:
    """Return how well a blend predicts the list of each run that it was made of.

    Lines with characters that the blend does not have are left out.
    """
    found = []
    for run in sources:
        some = run.corpus.subsample("test", SCORED_TOKENS)
        lines = [line for line in some.lines(range(len(some))) if made.vocab.knows(line)]
        alone, blended = (
            evaluate(each.model, in_memory, np.arange(len(lines))).nll if lines else math.nan
            for each in (run, made)
            for in_memory in [Corpus(each.vocab, each.vocab.stream(lines))]
        )
        found.append(Beside(run.directory.resolve().name, len(lines), alone, blended))
    return found


def _shares(weights: Sequence[float] | None, n: int) -> list[float]:
    """Return the share of each of n runs; raise MakemoreError if the weights give none."""
    if weights is None:
        return [1 / n] * n
    if isinstance(weights, str) or not isinstance(weights, Iterable):
        raise MakemoreError(
            f"weights must be numbers, one for each run, not {shown(repr(weights), 40)}",
            option="weights",
        )
    values = [checked("weights", weight, float) for weight in weights]
    if len(values) != n:
        raise MakemoreError(
            f"weights has {len(values)} number{'s' * (len(values) != 1)} for {n} runs; give one for each",
            option="weights",
        )
    for value in values:
        if not 0 < value < math.inf:
            raise MakemoreError(
                f"weights must be more than 0 and finite, not {value:g}; leave out a run that should not count",
                option="weights",
            )
    shares = [value / max(values) for value in values]
    shares = [share / sum(shares) for share in shares]
    if not all(0 < share < 1 for share in shares):
        raise MakemoreError("weights differ so much that a run would not count", option="weights")
    return shares


def _check_different(sources: Sequence[Run]) -> None:
    """Raise MakemoreError if a run is named twice."""
    there = [each.directory.resolve() for each in sources]
    for i, run in enumerate(sources):
        if there[i] in there[:i]:
            raise MakemoreError(
                f"{shown(run.directory)}: is named twice; name each run once, and let weights say how much it counts",
                option="weights",
            )


def _check_alike(sources: Sequence[Run]) -> None:
    """Raise MakemoreError if a run has labels, or other things for characters or for lines than another."""
    for run in sources:
        if run.vocab.labels:
            raise MakemoreError(
                f"{shown(run.directory)}: its lines have labels, and such runs cannot be blended; train it without "
                "label",
                option="label",
            )
    for option, remark in (
        ("graphemes", "they take other things for characters"),
        ("separator", "their things are separated in other ways"),
    ):
        values = [getattr(run.reading, option, "") or "" for run in sources]
        for run, value in zip(sources, values, strict=True):
            if value != values[0]:
                (one, its), (other, others) = sorted(
                    [(shown(sources[0].directory), values[0]), (shown(run.directory), value)],
                    key=lambda each: not each[1],
                )
                beside = f"with {shown(others)}" if others else "was not"
                raise MakemoreError(
                    f"{one} was trained with {option}={its} and {other} {beside}, so {remark}; train both alike",
                    option=option,
                )


def _names(runs: Sequence[Run]) -> str:
    """Return the names of some runs as a clause."""
    names = [shown(run.directory) for run in runs]
    return f"{', '.join(names[:-1])} and {names[-1]}"
