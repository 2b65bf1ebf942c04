"""How lines are read, and what reading found."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from makemore.errors import MakemoreError, shown
from makemore.files.typed import check_fields

LONGEST = 10_000
"""The longest line allowed if `max_length` is None: a file with longer lines is hardly a list."""

BLANK, FILE = "blank", "file"
"""Separators of things that are no text: blank lines, and the ends of files."""

OnProgress = Callable[[int, int | None], None]
"""Called with the bytes read so far and the bytes in total, None if that is unknown."""


@dataclass(frozen=True)
class How:
    """How lines are read. Checks itself.

    Args:
        encoding: The text encoding, by any name that Python knows.
        max_length: Lines with more characters are dropped. None drops none; a line of more than LONGEST
            characters is an error then.
        min_count: Characters that occur less often in the whole list are replaced by U+FFFD.
        keep_spaces: Keep white space at the ends of lines.
        drop_undecodable: Drop lines that are not in the encoding, instead of raising an error.
        column: Read the files as tables (CSV, TSV, JSON lines or Parquet), and take the values of this column
            as the lines: its name, or its number from 1.
        label: Of these tables, the column that says which kind each line is of: its name, or its number from 1.
        as_lines: Train on the whole rows of a table, which is refused otherwise.
        separator: What is between things of several lines: "blank" for blank lines, "file" if each file is one
            thing, or a text that is on a line of its own. None makes each line a thing. The values of `column`
            are things too, and keep their line breaks.
        graphemes: Take grapheme clusters as characters, as people see them, instead of code points.
        known: Characters that the vocabulary has in any case: those of a run that training starts from.

    Raises:
        MakemoreError: A value is not valid.

    """

    encoding: str = "utf-8"
    max_length: int | None = None
    min_count: int = 1
    keep_spaces: bool = False
    drop_undecodable: bool = False
    column: str | int | None = None
    label: str | int | None = None
    as_lines: bool = False
    separator: str | None = None
    graphemes: bool = False
    known: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the options."""
        check_fields(self)
        self.codec()
        if self.max_length is not None and self.max_length < 1:
            raise MakemoreError(f"max_length must be 1 or more, not {self.max_length}", option="max_length")
        if self.min_count < 1:
            raise MakemoreError(f"min_count must be 1 or more, not {self.min_count}", option="min_count")
        if self.column == "":
            raise MakemoreError("column is empty; give a column's name or its number", option="column")
        if self.separator is not None:
            object.__setattr__(self, "separator", self.separator.strip())
            if not self.separator or "\n" in self.separator:
                raise MakemoreError(
                    'separator must be "blank", "file" or a line of text, such as %%', option="separator"
                )
        if self.label is not None and self.column is None:
            raise MakemoreError(
                "label needs column too: one column has the things to make more of, the other says which kind "
                "each is of",
                option=("label", "column"),
            )
        if self.column is not None and self.as_lines:
            raise MakemoreError(
                "column and as_lines exclude each other: train on a column, or on whole rows",
                option=("column", "as_lines"),
            )

    @property
    def options(self) -> dict[str, Any]:
        """The options by name, as `train` takes them; `known` follows from another of its arguments."""
        return {name: value for name, value in vars(self).items() if name != "known"}

    @property
    def limit(self) -> int:
        """The characters a line may have."""
        return LONGEST if self.max_length is None else self.max_length

    def codec(self) -> str:
        """Return Python's name of the encoding. Raises MakemoreError if there is no such text encoding."""
        try:
            found = codecs.lookup(self.encoding)
        except (LookupError, ValueError):
            found = None
        if found is None or not found._is_text_encoding:
            wrong = "no such encoding" if found is None else "not a text encoding"
            raise MakemoreError(
                f"encoding {shown(self.encoding)}: {wrong}; try utf-8, latin-1 or utf-16", option="encoding"
            )
        return "utf-8-sig" if found.name == "utf-8" else found.name


AS_USUAL = How()
"""UTF-8, and only blank lines are dropped."""


@dataclass
class Reading:
    """What reading found, and what was left out."""

    source: str
    """The path, or the name of the bundled list."""
    bundled: bool
    lines: int = 0
    """Lines in the source."""
    blank: int = 0
    """Lines dropped because they were empty or only white space."""
    too_long: int = 0
    """Lines dropped because of `max_length`."""
    normalized: bool = False
    """Whether text was changed to Unicode normal form C."""
    rare: int = 0
    """Occurrences of characters that were replaced because of `min_count`."""
    skipped: str = ""
    """Files and folders in a directory that were not read, such as run directories and hidden files."""
    stripped: int = 0
    """Lines that lost white space at their ends."""
    keep_spaces: bool = False
    """Whether white space at the ends of lines was kept."""
    undecodable: int = 0
    """Lines dropped because they are not in the encoding."""
    column: str = ""
    """The column of a table that was read; empty if whole lines were."""
    label: str = ""
    """The column that holds the labels; empty if there are none."""
    gaps: int = 0
    """Lines that follow a blank one."""
    separator: str = ""
    """What is between things of several lines; empty if each line is a thing."""
    graphemes: bool = False
    """Whether grapheme clusters are the characters."""

    @classmethod
    def begun(cls, source: str, how: How, bundled: bool = False, skipped: str = "") -> Reading:
        """Return what is known before anything was read."""
        return cls(
            source,
            bundled,
            skipped=skipped,
            keep_spaces=how.keep_spaces,
            column="" if how.column is None else str(how.column),
            label="" if how.label is None else str(how.label),
            separator=how.separator or "",
            graphemes=how.graphemes,
        )

    @property
    def thing(self) -> str:
        """What messages call a line of the list."""
        return "thing" if self.separator else "line"
