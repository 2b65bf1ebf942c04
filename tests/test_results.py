"""Results become JSON, and are read back from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from makemore.files.results import Result


@dataclass(frozen=True)
class Inner(Result):
    start: int = field(metadata={"json": "from"})
    ends: tuple[float, float] = field(default=(math.nan, math.nan), metadata={"null": math.nan})


@dataclass(frozen=True, kw_only=True)
class Outer(Result):
    name: str
    loss: Mapping[str, float] = field(metadata={"null": math.inf})
    known: bool = True
    parts: tuple[Inner, ...] = ()
    half: float | None = None


FOUND = Outer(name="a", loss={"test": math.inf, "train": 2.5}, parts=(Inner(3, (1.0, 2)),))


def test_to_json_and_back():
    values = json.loads(json.dumps(FOUND.to_json(), allow_nan=False))
    assert values == {
        "name": "a",
        "loss": {"test": None, "train": 2.5},
        "known": True,
        "parts": [{"from": 3, "ends": [1.0, 2]}],
        "half": None,
    }
    assert Outer.from_json(values) == FOUND
    assert Outer.from_json({"name": "a", "loss": {}, "more": 1}) == Outer(name="a", loss={})
    (nothing,) = Outer.from_json({"name": "a", "loss": {}, "parts": [{"from": 1, "ends": [None, 2]}]}).parts
    assert math.isnan(nothing.ends[0])


@pytest.mark.parametrize(
    "change",
    [
        {"name": None}, {"name": 3}, {"loss": [1.0]}, {"loss": {"test": "x"}}, {"known": 1}, {"parts": {}},
        {"parts": [{"from": -1}]}, {"parts": [{"from": True}]}, {"parts": [{}]},
        {"parts": [{"from": 1, "ends": [1.0]}]}, {"half": "x"}, {"half": 1e400},
    ],
)  # fmt: skip
def test_other_values_are_refused(change):
    with pytest.raises(ValueError, match=r"\w"):
        Outer.from_json(FOUND.to_json() | change)
    for wrong in (None, [], "x"):
        with pytest.raises(ValueError, match="Outer"):
            Outer.from_json(wrong)
