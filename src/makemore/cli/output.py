"""What commands print: lines for as long as they are read, JSON, and the status of work in progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from makemore.cli.streams import OutputEnded, is_unicode
from makemore.cli.terminal import for_stream, visible_json
from makemore.corpus.reading import BLANK, FILE, Reading
from makemore.errors import visible


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


def apart(things: Iterable[str], reading: Reading | None) -> Iterator[str]:
    """Yield things with what is between them in the list that they are like; lines have nothing between them."""
    separator = separator_of(reading)
    for i, thing in enumerate(things):
        if i and separator:
            yield "" if separator in (BLANK, FILE) else separator
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
