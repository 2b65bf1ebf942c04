"""What every model in a script is: the base of makemore's models, in short."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class ModelConfig:  # the knobs of a model, which are options of this script
    labels: int = field(default=0, kw_only=True)  # makemore's lists can have labels


def knob(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


def check(config: ModelConfig, **most: int) -> None: ...  # the library checks limits here; a script does not


class Model(nn.Module):
    """Ids (B, T) and what it remembers before them, or None -> logits (B, T, V), and what it remembers after."""

    counting = mixes_lines = False


State = tuple[Tensor, ...]  # what a model remembers


class Embedding(nn.Embedding):
    def __init__(self, vocab_size: int, channels: int, labels: int) -> None:
        super().__init__(vocab_size, channels)
