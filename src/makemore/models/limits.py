"""How large a knob may be: far larger than is useful, and still small enough to compute."""

from __future__ import annotations

import dataclasses

from makemore.models.base import ModelConfig

MOST = {
    "context": 1024,
    "n_embd": 16_384,
    "n_embd2": 65_536,
    "n_head": 16_384,
    "n_layer": 256,
    "block_size": 1 << 25,
    "smoothing": 1_000_000,
}
"""The largest value of each knob that has a limit."""


def check(config: ModelConfig, **most: int) -> None:
    """Raise ValueError for a knob in MOST below 1 or above its largest value, which `most` can replace."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        least = 0 if field.name in ("block_size", "smoothing") else 1
        limit = most.get(field.name, MOST.get(field.name))
        if limit is not None and not least <= value <= limit:
            raise ValueError(f"{field.name} must be from {least} to {limit:,}, not {value:,}")
        if field.name == "dropout" and not 0 <= value < 1:
            raise ValueError("dropout must be 0 or more and less than 1")
