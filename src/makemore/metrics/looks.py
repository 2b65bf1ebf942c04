"""What a list looks like: its format, a header, and marks on some of its lines.

`inspect` and `train` both use it, before any training. The formats and their remedies are in forms.py.
"""

from __future__ import annotations

import contextlib
import csv
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from makemore.corpus.characters import in_clusters
from makemore.corpus.corpus import Corpus
from makemore.corpus.tables import cells as cells_of
from makemore.corpus.tables import is_header, usual
from makemore.errors import percent
from makemore.files.results import Result
from makemore.metrics.advice import Warned
from makemore.metrics.columns import Table, columns_of, of_keys, table_of
from makemore.metrics.forms import FORMATS, MARKS, Format

FAR = 5
"""A line this many times as long as the 95th percentile is an outlier."""

DUPLICATES = 0.20
"""The share of duplicates above which they are worth a warning."""

CLUSTERS = 0.02
"""The share of code points in characters of several above which these are worth a warning."""

TOP, SNIFFED = 50, 1000
"""Lines at the top, and lines chosen at random, by which the format is recognised."""

_SEARCHED, _CHARACTERS = 50_000, 2_000_000
"""In lists with at most this many lines and characters, every line is searched for marks."""

_MOST = 0.5
"""If more than this share of the lines have comments or tags, these are the list itself."""

REPAIRED = "lines.txt"
"""The file that the commands of remedies write."""

_LEAST = next(form.least for form in FORMATS if form.name == "csv")


@dataclass(frozen=True)
class Mark(Result):
    """Something on some of the lines."""

    name: str
    """A name of MARKS."""
    share: float
    """The share of the lines searched that have it."""
    example: str
    """One of the lines."""


@dataclass(frozen=True)
class Looks:
    """What a list looks like."""

    name: str
    """A name of FORMATS, or "list"."""
    share: float
    """The share of lines in this format."""
    header: str | None = None
    """The first line, if it looks like a header."""
    marks: tuple[Mark, ...] = ()
    example: str = ""
    """A line in this format."""
    table: Table | None = None
    """The columns, if it is a table."""
    clusters: float = 0.0
    """The share of code points that are parts of characters of several, unless these are taken as one."""
    cluster: str = ""
    """One of these characters."""
    groups: int = 0
    """Groups of lines separated by blank lines, if each group may be one thing; else 0."""


def look(corpus: Corpus) -> Looks:
    """Return what a list looks like, from its first lines and some at random; takes about 0.1 seconds."""
    random, n = np.random.default_rng(0), len(corpus)
    rows = random.permutation(n)[:SNIFFED] if n < 1 << 22 else random.integers(n, size=SNIFFED)
    top, *some = corpus.lines(np.append(0, rows))
    read = corpus.reading
    exported = read is not None and read.source.lower().endswith((".csv", ".tsv"))
    start = corpus.lines(np.arange(min(n, SNIFFED)))
    things = read is not None and bool(read.separator)  # which nobody takes for a format
    looks = Looks("list", 1.0) if things else _form(top, some, start, exported)
    if read is not None and read.column:  # its header was left out already
        looks = replace(looks, header=None)
    if not corpus.on_disk and n <= _SEARCHED and len(corpus.tokens) <= _CHARACTERS:
        some = corpus.lines(np.arange(n))
    else:
        some = corpus.lines(np.append(np.arange(min(TOP, n)), rows))
    groups = read.gaps + 1 if read is not None else 0
    if looks.name != "list" or groups < 4 or not 1.5 <= n / groups <= 30:
        groups = 0
    share, example = (0.0, "") if corpus.vocab.forms.clusters else in_clusters(some)
    return replace(looks, marks=_marks(some, looks.name), groups=groups, clusters=share, cluster=example)


def table_in(lines: list[str]) -> Table | None:
    """Return the columns of a file that begins with these lines; None if they are no table."""
    return _form(lines[0], lines, lines, exported=False).table


# the format


def _form(top: str, some: list[str], start: list[str], exported: bool) -> Looks:
    """Return the format of a list.

    Args:
        top: Its first line.
        some: Lines chosen at random.
        start: The first lines, in order: a cell in quotes may have a line break in it.
        exported: Whether its name is that of a table, whose first line names the columns, even a single one.

    """
    cells = {mark: [cells_of(line, mark) for line in some] for mark in ("\t", ";", ",")}
    for each in cells.values():
        if all(fields[-1] == "" for fields in each):  # the marks only end lines
            for fields in each:
                fields.pop()
    same = {mark: usual([len(fields) for fields in each]) for mark, each in cells.items()}
    first: list[list[str]] = []
    if max(same.values()) < _LEAST and any('"' in line for line in start):
        for mark in cells:
            with contextlib.suppress(csv.Error):  # a quote that is never closed
                rows = [row for row in csv.reader(start, delimiter=mark) if row][:-1]
                if rows and (share := usual([len(row) for row in rows])) > same[mark]:
                    first, same[mark] = rows, share
    mark = max(same, key=lambda mark: same[mark])  # the first if several are equal
    name, share, example = "list", 1.0, ""
    for form in FORMATS:
        if form.first and not re.match(form.first, top):
            continue
        fits = [line for line in some if form.fits(line)]
        found = len(fits) / len(some)
        if form.name in ("tsv", "csv"):
            found = same[mark] if (mark == "\t") == (form.name == "tsv") else 0.0
        if found >= form.least:
            name, share, example = form.name, found, fits[0] if fits else ""
            break
    if name == "json":
        return Looks(name, share, example=example, table=of_keys([*filter(form.fits, start)]))
    if name not in ("tsv", "csv"):
        named = is_header([top], []) or (exported and some.count(top) < 2)
        header = top if name in ("list", "quoted") and named else None
        return Looks(name, share, header, example=example)
    first = first or [cells_of(line, mark) for line in start]
    header = top if is_header(first[0], first) else None
    return Looks(name, share, header, table=table_of(first[0] if header else [], first))


def _marks(lines: list[str], name: str) -> tuple[Mark, ...]:
    """Return what is on some of the lines. name: The format of the list."""
    found = []
    for mark in MARKS:
        if name in ("markup", "json", "json_array") and mark.name in ("entities", "tags"):
            continue
        having = [line for line in lines if mark.fits(line)]
        share = len(having) / len(lines)
        few = mark.name == "encoded_twice" and len(having) < 2  # a single such line may be intended
        most = mark.name in ("separators", "comments", "tags") and share > _MOST
        if having and share >= mark.least and not few and not most:
            found.append(Mark(mark.name, share, having[0]))
    return tuple(found)


# warnings


@dataclass(frozen=True)
class _Repair:
    """Something to say about a list, what to do, and the command that does it."""

    message: str
    remedy: str
    command: str = ""
    options: tuple[str, ...] = ()


def warnings(looks: Looks, source: str, undecodable: int = 0) -> list[Warned]:
    """Return the warnings about what a list looks like.

    The commands of all remedies are one pipeline, in the first remedy that has a command; they name `source`.
    `undecodable` lines were dropped because they are not in the encoding.
    """
    forms = {form.name: form for form in (*FORMATS, *MARKS)}
    first: list[_Repair] = []
    header: list[_Repair] = []
    last: list[_Repair] = []
    if looks.name != "list":
        first.append(_of_format(looks, forms[looks.name]))
    if looks.header and looks.table is None:
        message = f"a header: the first line is {looks.header[:60]!r}"
        header.append(_Repair(message, "remove that line if it is one", "tail -n +2"))
    for mark in looks.marks:
        repair = _of_mark(mark, forms[mark.name])
        (header if mark.name in ("comments", "line_ends") else last).append(repair)
    if looks.groups:
        message = f"another format: {looks.groups:,} groups of lines with blank lines between them"
        remedy = "nothing if each line is a thing; if each group is one, use separator=blank"
        last.append(_Repair(message, remedy, options=("separator",)))
    valid = ["grep -ax '.*'"] * bool(undecodable)  # only lines that can be decoded
    commands = [each.command for each in (*header, *first, *last) if each.command]
    pipeline = _pipeline([*valid, *commands], source)
    warned, done = [], False
    for each in (*first, *header, *last):
        remedy = each.remedy
        if each.command:
            remedy += "; the command above does that too" if done else f": {pipeline}"
            done = True
        warned.append(Warned("other_format", each.message, remedy, options=each.options))
    if looks.clusters >= CLUSTERS:
        said = (
            f"long characters: {percent(looks.clusters)} of the code points are parts of characters such as "
        )
        remedy = "take each of these as one character with graphemes=True, so that samples never split one"
        warned.append(Warned("long_characters", said + repr(looks.cluster), remedy, options=("graphemes",)))
    return warned


def _pipeline(commands: list[str], source: str) -> str:
    """Return one command that runs all commands on a file."""
    try:
        name = shlex.quote(source) if Path(source).is_file() else "FILE"
    except (OSError, ValueError):
        name = "FILE"
    first, *rest = commands or [""]
    filters, *more = first.split(" | ")  # the first program reads the file
    return " | ".join([f"{filters} < {name}", *more, *rest]) + f" > {REPAIRED}"


def _of_mark(mark: Mark, form: Format) -> _Repair:
    said = f"another format: {percent(mark.share)} of the lines have {form.called} ({mark.example[:60]!r})"
    return _Repair(said, form.remedy, form.command(mark.example), form.options)


def _of_format(looks: Looks, form: Format) -> _Repair:
    said = f"another format: {percent(looks.share)} of the lines look like {form.called}"
    if looks.table is None:
        return _Repair(said, form.remedy, form.command(looks.example))
    remedy = (
        f"read one of its columns, for example with {looks.table.option}; it has {columns_of(looks.table)}"
    )
    return _Repair(said, remedy, options=("column",))


def before_training(corpus: Corpus) -> list[Warned]:
    """Return the warnings about a list before training: those of `inspect` that take no time."""
    reading = corpus.reading
    if reading is None or reading.bundled:
        return []
    warned = warnings(look(corpus), reading.source, reading.undecodable)
    warned += copies(len(corpus), corpus.distinct)
    some = corpus.lengths_of(np.linspace(0, len(corpus) - 1, min(len(corpus), 2 * SNIFFED)).astype(np.int64))
    usual = float(np.quantile(some, 0.95))
    if corpus.longest > FAR * usual:
        warned.append(long_lines(corpus.longest, usual))
    return warned


def copies(lines: int, different: int) -> list[Warned]:
    """Warn of duplicate lines if there are many."""
    if (share := 1 - different / lines) <= DUPLICATES:
        return []
    said = f"duplicates: {lines - different:,} lines ({share:.0%}) are copies of others"
    remedy = "nothing if it matters how often a thing occurs; otherwise deduplicate the file first"
    return [Warned("duplicates", said, remedy)]


def long_lines(longest: int, usual: float) -> Warned:
    """Warn of lines far longer than the others. usual: The 95th percentile of the lengths."""
    return Warned(
        "long_lines",
        f"long lines: the longest has {longest:,} characters, 95% have at most {usual:,.0f}",
        f"drop them with max_length={2 * round(usual)}, unless you want them",
        options=("max_length",),
    )
