"""Reading and writing JSON, and files of JSON lines."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from makemore.errors import shown
from makemore.files.atomic import atomic
from makemore.files.paths import damage, regular
from makemore.files.results import plain

Made = TypeVar("Made")

LARGEST_JSON = 1 << 26
"""Bytes; several times what a vocabulary of all Unicode characters takes."""


def read_json(path: Path) -> Any:
    """Return what a JSON file holds. Raises MakemoreError if it is missing, damaged or too large."""
    with damage(path):
        if regular(path).stat().st_size > LARGEST_JSON:
            raise ValueError("it is too large")
        return json.loads(path.read_text("utf-8"))


def read_json_lines(path: Path) -> Iterator[Any]:
    """Yield the value of each line of a file, skipping damaged lines: a crash may have cut off the last one.

    Yields nothing if there is no file. Raises MakemoreError if it cannot be read.
    """
    if not path.exists():
        return
    with damage(path):
        lines = regular(path).read_text("utf-8", "replace").splitlines()
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):  # too many digits are a ValueError
            yield json.loads(line)


def write_json(path: Path, value: object, beside: Path | None = None) -> None:
    """Write a value as a JSON file, as `atomic` does."""
    with atomic(path, beside) as made:
        # a file name that is not UTF-8 holds lone surrogates, which JSON writes as \udc80
        made.write_text(to_json(value, indent=2) + "\n", "utf-8", "backslashreplace")


def to_json(value: object, indent: int | None = None, ascii: bool = False) -> str:
    """Return results and plain values as JSON; a number that is not finite becomes null.

    `indent` is the number of spaces per level; None writes one line. `ascii` escapes other characters, for a
    stream that cannot encode them.
    """
    return json.dumps(plain(value), indent=indent, ensure_ascii=ascii, allow_nan=False)


def flat_from_json(made: type[Made], values: object) -> Made:
    """Return a dataclass of numbers, truth values and strings, no `Result`, from its JSON.

    A field that has a default may be missing, since an older makemore may not have known it. Raises
    ValueError if another field is missing, or a value is unknown or has the wrong type.
    """
    fields = {field.name: str(field.type) for field in dataclasses.fields(made)}  # type: ignore[arg-type]
    if not isinstance(values, dict) or values.keys() - fields.keys():
        raise ValueError(f"{made.__name__} should have {', '.join(fields) or 'nothing'}")
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (float, int),
        "bool": (bool,),
        "str": (str,),
    }
    for name in values:
        kind = fields[name]
        value = values[name]
        if not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise ValueError(f"{name} is {shown(value)}, not {kind}")
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError(f"{name} is {shown(value)}, and must be less than 2^63")
    return made(**values)
