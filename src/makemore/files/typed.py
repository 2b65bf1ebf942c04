"""Values checked against type annotations, so that a wrong argument gives a sentence at once.

Otherwise it would fail deep inside, or be written to a file that then cannot be read.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
import os
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar, get_args, get_origin, get_type_hints

from makemore.errors import MakemoreError, shown

Value = TypeVar("Value", int, float, bool, str)

_WORDS = {int: "a whole number", float: "a number", bool: "True or False", str: "a string"}
"""The types that are checked, and what messages call their values."""


def checked(name: str, value: object, kind: type[Value]) -> Value:
    """Return the value of an argument as an int, float, bool or str, whichever `kind` is.

    NumPy's numbers become Python's, and a whole number is also a float; True and False are no numbers. Raises
    MakemoreError if the value is of another type.
    """
    return _checked(name, value, kind, "")


def checked_path(name: str, value: object) -> Path:
    """Return a path that was given as a string or a path.

    Raises MakemoreError if it is neither, or empty, which would mean the current directory.
    """
    if not isinstance(value, str | os.PathLike):
        raise _wrong(name, value, "a path")
    if value == "":
        raise MakemoreError(f"{name} is empty; name a file or a directory", option=name)
    return Path(value)


def checked_paths(name: str, value: object) -> list[Path]:
    """Return one path, or several, as a list that is not empty, or raise MakemoreError."""
    several = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    paths = [checked_path(name, each) for each in several]
    if not paths:
        raise MakemoreError(f"{name} is empty; name a file or a directory", option=name)
    return paths


def check_fields(made: object) -> None:
    """Check every field of a frozen dataclass against its annotation, in its `__post_init__`.

    NumPy's numbers become Python's. Checked are int, float, bool, str, `str | Path`, functions, classes, and
    each of these or None; fields of other types are not. Raises MakemoreError if a value is of another type.
    """
    hints = _hints(type(made))  # type: ignore[arg-type]  # a class is hashable
    for field in dataclasses.fields(made):  # type: ignore[arg-type]  # any dataclass
        value = getattr(made, field.name)
        object.__setattr__(made, field.name, _fitting(field.name, value, hints[field.name]))


def check_arguments(function: Callable[..., object], values: Mapping[str, object]) -> None:
    """Check a function's arguments against its annotations, as `check_fields` does; ignore other values.

    Raises MakemoreError if a value is of another type.
    """
    hints = _hints(function)
    for name, value in values.items():
        if name in hints:
            _fitting(name, value, hints[name])


@functools.cache  # finding them takes longer than sampling a line
def _hints(annotated: Callable[..., object]) -> dict[str, object]:
    """Return the annotations of a class or a function."""
    return get_type_hints(annotated)


def _fitting(name: str, value: object, hint: object) -> object:
    """Return a value as an annotation has it; values of types that are not checked stay as they are."""
    options = set(get_args(hint)) if get_origin(hint) is types.UnionType else {hint}
    other = " or None" if types.NoneType in options else ""
    options -= {types.NoneType}
    if value is None and other:
        return None
    for kind in _WORDS:
        if options == {kind}:
            return _checked(name, value, kind, other)
    if options == {str, Path} and not isinstance(value, str | os.PathLike):
        raise _wrong(name, value, "a path" + other)
    if {get_origin(option) for option in options} == {Callable} and not callable(value):
        raise _wrong(name, value, "a function" + other)
    for option in options if len(options) == 1 else ():
        if isinstance(option, type) and option is not Path and not isinstance(value, option):
            raise _wrong(name, value, f"of type {option.__name__}{other}")
    return value


def _checked(name: str, value: object, kind: type[Value], other: str) -> Value:
    found: object = value
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        found = int(value)  # NumPy's too
    elif isinstance(value, numbers.Real) and not isinstance(value, bool):
        found = float(value)
    fits = isinstance(found, (int, float) if kind is float else kind)
    if not fits or (isinstance(found, bool) and kind is not bool):
        raise _wrong(name, value, _WORDS[kind] + other)
    if kind is float and isinstance(found, int) and abs(found) >= 2**63:
        found = math.inf if found > 0 else -math.inf  # may be more than a float can hold
    return found  # type: ignore[return-value]  # isinstance cannot narrow to Value


def _wrong(name: str, value: object, wanted: str) -> MakemoreError:
    return MakemoreError(f"{name} must be {wanted}, not {shown(repr(value), 40)}", option=name)
