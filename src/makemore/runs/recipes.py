"""How each type is trained unless told otherwise.

Found by trying rates, sizes and lengths on names, words and companies alike (benchmarks/NOTES.md). Lists of
short lines take about a minute on two quiet cores; lines of hundreds of characters several.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_TYPE = "lstm"


@dataclass(frozen=True)
class Recipe:
    """Training settings that suit a type of model."""

    max_steps: int = 3000
    learning_rate: float = 1e-2
    weight_decay: float = 0.01
    muon: bool = True
    teacher: float = 0.4
    """Share of the targets that a 6-gram of the training lines gives."""
    tokens: int = 1024
    """Predicted tokens a step, from which the number of lines follows."""


RECIPES = {
    "bigram_nn": Recipe(max_steps=1000, learning_rate=5e-2, weight_decay=0.0, muon=False, teacher=0.0),
    "mlp": Recipe(max_steps=4000, muon=False),
    "mlp_bn": Recipe(learning_rate=5e-3),
    "wavenet": Recipe(learning_rate=5e-3),
    "rnn": Recipe(learning_rate=5e-3),
    "bow": Recipe(teacher=0.0, tokens=2048),
    "transformer": Recipe(max_steps=2500),
}
"""Types that want something else than Recipe's own values."""


def recipe(type: str) -> Recipe:
    """Return the recipe of a type; a type without one of its own gets the common values."""
    return RECIPES.get(type, Recipe())
