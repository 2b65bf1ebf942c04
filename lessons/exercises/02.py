"""Exercises of lesson 2. Fill in the functions; `makemore lessons check 2` grades them."""

import math
from collections.abc import Callable

import numpy as np


def log_sum_exp(numbers: list[float]) -> tuple[float, list[float]]:
    """Compute the logarithm of the sum of the exponentials, as one step with its slopes.

        result = log(exp(numbers[0]) + exp(numbers[1]) + ...)

    Returns the result, and for each number the derivative of the result by it. Numbers such as 1000 and -1000 must not
    overflow: no exponential of a number above 0 is needed.
    """
    raise NotImplementedError


def in_order(last: object) -> list:
    """List all numbers that `last` was made of, and itself: each after its parts, and each only once.

    A number has an attribute `parts`, a tuple of the numbers it was made of (empty, if it was made of none). The same
    number can be a part of several. The function must not call itself, since chains of parts can have 100,000 links.
    Which numbers come first does not matter otherwise.
    """
    raise NotImplementedError


def worst_error(loss: Callable[[np.ndarray], float], x: np.ndarray, gradient: np.ndarray) -> float:
    """Check a gradient that someone claims, by central differences.

    loss: a function of an array, which returns a number. x: an array of floats, of any shape. gradient: what is claimed
    to be the derivative of loss by each number of x; of the same shape.

    Nudge each number of x by 1e-5, up and down, to find its derivative d. The relative error of a claimed g is
    |d - g| / max(|d|, |g|), and 0 where both are below 1e-8. Returns the largest relative error as a float. x is as
    before when the function returns.
    """
    raise NotImplementedError
