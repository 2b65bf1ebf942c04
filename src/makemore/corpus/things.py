"""Things of several lines: the lines of a file are joined into things, each on one line inside.

LINE_BREAK is where a thing's lines end. Things are separated by blank lines, by a line of its own, or each file
is one thing. Blank lines at a thing's ends are dropped, and white space at the end of its lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from makemore.corpus.characters import LINE_BREAK
from makemore.corpus.decode import BAD, Piece
from makemore.corpus.reading import BLANK, FILE, How
from makemore.errors import MakemoreError, shown


class Things:
    """Joins the lines of files into things, and counts what it met."""

    def __init__(self, how: How) -> None:
        self._how = how
        self.separators = 0
        """Separators so far; blank lines that follow each other are one."""
        self.stripped = 0
        """Lines that lost white space at their ends."""

    @property
    def occurs(self) -> bool:
        """Whether there are as many separators as there have to be."""
        how = self._how
        return how.separator in (None, FILE) or how.column is not None or self.separators > 0

    def of(self, pieces: Iterable[Piece], name: str, endless: int) -> Iterator[Piece]:
        """Yield the pieces of a file with a thing on each line; those that could not be decoded are blank.

        Raises MakemoreError if a thing has more than `endless` characters.
        """
        lines: list[str] = []  # of the thing that may go on
        size, position = 0, 0
        for piece in pieces:
            position = piece.position
            found: list[str] = []
            for line in piece.text[:-1].split("\n"):
                if separates(line, self._how.separator):
                    self.separators += bool(lines) or self._how.separator != BLANK
                    found.append(self._joined(lines, name))
                    lines, size = [], 0
                else:
                    lines.append(line)
                    size += len(line) + 1
            if size > endless:
                raise MakemoreError(
                    f"{name}: a thing has more than {endless:,} characters; choose another separator",
                    option="separator",
                )
            yield from _piece(found, position)
        yield from _piece([self._joined(lines, name)], position)

    def _joined(self, lines: list[str], name: str) -> str:
        if any(LINE_BREAK in line for line in lines):
            raise MakemoreError(
                f"{name}: the character U+{ord(LINE_BREAK):04X} is the one that separator uses for itself; replace it",
                option="separator",
            )
        if not self._how.keep_spaces:
            self.stripped += sum(line != line.rstrip() != "" for line in lines)
        return joined(lines, self._how.keep_spaces)


def separates(line: str, separator: str | None) -> bool:
    """Return whether a line is between two things."""
    return separator != FILE and line.strip() == ("" if separator == BLANK else separator)


def _piece(things: list[str], position: int) -> Iterator[Piece]:
    things = [thing for thing in things if thing]
    if things:
        bad = sum(BAD in thing for thing in things)
        text = "".join(("" if BAD in thing else thing) + "\n" for thing in things)
        yield Piece(text, position, bad)


def joined(lines: list[str], keep_spaces: bool) -> str:
    """Return the lines of a thing as one, tidied; empty if all are blank."""
    bare = [line.rstrip() for line in lines]
    there = [i for i, line in enumerate(bare) if line]
    kept = lines if keep_spaces else bare
    return LINE_BREAK.join(kept[there[0] : there[-1] + 1]) if there else ""


def thing_of(text: str, keep_spaces: bool) -> str:
    """Return a text of several lines as one, tidied; its line ends may be those of any system."""
    return joined(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), keep_spaces)


def never(how: How, where: str) -> MakemoreError:
    """Return the error for a separator that never occurs."""
    mark = "blank line" if how.separator == BLANK else f"line that is {shown(repr(how.separator))}"
    return MakemoreError(
        f"{where}: has no {mark}, so all of it would be one thing; choose another separator, or leave it out if "
        "each line is a thing",
        option="separator",
    )
