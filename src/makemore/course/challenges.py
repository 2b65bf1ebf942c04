"""The open challenges: a model that a learner writes, scored on held-out names. Each lesson has a goal of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

from makemore.course.expectations import expect, expect_tensor
from makemore.course.lessons import Lesson, folder

if TYPE_CHECKING:
    from torch import Tensor

NAME = "challenge"
"""Its name on the command line, of its function and of its file."""

SECONDS = 900.0
"""How long training and scoring may take."""

LETTERS = ".abcdefghijklmnopqrstuvwxyz"

Predict = Callable[[list[str]], "Tensor"]


@dataclass(frozen=True)
class Challenge:
    """The open challenge of a lesson."""

    goal: float
    """The loss on held-out names to get below, in nats per token."""
    task: str


def challenge(which: Lesson) -> Challenge | None:
    """Return the open challenge of a lesson; None for the museum."""
    every = tomllib.loads((folder() / "challenges.toml").read_text("utf-8"))
    found = every.get(f"{which.number:02}")
    return None if found is None else Challenge(found["goal"], found["task"])


def score(
    answers: SimpleNamespace, train: list[str] | None = None, held_out: list[str] | None = None
) -> float:
    """Return the loss of a learner's model on held-out names, in nats per token, ends included.

    Args:
        answers: The learner's module, with a function `challenge`.
        train: What the model learns from. None takes the training names of makemore's own split.
        held_out: What it is scored on. None takes the validation names.

    Raises:
        Wrong: What the model returns are not probabilities, or they depend on more than the beginning.

    """
    import torch

    from makemore.corpus.cache import read

    corpus = read("names")
    train = corpus.lines(corpus.rows("train")) if train is None else train
    held_out = corpus.lines(corpus.rows("validation")) if held_out is None else held_out
    predict: Predict = answers.challenge(list(train))
    expect(callable(predict), f"challenge returned {type(predict).__name__}; it should return a function")

    tokens = [(line[:t], (line + ".")[t]) for line in held_out for t in range(len(line) + 1)]
    beginnings = sorted({beginning for beginning, _ in tokens})
    with torch.no_grad():
        p = torch.as_tensor(predict(list(beginnings))).double()
        expect_tensor(p, (len(beginnings), len(LETTERS)), "your function")
        expect(
            p.isfinite().all() and (p >= 0).all(), "some of the probabilities are negative, infinite or nan"
        )
        sums = p.sum(1)
        worst = int((sums - 1).abs().argmax())
        expect(
            abs(sums[worst] - 1) < 1e-3,
            f"after {beginnings[worst]!r} the probabilities add up to {sums[worst]:.4f}, not 1; does it return logits?",
        )
        for at in (0, len(beginnings) // 2, len(beginnings) - 1):
            alone = torch.as_tensor(predict([beginnings[at]])).double()
            expect(
                alone.shape == (1, len(LETTERS)) and torch.allclose(alone[0], p[at], atol=1e-4),
                f"after {beginnings[at]!r} it says something else when other beginnings are asked for with it; is the "
                "model still in training mode, with dropout or BatchNorm?",
            )
    place = {beginning: i for i, beginning in enumerate(beginnings)}
    said = p[[place[beginning] for beginning, _ in tokens], [LETTERS.index(letter) for _, letter in tokens]]
    never = int(said.argmin())
    beginning, letter = tokens[never]
    what = "the end" if letter == "." else repr(letter)
    expect(said[never] > 0, f"{what} after {beginning!r} has probability 0, and a held-out name goes on so")
    return float(-said.log().mean())
