"""The course: lessons, their exercises and how they are graded, and the museum of bugs.

    lessons.py         find a lesson and its exercises, copy it to work in, print its solutions
    progress.py        what a learner has done, hints, and what comes next
    grading.py         grade a learner's answers, in a process of its own
    challenges.py      the open challenge of each lesson, scored on held-out names
    expectations.py    what checkers expect of an answer
    aids.py            what lessons use to show numbers and figures

Lessons and checkers import the names below from here.
"""

from makemore.course.aids import FAST, beside, names, show
from makemore.course.expectations import (
    Wrong,
    by_hand,
    expect,
    expect_close,
    expect_number,
    expect_tensor,
    explaining,
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
    "explaining",
    "names",
    "show",
]
