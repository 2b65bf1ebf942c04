"""Results as JSON, and back: the base of the dataclasses in which measurements are returned."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from typing import Any, Self, get_args, get_origin, get_type_hints

from makemore.errors import shown

Flag = Callable[[str], str]
"""Spells the name of an argument; the command line's turns `top_k` into `--top-k`."""


class Result:
    """Base of the frozen dataclasses that hold the results of a measurement.

    Its fields hold numbers, text, booleans, None, and tuples, mappings and results of those. The metadata of
    a field may give `json`, its key in JSON if it differs from the field's name, and `null`, the number that
    null stands for when the field is read.
    """

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the fields by name, with None for numbers that are not finite; `flag` spells arguments."""
        return {_key(field): plain(getattr(self, field.name), flag) for field in _fields(type(self))}

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Return the result that `to_json` turned into these values.

        Unknown keys are ignored. A field with a default may be missing: early versions did not write it.
        Raises ValueError if a field is missing or of another type.
        """
        if not isinstance(values, dict):
            raise ValueError(f"{cls.__name__} is not a JSON object")
        hints = get_type_hints(cls)
        found: dict[str, object] = {}
        for field in _fields(cls):
            key = _key(field)
            if key in values:
                found[field.name] = _read(hints[field.name], values[key], key, field.metadata.get("null"))
            elif field.default is dataclasses.MISSING:
                raise ValueError(f"{key} is missing")
        return cls(**found)


def plain(value: object, flag: Flag = str) -> object:
    """Return a value as JSON can hold it: results as dictionaries, None for numbers that are not finite."""
    match value:
        case Result():
            return value.to_json(flag)
        case Mapping():
            return {key: plain(item, flag) for key, item in value.items()}
        case list() | tuple():
            return [plain(item, flag) for item in value]
        case float() if not math.isfinite(value):
            return None
    return value


def _fields(kind: type) -> tuple[dataclasses.Field[object], ...]:
    return dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()


def _key(field: dataclasses.Field[object]) -> str:
    return str(field.metadata.get("json", field.name))


def _read(kind: Any, value: object, name: str, null: float | None = None) -> Any:  # types have no type
    """Return a value from JSON as a field of a type holds it. null: what None stands for."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is types.UnionType:
        if (value is None and types.NoneType in inside) or (isinstance(value, bool) and bool in inside):
            return value
        return _read(inside[0], value, name)
    if origin is Mapping:
        if not isinstance(value, dict):
            raise ValueError(f"{name} is not a JSON object")
        return {key: _read(inside[1], item, str(key), null) for key, item in value.items()}
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{name} is not a list")
        items = inside[:1] * len(value) if inside[-1] is ... else inside
        if len(items) != len(value):
            raise ValueError(f"{name} is not a list of {len(items)}")
        return tuple(_read(each, item, name, null) for each, item in zip(items, value, strict=True))
    if value is None and null is not None:
        return null
    if issubclass(kind, Result):
        return kind.from_json(value)
    if not _is(kind, value):
        raise ValueError(f"{name} is {shown(value)}, not of type {kind.__name__}")
    return value


def _is(kind: type, value: object) -> bool:
    """Return whether a value from JSON has a simple type. Whole numbers are counts; numbers are finite."""
    if kind in (str, bool):
        return isinstance(value, kind)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if kind is int:
        return isinstance(value, int) and 0 <= value < 2**63
    return abs(value) < 2**63 if isinstance(value, int) else math.isfinite(value)
