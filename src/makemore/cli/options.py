"""How to declare the options of the command line, and the groups of options that commands share."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import Group, Parameter, Token

from makemore.errors import MakemoreError, shown

Value = TypeVar("Value")

STANDARD_INPUT = "/dev/stdin"
"""What the command line passes on for `-i -`; the file need not exist."""

FILES, MODEL, TRAINING = (Group(name, sort_key=i) for i, name in enumerate(("Files", "Model", "Training")))
"""The sections of the help of `train`."""


def option(
    help: str,
    short: str | None = None,
    *,
    group: Group | None = None,
    convert: Callable[[object, Sequence[Token]], object] | None = None,
    hyphen: bool = False,
    many: bool = False,
) -> Parameter:
    """Declare an option or an argument.

    Args:
        help: What `--help` says about it.
        short: A second spelling, such as a hyphen and a letter.
        group: The section of the help that it belongs to.
        convert: Makes the value from the words typed; None leaves that to cyclopts.
        hyphen: Whether a value may begin with a hyphen.
        many: Whether several values may follow the option.

    """
    declared = Parameter(
        help=help,
        alias=short,
        negative=(),
        converter=convert,
        allow_leading_hyphen=hyphen,
        consume_multiple=many,
    )
    return declared if group is None else Parameter.combine(declared, Parameter(group=group))


def whole(help: str, short: str | None = None, *, group: Group | None = None) -> Parameter:
    """Declare an option that takes a whole number; cyclopts itself would cut 1.5 down to 1."""
    return option(help, short, group=group, convert=_to_int)


def path(help: str, short: str | None = None, *, name: str | None = None) -> Parameter:
    """Declare an option or an argument that names a file or a directory and must not be empty.

    `name` is its name if that is not the argument's.
    """
    declared = option(help, short, convert=_to_path)
    return declared if name is None else Parameter.combine(declared, Parameter(name=name))


def flat(group: Group | None = None) -> Parameter:
    """Declare a dataclass whose fields become options of the command."""
    return Parameter(name="*") if group is None else Parameter(name="*", group=group)


def _to_int(type: object, tokens: Sequence[Token]) -> int:
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f'"{tokens[0].value[:40]}" is not a whole number') from None


def _to_path(type: object, tokens: Sequence[Token]) -> Path:
    name = tokens[0].value
    if not name:  # Path("") is the current directory
        raise ValueError("the name is empty; give a directory or a file")
    if not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name):
        raise ValueError(f"{shown(name)}: the name is not UTF-8, which weight files need; choose another")
    return Path(name)


@dataclass(frozen=True)
class ReadingOptions:
    """How to read a file."""

    encoding: Annotated[str, option("Encoding of the file.")] = "utf-8"
    max_length: Annotated[int | None, whole("Drop lines with more characters than this.")] = None
    keep_spaces: Annotated[
        bool, option("Keep white space at the ends of lines, which is stripped otherwise.")
    ] = False
    drop_undecodable: Annotated[bool, option("Drop lines that are not valid in this encoding.")] = False
    column: Annotated[
        str | None,
        option("Of a table (CSV, TSV, JSON lines, Parquet), read this column: its name or number."),
    ] = None
    label: Annotated[
        str | None,
        option("Of this table, the column that says which kind each line is of: one model learns all kinds."),
    ] = None
    as_lines: Annotated[bool, option("Read whole rows, although the file looks like a table.")] = False
    separator: Annotated[
        str | None,
        option(
            "What is between things of several lines: blank (blank lines), file (each file is a thing), or a line "
            "such as %%.",
            hyphen=True,
        ),
    ] = None
    graphemes: Annotated[
        bool,
        option(
            "Take as one character what people see as one: an emoji with a skin tone, a letter with marks."
        ),
    ] = False


READING = ReadingOptions()


@dataclass(frozen=True)
class TableOptions:
    """What to read of a file that may be a table."""

    column: Annotated[str | None, option("Of a table, read this column: its name or number.")] = None
    as_lines: Annotated[bool, option("Read whole rows, although the file looks like a table.")] = False


TABLE = TableOptions()


def changed(options: ReadingOptions) -> list[str]:
    """Return the options that differ from their defaults, as typed: "--encoding latin-1"."""
    given = [(f.name, getattr(options, f.name), f.default) for f in fields(options)]
    return [
        flag_of(name) if value is True else shlex.join([flag_of(name), str(value)])
        for name, value, usual in given
        if value != usual
    ]


def flag_of(name: str) -> str:
    """Return the option that sets an argument, as in "--top-k"."""
    if name == "from_run":  # an argument cannot be called "from" in Python
        return "--from"
    return f"--{name.replace('_', '-')}"


def one_of(placed: Value | None, named: Value | None, flag: str) -> Value | None:
    """Return the value of an argument that can be given by position or with an option.

    Raises MakemoreError if both were given, or the option without a value.
    """
    if placed is not None and named is not None:
        value = placed[0] if isinstance(placed, list | tuple) else placed
        raise MakemoreError(f"{shown(value)} and {flag}: both name the same thing; give one of them")
    if named == []:
        raise MakemoreError(f"{flag}: name a file after it")
    return named if placed is None else placed
