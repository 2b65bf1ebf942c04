"""The look of every plot: one palette, matplotlib's settings, and helpers for making figures."""

from __future__ import annotations

import contextlib
import functools
import math
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

from makemore.metrics.advice import readable
from makemore.plots.palette import BLUE, COLOURS, INK, ORANGE, PAPER

Numbers = npt.NDArray[np.float64]

LINES = ("-", "--", "-.", ":")
"""Line styles, for curves beyond the number of colours."""

SIZE = (290.0, 180.0)
"""The approximate width and height of the axes of a figure of the usual size, in points."""

_CJK = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Source Han Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "TakaoGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "Droid Sans Fallback",
    "Arial Unicode MS",
    "Unifont",
)
"""Fonts with Chinese, Japanese and Korean characters, for the machines that have one of them."""


def look(i: int) -> tuple[str, str]:
    """Return the colour and the line style of the i-th curve."""
    return COLOURS[i % len(COLOURS)], LINES[i // len(COLOURS) % len(LINES)]


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Apply our settings to matplotlib while figures are made and written."""
    with rc_context(_settings()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a browser has the glyph, and write_png spells it out
        warnings.filterwarnings("ignore", "Creating legend")  # that it is slow
        yield


@functools.cache
def fonts() -> list[str]:
    """Return the fonts of our plots, as far as this machine has them."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _CJK if name in installed)]


def _settings() -> Any:  # matplotlib types the keys by a literal with all of its settings
    """Return matplotlib's settings."""
    inked = "text.color axes.edgecolor axes.labelcolor xtick.color ytick.color grid.color"
    return {
        **dict.fromkeys(inked.split(), INK),
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
        "font.family": fonts(),
        "font.size": 10,
        "grid.alpha": 0.15,
        "legend.fontsize": 9,
        "legend.edgecolor": "none",
        "legend.facecolor": PAPER,
        "svg.fonttype": "none",  # the reader's fonts cover more alphabets than ours
        "svg.hashsalt": "makemore",
        "text.parse_math": False,  # a dollar sign does not begin a formula
    }


# figures


def new_figure(height: float = 3.4) -> tuple[Figure, Axes]:
    """Return a figure that fits on the screen of a phone, and its axes."""
    figure = Figure(figsize=(5, height))
    return figure, figure.add_subplot()


def legend(figure: Figure, axes: Axes, runs: int) -> None:
    """Add a legend: below the axes for several runs, so that it covers no curve."""
    if runs == 1:
        axes.legend()
        return
    named = len(axes.get_legend_handles_labels()[1])
    figure.set_figheight(3.4 + 0.2 * math.ceil(named / 2))
    figure.legend(loc="outside lower center", ncols=2)


def label_points(
    axes: Axes,
    x: Sequence[float] | Numbers,
    y: Sequence[float] | Numbers,
    texts: Sequence[str],
    colour: str,
    first: Sequence[int] = (),
    avoid: Sequence[tuple[float, float]] = (),
) -> None:
    """Write a label beside each point of a curve, unless it would cover something.

    The limits of the axes must be set already. `first` are the indices of the points that are labelled first,
    while there is most room. No label may cover the points of `avoid` either.
    """
    size = np.array(SIZE)
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    scale = size / (right - left, high - low)
    at = (np.column_stack([x, y]) - (left, low)) * scale  # (K, 2) in points
    others = ((np.array(avoid) if avoid else np.empty((0, 2))) - (left, low)) * scale
    taken = [(*(point - 4), *(point + 4)) for point in [*at, *others]]
    taken += [(*(point - 1), *(point + 1)) for point in _between(at)]
    for i in [*first, *(i for i in range(len(at)) if i not in first)]:
        width, height = 5.5 * len(texts[i]) + 2, 10.0
        for dx, dy in ((6, 3), (-6 - width, 3), (6, -3 - height), (-6 - width, -3 - height)):
            a, b = at[i] + (dx, dy)
            box = (a, b, a + width, b + height)
            inside = a >= 0 and b >= 0 and box[2] <= size[0] + 8 and box[3] <= size[1] + 8
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                place = (float(x[i]), float(y[i]))
                axes.annotate(texts[i], place, (dx, dy), textcoords="offset points", fontsize=8, color=colour)
                break


def _between(points: Numbers) -> Numbers:
    """Return places on the lines between successive points."""
    share = np.linspace(0, 1, 40)[:, None, None]
    return (points[:-1] * (1 - share) + points[1:] * share).reshape(-1, 2)


def _overlap(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def heatmap(values: Numbers, labels: list[str], unit: str, names: tuple[str, str]) -> Figure:
    """Plot a square table of numbers (K, K) whose rows and columns are characters.

    If any number is negative, blue is below zero and orange above. `names` say what the columns are, and what
    the rows are.
    """
    figure, axes = new_figure(4.1)
    most = float(np.abs(values).max())
    least = -most if values.min() < 0 else 0.0
    image = axes.imshow(values, cmap=fading(least < 0), vmin=least, vmax=most or 1, interpolation="none")
    label_cells(axes, labels)
    axes.set(xlabel=names[0], ylabel=names[1])
    bar = figure.colorbar(image, ax=axes, label=unit, shrink=0.8)
    bar.outline.set_visible(False)
    return figure


def fading(diverging: bool) -> LinearSegmentedColormap:
    """Return a colour map whose zero is transparent, so that it suits light pages and dark ones."""
    blue, orange = to_rgb(BLUE), to_rgb(ORANGE)
    if diverging:
        colours = [(0.0, (*blue, 1.0)), (0.5, (*blue, 0.0)), (0.5, (*orange, 0.0)), (1.0, (*orange, 1.0))]
    else:
        colours = [(0.0, (*blue, 0.0)), (1.0, (*blue, 1.0))]
    return LinearSegmentedColormap.from_list("fading", colours, N=65)


def label_cells(axes: Axes, labels: list[str]) -> None:
    """Write characters along both axes of a heatmap."""
    axes.set_xticks(range(len(labels)), labels, fontsize=7)
    axes.set_yticks(range(len(labels)), labels, fontsize=7)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set(visible=True, alpha=0.3)


# text


def character(text: str, line_breaks: bool = False) -> str:
    """Return a character as an axis can show it: the end of a line is ⏎, a space ␣.

    With `line_breaks`, the end is "", and a line break in a thing is ↵.
    """
    if text in ("", "\n", " "):
        return {"": "⏎", "\n": "↵" if line_breaks else "⏎", " ": "␣"}[text]
    return "◌" + text if unicodedata.category(text[0]).startswith("M") else readable(text)


def short(name: str) -> str:
    """Return a run's name for a legend; matplotlib leaves out names that begin with an underscore."""
    name = name if len(name) <= 24 else "…" + name[-23:]
    return " " + name if name.startswith("_") else name


def count(n: int) -> str:
    """Return a count with two or three digits, as in 1.2k."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.2g}{unit}" if n < 100 * size else f"{n / size:.0f}{unit}"
    return str(n)
