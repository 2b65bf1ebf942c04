"""What depends on the type. `assemble` writes these lines anew for each; here they are those of an MLP."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from makemore.models.mlp import MLP

TRAINING = {"max_steps": (4000, "training steps"), "learning_rate": (0.01, "the highest rate")}
DECAY = 0.01
MUON = False
TEACHER = 0.4
TOKENS = 1024

MODEL: Any = MLP
KNOBS = {k.name: (k.default, k.metadata["help"]) for k in fields(MODEL.config_class) if k.metadata}
