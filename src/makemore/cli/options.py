"""How an option of the command line is declared."""

from pathlib import Path
from typing import Any, TypeVar

from cyclopts import Group, Parameter

from makemore.errors import MakemoreError, shown

Value = TypeVar("Value")

STANDARD_INPUT = "/dev/stdin"
"""What stands for - after -i: on every system, there need not be such a file."""


def option(group: Group | None = None, short: str | None = None, **more: Any) -> Parameter:
    """An option; its help text is in the command's docstring."""
    given = {"alias": short, "group": group} | more  # None would mean no group at all
    return Parameter(negative=(), **{name: value for name, value in given.items() if value is not None})


def whole(group: Group | None = None, short: str | None = None, **more: Any) -> Parameter:
    """An option that takes a whole number; left to itself the command line library cuts 1.5 down to 1."""
    return option(group, short, converter=_to_int, **more)


def _to_int(type: object, tokens: Any) -> int:
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f'"{tokens[0].value[:40]}" is not a whole number') from None


def path(group: Group | None = None, short: str | None = None) -> Parameter:
    """An option, or an argument, that names a directory or a file; nothing names none, though Python takes it for "."."""
    return option(group, short, converter=_to_path)


def _to_path(type: object, tokens: Any) -> Path:
    if not tokens[0].value:
        raise ValueError("the name is empty; give a directory or a file")
    if not tokens[0].value.isascii() and any("\ud800" <= c <= "\udfff" for c in tokens[0].value):
        raise ValueError(
            f"{shown(tokens[0].value)}: the name is not UTF-8, as the files of weights need it; choose another"
        )
    return Path(tokens[0].value)


def one_of(placed: Value | None, named: Value | None, flag: str) -> Value | None:
    """Return what was given in its place or with its option; raise MakemoreError if it was in both."""
    if placed is not None and named is not None:
        value = placed[0] if isinstance(placed, list) else placed
        raise MakemoreError(f"{shown(value)} and {flag}: both name the same thing; give one of them")
    if named == []:
        raise MakemoreError(f"{flag}: name a file after it")
    return named if placed is None else placed


def switch(group: Group | None = None) -> Parameter:
    return option(group, show_default=False)
