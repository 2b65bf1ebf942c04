"""Values are checked against annotations, and NumPy's numbers become Python's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from makemore.errors import MakemoreError
from makemore.files.typed import check_arguments, check_fields, checked


@dataclass(frozen=True)
class Example:
    """A field of every type that is checked, and at the end one that is not."""

    whole: int = 1
    number: float = 1.0
    said: bool = False
    text: str = ""
    maybe: int | None = None
    path: str | Path = "x"
    function: Callable[[int], bool] | None = None
    many: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("whole", 1.5, "whole must be a whole number, not 1.5"),
        ("whole", True, "whole must be a whole number, not True"),
        ("whole", "1", "whole must be a whole number, not '1'"),
        ("whole", None, "whole must be a whole number, not None"),
        ("number", "x", "number must be a number, not 'x'"),
        ("number", False, "number must be a number, not False"),
        ("number", 1j, "number must be a number, not 1j"),
        ("said", 0, "said must be True or False, not 0"),
        ("text", b"a", "text must be a string, not b'a'"),
        ("text", None, "text must be a string, not None"),
        ("path", 3, "path must be a path, not 3"),
        ("path", None, "path must be a path, not None"),
        ("function", 3, "function must be a function or None, not 3"),
        ("maybe", "4", "maybe must be a whole number or None, not '4'"),
        ("maybe", np.array([1, 2]), "maybe must be a whole number or None, not array([1, 2])"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object, says: str) -> None:
    with pytest.raises(MakemoreError) as error:
        Example(**{name: value})  # type: ignore[arg-type]
    assert str(error.value) == says
    assert error.value.options == (name,)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("whole", np.int32(3), 3),
        ("number", 3, 3),
        ("number", np.float32(0.5), 0.5),
        ("number", np.int64(2), 2),
        ("number", Fraction(1, 2), 0.5),
        ("number", 10**400, math.inf),
        ("number", -(10**400), -math.inf),
        ("said", True, True),
        ("maybe", None, None),
        ("maybe", np.uint8(3), 3),
        ("path", "y", "y"),
        ("path", Path("y"), Path("y")),
        ("function", bool, bool),
        ("function", None, None),
        ("many", 3, 3),
    ],
)
def test_a_value_of_the_right_type_is_kept(name: str, value: object, kept: object) -> None:
    found = getattr(Example(**{name: value}), name)  # type: ignore[arg-type]
    assert found == kept
    assert type(found) is type(kept)


def test_arguments_of_a_function() -> None:
    def function(whole: int, many: list[int], **others: object) -> None: ...

    check_arguments(function, {"whole": np.int64(3), "many": None, "unknown": "x"})
    with pytest.raises(MakemoreError, match="whole must be a whole number"):
        check_arguments(function, {"whole": "x"})
    assert checked("n", 2, int) == 2
