"""Parts of a page: tables and numbers as HTML. Cells are HTML already; what people wrote must be escaped first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from makemore.errors import visible


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table in a box of its own to scroll in. Cells are HTML."""
    top = "".join(f"<th>{cell}" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    return f"<div class='box {kind}'><table><thead><tr>{top}<tbody>{body}</table></div>"


def number(x: float | None, form: str) -> str:
    if x is None or math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    return format(x, form if abs(x) < 1e6 else ".1e").replace("-", "−")


def around(x: float, interval: tuple[float, float] | None, form: str = ".4f") -> str:
    """A number and its interval, if there is one."""
    if interval is None or not all(map(math.isfinite, interval)):
        return number(x, form)
    return f"{number(x, form)} <small>{number(interval[0], form)} to {number(interval[1], form)}</small>"


def integer(x: int | None) -> str:
    return "–" if x is None else f"{x:,}"


def seconds(x: float | None) -> str:
    if x is None:
        return "–"
    return f"{x:.3g} s" if x < 60 else f"{int(x / 60)} min {x % 60:.0f} s"


def plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
    )


def cut(line: str) -> str:
    """A line of the list or of the model, not all of it if it is long."""
    return spelled(line if len(line) <= 80 else line[:79] + "…")


def spelled(text: str) -> str:
    """What people wrote, as HTML that shows every character: one that would hide or reorder others is spelled out."""
    return escape(visible(text))


def folded(title: str, content: str) -> str:
    """A part that opens when its title is clicked."""
    return f"<details><summary><h3>{title}</h3></summary>{content}</details>"
