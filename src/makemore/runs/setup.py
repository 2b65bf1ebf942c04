"""What a run was started with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from makemore.corpus.reading import Reading
from makemore.corpus.vocab import Vocab
from makemore.files.json_io import flat_from_json
from makemore.inference.ladder import TYPES
from makemore.runs.blends import Blend
from makemore.runs.settings import Settings

if TYPE_CHECKING:
    from makemore.models.base import ModelConfig


@dataclass(frozen=True)
class Setup:
    """The content of config.json and vocabulary.json."""

    type: str
    knobs: Mapping[str, float]
    """The model's, by name."""
    settings: Settings
    vocab: Vocab
    reading: Reading | None
    """How the list was read; None for lines that came from no file."""
    blend: Blend | None = None
    """The trained models that it is made of, if it is of type "blend"."""

    @cached_property
    def config(self) -> ModelConfig:
        """The knobs as the config of the model's family. Raises ValueError if one is unknown or not valid."""
        from makemore.models import model_class
        from makemore.models.base import ModelConfig

        if self.blend is not None:
            return ModelConfig()
        return flat_from_json(model_class(self.type).config_class, self.knobs)


def is_type(name: object) -> bool:
    """Return whether there are models of this type."""
    if isinstance(name, str) and name in TYPES:
        return True
    from makemore.models import MODELS

    return name in MODELS
