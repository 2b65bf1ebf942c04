"""One column of a table, a piece of the file at a time: CSV, TSV, JSON lines and Parquet.

A table of text becomes lines: the values of a column, each on one line. A missing value is a blank line,
which is dropped as in any list. Line breaks in a value become spaces; with `separator` they stay, since each
value is a thing.
"""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from makemore.corpus.decode import Piece, decoded
from makemore.corpus.labels import Labels
from makemore.corpus.reading import How
from makemore.corpus.sizes import Sizes
from makemore.corpus.source import name_of, opened
from makemore.corpus.things import thing_of
from makemore.errors import MakemoreError, alike, shown

SEPARATORS = "\t;,|"
"""What separates columns; the first if several fit equally well."""

THINGS = {"name", "names", "word", "words", "title", "titles", "text", "company"}
_HEADERS = THINGS | {"label", "id", "value"}
"""Names of columns, by which a header is recognised."""

NUMBER = re.compile(r"[-+(]?\d[\d ./()-]*(,\d+)?")
"""A number, a date, a telephone number."""

_LOOKED_AT, _NAMED = 1000, 8  # rows that tell what a table is like; columns that a message names
_MAGIC = re.compile(rb"PAR1[\x15\x19\x1c]")  # the first bytes of Parquet


def values(path: Path, how: How, sizes: Sizes, labels: Labels | None = None) -> Iterator[Piece]:
    """Yield the values of column `how.column` of a file, each followed by a newline, in pieces.

    With `labels`, each comes after the character of its label, from column `how.label`.

    Raises MakemoreError if the file has no such column, or is no table.
    """
    wanted = _Wanted(str(how.column), str(how.label), labels, how)
    if _is_parquet(path):
        yield from _of_parquet(path, wanted)
        return
    name, pieces = name_of(path), decoded(path, how, sizes)
    first = next(pieces, None)
    if first is None:  # an empty file, which reading reports
        return
    if first.text.lstrip().startswith("{"):
        yield from _of_json(chain([first], pieces), name, wanted)
    else:
        yield from _of_text(first, pieces, name, wanted)


@dataclass(frozen=True)
class _Wanted:
    """What is wanted of a table."""

    column: str
    """The column of the lines, by name or number."""
    label: str
    """The column of their labels, if `labels` is given."""
    labels: Labels | None
    how: How

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns that are read, and the options that name them."""
        return [(self.column, "column")] + [(self.label, "label")] * (self.labels is not None)

    def line(self, values: Sequence[str | None]) -> str:
        """Return the line, with its newline, of the values of `columns` in a row; None for missing ones.

        Line breaks in a value become spaces unless it is a thing of several lines.
        """
        value, keep_spaces = values[0] or "", self.how.keep_spaces
        line = " ".join(value.split("\n")) if self.how.separator is None else thing_of(value, keep_spaces)
        if self.labels is not None:
            tidy = keep_spaces or self.how.separator is not None  # a thing keeps its indentation
            line = self.labels.marked(values[1], line, tidy)
        return line + "\n"


# tables of text


def cells(line: str, mark: str) -> list[str]:
    """Split a line at a mark, but not inside quotes, nor at a comma before a space, as in "Doe, Jane"."""
    line = line[:100_000]  # csv refuses longer fields
    return next(csv.reader([line.replace(", ", " ") if mark == "," else line], delimiter=mark))


def usual(columns: list[int]) -> float:
    """Return the share of lines that have the most common number of columns; 0 if that is one column."""
    (most, times), *_ = Counter(columns).most_common(1)
    return times / len(columns) if most > 1 else 0.0


def is_header(names: list[str], rows: list[list[str]]) -> bool:
    """Say whether the first line names columns: it has a usual name, or words above numbers."""
    if any(name.strip(' "').casefold() in _HEADERS for name in names):
        return True
    rows = [row for row in rows if len(row) == len(names)]
    enough = max(1.0, 0.9 * (len(rows) - 1))
    return any(
        not NUMBER.fullmatch(name.strip())
        and sum(bool(NUMBER.fullmatch(row[i].strip())) for row in rows) >= enough
        for i, name in enumerate(names)
    )


def _of_text(first: Piece, more: Iterator[Piece], name: str, wanted: _Wanted) -> Iterator[Piece]:
    mark = _separator(first.text)
    start = csv.reader(first.text[:100_000].split("\n")[:_LOOKED_AT], delimiter=mark)
    top = [row for row in start if row]
    found_at = [_place(top, name, *column) for column in wanted.columns]
    places, header = [place for place, _ in found_at], any(named for _, named in found_at)
    lines = _Lines(chain([first], more))
    rows = csv.reader(lines, delimiter=mark)
    piece, found = first, list[str]()
    try:
        for row in rows:
            if lines.piece is not piece and found:
                yield Piece("".join(found), piece.position, piece.undecodable)
                piece, found = lines.piece, []
            if row and header:
                header = False
            else:  # a blank line, or a row that ends too soon, has no value
                found.append(wanted.line([row[at] if at < len(row) else None for at in places]))
    except csv.Error as error:
        raise MakemoreError(
            f"{name}: line {rows.line_num:,}: {error}; a quote may never be closed: mend it, or train on whole "
            "rows with as_lines",
            option="as_lines",
        ) from None
    if found:
        yield Piece("".join(found), lines.piece.position, lines.piece.undecodable)


class _Lines(Iterator[str]):
    """The lines of pieces of text, each with its newline; remembers the piece of the last line."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._lines = ((piece, line) for piece in pieces for line in _split(piece.text))

    def __next__(self) -> str:
        self.piece, line = next(self._lines)
        return line


def _split(text: str) -> Iterator[str]:
    """Yield the lines of a text with their newlines; unlike str.splitlines, at nothing else."""
    for line in text[:-1].split("\n"):
        yield line + "\n"


def _separator(text: str) -> str:
    """Return what separates the columns of a table, by its first lines."""
    lines = [line for line in text[:100_000].split("\n")[:_LOOKED_AT] if line][:-1] or [text.split("\n")[0]]
    share = {mark: usual([len(row) for row in csv.reader(lines, delimiter=mark)]) for mark in SEPARATORS}
    return max(SEPARATORS, key=lambda mark: share[mark]) if any(share.values()) else ","


def _place(top: list[list[str]], name: str, column: str, option: str) -> tuple[int, bool]:
    """Return the index of a column, by its name or its number from 1, and whether there is a header."""
    names = [each.strip() for each in top[0]] if top else []
    if column in names:
        return names.index(column), True
    if column.isdecimal():
        if not 1 <= int(column) <= len(names):
            raise _no_column(name, column, names, option)
        return int(column) - 1, is_header(names, top[1:])
    raise _no_column(name, column, names, option)


def _no_column(name: str, column: str, names: list[str], option: str) -> MakemoreError:
    guess = alike(column, names) or " give one of these, or a number from 1"
    return MakemoreError(
        f"{name}: {option}={shown(column)}: no such column; there are {_listed(names)};{guess}", option=option
    )


def _listed(names: list[str]) -> str:
    known = ", ".join(shown(each or "(no name)") for each in names[:_NAMED])
    return (known or "none") + f" and {len(names) - _NAMED:,} more" * (len(names) > _NAMED)


# JSON lines


def _of_json(pieces: Iterable[Piece], name: str, wanted: _Wanted) -> Iterator[Piece]:
    number, keys = 0, Counter[str]()
    for piece in pieces:
        found = []
        for line in _split(piece.text):
            number += 1
            row = _row(line, name, number) if line.strip() else {}
            keys.update(row.keys())
            found.append(wanted.line([_value(row, *column, name, number) for column in wanted.columns]))
        if not keys[wanted.column]:
            raise _no_column(name, wanted.column, list(keys), "column")
        yield Piece("".join(found), piece.position, piece.undecodable)
    if wanted.labels is not None and not keys[wanted.label]:  # the first rows may lack it
        raise _no_column(name, wanted.label, list(keys), "label")


def _row(line: str, name: str, number: int) -> dict[str, Any]:
    """Return the JSON object on a line."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise MakemoreError(
            f"{name}: line {number:,} is not a JSON object, as the lines before it are; mend it, or train on "
            "whole lines with as_lines",
            option="as_lines",
        )
    return row


def _value(row: dict[str, Any], column: str, option: str, name: str, number: int) -> str | None:
    """Return the value of a key; None if there is none."""
    value = row.get(column)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        raise MakemoreError(
            f"{name}: line {number:,}: {shown(column)} is not one value but several; choose another column",
            option=option,
        )
    return json.dumps(value)


# Parquet


def check_not_parquet(path: Path) -> None:
    """Raise MakemoreError if a file is Parquet, naming its columns: it has no lines."""
    if _is_parquet(path):
        with _parquet(path) as file:
            names = file.schema_arrow.names
        raise MakemoreError(
            f"{shown(path)}: is a Parquet table with the columns {_listed(names)}; choose one, for example with "
            f"column={shown(names[0]) if names else 'NAME'}",
            option="column",
        )


def _is_parquet(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with opened(path) as file:
            return _MAGIC.match(file.read(5)) is not None
    except OSError:  # said when its lines are read
        return False


@contextlib.contextmanager
def _parquet(path: Path) -> Iterator[Any]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MakemoreError(
            f"{shown(path)}: is a Parquet table; install makemore[parquet] to read it, or export what you want "
            "as text"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (ArrowException, OSError) as error:
        said = " ".join(str(error).split())[:200]
        raise MakemoreError(f"{shown(path)}: is a Parquet table that cannot be read: {said}") from None


def _of_parquet(path: Path, wanted: _Wanted) -> Iterator[Piece]:
    size = path.stat().st_size
    with _parquet(path) as file:
        names, columns = file.schema_arrow.names, []
        for column, option in wanted.columns:
            if column not in names and column.isdecimal() and 1 <= int(column) <= len(names):
                column = names[int(column) - 1]
            if column not in names:
                raise _no_column(shown(path), column, names, option)
            columns.append((column, option))
        done, rows = 0, max(1, file.metadata.num_rows)
        for batch in file.iter_batches(columns=[column for column, _ in columns]):
            done += batch.num_rows
            each = [
                [_of_arrow(value, path, *column) for value in batch.column(column[0]).to_pylist()]
                for column in columns
            ]
            text = "".join(map(wanted.line, zip(*each, strict=True)))
            yield Piece(text, size * done // rows, 0)


def _of_arrow(value: object, path: Path, column: str, option: str) -> str | None:
    if isinstance(value, dict | list | bytes):
        raise MakemoreError(
            f"{shown(path)}: column {shown(column)} does not hold text; choose another", option=option
        )
    return None if value is None else str(value)
