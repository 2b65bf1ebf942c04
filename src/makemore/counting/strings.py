"""Counting the strings of 1 to n characters in a text, by sorting.

The n characters that start at each place of the text are the digits of one number. Once sorted, equal numbers
lie side by side, and so do all that begin alike. There are far fewer different numbers than places, and they
give all the shorter strings: cut off the last digit and add up the counts of those that are now equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

PIECE = 1 << 17
"""Places that are packed at a time, to fit the processor's cache."""


def count_strings(
    tokens: Array, n: int, V: int, distinct: bool = True, labels: Array | None = None
) -> tuple[list[Array], list[Array]]:
    """Count the strings that end in a predicted character.

    Args:
        tokens: A stream of ids (M,), with the boundary, id 0, between the lines, before the first and after
            the last.
        n: The length of the longest strings.
        V: The size of the vocabulary.
        distinct: Whether to count as Kneser and Ney do.
        labels: The label of each place's line, (M,): the strings of each label are counted apart, as if the
            label came before them. None if all lines are alike.

    Returns:
        For each length k = 1 .. n the keys of the different strings, sorted, and their counts, (S,) each.
        A key is (place of the first k - 1 characters in the list before) * V + last character. The counts are
        how often a string occurs, or, as Kneser and Ney count, how many different characters occur before it
        unless it has n characters or begins the line.

    """
    strings, count, names = _whole_strings(tokens, n, V, labels)
    levels = []  # n, n - 1, ... 1: which strings are whole; of those the parent, last character and count
    for k in range(n, 0, -1):
        head, last = np.divmod(strings, V)
        if k - 1 in names:
            head = names[k - 1][head]
        # a string whose head ends in the boundary is only filled up, unless the head is just that
        whole = head % V != 0 if k > 2 else np.ones(len(head), dtype=bool)
        first = firsts(head)
        parent = np.repeat(np.arange(len(first)), np.diff(first, append=len(head)))
        levels.append((whole, parent[whole], last[whole].astype(np.int64), count[whole]))
        strings, count = head[first], np.add.reduceat(count, first)
    keys: list[Array] = []
    counts: list[Array] = []
    number = suffix = strings.astype(np.int64)  # level 0 has the empty string, once for each label
    for whole, parent, last, count in reversed(levels):
        parent = number[parent]  # now among the whole ones
        if keys and distinct:  # the same string without its first character, on the level before
            suffix = np.searchsorted(keys[-1], suffix[parent] * V + last)
            different = np.bincount(suffix, minlength=len(keys[-1]))
            counts[-1] = np.where(different > 0, different, counts[-1])  # 0: it begins the line
        else:
            suffix = parent
        keys.append(parent * V + last)
        counts.append(count)
        number = np.cumsum(whole) - 1
    return keys, counts


def _whole_strings(
    tokens: Array, n: int, V: int, labels: Array | None
) -> tuple[Array, Array, dict[int, Array]]:
    """Count the strings of n characters that begin at each place of a stream (M,) but its last boundary.

    The first digit is the place's label, if there are any.

    A string is a number with its characters as digits to the base V, filled up with 0 after its line's end.
    Returns the different ones in order (S,), their counts (S,), and names: where k characters leave no room
    in 64 bits for the next one, names[k] lists the different numbers so far, and a number's place in that
    list takes its place as the first digit. The order stays.
    """
    M = len(tokens) - 1
    stream = np.zeros(M + n, dtype=np.min_scalar_type(V - 1))
    stream[: M + 1] = tokens
    bound = 1 if labels is None else int(labels.max(initial=0)) + 1
    strings = np.zeros(M, dtype=np.uint32 if bound * V**n <= 2**32 else np.uint64)
    if labels is not None:
        strings[:] = labels[:M]
    inside = np.ones(M, dtype=bool)  # the line has not ended yet
    names: dict[int, Array] = {}
    k = 0  # the numbers so far are of k characters, and less than bound
    while k < n:
        if k > 0:
            names[k], strings = np.unique(strings, return_inverse=True)
            strings, bound = strings.astype(np.uint64), len(names[k])
        done = k
        while k < n and bound * V <= 2**64:
            k, bound = k + 1, bound * V
        for i in range(0, M, PIECE):
            piece, within = strings[i : i + PIECE], inside[i : i + PIECE]  # views
            for j in range(done, k):
                characters = stream[i + j : i + j + len(piece)] * within
                piece[:] = piece * V + characters
                if j > 0:
                    within &= characters != 0
    strings.sort()
    first = firsts(strings)
    return strings[first], np.diff(first, append=M), names


def firsts(values: Array) -> Array:
    """Return the places in a sorted list (N,) at which a new value begins."""
    return np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)[: len(values)]


def find(keys: Array, V: int, head: Array, last: Array) -> Array:
    """Return where the strings head + last are among the keys of their length; -1 where there is none: (N,).

    Args:
        keys: (S,) the keys.
        V: The size of the vocabulary.
        head: (N,) the strings without their last characters, by their places in the list before, or -1.
        last: (N,) the last characters.

    """
    if len(keys) == 0:
        return np.full(len(head), -1)
    wanted = head * V + last
    found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((head >= 0) & (keys[found] == wanted), found, -1)


class Contexts:
    """The contexts of 0 to n - 1 characters that end at a character, found for all lengths in one search.

    Args:
        keys: (S,) of each length from 1 to n - 1 the keys: see `count_strings`.
        V: The size of the vocabulary.
        roots: How many empty contexts there are.

    """

    def __init__(self, keys: list[Array], V: int, roots: int = 1) -> None:
        self.V = V
        sizes = np.array([len(each) for each in keys], dtype=np.int64)
        ends = (np.append(max(roots, 1), sizes[:-1]) * V)[: len(keys)]  # above the keys of each length
        # all keys in one sorted list, those of each length above the shorter ones
        self.offsets, self.starts = ends.cumsum() - ends, sizes.cumsum() - sizes
        above = [each + offset for each, offset in zip(keys, self.offsets, strict=True)]
        self.strings = np.concatenate([*above, [np.iinfo(np.int64).max]])

    def after(self, ids: Array, empty: Array, before: Array | None) -> Array:
        """Return the places of the contexts after a character in the lists of their lengths, (B, n); -1 if unknown.

        Args:
            ids: The last characters, (B,).
            empty: The numbers of the empty contexts, (B,).
            before: The contexts of 1 to n - 1 characters before it, (B, n - 1); None at the start of a line.

        """
        if before is None:
            before = np.full((len(ids), len(self.starts)), -1)
        heads = np.concatenate([empty[:, None], before], 1)[:, : len(self.starts)]
        wanted = self.offsets + heads * self.V + ids[:, None]
        at = np.searchsorted(self.strings, wanted)
        found = np.where((heads >= 0) & (self.strings[at] == wanted), at - self.starts, -1)
        return np.concatenate([empty[:, None], found], 1)
