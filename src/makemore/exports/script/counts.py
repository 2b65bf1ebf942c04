"""Strings of characters, counted and found: what models that count share."""

from __future__ import annotations

import numpy as np

from makemore.counting.strings import Array
from makemore.exports.script.base import State


def count(ids: Array, n: int, V: int, distinct: bool) -> tuple[list[Array], list[Array], list[Array]]:
    """Count the strings of 1 to n characters in a stream of lines (M,), each with a boundary at its end.

    Returns of each length the different strings, sorted; their counts; and which of them ends at each place, -1
    if it would begin before the line. A string is the number of its first characters among the shorter ones,
    times V, plus its last. If distinct, the count is how many different characters come before a string, as
    Kneser and Ney have it, unless it has n characters or begins the line; else, how often it occurs.
    """
    strings, counts, ends = list[Array](), list[Array](), [np.zeros_like(ids)]
    for k in range(n):
        head = np.roll(ends[-1], 1)  # before the first line is the boundary at the very end
        if k > 1:
            head[np.roll(ids, 1) == 0] = -1
        at = np.flatnonzero(head >= 0)
        found, first, number, times = np.unique(head[at] * V + ids[at], True, True, True)
        if k and distinct:
            before = np.bincount(ends[-1][at[first]], minlength=len(counts[-1]))
            counts[-1] = np.where(before > 0, before, counts[-1])
        ends.append(np.full_like(ids, -1))
        ends[-1][at] = number
        strings, counts = [*strings, found], [*counts, times]
    return strings, counts, ends[1:]


def contexts_of(ids: Array, state: State | None, strings: list[Array], V: int) -> Array:
    """Return the contexts of 0 to n - 1 characters at each place, (B, T, n), by their numbers; -1 if unknown.

    state: first those of 1 to n - 1 characters before, (B, n - 1); None at the start of a line.
    """
    found = np.zeros((*ids.shape, len(strings)), dtype=np.int64)
    for k, known in enumerate(strings[:-1]):
        start = np.full((len(ids), 1), -1) if state is None else state[0][:, k - 1 : k].cpu().numpy()
        head = np.concatenate([start, found[:, :-1, k]], 1) if k else found[..., 0]
        at = np.searchsorted(known, head * V + ids)
        there = (head >= 0) & (np.append(known, -1)[at] == head * V + ids)
        found[..., k + 1] = np.where(there, at, -1)
    return found


def children(first: Array, context: Array) -> tuple[Array, Array]:
    """Return the strings that continue some contexts (N,), all in a row, and which of the N each continues."""
    n = first[context + 1] - first[context]
    place = np.arange(n.sum()) - np.repeat(n.cumsum() - n, n)
    return np.repeat(first[context], n) + place, np.repeat(np.arange(len(context)), n)
