"""The layout of prose, commands, tables and notes, on terminals of 40 columns or more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from rich.console import Console
from rich.text import Text

from makemore.cli.output import rule
from makemore.cli.terminal import clipped, program, width_of, wrapped
from makemore.errors import visible

NOTE = 30
"""Columns that a note beside a number needs to be readable; with fewer it goes below."""

SCREEN, FEW = 40, 3
"""About how many rows a screen has for things of several lines, and how many things are shown in any case."""

LABEL = 20
"""The most columns of a label beside a text."""


def say(console: Console, text: str = "", style: str | None = None, hang: str = "") -> None:
    """Print a line: on a terminal wrapped at spaces and with control characters escaped, elsewhere as it is.

    Text from files is never taken for markup or for the name of an emoji. Lines after the first begin with
    `hang`.
    """
    lines = wrapped(_cell(console, text), console.width, hang) if console.is_terminal else [text]
    for line in lines:
        _print(console, line, style or "")


def things(console: Console, texts: Iterable[str], indent: str) -> None:
    """Print lines, or things of several lines with a line between them, as `say` does, all indented.

    The line between is blank, or a rule if things have blank lines in them.
    """
    each = [text.split("\n") for text in texts]
    several = any(len(lines) > 1 for lines in each)
    between = indent + rule("".join(map("".join, each))) if any("" in lines for lines in each) else ""
    for i, lines in enumerate(each):
        if i and several:
            say(console, between)
        for line in lines:
            say(console, indent + line, hang=indent + "  ")


def on_a_screen(texts: list[str]) -> list[str]:
    """Return the first of some texts: all if each is one line, else as many as SCREEN rows hold, or FEW."""
    if not any("\n" in text for text in texts):
        return texts
    ends = accumulate(text.count("\n") + 2 for text in texts)  # with the line between
    return texts[: max(FEW, sum(end <= SCREEN + 1 for end in ends))]


def with_labels(console: Console, texts: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Return texts, each with its label after it unless that is empty; there may be more labels than texts.

    On a terminal no line break parts a text from its label.
    """
    gap = "\u00a0" if console.is_terminal else " "  # a no-break space
    marks = [f"{gap}({clipped(each, LABEL).replace(' ', gap)})" if each else "" for each in labels]
    return [text + mark for text, mark in zip(texts, marks, strict=False)]


def command(console: Console, lead: str, line: str, style: str | None = None) -> None:
    """Print what a command is for, and the command on a line of its own, so that it can be copied."""
    say(console, lead)
    line = program() + line.removeprefix("makemore")
    _print(console, "  " + _cell(console, line), style or "")


def table(console: Console, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose first column holds words and whose other columns hold numbers.

    If the terminal is too narrow, every row becomes a paragraph: its label, then its numbers, one per line,
    each after the name of its column. A row whose label begins with a space belongs to the row before it.
    """
    shown = [[_cell(console, cell) for cell in row] for row in [head, *rows]]
    widths = [max(map(width_of, column)) for column in zip(*shown, strict=True)]
    if console.is_terminal and sum(widths) + 2 * (len(widths) - 1) > console.width:
        _paragraphs(console, *shown)
        return
    for i, (label, *cells) in enumerate(shown):
        line = _padded(label, widths[0])
        line += "".join("  " + _padded(c, w, True) for c, w in zip(cells, widths[1:], strict=True))
        _print(console, line.rstrip(), "bold" if not i else "dim" if label[:1] == " " else "")


def _paragraphs(console: Console, head: Sequence[str], *rows: Sequence[str]) -> None:
    """Print the rows of a table as paragraphs."""
    wide = max(map(width_of, head[1:])) + 2
    if head[0]:
        _print(console, head[0], "bold")
    if more := list(dict.fromkeys(row[0].strip() for row in rows if row[0][:1] == " ")):
        _print(console, f"after each number its {' and '.join(more)}", "dim")
    paragraphs: list[tuple[str, list[list[str]]]] = []  # of each, the cells of each column
    for label, *cells in rows:
        if label[:1] != " " or not paragraphs:
            paragraphs.append((label, [[] for _ in cells]))
        for column, cell in zip(paragraphs[-1][1], cells, strict=True):
            column.extend([cell] if cell else [])
    for label, columns in paragraphs:
        for line in wrapped(label, console.width, "  "):
            _print(console, line, "bold")
        for name, parts in zip(head[1:], columns, strict=True):
            if parts:
                text = "  " + name + " " * (wide - width_of(name)) + "  ".join(parts)
                for line in wrapped(text, console.width, " " * (wide + 2)):
                    _print(console, line)


def notes(console: Console, rows: Iterable[tuple[str, str, str]]) -> None:
    """Print rows of a label, a number and a note, which goes below if there is no room beside."""
    shown = [[_cell(console, cell) for cell in row] for row in rows]
    label, number = (max(width_of(row[i]) for row in shown) for i in (0, 1))
    room = console.width - label - number - 4 if console.is_terminal else None
    for name, value, note in shown:
        if room is None or room >= NOTE:
            first, *more = [note] if room is None else wrapped(note, room)
            _noted(console, f"{_padded(name, label)}  {_padded(value, number, True)}", f"  {first}".rstrip())
            below = [" " * (label + number + 4) + line for line in more]
        else:
            for line in wrapped(f"{name}  {value}".rstrip(), console.width, "  "):
                _print(console, line)
            below = wrapped("  " + note, console.width, "  ") if note else []
        for line in below:
            _print(console, line, "dim")


def _noted(console: Console, plain: str, dim: str) -> None:
    if console.is_terminal:
        console.print(Text.assemble(plain, (dim, "dim")), highlight=False, soft_wrap=True)
    else:
        _print(console, plain + dim)


def _padded(text: str, width: int, right: bool = False) -> str:
    space = " " * (width - width_of(text))
    return space + text if right else text + space


def _cell(console: Console, text: str) -> str:
    return visible(text).expandtabs(4) if console.is_terminal else text


def _print(console: Console, line: str, style: str = "") -> None:
    """Print a line as it is."""
    if console.is_terminal:
        console.print(Text(line, style=style), highlight=False, soft_wrap=True)
    elif not console.quiet:  # without rich, which would expand tabs and drop control characters
        console.file.write(line + "\n")
