"""Training by counting."""

from __future__ import annotations

import argparse
from typing import Any

import torch

from makemore.exports.script.kinds import kinds_of


def train(model: Any, lines: dict[str, list[str]], ids: dict[str, int], given: argparse.Namespace) -> None:
    """Count the training lines: one stream, with a boundary before the first and after each."""
    stream = "\n".join(["", *lines["train"], ""])
    model.fit(torch.tensor([ids[character] for character in stream]), kinds_of("".join(ids)))
