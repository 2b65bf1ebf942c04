"""How to train: what was asked for, else the type's recipe; or what a resumed run was started with."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch

from makemore.corpus.corpus import Corpus
from makemore.distributed.devices import fast_dtype
from makemore.errors import MakemoreError
from makemore.models import configure
from makemore.runs.run import Run
from makemore.runs.settings import Settings, recipe

ON_GPU = 16
"""How many times more tokens a step has on a GPU, at most: small batches leave most of it idle."""


def settings_for(type: str, corpus: Corpus, given: dict[str, Any], device: torch.device) -> Settings:
    """Return how to train a type of model on a corpus.

    Args:
        type: A name of MODELS.
        corpus: The lines.
        given: Settings by name; the others come from the type's recipe. A precision of "auto" is like none.
        device: Where it is trained.

    """
    own = recipe(type)
    n_train = corpus.counts()["train"]
    tokens_per_line = corpus.tokens_of("train") / n_train
    tokens = own.tokens
    if device.type == "cuda":  # just as fast with many more tokens; an epoch still has some hundred steps
        tokens = max(tokens, min(ON_GPU * tokens, round(tokens_per_line * n_train / 200)))
    batch_size = given.get("batch_size", max(4, round(tokens / tokens_per_line)))
    max_steps = given.get("max_steps", -1 if "time" in given else own.max_steps)
    # twenty evaluations, but one every two epochs if epochs are short: small lists overfit within a few
    eval_every = max(1, (2000 if max_steps < 0 else max_steps) // 20)
    eval_every = min(eval_every, max(25, 2 * math.ceil(n_train / batch_size)))
    settings = Settings(
        max_steps=max_steps,
        batch_size=batch_size,
        learning_rate=own.learning_rate,
        weight_decay=own.weight_decay,
        muon=own.muon,
        teacher=own.teacher,
        eval_every=eval_every,
        patience=10,
        precision=str(fast_dtype(device)).removeprefix("torch."),
        seed=3407,
    )
    return dataclasses.replace(settings, **{name: value for name, value in given.items() if value != "auto"})


def settings_to_resume(run: Run, asked: dict[str, Any]) -> Settings:
    """Return the settings to continue a run with, or raise MakemoreError for something that cannot change.

    Args:
        run: The run, as it is on disk.
        asked: The settings, knobs and type that were given by name. A precision of "auto" is like none.

    """
    may = ("max_steps", "time", "patience")
    asked = {name: value for name, value in asked.items() if (name, value) != ("precision", "auto")}
    if "time" in asked:
        asked["max_steps"] = -1
    elif "max_steps" in asked:
        asked["time"] = 0.0
    stored = dataclasses.asdict(run.config) | dataclasses.asdict(run.settings) | {"type": run.type}
    for name, value in asked.items():
        if name not in stored:
            configure(run.type, 1, **{name: value})  # says which knobs there are
        if name not in may and value != stored[name]:
            raise MakemoreError(
                f"{name} {value} is not what the run in {run.directory} was started with, {stored[name]}; "
                "only the length of training, its patience, the device and compiling can change",
                option=name,
            )
    return dataclasses.replace(run.settings, **{name: asked[name] for name in may if name in asked})
