"""The base of every model: a module with the contract of this package, a config class and two flags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from torch import Tensor, nn

Number = TypeVar("Number", int, float)


def knob(default: Number, help: str) -> Number:
    """Declare a field of a ModelConfig. help: What the command line says about it."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class ModelConfig:
    """The knobs of a model, each declared with `knob`. Every family has a subclass of its own."""

    labels: int = field(default=0, kw_only=True)
    """L, how many labels lines may have. Not a knob: it follows from the list."""


class Model(nn.Module):
    """A language model, built from the vocabulary's size and a config: `Model(vocab_size, config)`."""

    config_class: ClassVar[type[ModelConfig]]

    counting: ClassVar[bool] = False
    """Whether the model is fitted by one pass of counting, with `fit`, instead of by gradient descent."""

    counts_first: ClassVar[bool] = False
    """Whether a part of the model counts the training lines, with `fit`, before the others are trained."""

    mixes_lines: ClassVar[bool] = False
    """Whether the lines of a batch see each other in training, so that it must mix lines of all lengths."""

    def forward(
        self, idx: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the logits of what follows, (B, T, V), and the state after ids (B, T): see the contract."""
        raise NotImplementedError

    def fit(self, tokens: Tensor, kinds: Tensor | None = None) -> None:
        """Count the training lines: a stream of ids (M,) with boundaries around each line.

        kinds: (V,) the kind of each character, from 0 on; None if all are of one kind.
        """
        raise NotImplementedError
