"""How an option of the command line is declared."""

from typing import Any

from cyclopts import Group, Parameter

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
        raise ValueError(f'"{tokens[0].value}" is not a whole number') from None


def switch(group: Group | None = None) -> Parameter:
    return option(group, show_default=False)
