"""What `explain` prints: a line, character by character, with what each run expected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from makemore.cli.layout import say
from makemore.cli.terminal import clipped, width_of
from makemore.errors import visible
from makemore.metrics.advice import readable
from makemore.runs.scoring import Explained

BESIDE = 34
"""Columns of the terminal that each run needs if `explain` shows several side by side."""

END = "⏎"
"""Shows the end of a line."""

BREAK = "↵"
"""Shows a line break inside a thing."""

_SURPRISES = ((0.7, "green"), (1.7, ""), (3.1, "yellow"), (math.inf, "red"))
"""The highest surprise in nats of each colour of a character: probabilities down to 50%, 18% and 5%."""


def show_explained(console: Console, explained: Mapping[str, Sequence[Explained]]) -> None:
    """Print what each run expected of a line, character by character, side by side if there is room."""
    for name, each in explained.items():
        whole = Text(f"{visible(name)}: " if len(explained) > 1 else "")
        for e in each:
            letter = e.character if e.character == " " else _letter(e.character, each[-1].character)
            whole.append(letter, style=_colour(e.nll)).append("\n" * (letter == BREAK))
        nats = sum(e.nll for e in each)
        sums = f"{nats:.2f} nats, {nats / len(each):.2f} a character"
        apart = width_of(whole.plain) + 3 + len(sums) > console.width
        whole.append(f"\n  {sums}" if apart else f"   {sums}", style="dim")
        console.print(whole, highlight=False, soft_wrap=True)
    width = (console.width - 3) // len(explained) - 2 if console.is_terminal else 60
    alike = len(set(map(len, explained.values()))) == 1  # one may read characters of several code points
    if (width >= BESIDE and alike) or len(explained) == 1:
        _expected(console, explained, width)
        return
    for name, each in explained.items():
        say(console)
        _expected(console, {name: each}, console.width - 5)


def _expected(console: Console, explained: Mapping[str, Sequence[Explained]], width: int) -> None:
    """Print a table of what some runs expected. width: The columns of the terminal that each of them has."""
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(no_wrap=True, min_width=2)
    for _ in explained:
        grid.add_column(no_wrap=True, min_width=min(width, BESIDE))
    head = [Text("nats  ").append(clipped(f"{visible(n)} expected", width - 6)) for n in explained]
    grid.add_row("", *(Text.styled(text.plain, "bold") for text in head))
    ends = [each[-1].character for each in explained.values()]
    for at_once in zip(*explained.values(), strict=True):
        letter = Text(_letter(at_once[0].character, ends[0]), style=_colour(max(e.nll for e in at_once)))
        grid.add_row(letter, *(_choices(e, width, end) for e, end in zip(at_once, ends, strict=True)))
    console.print(grid, crop=False)


def _choices(e: Explained, width: int, end: str) -> Text:
    """Return the surprise at a position, and the likeliest characters there, in lines of a width."""
    parts = [(f"{_letter(c, end)} {p:.0%}", "bold" if c == e.character else "dim") for c, p in e.choices]
    if e.character not in [c for c, _ in e.choices]:
        parts.append((f"… {_letter(e.character, end)} {e.probability:.2%}", "bold"))
    text = Text(f"{e.nll:4.1f}", style=_colour(e.nll))
    found, used = Text.assemble(text), width_of(text.plain)
    for part, style in parts:
        if used + 2 + width_of(part) > width and used > 4:
            found.append("\n    ")
            used = 4
        found.append("  ").append(part, style=style)
        used += 2 + width_of(part)
    return found


def _letter(character: str, end: str) -> str:
    """Return how a character is shown; `end` is what the end of the line is called."""
    if character == end:
        return END
    return {" ": "␣", "\n": BREAK}.get(character) or readable(character)


def _colour(nll: float) -> str:
    return next(colour for most, colour in _SURPRISES if nll <= most)
