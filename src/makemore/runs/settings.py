"""How a model is trained: the settings, their rules, and the recipe of each type.

The recipes were found by trying rates, sizes and lengths on names, words and companies (benchmarks/NOTES.md).
With them, lists of short lines train in about a minute on two idle cores, lines of hundreds of characters in
several minutes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from makemore.errors import MakemoreError, alike, shown
from makemore.files.json_io import flat_from_json
from makemore.files.typed import check_fields

DEFAULT_TYPE = "mixture"

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Settings:
    """How a run is trained. Raises MakemoreError if a value breaks its rule."""

    max_steps: int
    """Training steps; -1 trains until stopped, or until `time` is over."""
    batch_size: int
    """Lines per step, on average: a batch of short lines has more, one of long lines fewer."""
    learning_rate: float
    """The highest rate, reached at the end of the warm-up."""
    weight_decay: float
    muon: bool
    """Whether Muon updates the hidden matrices; AdamW updates everything else."""
    eval_every: int
    """Steps between evaluations."""
    patience: int
    """Training stops after this many evaluations without a better validation loss; 0 never stops early."""
    seed: int
    time: float = 0.0
    """Seconds to train, evaluations included; 0 means that max_steps decides."""
    teacher: float = 0.0
    """Share of the targets that a 6-gram predicts (soft labels): see `loss.taught`."""
    precision: str = "float32"
    """The precision of matrix products in training: "float32" or "bfloat16"."""

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self)
        for field in dataclasses.fields(self):
            _check(field.name, getattr(self, field.name))

    @classmethod
    def from_json(cls, values: object) -> Settings:
        """Return the settings that config.json holds. Raises ValueError if they are not valid."""
        try:
            return flat_from_json(cls, values)
        except MakemoreError as error:  # that error names an argument; here, the value is from a file
            raise ValueError(str(error)) from None


_RULES: dict[str, tuple[Callable[..., bool], str]] = {
    "max_steps": (lambda n: -1 <= n < 2**63, "1 or more, or -1 to train until stopped"),
    "batch_size": (lambda n: 1 <= n < 2**63, "1 or more"),
    "learning_rate": (lambda x: 0 < x <= 1000, "more than 0 and at most 1,000"),
    "weight_decay": (lambda x: 0 <= x <= 1000, "0 or more and at most 1,000"),
    "eval_every": (lambda n: 1 <= n < 2**63, "1 or more"),
    "patience": (lambda n: 0 <= n < 2**63, "1 or more, or 0 never to stop early"),
    "seed": (lambda n: 0 <= n < 2**63, "0 or more and less than 2^63"),
    "time": (lambda x: 0 <= x < math.inf, "more than 0 seconds, and finite"),
    "teacher": (lambda x: 0 <= x < 1, "0 or more, for no teacher, and less than 1"),
    "precision": (lambda name: name in PRECISIONS, " or ".join(PRECISIONS)),
}


def _check(name: str, value: object) -> None:
    """Raise MakemoreError if a field of Settings cannot have a value of its type."""
    if name in _RULES and not _RULES[name][0](value):
        raise _wrong(name, value)


@dataclass(frozen=True)
class Given:
    """The settings that `train` is called with; None, or "auto", leaves one to the type's recipe.

    Raises MakemoreError if a value breaks its rule.
    """

    max_steps: int | None = None
    time: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    teacher: float | None = None
    patience: int | None = None
    seed: int | None = None
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self)
        if self.precision not in (names := ("auto", *PRECISIONS)):
            says = f"auto, {' or '.join(PRECISIONS)}, not {shown(self.precision, 40)}"
            guess = alike(self.precision, names)
            raise MakemoreError(f"precision must be {says}{';' * bool(guess)}{guess}", option="precision")
        for name, value in self._values().items():
            _check(name, value)
            # a run may have it, asking for it makes no sense
            if name in ("max_steps", "time") and value == 0:
                raise _wrong(name, value)
        if self.time is not None and self.max_steps is not None:
            raise MakemoreError(
                "time and max_steps both say when training ends; give one of them",
                option=("time", "max_steps"),
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that are not left to the recipe."""
        return tuple(self._values())

    def over(self, settings: Settings) -> Settings:
        """Return some settings with these in their place; of `time` and `max_steps`, one ends the other."""
        values = self._values()
        if self.time is not None:
            values["max_steps"] = -1
        elif self.max_steps is not None:
            values["time"] = 0.0
        return dataclasses.replace(settings, **values)

    def _values(self) -> dict[str, Any]:  # as dataclasses.replace takes them
        return {name: value for name, value in vars(self).items() if value not in (None, "auto")}


def _wrong(name: str, value: object) -> MakemoreError:
    found = f"{value:g}" if isinstance(value, float) else shown(value, 40)
    return MakemoreError(f"{name} must be {_RULES[name][1]}, not {found}", option=name)


@dataclass(frozen=True)
class Recipe:
    """Training settings that suit a type of model."""

    max_steps: int = 3000
    learning_rate: float = 1e-2
    weight_decay: float = 0.01
    muon: bool = True
    teacher: float = 0.4
    tokens: int = 1024
    """Predicted tokens per step; the batch size follows from the length of the lines."""


RECIPES = {
    "bigram_nn": Recipe(max_steps=1000, learning_rate=5e-2, weight_decay=0.0, muon=False, teacher=0.0),
    "mlp": Recipe(max_steps=4000, muon=False),
    "mlp_bn": Recipe(learning_rate=5e-3),
    "wavenet": Recipe(learning_rate=5e-3),
    "rnn": Recipe(learning_rate=5e-3),
    "bow": Recipe(teacher=0.0, tokens=2048),
    "transformer": Recipe(max_steps=2500),
    "mixture": Recipe(max_steps=1500, teacher=0.0),
    "mingru": Recipe(max_steps=2500),
    "llama": Recipe(max_steps=1600),
}
"""The types that need other values than Recipe's defaults."""


def recipe(type: str) -> Recipe:
    """Return the recipe of a type: its own, or the common one."""
    return RECIPES.get(type, Recipe())
