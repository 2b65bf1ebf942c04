"""Typed data to HTML: the templates, and how they spell numbers and text.

Every value is escaped, and characters that would hide or reorder others are spelled out, by default.
"""

from __future__ import annotations

import functools
import math
import re

from jinja2 import BaseLoader, Environment, PackageLoader

from makemore import __version__
from makemore.corpus.splits import SPLITS
from makemore.errors import CUT, duration
from makemore.metrics.intervals import TOO_FEW
from makemore.metrics.verdict import percent
from makemore.plots import palette
from makemore.runs import shown

SHADES = 10
"""Shades of surprise."""

_OPTION = re.compile(r"(--[a-z][a-z-]*)")
"""An option of the command line."""


def render(template: str, **data: object) -> str:
    """Return the HTML of a file in templates/ with some data."""
    return _own().get_template(template).render(data)


@functools.cache
def _own() -> Environment:
    return environment(PackageLoader("makemore.reports"))


def environment(loader: BaseLoader) -> Environment:
    """Return what renders templates that spell numbers and text as the report does."""
    environment = shown.environment(loader)
    filters = (number, whole, percent, duration, plain, shorten, options, span)
    environment.filters |= {each.__name__: each for each in filters}
    environment.tests["known"] = known
    environment.globals |= {
        "version": __version__,
        "palette": palette,
        "shades": [shown.shade(i / (SHADES - 1)) for i in range(SHADES)],
        "splits": list(SPLITS),
        "cut_mark": CUT,
        "too_few": TOO_FEW,
    }
    return environment


# numbers


def known(value: float | tuple[float, float] | None) -> bool:
    """Say whether a number, or each end of an interval, is known and finite."""
    ends = value if isinstance(value, tuple) else (value,)
    return all(end is not None and math.isfinite(end) for end in ends)


def number(x: float | None, form: str) -> str:
    """Return a number in a Python format, with typographic signs for minus and infinity."""
    if x is None or math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    return format(x, form if abs(x) < 1e6 else ".1e").replace("-", "−")


def whole(n: int | None) -> str:
    """Return a whole number with commas."""
    return "–" if n is None else f"{n:,}"


def span(healthy: tuple[float | None, float | None] | None, form: str) -> str:
    """Return a range of numbers in words; "" if there is none."""
    if healthy is None:
        return ""
    low, high = (None if end is None else number(end, form) for end in healthy)
    if low is None or high is None:
        return f"up to {high}" if low is None else f"from {low}"
    return f"{low} to {high}"


def plain(value: object) -> str:
    """Return a setting as people write it."""
    match value:
        case None | "":
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}"
    return str(value)


# text


def shorten(line: str) -> str:
    """Return a line of the data or of the model, cut if it is long."""
    return line if len(line) <= 80 else line[:79] + "…"


def options(text: str) -> list[str]:
    """Split a text into options of the command line, which no line may break, and what is between them."""
    return _OPTION.split(text)
