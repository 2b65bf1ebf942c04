"""What commands print: lines for as long as they are read, JSON, and the status of work in progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, count
from typing import TYPE_CHECKING

from makemore.cli.streams import OutputEnded, is_unicode
from makemore.cli.terminal import for_stream, visible_json
from makemore.corpus.reading import BLANK, FILE, Reading
from makemore.errors import visible

if TYPE_CHECKING:
    from makemore.runs.run import Run

RULE = 20
"""How long a rule between things is."""


def print_lines(lines: Iterable[str], spell: Callable[[str], str] = visible, first: bool = True) -> None:
    """Print lines, or things of several, for as long as somebody reads them; all are consumed in any case.

    `spell` escapes the characters that a terminal would obey. Only the first of several processes prints.
    """
    shown = for_stream(sys.stdout, spell)
    try:
        for line in lines:
            if first:
                sys.stdout.write("\n".join(map(shown, line.split("\n"))) + "\n")
        sys.stdout.flush()
    except OutputEnded as ended:
        if not ended.unread:
            raise


def json_of(value: object) -> str:
    """Return a value as JSON that standard output can encode."""
    from makemore.files.json_io import to_json

    return to_json(value, ascii=not is_unicode())


def print_json(value: object) -> None:
    """Print a value as one JSON object, with nothing in it that a terminal would obey."""
    print(for_stream(sys.stdout, visible_json)(json_of(value)))


def separator_of(reading: Reading | None) -> str | None:
    """Return what is between the things of a run's list; None if each line is a thing."""
    return reading.separator or None if reading is not None else None


def between(run: Run) -> str | None:
    """Return the line to print between two things of a run; None if each line is a thing.

    It is what is between them in the list. Where that is nothing, things may have blank lines in them, or any
    other line of characters that the run knows; it is then a rule of a character that the run does not know.
    """
    separator = separator_of(run.reading)
    if run.reading is None or separator is None:
        return None
    if separator == FILE or run.reading.column:
        return rule(run.vocab.characters)
    return "" if separator == BLANK else separator


def rule(known: str) -> str:
    """Return a line to print between things, of a character that is not among those known."""
    return RULE * next(c for c in chain("-=~*#_", map(chr, count(0x2500))) if c not in known)


def apart(things: Iterable[str], line: str | None) -> Iterator[str]:
    """Yield things with a line between them, if it is not None."""
    for i, thing in enumerate(things):
        if i and line is not None:
            yield line
        yield thing


@contextmanager
def status(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Give a function that shows on a terminal what is being done, until the block ends."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("loading PyTorch ...") as shown:
        yield lambda text: shown.update(Text(visible(text)))
