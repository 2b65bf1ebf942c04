"""How many lines are made at a time, so that memory stays bounded."""

from __future__ import annotations

import numpy as np

from makemore.sampling.stepper import State, numbers
from makemore.sampling.tree import Tree

MOST_ROWS = 8192
"""How many rows the model steps at a time, at most."""

_FLOATS = 64_000_000


def rows_at_once(tree: Tree, state: State, floats: int | None = None) -> int:
    """Return how many rows to step at a time, so that the states of whole lines fit in memory.

    `floats` is the size of one row's state at the end of the line; None takes the size of `state`'s rows.
    """
    now = numbers(state) // len(state[0]) if state else 0
    # and some sixteen arrays over the vocabulary
    each = 16 * len(tree.vocab) + tree.max_length + (now * tree.max_length if floats is None else floats)
    return max(16, min(MOST_ROWS, _FLOATS // max(each, tree.model.widest // 4)))


def samples_at_once(tree: Tree) -> int:
    """Return how many samples to take at a time."""
    one = np.zeros(1, dtype=np.intp)
    _, later = tree.step(tree.state, one, one)  # a step can make the state larger
    # with labels, the state has a row for each
    now, then = (numbers(state) // len(state[0]) if state else 0 for state in (tree.state, later))
    return rows_at_once(tree, tree.state, now + (then - now) * tree.max_length)
