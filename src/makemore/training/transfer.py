"""Learning from another run: weights to start from, for another list of lines.

Characters are matched by themselves: what the other run learned about a character goes to that character,
wherever its id is now. What only the new list has keeps its random weights. Longer lines may need more
positions, which start at random too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import How
from makemore.corpus.vocab import NO_LABEL, UNKNOWN, Vocab
from makemore.errors import MakemoreError, percent, shown
from makemore.models import build, model_class
from makemore.models.base import Model, ModelConfig
from makemore.runs.labels import LabelCounts
from makemore.runs.run import Run
from makemore.runs.settings import Recipe, recipe
from makemore.training import checkpoint
from makemore.training.engine import Engine
from makemore.training.learner import Learner

Array = npt.NDArray[np.float32]

RATE, STEPS = 0.2, 0.2
"""Of the recipe's learning rate and steps, what a model needs that has learned before (benchmarks/NOTES.md)."""

COMPARED_TOKENS, FEW = 100_000, 0.1
"""Tokens of a list whose letters are compared with a run's; the share of them below which it has little to pass on."""


def source_run(directory: str | Path, type: str | None, knobs: Mapping[str, float]) -> Run:
    """Return the run to learn from.

    Raises MakemoreError if it has no weights, was fitted by counting, or is not of the wanted type and size.
    """
    run = Run.load(directory)
    if run.setup.blend is not None:
        raise MakemoreError(
            f"{shown(directory)}: is a blend of several models; choose one of the runs that it was made of"
        )
    if model_class(run.type).counting:
        raise MakemoreError(
            f"{shown(directory)}: is of type {run.type}, which is fitted by counting and has no weights to "
            "start from; choose a run that learned step by step"
        )
    stored: dict[str, object] = vars(run.config) | {"type": run.type}
    wanted = dict(knobs) | ({} if type is None else {"type": type})
    for name, value in wanted.items():
        if stored.get(name, value) != value:
            raise MakemoreError(
                f"{name}={value}: the run in {shown(directory)} has {stored[name]}, and its weights fit "
                "nothing else; leave it out",
                option=name,
            )
    return run


def knobs_of(source: Run) -> dict[str, float]:
    """Return the knobs of a run, but for what follows from its longest line."""
    of_list = ("block_size", "labels")
    return {name: value for name, value in vars(source.config).items() if name not in of_list}


def knowing(how: How, vocab: Vocab) -> How:
    """Return how lines are read so that the characters of another run stay known."""
    known = tuple(name for name in vocab.names[1:] if name not in (UNKNOWN, "\n"))
    return dataclasses.replace(how, known=known, graphemes=how.graphemes or vocab.forms.clusters)


def warning_about(source: Run, corpus: Corpus, how: How) -> str:
    """Return why a run may have little to pass on to a list, or what its list has to do with that; else empty.

    Args:
        source: The run.
        corpus: The list.
        how: How the list was wanted to be read.

    """
    name = f"the run in {shown(source.directory)}"
    clusters = corpus.vocab.forms.clusters
    if clusters != source.vocab.forms.clusters:
        its, own = ("code points", "grapheme clusters") if clusters else ("grapheme clusters", "code points")
        return f"{name} takes {its} for characters and this list {own}, so it may know few of them; train both alike"
    ids = corpus.stream(corpus.at_most("train", COMPARED_TOKENS))
    times = np.bincount(ids, minlength=len(corpus.vocab))
    known = {*source.vocab.names[1:]} - {UNKNOWN}
    letters = [id for id, each in enumerate(corpus.vocab.names) if any(map(str.isalpha, each))]
    share = sum(times[id] for id in letters if corpus.vocab.names[id] in known) / max(1, times[letters].sum())
    if times[letters].any() and share < FEW:
        says = f"only {percent(share)}" if share else "none"
        return f"{name} knows {says} of the letters in this list, so it has little to pass on"
    if clusters and not how.graphemes:
        return f"grapheme clusters are characters in this list too, since {name} takes them so"
    return ""


def gentler(type: str) -> Recipe:
    """Return the recipe of a type for a model that has learned before."""
    usual = recipe(type)
    return dataclasses.replace(
        usual, learning_rate=RATE * usual.learning_rate, max_steps=round(STEPS * usual.max_steps)
    )


def begin(run: Run, source: Run, device: torch.device) -> None:
    """Save a first checkpoint of a run that has not begun, with the weights of its source."""
    with torch.random.fork_rng():
        torch.manual_seed(run.settings.seed)
        learner = Learner(run.new_model(), run.corpus, run.settings, Engine(device), None)
        weights = weights_for(source, run.vocab, run.config)
        learner.model.load_state_dict(learner.model.state_dict() | weights)
        checkpoint.save(run.disk, learner, checkpoint.Progress())


def weights_for(source: Run, vocab: Vocab, config: ModelConfig) -> dict[str, Tensor]:
    """Return the weights to start from: the source's, at the ids that its characters have in `vocab`.

    Labels, too, are matched by their names: see `_relabelled`. Counts are left out: they are made from the new
    lines.
    """
    old, new = source.model, build(source.type, len(vocab), config)
    which = _dimensions(source.type, config)
    at = {name: id for id, name in enumerate(vocab.names) if id}
    pairs = [(0, 0), *((id, at[name]) for id, name in enumerate(source.vocab.names) if id and name in at)]
    there, here = np.array(pairs).T
    weights, its = {}, {name: weight.cpu().numpy() for name, weight in learned(old).items()}
    if source.labels is not None:
        its = _relabelled(its, source.labels, vocab.labels)
    for name, fresh in learned(new).items():
        if name not in its:  # the source has no labels
            continue
        before, after = its[name], fresh.cpu().numpy().copy()
        sizes = [min(pair) for pair in zip(before.shape, after.shape, strict=True)]
        to = [here if d in which[name] else np.arange(n) for d, n in enumerate(sizes)]
        of = [there if d in which[name] else np.arange(n) for d, n in enumerate(sizes)]
        after[np.ix_(*to)] = before[np.ix_(*of)]
        weights[name] = torch.from_numpy(after)
    return weights


def _relabelled(weights: dict[str, Array], counts: LabelCounts, labels: Sequence[str]) -> dict[str, Array]:
    """Return the weights of a run whose lines have labels, for lines with other labels or none.

    A label that its training lines do not have gets the mean of the vectors of those that they have, weighted by
    how often they have each. If there are no labels now, that mean is added to the vector of each character.
    """
    (name,) = (name for name in weights if name.endswith("labels.weight"))
    table, shares = weights[name], counts.shares()
    mean = (shares.shares @ table[shares.labels]).astype(table.dtype)
    if not labels:
        of_characters = name.replace("labels.", "")
        more = {of_characters: weights[of_characters] + mean}
    else:
        known = {counts.names[number]: table[number] for number in shares.labels.tolist()}
        more = {name: np.stack([known.get(label, mean) for label in (NO_LABEL, *labels)])}
    return {n: weight for n, weight in weights.items() if n != name} | more


def learned(model: Model) -> dict[str, Tensor]:
    """Return the weights of a model, without those of parts that count."""
    parts = [f"{name}." for name, each in model.named_modules() if getattr(each, "counting", False)]
    return {n: t for n, t in model.state_dict().items() if not n.startswith(tuple(parts))}


def _dimensions(type: str, config: ModelConfig) -> dict[str, set[int]]:
    """Return which dimensions of each weight grow with the number of characters."""
    few, more = (learned(build(type, size, config)) for size in (11, 12))
    return {
        name: {
            d
            for d, pair in enumerate(zip(few[name].shape, more[name].shape, strict=True))
            if len({*pair}) > 1
        }
        for name in few
    }
