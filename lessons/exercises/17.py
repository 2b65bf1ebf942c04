"""Exercises of lesson 17. Fill in the functions; `makemore lessons check 17` grades them."""

import numpy as np


def power_law(sizes: np.ndarray, losses: np.ndarray) -> tuple[float, float, float]:
    """Fit losses = floor + a / sizes ** alpha.

    sizes, losses: (M,), M at least 4, positive; losses fall with the size.
    Try 1,000 floors or more, from 0 to just below the smallest loss. For each floor a straight line through
    log(losses - floor) over log(sizes), fitted by least squares, gives a and alpha. Keep the floor with the
    smallest sum of squared errors of the *losses* (not of the logarithms).
    Returns (floor, a, alpha), all positive.
    """
    raise NotImplementedError


def transformer_cost(V: int, C: int, layers: int, places: int, tokens: int) -> tuple[int, int]:
    """Count the weights of lesson 10's Transformer, and the operations of a training.

    V characters, C channels, `layers` blocks, a table of `places` positions. The weights are: the two tables; in each
    block two LayerNorms (a gain and a bias each), a matrix with a bias from C to 3 C, one from C to C, one from
    C to 4 C and one from 4 C to C; a last LayerNorm; the output matrix from C to V, which has no bias.

    The training sees `tokens` tokens. Count 6 operations for each token and each number of a *matrix that is
    multiplied*: not for the two tables, which are looked up, nor for gains and biases. Leave out the scores of attention.
    Returns the number of weights, and the number of operations.
    """
    raise NotImplementedError


def best_size(
    law: tuple[float, float, float, float, float], budget: float, most: float
) -> tuple[float, float, float]:
    """The best number of weights and of tokens for a budget of compute, where there are only so many tokens.

    law: (floor, A, alpha, B, beta) of L = floor + A / N ** alpha + B / D ** beta. All are positive.
    budget: at most so many operations, counted as 6 N D. most: D may not be above it.
    Returns N, D and the loss L, for the lowest loss that is possible. N and D need not be whole numbers.
    """
    raise NotImplementedError
