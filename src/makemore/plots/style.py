"""The look of all pictures: of a report, of loss.png and of diagnostics.png."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Iterator
from typing import Any

INK = "#20262e"
"""Text and axes; on a page it becomes the page's own text colour."""

PAPER = "#fdfdfe"
"""Behind text; on a page it becomes the page's own."""

COLOURS = ("#2f7fd6", "#d9691e", "#28bbc1", "#a73b5d", "#cd5c7c", "#ed8489", "#09b0fa", "#7a4d9d")
"""Data; to be read on white and on black, and told apart by the colour-blind, the first ones best (tests/test_plots.py)."""

BLUE, ORANGE, TEAL, GREY = *COLOURS[:3], "#8a919c"

LINES = ("-", "--", "-.", ":")
"""Of curves that have no colour of their own any more."""

_CJK = (
    "Noto Sans CJK JP", "Noto Sans JP", "Source Han Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic", "Hiragino Sans",
    "Yu Gothic", "Meiryo", "MS Gothic", "PingFang SC", "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Malgun Gothic", "Apple SD Gothic Neo", "Droid Sans Fallback", "Arial Unicode MS", "Unifont",
)  # fmt: skip


def look(i: int) -> tuple[str, str]:
    """Return the colour and the line style of the i-th curve."""
    return COLOURS[i % len(COLOURS)], LINES[i // len(COLOURS) % len(LINES)]


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Give matplotlib our look while figures are made and written."""
    from matplotlib import rc_context

    with rc_context(settings()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a reader's browser has it, and write_png spells it out
        warnings.filterwarnings("ignore", "Creating legend")  # can be slow, which a busy machine is
        yield


@functools.cache
def settings() -> Any:
    """Return matplotlib's settings."""
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    ink = dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color"), INK
    )
    return ink | {
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
        "font.family": ["DejaVu Sans", *(name for name in _CJK if name in there)],
        "font.size": 10,
        "grid.alpha": 0.15,
        "legend.fontsize": 9,
        "legend.edgecolor": "none",
        "legend.facecolor": PAPER,
        "svg.fonttype": "none",  # the reader's fonts know more alphabets than ours
        "svg.hashsalt": "makemore",
        "text.parse_math": False,  # a dollar is a dollar
    }
