"""What training recorded inside the model at some of its steps, read back and judged."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from makemore.files.json_io import read_json_lines
from makemore.files.results import Result
from makemore.metrics.advice import AMBER, RED, Warned
from makemore.metrics.intervals import Floats

FILE, PICTURE = "diagnostics.jsonl", "diagnostics.png"

SATURATED, DEAD = 0.8, 0.2
VANISHING, EXPLODING = 1e-4, 100.0
TOO_LARGE, TOO_LARGE_SETTLED, TOO_SMALL = 10**-1.0, 10**-1.7, 1e-5
"""Limits of `warnings`; tests/test_diagnostics.py shows where they come from. Steps are
usually large early in training; after 200 steps they should be smaller."""

DIVERGED = 1000.0
"""A loss, in nats per token, from which no training recovers."""

_FEWEST = 20
"""The fewest rows to judge by."""

Numbers = Mapping[str, Mapping[str, float | None]]
"""For each layer or parameter, its numbers by name; None is a number that is not finite."""


@dataclass(frozen=True)
class Row(Result):
    """What was recorded of one step: a line of diagnostics.jsonl."""

    step: int
    loss: float | None
    learning_rate: float
    gradient_norm: float | None
    activations: Numbers
    """For each layer mean and std; for each non-linearity also saturated and dead."""
    parameters: Numbers
    """For each parameter dims, gradient_std, weight_std and update_ratio."""

    def of(self, group: str) -> Numbers:
        """Return the numbers of a group, activations or parameters."""
        return self.activations if group == "activations" else self.parameters


def read(directory: Path) -> list[Row]:
    """Return the rows of a run directory, except lines that are damaged or cut off."""
    rows = []
    for values in read_json_lines(directory / FILE):
        try:
            row = Row.from_json(values)
        except ValueError:
            continue
        if all(numbers.get("dims") is not None for numbers in row.parameters.values()):
            rows.append(row)
    return rows


def matrices(row: Row) -> list[str]:
    """Return the names of the parameters that have two dimensions or more."""
    return [name for name, numbers in row.parameters.items() if (numbers["dims"] or 0) > 1]


def series(rows: Sequence[Row], group: str, name: str, key: str) -> Floats:
    """Return a number of a layer or parameter over the steps, (rows,), NaN where there is none."""
    values = [row.of(group).get(name, {}).get(key) for row in rows]
    return np.array([math.nan if value is None else value for value in values])


# warnings


def warnings(rows: Sequence[Row]) -> list[Warned]:
    """Return what is wrong inside the model."""
    found = _exploding(rows)
    rows = [row for row in rows if row.parameters]
    if len(rows) < _FEWEST:
        return found
    found += _flat_layers(rows[len(rows) // 2 :])
    if len(names := matrices(rows[0])) > 1:  # a single table starts small and must grow
        found += _vanishing(rows, names) + _step_sizes(rows, names)
    return found


def _warned(code: str, message: str, remedy: str, severity: str = AMBER) -> Warned:
    return Warned(code, message, remedy, severity, ("learning_rate",))


def _exploding(rows: Sequence[Row]) -> list[Warned]:
    norms = np.array([row.gradient_norm or 0.0 for row in rows])
    lost = any(row.gradient_norm is None or row.loss is None or row.loss >= DIVERGED for row in rows)
    if not lost and (len(rows) < _FEWEST or not norms.max() > EXPLODING * np.median(norms) > 0):
        return []
    what = f"their norm rose to {norms.max():.2g}, typical is {np.median(norms):.2g}"
    if lost:
        what = "the loss diverged"
    return [_warned("exploding", f"exploding gradients: {what}", "lower learning_rate", RED)]


def _flat_layers(rows: Sequence[Row]) -> list[Warned]:
    """Say which non-linearities pass no gradient. rows: The second half of training."""
    layers = [name for name, numbers in rows[0].activations.items() if "dead" in numbers]
    gated = {name.rpartition("sigmoid")[0] for name in layers if "sigmoid" in name}
    # a gate may be closed, and what it gates may be at its limits, without harm
    layers = [name for name in layers if name.rpartition(_kind(name))[0] not in gated]
    remedy = "lower learning_rate, or initialise with smaller weights"
    found = []
    saturated = {name: _mean(rows, name, "saturated") for name in layers if _kind(name) == "tanh"}
    if (worst := max(saturated.values(), default=0)) > SATURATED:
        outputs = f"{worst:.0%} of the outputs of {_largest(saturated)}"
        said = f"saturated: {outputs} are near -1 or 1, where almost no gradient passes"
        found.append(_warned("saturated", said, remedy))
    dead = {name: _mean(rows, name, "dead") for name in layers}
    if (worst := max(dead.values(), default=0)) > DEAD:
        said = f"{worst:.0%} of the units of {_largest(dead)} passed no gradient anywhere in a batch"
        found.append(_warned("dead_units", f"dead units: {said}", remedy))
    return found


def _vanishing(rows: Sequence[Row], names: Sequence[str]) -> list[Warned]:
    """Say whether gradients shrink on their way from the last matrix to the first."""
    first, last = (np.median(series(rows, "parameters", names[i], "gradient_std")) for i in (0, -1))
    if not first < max(VANISHING * last, 1e-8):
        return []
    said = f"those of {names[0]} are about {first:.1g}, those of {names[-1]} {last:.1g}"
    remedy = "use fewer layers or larger initial weights, or normalise between the layers"
    return [_warned("vanishing", f"vanishing gradients: {said}", remedy)]


def _step_sizes(rows: Sequence[Row], names: Sequence[str]) -> list[Warned]:
    """Say whether updates are too large or too small relative to the weights."""
    # the output layer starts near zero, so its first updates are large relative to it
    ratios = np.array([series(rows, "parameters", name, "update_ratio") for name in names[:-1]])
    typical = np.nanmedian(np.where(np.isfinite(ratios), ratios, 0), 0)  # (rows,)
    rates = np.array([row.learning_rate for row in rows])
    settled = typical[(np.array([row.step for row in rows]) > 200) & (rates >= rates.max() / 2)]
    often = np.quantile(typical, 0.9)
    found = []
    if often > TOO_LARGE or (len(settled) >= 10 and np.median(settled) > TOO_LARGE_SETTLED):
        large = max(often, np.median(settled) if len(settled) else 0)
        said = f"many steps change weights by {large:.1%} of their size; 0.1% to 1% is typical"
        found.append(_warned("step_too_large", f"steps too large: {said}", "lower learning_rate"))
    if np.nanmax(np.median(ratios[:, : len(rows) // 2], 1)) < TOO_SMALL:
        said = f"none changes weights by more than {TOO_SMALL:g} of their size"
        found.append(_warned("step_too_small", f"steps too small: {said}", "raise learning_rate"))
    return found


def _kind(name: str) -> str:
    """Return the non-linearity at the end of a layer's name, without its number."""
    return re.sub(r"\.\d+$", "", name).rpartition(".")[2]


def _mean(rows: Sequence[Row], name: str, key: str) -> float:
    values = series(rows, "activations", name, key)
    return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else 0.0


def _largest(shares: dict[str, float]) -> str:
    return max(shares, key=lambda name: shares[name])
