"""What went on inside a model while it was trained, as a figure."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from makemore.metrics.layers import series
from makemore.plots.style import GREY, look

LEGEND = 12
"""Kinds of layers that a picture shows."""


def diagnostics(rows: list[dict[str, Any]]) -> Any:
    """Return a matplotlib Figure of the rows over the steps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [row for row in rows if row["parameters"]]
    picture = Figure(figsize=(13, 8))
    FigureCanvasAgg(picture)
    panels = (
        ("activations", "std", "activations: standard deviation", False),
        ("activations", "saturated", "non-linearities: share of outputs where they are flat", False),
        ("parameters", "gradient_std", "gradients: standard deviation", True),
        ("parameters", "update_ratio", "updates: log10 of their size over the weights'", False),
    )
    steps = [row["step"] for row in rows]
    for axes, (group, key, title, log) in zip(picture.subplots(2, 2).flat, panels, strict=True):
        names = list(dict.fromkeys(name for row in rows for name in row[group]))
        if group == "parameters":
            names = [name for name in names if rows[0][group][name]["dims"] > 1]
        alike: dict[str, list[str]] = {}  # blocks.0.fc, blocks.1.fc, ... have one colour, the last darkest
        for name in names:
            if np.isfinite(series(rows, group, name, key)).any():
                alike.setdefault(re.sub(r"\b\d+\b", "*", name), []).append(name)
        for i, (shared, members) in enumerate(list(alike.items())[:LEGEND]):
            for j, name in enumerate(members):
                values = series(rows, group, name, key)
                if key == "update_ratio":
                    values = np.log10(np.where(values > 0, values, math.nan))
                last = j == len(members) - 1
                label = members[0] if len(members) == 1 else f"{shared} ({len(members)})"
                axes.plot(
                    steps,
                    values,
                    color=look(i)[0],
                    linestyle=look(i)[1],
                    alpha=0.3 + 0.7 * (j + 1) / len(members),
                    linewidth=1,
                    label=label if last else None,
                )
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda x, _: f"{x:g}")  # not as a formula
            axes.yaxis.set_minor_formatter(lambda x, _: "")
        if key == "saturated":
            axes.set_ylim(-0.02, 1.02)
        if key == "update_ratio":
            axes.axhline(-3, color=GREY, linestyle=":", label="-3, a good size")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        if alike:
            more = f"{len(alike) - LEGEND} more not drawn" if len(alike) > LEGEND else None
            axes.legend(fontsize=7, title=more, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        else:
            axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center")
    return picture
