"""Safe and readable text on a terminal: control characters are escaped, words and commands never broken."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import IO

from makemore.errors import obeyed, visible

_WORDS = re.compile(r"`[^`]*`[^\s`]*|[^ ]+")
"""The pieces that a line is never broken inside: words, and commands between backticks."""


def visible_json(text: str) -> str:
    """Return JSON of the same meaning with the characters escaped that a terminal would obey."""
    if text.isascii():  # JSON itself escapes control characters below the space
        return text.replace("\x7f", "\\u007f")
    return "".join(json.dumps(c)[1:-1] if obeyed(c) and c != "\n" else c for c in text)


def for_stream(stream: IO[str] | None, spell: Callable[[str], str] = visible) -> Callable[[str], str]:
    """Return the function to apply to a text before it is written: `spell` for a terminal, else none."""
    try:
        terminal = stream is not None and stream.isatty()
    except ValueError:  # closed
        terminal = False
    return spell if terminal else _as_it_is


def _as_it_is(text: str) -> str:
    return text


@contextlib.contextmanager
def waiting(text: str, stream: IO[str] | None = None) -> Iterator[None]:
    """Show a text on a terminal until the block ends. stream: Where; None takes standard output."""
    stream = sys.stdout if stream is None else stream
    first = os.environ.get("RANK", "0") == "0"  # of several processes
    terminal = first and for_stream(stream) is visible and os.environ.get("TERM") != "dumb"
    if terminal:
        stream.write(clipped(text, columns() - 1))
        stream.flush()
    try:
        yield
    finally:
        if terminal:
            stream.write("\r\x1b[K")
            stream.flush()


def width_of(text: str) -> int:
    """Return how many cells a text takes: two for an East Asian wide character, none for a combining mark."""
    if text.isascii():
        return len(text)
    return sum(_cells(c) for c in text)


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clipped(text: str, width: int) -> str:
    """Return a text cut to a width in cells, with an ellipsis at the end if it was longer."""
    if width_of(text) <= width:
        return text
    taken, kept = 0, ""
    for c in text:
        taken += _cells(c)
        if taken > width - 1:
            break
        kept += c
    return kept + "…"


def wrapped(text: str, width: int, hang: str = "") -> list[str]:
    """Break a text into lines of at most `width` cells at spaces; lines after the first begin with `hang`.

    The first line keeps the spaces that the text begins with. A word longer than a line, or a command between
    backticks, stays in one piece.
    """
    if width_of(text) <= width:
        return [text]
    lead = text[: len(text) - len(text.lstrip(" "))]
    lines, line, empty, end = [], lead, True, len(lead)
    for word in _WORDS.finditer(text):
        gap = "" if empty else " " * (word.start() - end)
        if not empty and width_of(line) + len(gap) + width_of(word[0]) > width:
            lines.append(line)
            line, gap = hang, ""
        line += gap + word[0]
        empty, end = False, word.end()
    return [*lines, line]


@functools.cache
def program() -> str:
    """Return how makemore is started again from the shell that started this command."""
    by_uv = "UV_RUN_RECURSION_DEPTH" in os.environ
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)[by_uv:]  # uv run puts its own one first
    if shutil.which("makemore", path=os.pathsep.join(places)):
        return "makemore"
    return "uv run makemore" if by_uv else "python -m makemore"


def tell(text: str, hang: str = "", stream: IO[str] | None = None) -> None:
    """Print a line: on a terminal wrapped and with control characters escaped, elsewhere as it is.

    Lines after the first begin with `hang`. None takes standard output.
    """
    text = text.replace("`makemore ", f"`{program()} ")  # so that it can be pasted
    stream = sys.stdout if stream is None else stream
    if for_stream(stream) is visible:
        text = "\n".join(wrapped(visible(text), columns(), hang))
    print(text, file=stream, flush=True)


def columns() -> int:
    """Return the width of the terminal in cells."""
    return max(20, shutil.get_terminal_size((80, 24)).columns)
