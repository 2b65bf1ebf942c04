"""Files that are tables where lines are wanted: refused with their columns, unless somebody asks for whole rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import How
from makemore.corpus.source import is_plain
from makemore.errors import MakemoreError, shown
from makemore.metrics.columns import Table, columns_of
from makemore.metrics.looks import SNIFFED, look, table_in

_LEAST = 3
"""The fewest different lines that can be told to be a table, as many as a list has."""


def check_no_table(corpus: Corpus, how: How) -> Corpus:
    """Return the corpus, or raise MakemoreError if it is the rows of a table, and nobody asked for these."""
    reading = corpus.reading
    if how.column is not None or how.as_lines or reading is None or is_plain(reading):
        return corpus
    if (table := look(corpus).table) is not None:
        raise _refusal(reading.source, table)
    return corpus


def no_rows(lines: Iterable[str], name: str, how: How, own: Corpus) -> Iterator[str]:
    """Yield the lines of a file; raise MakemoreError first if they are the rows of a table.

    Rows are fine if somebody asked for them, or if they are what the run learned.

    Args:
        lines: The lines as they are in the file.
        name: What messages call the file.
        how: How it is read.
        own: The lines of the run that they are for.

    """
    some = iter(lines)
    if how.column is None and not how.as_lines and how.separator is None:
        start: list[str] = []
        problem: MakemoreError | None = None
        try:
            for line in islice(some, SNIFFED):
                start.append(line)
        except MakemoreError as error:  # what comes before it is good
            problem = error
        stripped = [line.strip() for line in start if line.strip()]
        table = table_in(stripped) if len({*stripped}) >= _LEAST else None
        if table is not None and look(own).table is None:
            raise _refusal(name, table)
        yield from start
        if problem is not None:
            raise problem
    yield from some


def _refusal(name: str, table: Table) -> MakemoreError:
    return MakemoreError(
        f"{shown(name)}: looks like a table with the columns {columns_of(table)}; choose one, for example with "
        f"{table.option}, or take whole rows with as_lines=True",
        option=("column", "as_lines"),
    )
