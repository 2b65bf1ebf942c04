"""What the JSON of a run must hold for those who read it: checked once, where it is read.

A shape is "number" (finite), "whole" (0 or more) or "text", each with "?" where it may also be null; a dictionary of the keys
that must be there ("?" at the end of a key: that may); a tuple, for a list with these items; or a list of one shape, for a list of
any length.
"""

from __future__ import annotations

import math
from typing import Any

SPLITS = ("train", "validation", "test")


def misfit(value: Any, shape: Any, name: str = "it") -> str:
    """Say where a value from JSON is not of a shape; "" if it is."""
    if isinstance(shape, str):
        return "" if _is(value, shape) else f"{name} is not a {shape.rstrip('?')}"
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{name} holds something else"
        for key, inner in shape.items():
            if key.rstrip("?") in value:
                if found := misfit(value[key.rstrip("?")], inner, key.rstrip("?")):
                    return found
            elif not key.endswith("?"):
                return f"{key} is missing"
        return ""
    if not isinstance(value, list) or (isinstance(shape, tuple) and len(value) != len(shape)):
        return f"{name} is not a list" + (f" of {len(shape)}" if isinstance(shape, tuple) else "")
    shapes = shape if isinstance(shape, tuple) else shape * len(value)
    return next(filter(None, (misfit(v, s, name) for v, s in zip(value, shapes, strict=True))), "")


def _is(value: Any, kind: str) -> bool:
    if value is None:
        return kind.endswith("?")
    match kind.rstrip("?"):
        case "text":
            return isinstance(value, str)
        case "truth":
            return isinstance(value, bool)
        case "whole":
            return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 2**63 if isinstance(value, int) else math.isfinite(value)


def is_diagnostic(row: Any) -> bool:
    """Whether a value from JSON is a row of diagnostics.jsonl: numbers by name, for each layer and each parameter."""
    shape = {"step": "whole", "learning_rate": "number", "loss": "number?", "gradient_norm": "number?"}
    if misfit(row, shape):
        return False
    for group in ("activations", "parameters"):
        layers = row.get(group)
        if not isinstance(layers, dict) or not all(isinstance(numbers, dict) for numbers in layers.values()):
            return False
        if not all(_is(number, "number?") for numbers in layers.values() for number in numbers.values()):
            return False
    return all(_is(numbers.get("dims"), "whole") for numbers in row["parameters"].values())
