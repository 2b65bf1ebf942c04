"""Solutions of lesson 2's exercises."""

import math
from collections.abc import Callable

import numpy as np


def log_sum_exp(numbers: list[float]) -> tuple[float, list[float]]:
    largest = max(numbers)
    powers = [math.exp(number - largest) for number in numbers]  # none above 1, and one of them is 1
    total = sum(powers)
    return largest + math.log(total), [power / total for power in powers]  # the slopes are the softmax


def in_order(last: object) -> list:
    found, seen, waiting = [], set(), [(last, False)]
    while waiting:
        number, parts_done = waiting.pop()
        if parts_done:
            found.append(number)
        elif number not in seen:
            seen.add(number)
            waiting.append((number, True))  # comes up again once its parts are through
            for part in number.parts:
                waiting.append((part, False))
    return found


def worst_error(loss: Callable[[np.ndarray], float], x: np.ndarray, gradient: np.ndarray) -> float:
    worst, nudge = 0.0, 1e-5
    for at in np.ndindex(x.shape):  # every place: (0, 0), (0, 1), ...
        value = x[at]
        x[at] = value + nudge
        up = loss(x)
        x[at] = value - nudge
        down = loss(x)
        x[at] = value  # exactly as before: adding the nudge again would round
        d, g = (up - down) / (2 * nudge), gradient[at]
        size = max(abs(d), abs(g))
        if size >= 1e-8:
            worst = max(worst, abs(d - g) / size)
    return float(worst)
