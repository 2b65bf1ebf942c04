"""Wrong answers to the exercises of lesson 2 that people give, and what they should be told."""

import math

import numpy as np


def overflows(numbers):
    powers = [math.exp(z) for z in numbers]
    return math.log(sum(powers)), [power / sum(powers) for power in powers]


def overflows_with_numpy(numbers):
    with np.errstate(all="ignore"):
        powers = np.exp(np.array(numbers))
        return float(np.log(powers.sum())), (powers / powers.sum()).tolist()


def no_logarithm(numbers):
    m = max(numbers)
    powers = [math.exp(z - m) for z in numbers]
    return m + math.log(sum(powers)), [math.exp(min(z, 700)) for z in numbers]


def logarithm_only(numbers):
    total = sum(math.exp(min(z, 700)) for z in numbers)
    return math.log(total), [1 / total for _ in numbers]


def largest_forgotten(numbers):
    m = max(numbers)
    powers = [math.exp(z - m) for z in numbers]
    return math.log(sum(powers)), [power / sum(powers) for power in powers]


def typed_in(numbers):
    return math.log(4), [0.25] * len(numbers)


def calls_itself(last):
    found, seen = [], set()

    def visit(number):
        if number not in seen:
            seen.add(number)
            for part in number.parts:
                visit(part)
            found.append(number)

    visit(last)
    return found


def by_breadth(last):
    found, seen, waiting = [], {last}, [last]
    while waiting:
        number = waiting.pop(0)
        found.append(number)
        for part in number.parts:
            if part not in seen:
                seen.add(part)
                waiting.append(part)
    return found[::-1]


def from_the_end(last):
    found, seen, waiting = [], set(), [(last, False)]
    while waiting:
        number, done = waiting.pop()
        if done:
            found.append(number)
        elif number not in seen:
            seen.add(number)
            waiting.append((number, True))
            waiting.extend((part, False) for part in number.parts)
    return found[::-1]


def none_seen(last):
    found, waiting = [], [last]
    while waiting and len(found) < 100_000:
        number = waiting.pop()
        found.append(number)
        waiting.extend(number.parts)
    return found[::-1]


def central(loss, x, gradient, step=2, relative=True, back=True, at_once=False):
    worst = 0.0
    for at in np.ndindex(x.shape):
        value = x[at]
        x[at] = value + 1e-5
        up = loss(x)
        if step == 2:
            x[at] = value - 1e-5
        else:
            x[at] = value
        down = loss(x)
        if back:
            x[at] = value
        d, g = (up - down) / (step * 1e-5), gradient[at]
        size = max(abs(d), abs(g))
        if size >= 1e-8:
            worst = max(worst, abs(d - g) / (size if relative else 1))
    return worst


def one_sided(loss, x, gradient):
    return central(loss, x, gradient, step=1)


def absolute(loss, x, gradient):
    return central(loss, x, gradient, relative=False)


def not_put_back(loss, x, gradient):
    return central(loss, x, gradient, back=False)


def rounded_back(loss, x, gradient):
    worst = 0.0
    for at in np.ndindex(x.shape):
        x[at] += 1e-5
        up = loss(x)
        x[at] -= 2e-5
        down = loss(x)
        x[at] += 1e-5
        d, g = (up - down) / 2e-5, gradient[at]
        worst = max(worst, abs(d - g) / max(abs(d), abs(g), 1e-8))
    return worst


def all_at_once(loss, x, gradient):
    d = (loss(x + 1e-5) - loss(x - 1e-5)) / 2e-5
    return float((abs(d - gradient) / np.maximum(abs(d), abs(gradient))).max())


def nan(loss, x, gradient):
    worst = 0.0
    for at in np.ndindex(x.shape):
        value, ends = x[at], []
        for nudge in (1e-5, -1e-5):
            x[at] = value + nudge
            ends.append(loss(x))
        x[at] = value
        d, g = np.float64((ends[0] - ends[1]) / 2e-5), np.float64(gradient[at])
        with np.errstate(all="ignore"):
            worst = np.maximum(worst, abs(d - g) / max(abs(d), abs(g)))
    return float(worst)


WRONG = [
    ("log_sum_exp", overflows, "exp overflows"),
    ("log_sum_exp", overflows_with_numpy, "exp overflows"),
    ("log_sum_exp", no_logarithm, "slope of the logarithm is missing"),
    ("log_sum_exp", logarithm_only, "the slope of the logarithm alone"),
    ("log_sum_exp", largest_forgotten, "the result should be"),
    ("log_sum_exp", typed_in, "the result should be"),
    ("in_order", calls_itself, "calls itself"),
    ("in_order", by_breadth, "used near and far"),
    ("in_order", from_the_end, "the wrong way round"),
    ("in_order", none_seen, "has a number twice"),
    ("worst_error", one_sided, "up and down"),
    ("worst_error", absolute, "the absolute error"),
    ("worst_error", not_put_back, "not as before"),
    ("worst_error", rounded_back, "last digits"),
    ("worst_error", all_at_once, "one number nudged at a time"),
    ("worst_error", nan, "0 / 0 gives nan"),
]
