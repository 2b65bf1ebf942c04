"""What grades the exercises of lesson 2."""

import math
import random
from typing import Any

import numpy as np

from makemore.course import expect, expect_close, expect_number, explaining

OVERFLOW = (
    "with 1000 among the numbers exp overflows: take the largest number off all of them first, and add it to the "
    "logarithm again"
)
RECURSION = (
    "the function calls itself, and with a chain of many numbers Python stops it; use a loop, and a list of what is still "
    "to do"
)


def log_sum_exp(answers: Any) -> None:
    rng = random.Random(2)
    for numbers in ([1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 0.0], [rng.uniform(-3, 3) for _ in range(6)], [-0.7]):
        powers = [math.exp(z) for z in numbers]
        right, slopes = math.log(sum(powers)), [power / sum(powers) for power in powers]
        got, found = _pair(answers.log_sum_exp(list(numbers)), len(numbers))
        expect_close(
            got, right, f"for {_text(numbers)} the result should be {right:.4f}, not {got:.4f}", 1e-9
        )
        if not np.allclose(found, slopes):
            expect(
                not np.allclose(found, powers),
                "the slope of the logarithm is missing: these are the exponentials. Chain rule: times 1 over their sum",
            )
            expect(
                not np.allclose(found, 1 / sum(powers)),
                "these are 1 over the sum, the slope of the logarithm alone. Chain rule: times the exponential of each",
            )
        expect_close(
            np.array(found),
            np.array(slopes),
            f"for {_text(numbers)} the slopes should be {_text(slopes)}, not {_text(found)}",
            1e-9,
        )
    for numbers, right, slopes in (
        ([1000.0, 1000.0], 1000 + math.log(2), [0.5, 0.5]),
        ([1000.0, 0.0], 1000.0, [1.0, 0.0]),
        ([-1000.0, -1001.0], -1000 + math.log1p(math.exp(-1)), [0.7310585786, 0.2689414214]),
    ):
        try:
            with explaining({"math domain error": OVERFLOW}):
                got, found = _pair(answers.log_sum_exp(list(numbers)), 2)
        except (OverflowError, ZeroDivisionError):
            expect(False, OVERFLOW)
        expect(math.isfinite(got) and all(map(math.isfinite, found)), OVERFLOW)
        expect_close(
            got, right, f"for {_text(numbers)} the result should be {right:.4f}, not {got:.4f}", 1e-9
        )
        expect_close(
            np.array(found), np.array(slopes), f"for {_text(numbers)} the slopes are {_text(slopes)}", 1e-6
        )


def _pair(got: Any, n: int) -> tuple[float, list[float]]:
    expect(
        isinstance(got, tuple | list) and len(got) == 2, "return two things: the result, and a list of slopes"
    )
    result = expect_number(float(got[0]) if isinstance(got[0], np.floating) else got[0], "log_sum_exp")
    slopes = [float(slope) for slope in got[1]]
    expect(len(slopes) == n, f"{n} numbers have {n} slopes, not {len(slopes)}")
    return result, slopes


def _text(numbers: Any) -> str:
    return "[" + ", ".join(f"{z:.4g}" for z in numbers) + "]"


class Node:
    """A number, as far as its parts go."""

    def __init__(self, name: str, *parts: "Node") -> None:
        self.name, self.parts = name, parts

    def __repr__(self) -> str:
        return self.name


def in_order(answers: Any) -> None:
    a = Node("a")
    _ordered(answers, a, [a])
    b = Node("b")
    both = Node("a + b", a, b)
    _ordered(answers, both, [a, b, both])
    far = Node("x")
    near = Node("e", Node("d", Node("c", far)))
    short = Node("y", far, near)  # x is a part of y itself, and also far below it
    _ordered(answers, short, [short, near, near.parts[0], near.parts[0].parts[0], far])
    twice = Node("x times x", far, far)
    _ordered(answers, twice, [far, twice])
    long = Node("0")
    every = [long]
    for i in range(1, 3_000):
        long = Node(str(i), long, every[i // 2])
        every.append(long)
    try:
        got = answers.in_order(long)
    except RecursionError:
        expect(False, RECURSION)
    _check_order(got, every, "of a chain of 3,000 numbers")
    rng = random.Random(3)
    every = [Node(f"n{i}") for i in range(3)]
    for i in range(3, 30):
        every.append(Node(f"n{i}", *rng.choices(every, k=rng.randint(1, 3))))
    last = Node("last", *every)
    every.append(last)
    _ordered(answers, last, every)


def _ordered(answers: Any, last: Node, every: list[Node]) -> None:
    try:
        got = answers.in_order(last)
    except RecursionError:
        expect(False, RECURSION)
    _check_order(got, every, f"of {last} and its parts")


def _check_order(got: Any, every: list[Node], what: str) -> None:
    expect(isinstance(got, list), f"return a list, not {type(got).__name__}")
    expect(
        len(set(got)) == len(got),
        f"the list {what} has a number twice; its gradient would be passed on twice. Keep those seen in a set",
    )
    missing = [number for number in every if number not in set(got)]
    expect(not missing, f"the list {what} lacks {missing[:3]}")
    place = {number: i for i, number in enumerate(got)}
    if len(every) > 1:
        expect(
            not all(place[part] > place[number] for number in every for part in number.parts),
            "the list is the wrong way round: each number comes after its parts, so `last` is at the end",
        )
    for number in every:
        for part in number.parts:
            expect(
                place[part] < place[number],
                f"in the list {what}, {number} comes before {part}, which is a part of it. A part that is used near and "
                "far (x in y = x + c(x)) must come before both: append a number when all its parts are in, not when it "
                "is first met",
            )


def worst_error(answers: Any) -> None:
    random = np.random.default_rng(4)

    def bent(x: np.ndarray) -> float:
        return float((np.exp(x) + x**3).sum())

    def claim(x: np.ndarray) -> np.ndarray:
        return np.exp(x) + 3 * x**2

    x = random.normal(size=(2, 3))
    got = _error(answers, bent, x, claim(x))
    expect(
        got < 1e-3,
        f"for a gradient that is right the error should be nearly 0, not {got:.2g}: is one number nudged at a time, and the "
        "difference divided by both nudges, 2e-5?",
    )
    expect(
        got < 1e-6,
        f"for a gradient that is right the error should be about 1e-9, not {got:.1g}: a nudge up alone is not exact enough, "
        "take the difference of up and down",
    )
    for place, factor, right in (((1, 2), 1.25, 0.2), ((0, 0), 0.5, 0.5), ((0, 1), -1.0, 2.0)):
        wrong = claim(x)
        d = wrong[place]
        wrong[place] *= factor
        got = _error(answers, bent, x, wrong)
        expect(
            abs(got - abs(d * (factor - 1))) > 1e-6 or abs(abs(d * (factor - 1)) - right) < 1e-6,
            "this is the absolute error, |d - g|; divide it by the larger of |d| and |g|",
        )
        expect(got > 1e-6, f"one derivative is wrong, at {place}, and the error found is {got:.1g}")
        expect_close(
            got,
            right,
            f"a derivative of {d:.3f} was claimed to be {wrong[place]:.3f}; the error is {right:.2f}, not {got:.4f}",
            1e-5,
        )
    x = random.normal(size=5)
    g = claim(x)
    g[0] *= 1.1
    g[3] *= 2
    expect_close(
        _error(answers, bent, x, g),
        0.5,
        "two derivatives are wrong, by a tenth and by half; the largest error is wanted, 0.5",
        1e-5,
    )
    flat = _error(answers, lambda x: float(x[0, 0] ** 2), np.ones((2, 2)), np.array([[2.0, 0], [0, 0]]))
    expect(
        flat == flat, "where the derivative and the claim are both 0 the error should be 0; 0 / 0 gives nan"
    )
    expect(
        flat < 1e-6, "the loss does not depend on three of the numbers and the claim says so: the error is 0"
    )


def _error(answers: Any, loss: Any, x: np.ndarray, gradient: np.ndarray) -> float:
    given, claimed = x.copy(), gradient.copy()
    got = answers.worst_error(loss, given, claimed)
    got = expect_number(float(got) if isinstance(got, np.floating) else got, "worst_error")
    expect(
        np.allclose(given, x, atol=1e-7, rtol=0),
        "x is not as before when the function returns: put each number back after its two nudges",
    )
    expect(np.array_equal(given, x), "x came back changed in its last digits: keep the value and put it back")
    expect(np.array_equal(claimed, gradient), "the claimed gradient was changed")
    return got


CHECKS = {"log_sum_exp": log_sum_exp, "in_order": in_order, "worst_error": worst_error}
