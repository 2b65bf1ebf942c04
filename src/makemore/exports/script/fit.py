"""Training by counting."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import torch

from makemore.exports.script.kinds import kinds_of


def train(model: Any, lines: dict[str, list[str]], ids: dict[str, int], how: Namespace) -> list[object]:
    """Count the training lines, and return the weights: one stream, with a boundary before the first and after each."""
    if "resume" in how:
        print("counting anew: of the saved model, only its characters and options stay")
    stream = "\n".join(["", *lines["train"], ""])
    model.fit(torch.tensor([ids[character] for character in stream]), kinds_of("".join(ids)))
    return [model.state_dict()]
