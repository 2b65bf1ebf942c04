"""What a blend is made of: trained models, each with its share and the characters that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from makemore.corpus.vocab import UNKNOWN, Vocab
from makemore.files.json_io import flat_from_json
from makemore.files.results import Result

if TYPE_CHECKING:
    from makemore.models.base import ModelConfig

TYPE = "blend"
"""The type of a run that is a blend; no model of it can be trained."""

HOWS = ("mixture", "product")
"""How predictions are blended: see `makemore.models.blend`."""


@dataclass(frozen=True)
class Part(Result):
    """A trained model in a blend. Raises ValueError if it cannot be one."""

    name: str
    """The name of the directory that its run was in."""
    type: str
    knobs: Mapping[str, float | bool] = field(metadata={"json": "model"})
    """The model's, by name."""
    characters: tuple[str, ...]
    """Those that it knows, in the order of their ids, as people see them."""
    unknown: bool
    """Whether UNKNOWN, one of them, stands for all others."""
    share: float

    def __post_init__(self) -> None:
        """Check it."""
        if [*self.characters] != self.vocab.names[1:] or (self.unknown and UNKNOWN not in self.characters):
            raise ValueError("its characters are not in the order of their ids")
        if not 0 < self.share < 1:
            raise ValueError("its share is not between 0 and 1")

    @cached_property
    def vocab(self) -> Vocab:
        """Its own vocabulary."""
        return Vocab(self.characters, self.unknown)

    @property
    def config(self) -> ModelConfig:
        """The knobs as the config of the model's family. Raises ValueError if one is unknown or not valid."""
        from makemore.models import model_class

        return flat_from_json(model_class(self.type).config_class, self.knobs)

    def ids(self, vocab: Vocab) -> tuple[list[int], list[int]]:
        """Return the ids that it reads and those that it writes for the V ids of a vocabulary; -1 for none.

        What it does not know it may read as UNKNOWN, but does not write.
        """
        own = {character: i for i, character in enumerate(self.characters, 1)}
        other = own[UNKNOWN] if self.unknown else -1
        names = vocab.names[1:]
        return [0, *(own.get(c, other) for c in names)], [0, *(own.get(c, -1) for c in names)]


@dataclass(frozen=True)
class Blend(Result):
    """How several models answer as one. Raises ValueError if they cannot."""

    how: str
    """One of HOWS."""
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        """Check it."""
        if self.how not in HOWS or abs(sum(part.share for part in self.parts) - 1) > 1e-6:
            raise ValueError("it is neither a mixture nor a product of parts whose shares sum to 1")

    @property
    def vocab(self) -> Vocab:
        """The characters that one of the parts knows, in a mixture, or all of them, in a product."""
        known = [set(part.characters) for part in self.parts]
        if self.how == "product":
            return Vocab([*set.intersection(*known)], all(part.unknown for part in self.parts))
        return Vocab([*set.union(*known)], any(part.unknown for part in self.parts))

    def ids(self) -> list[tuple[list[int], list[int]]]:
        """Return `Part.ids` of each part."""
        vocab = self.vocab
        return [part.ids(vocab) for part in self.parts]

    def __str__(self) -> str:
        """Say how much of what it is: "a mixture of 70% greek (lstm) and 30% irish (gru)"."""
        each = [f"{part.share:.0%} {part.name} ({part.type})" for part in self.parts]
        return f"a {self.how} of {', '.join(each[:-1])} and {each[-1]}"
