"""The settings: those given, else those of the type's recipe; or those of the run to resume."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from makemore.corpus.corpus import Corpus
from makemore.corpus.source import locate
from makemore.distributed.devices import fast_dtype
from makemore.distributed.environment import launched
from makemore.errors import MakemoreError, alike
from makemore.models import MODELS, configure, knobs, model_class
from makemore.runs.run import Run
from makemore.runs.settings import Given, Recipe, Settings, recipe

_FOR_STEPS = {
    "max_steps",
    "time",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "teacher",
    "patience",
    "compile",
    "diagnostics",
}
"""Arguments of `train` that are for types that learn step by step."""

ON_GPU = 16
"""How many times as many tokens a step has on a GPU, at most: small batches leave most of it idle."""


def several_files(source: Iterable[str | Path]) -> list[str | Path]:
    """Return several sources, or raise MakemoreError if there are no such files."""
    found = list(source)
    try:
        locate(found)
    except MakemoreError as error:
        sentence = f"{error}; if these are the lines themselves, pass them as lines="
        raise MakemoreError(sentence, option=error.options) from None
    return found


def settings_for(
    type: str, corpus: Corpus, given: Given, device: torch.device, own: Recipe | None = None
) -> Settings:
    """Return how to train a type of model on a corpus: the given settings, and the others from its recipe.

    `own` replaces the recipe of the type.
    """
    own = own or recipe(type)
    n_train = corpus.counts()["train"]
    tokens_per_line = corpus.tokens_of("train") / n_train
    tokens = own.tokens
    if device.type == "cuda":  # just as fast with many more tokens; an epoch still has some hundred steps
        tokens = max(tokens, min(ON_GPU * tokens, round(tokens_per_line * n_train / 200)))
    usual = Settings(
        max_steps=own.max_steps,
        batch_size=max(4, round(tokens / tokens_per_line)),
        learning_rate=own.learning_rate,
        weight_decay=own.weight_decay,
        muon=own.muon,
        teacher=own.teacher,
        eval_every=1,
        patience=10,
        precision=str(fast_dtype(device)).removeprefix("torch."),
        seed=3407,
    )
    settings = given.over(usual)
    # twenty evaluations, but one every two epochs if epochs are short: small lists overfit within a few
    eval_every = max(1, (2000 if settings.max_steps < 0 else settings.max_steps) // 20)
    two_epochs = 2 * math.ceil(n_train / settings.batch_size)
    return dataclasses.replace(settings, eval_every=min(eval_every, max(25, two_epochs)))


def check_spelling(given: Iterable[str], others: Iterable[str]) -> None:
    """Raise MakemoreError for a misspelt argument of `train`.

    Args:
        given: The arguments that should be knobs.
        others: The other arguments of `train`.

    """
    every = {knob.name for type in MODELS for knob in knobs(type)}
    for name in given:
        if name not in every and (guess := alike(name, [*every, *others])):
            raise MakemoreError(f"{name}: train has no such argument;{guess}")


def check_used(type: str, given: Iterable[str]) -> None:
    """Raise MakemoreError if an argument does nothing for a type because it is fitted by counting."""
    idle = tuple(name for name in given if name in _FOR_STEPS)
    if idle and model_class(type).counting:
        does, it = ("does", "it") if len(idle) == 1 else ("do", "them")
        raise MakemoreError(
            f"{' and '.join(idle)} {does} nothing for type {type}, which is fitted by counting; leave {it} "
            "out",
            option=(*idle, "type"),
        )


def check_several(type: str, stream: bool, diagnostics: bool) -> None:
    """Raise MakemoreError for something that several processes cannot do together."""
    if not launched():
        return
    remedy = "train it in one process"
    if model_class(type).mixes_lines:
        raise MakemoreError(
            f"type {type} learns from the lines of a batch together, which cannot be split; {remedy}",
            option="type",
        )
    if model_class(type).counting:
        raise MakemoreError(
            f"type {type} is fitted by counting, in seconds, and needs one process; {remedy}",
            option="type",
        )
    if stream:
        raise MakemoreError(f"the lines come from a stream, which only one process can read; {remedy}")
    if diagnostics:
        raise MakemoreError(
            f"diagnostics can only record the gradients of one process; {remedy}",
            option="diagnostics",
        )


def settings_to_resume(run: Run, given: Given, knobs: Mapping[str, float], type: str | None) -> Settings:
    """Return the settings to continue a run with, or raise MakemoreError for something that cannot change.

    Only the length of training and the patience can.
    """
    if run.setup.blend is not None:
        raise MakemoreError(
            f"{run.directory}: is a blend, which was not trained and cannot be resumed; resume the runs that it "
            "was made of, and blend them again",
            option="resume",
        )
    wanted = given.over(run.settings)
    may = ("max_steps", "time", "patience")
    stored: dict[str, object] = vars(run.config) | vars(run.settings) | {"type": run.type}
    for name, value in (vars(wanted) | dict(knobs) | ({} if type is None else {"type": type})).items():
        if name not in stored:
            configure(run.type, 1, **{name: knobs[name]})  # says which knobs there are
        if name not in may and value != stored[name]:
            raise MakemoreError(
                f"{name}={value}: the run in {run.directory} was started with {stored[name]}; only the "
                "length of training, the patience, the device and compiling can change",
                option=name,
            )
    changes = {name: value for name, value in vars(wanted).items() if name in may}
    return dataclasses.replace(run.settings, **changes)
