"""The course. Lessons and checkers import what they need from here; `lessons` finds and grades them."""

from makemore.course.lessons import (
    FAST,
    Wrong,
    beside,
    by_hand,
    expect,
    expect_close,
    expect_number,
    expect_tensor,
    names,
    show,
)

__all__ = [
    "FAST",
    "Wrong",
    "beside",
    "by_hand",
    "expect",
    "expect_close",
    "expect_number",
    "expect_tensor",
    "names",
    "show",
]
