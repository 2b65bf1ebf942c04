"""What --diagnostics noted inside a model, read back and judged."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from makemore.files.atomic import read_json_lines
from makemore.files.records import is_diagnostic
from makemore.metrics.advice import RED, Warned

FILE, PICTURE = "diagnostics.jsonl", "diagnostics.png"

SATURATED, DEAD = 0.8, 0.2
VANISHING, EXPLODING = 1e-4, 100.0
TOO_LARGE, TOO_LARGE_SETTLED, TOO_SMALL = 10**-1.0, 10**-1.7, 1e-5
"""Limits of `warnings`. The usual step is large while weights are young: after 200 steps it should be less."""

LOST = 1000.0
"""A loss, in nats per token, beyond all measure: the weights are lost."""


def read(directory: Path) -> list[dict[str, Any]]:
    """Return the rows of a run directory, without lines that are damaged or were cut off; [] if there are none."""
    return [row for row in read_json_lines(directory / FILE) if is_diagnostic(row)]


def warnings(rows: list[dict[str, Any]]) -> list[Warned]:
    """Say what is wrong inside the model, by its rows. How the limits were found: tests/test_diagnostics.py."""
    found = []

    def say(code: str, message: str, advice: str, red: bool = False) -> None:
        found.append(Warned(code, message, advice, *([RED] if red else [])))

    norms = np.array([row["gradient_norm"] or 0.0 for row in rows])
    lost = any(None in (row["gradient_norm"], row["loss"]) or row["loss"] >= LOST for row in rows)
    if lost or (len(rows) >= 20 and norms.max() > EXPLODING * np.median(norms) > 0):
        what = (
            "the loss is beyond all measure"
            if lost
            else f"their norm rose to {norms.max():.2g}, usual is {np.median(norms):.2g}"
        )
        say("exploding", f"exploding gradients: {what}", "lower --learning-rate", True)
    rows = [row for row in rows if row["parameters"]]
    if len(rows) < 20:  # too few to judge by
        return found

    half = rows[len(rows) // 2 :]
    layers = [name for name, numbers in half[0]["activations"].items() if "dead" in numbers]
    gated = {name.rpartition("sigmoid")[0] for name in layers if "sigmoid" in name}
    # gates may well be shut, and what they gate may well be at its ends
    layers = [name for name in layers if name.rpartition(_kind(name))[0] not in gated]
    saturated = {n: _mean(half, n, "saturated") for n in layers if _kind(n) == "tanh"}
    if (worst := max(saturated.values(), default=0)) > SATURATED:
        say(
            "saturated",
            f"saturated: {worst:.0%} of what {_largest(saturated)} puts out is near -1 or 1, where hardly any gradient passes",
            "lower --learning-rate, or draw smaller weights at the start",
        )
    dead = {n: _mean(half, n, "dead") for n in layers}
    if (worst := max(dead.values(), default=0)) > DEAD:
        say(
            "dead_units",
            f"dead units: {worst:.0%} of those of {_largest(dead)} gave no gradient at any place of a batch",
            "lower --learning-rate, or draw smaller weights at the start",
        )

    matrices = [name for name, numbers in rows[0]["parameters"].items() if numbers["dims"] > 1]
    if len(matrices) < 2:  # a single table starts small and must grow
        return found
    first, last = (series(rows, "parameters", name, "gradient_std") for name in (matrices[0], matrices[-1]))
    if (got := np.median(first)) < max(VANISHING * np.median(last), 1e-8):
        say(
            "vanishing",
            f"vanishing gradients: those of {matrices[0]} are about {got:.1g}, those of {matrices[-1]} {np.median(last):.1g}",
            "use fewer layers or larger weights at the start, or normalise between the layers",
        )
    # the output layer starts near zero, so that its first updates are large beside it
    ratios = np.array([series(rows, "parameters", name, "update_ratio") for name in matrices[:-1]])
    usual = np.nanmedian(np.where(np.isfinite(ratios), ratios, 0), 0)  # (rows,)
    rates = np.array([row["learning_rate"] for row in rows])
    settled = usual[(np.array([row["step"] for row in rows]) > 200) & (rates >= rates.max() / 2)]
    if np.quantile(usual, 0.9) > TOO_LARGE or (len(settled) >= 10 and np.median(settled) > TOO_LARGE_SETTLED):
        large = max(np.quantile(usual, 0.9), np.median(settled) if len(settled) else 0)
        say(
            "step_too_large",
            f"steps too large: often a step changes weights by {large:.1%} of their size; 0.1% to 1% is usual",
            "lower --learning-rate",
        )
    if np.nanmax(np.median(ratios[:, : len(rows) // 2], 1)) < TOO_SMALL:
        say(
            "step_too_small",
            f"steps too small: none changes weights by more than {TOO_SMALL:g} of their size",
            "raise --learning-rate",
        )
    return found


def _kind(name: str) -> str:
    """The non-linearity that a layer's name ends in, numbered or not."""
    return re.sub(r"\.\d+$", "", name).rpartition(".")[2]


def series(rows: list[dict[str, Any]], group: str, name: str, key: str) -> Any:
    """(rows,) one number over the steps, NaN where there is none."""
    values = [row[group].get(name, {}).get(key) for row in rows]
    return np.array([math.nan if value is None else value for value in values])


def _mean(rows: list[dict[str, Any]], name: str, key: str) -> float:
    values = series(rows, "activations", name, key)
    return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else 0.0


def _largest(shares: dict[str, float]) -> str:
    return max(shares, key=lambda name: shares[name])
