"""The columns of a table: their names, examples, and which one probably has the things."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from dataclasses import dataclass, replace

from makemore.corpus.tables import NUMBER, THINGS
from makemore.errors import shown

_COLUMNS = 8
"""The most columns that advice names."""


@dataclass(frozen=True)
class Table:
    """The columns of a table."""

    columns: tuple[tuple[str, str], ...]
    """For each column its name, or its number if there is no header, and an example."""
    choice: str
    """The column that probably has the things."""
    named: str = ""
    """What the first line has in that column, if it may be its name, though nothing shows that it is one."""

    @property
    def option(self) -> str:
        """The argument that reads the column, for a message."""
        if not self.named:
            return f"column={shlex.quote(self.choice)}"
        return (
            f"column={shlex.quote(self.choice)}, or column={shlex.quote(shown(self.named))} if the first line has "
            "the names of the columns"
        )


def table_of(names: list[str], rows: list[list[str]]) -> Table:
    """Return the columns of a table. names: The names of the columns, if there is a header."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    top, rows = rows[0], [row for row in rows if len(row) == width and row != names]
    named = [name.strip() for name in names] if len(names) == width else [""] * width
    columns = list(zip(*rows, strict=True))
    table = _described([name or str(i) for i, name in enumerate(named, 1)], columns)
    others = {cell.strip() for row in rows if row is not top for cell in row}
    cells = [cell.strip() for cell in top]
    if not names and len(top) == width and all(_may_name(cell) and cell not in others for cell in cells):
        return replace(table, named=cells[int(table.choice) - 1])
    return table


def _may_name(cell: str) -> bool:
    return cell != "" and not NUMBER.fullmatch(cell)


def of_keys(lines: list[str]) -> Table | None:
    """Return the keys of JSON objects as the columns of a table; None if there are no objects."""
    rows = [row for row in map(json.loads, lines) if isinstance(row, dict)]
    names = list(dict.fromkeys(key for row in rows for key in row))
    columns = [tuple(str(row[name]) for row in rows if row.get(name) is not None) for name in names]
    return _described(names, columns) if names else None


def _described(names: list[str], columns: list[tuple[str, ...]]) -> Table:
    # words before numbers, then a name that says so, then the most different things
    words = [sum(any(map(str.isalpha, cell)) for cell in cells) / max(1, len(cells)) for cells in columns]
    ranks = [
        (share >= 0.5, name.strip('"').casefold() in THINGS, len(set(cells)))
        for share, name, cells in zip(words, names, columns, strict=True)
    ]
    examples = [next((cell.strip() for cell in cells if cell.strip()), "") for cells in columns]
    return Table(tuple(zip(names, examples, strict=True)), names[ranks.index(max(ranks))])


def columns_of(table: Table) -> str:
    """Return the columns of a table and an example of each, for a message."""
    columns = [f"{shown(name)} ({example[:30]!r})" for name, example in table.columns[:_COLUMNS]]
    columns += [f"{len(table.columns) - _COLUMNS:,} more"] * (len(table.columns) > _COLUMNS)
    return ", ".join(columns[:-1]) + " and " * (len(columns) > 1) + columns[-1]
