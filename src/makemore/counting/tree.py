"""The counts of an n-gram: its strings, what is left of them without some lines, and how they are smoothed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from makemore.counting import smoothing
from makemore.counting.smoothing import Left
from makemore.counting.strings import Array, count_strings, find

SHAPE_ORDER = 4
"""The length of the longest string of kinds of characters that is counted."""

FITTED_TOKENS = 30_000
"""At about this many characters the discounts are fitted; more lines are subsampled."""


def counted(tokens: Array, V: int, order: int, kinds: Array | None = None) -> dict[str, Array]:
    """Return the weights of an n-gram by name (`models.ngram`): its strings, their counts, its discounts.

    Args:
        tokens: A stream of ids (M,) with boundaries, id 0, between the lines, before the first and after the
            last.
        V: The size of the vocabulary.
        order: n, the length of the longest strings.
        kinds: The kind of each character, (V,), from 0 on; None if all are of one kind.

    """
    tokens = tokens.astype(np.int64)
    of = np.zeros(V, dtype=np.int64) if kinds is None else kinds
    tree = Tree(V, *count_strings(tokens, order, V), of)
    some, copies = _some_lines(tokens)
    levels = tree.left_out(some, copies)
    weights = {}
    if kinds is not None:
        K = int(of.max()) + 1
        shape = counted(of[tokens], K, SHAPE_ORDER)
        weights = {f"shape.{name}": value for name, value in shape.items()}
        ends = np.cumsum(shape["sizes"])[:-1]
        kind_tree = Tree(K, np.split(shape["keys"], ends), np.split(shape["counts"], ends), shape["kinds"])
        p = np.full(len(copies), 1 / K)
        for level, (a, *D) in zip(kind_tree.left_out(of[some], copies), shape["discounts"], strict=True):
            p, _ = level.probability(p, a, np.array(D))
        levels[0] = dataclasses.replace(levels[0], weight=p)
    members = np.bincount(of)
    return weights | {
        "sizes": np.array([len(keys) for keys in tree.keys]),
        "keys": np.concatenate(tree.keys),
        "counts": np.concatenate(tree.counts).astype(np.float64),
        "discounts": smoothing.fitted(
            levels, 1 / members[of[some[1:]]], [*map(smoothing.formulas, tree.counts)]
        ),
        "kinds": of,
    }


@dataclass(frozen=True)
class Tree:
    """Strings of 1 to n characters."""

    V: int
    keys: list[Array]
    """Of each length the strings, (S,): see `count_strings`."""
    counts: list[Array]
    """Their counts, (S,)."""
    kinds: Array
    """(V,) the kind of each character. In the empty context each kind is counted apart."""

    def left_out(self, tokens: Array, copies: Array) -> list[Left]:
        """Return what is left of the counts of each character if its line is left out.

        Args:
            tokens: Some of the lines that were counted, as a stream (N + 1,) with boundaries.
            copies: (N,) of each predicted character, how often its line was counted.

        Returns:
            The counts for contexts of 0 to n - 1 characters.

        """
        inputs, targets = tokens[:-1], tokens[1:]
        contexts = self.contexts(inputs)
        levels = []
        lost = copies
        for k in range(len(self.keys) - 1, -1, -1):
            keys, counts, context = self.keys[k], self.counts[k], contexts[k]
            child = find(keys, self.V, context, targets)
            seen = child >= 0
            if k:
                of, n = keys // self.V, len(self.keys[k - 1])
            else:
                context, of, n = self.kinds[targets], self.kinds[keys], int(self.kinds.max()) + 1
            count = np.append(counts, 0)[child].astype(np.int64)
            left = np.where(seen, np.maximum(count - lost, 0), 0)
            each = [np.append(np.bincount(of, counts == i, n), 0) for i in (1, 2)]
            each.append(np.append(np.bincount(of, counts > 2, n), 0))
            times = np.stack([x[context] for x in each])  # (3, N)
            for i in (1, 2, 3):
                times[i - 1] += np.where(np.minimum(left, 3) == i, 1, 0) - (np.minimum(count, 3) == i)
            total = np.append(np.bincount(of, counts, n), 0)[context] - (count - left)
            levels.append(Left(left, total, times))
            # a string that is gone is one fewer before the next shorter one
            lost = np.where(seen, (left == 0).astype(np.int64), lost)
        return levels[::-1]

    def contexts(self, inputs: Array) -> list[Array]:
        """Return the contexts of 0 to n - 1 characters that end at each place (N,) of a stream.

        They are places in the list of strings of their length, -1 where the context was never seen.
        """
        found = [np.zeros_like(inputs)]
        for k in range(1, len(self.keys)):
            head = found[0] if k == 1 else np.where(inputs == 0, -1, np.append(-1, found[-1][:-1]))
            found.append(find(self.keys[k - 1], self.V, head, inputs))
        return found


def _some_lines(tokens: Array) -> tuple[Array, Array]:
    """Return some lines of a stream, as a stream, and for each predicted character the copies of its line."""
    ends = np.flatnonzero(tokens == 0)
    first, lengths = ends[:-1] + 1, np.diff(ends)  # with the end
    names = hashes(tokens[1:], lengths)
    _, number, times = np.unique(names, return_inverse=True, return_counts=True)
    most = max(1, len(lengths) * FITTED_TOKENS // max(FITTED_TOKENS, len(tokens)))
    rows = np.argsort(names, kind="stable")[:most]  # whatever the order of the lines
    n = lengths[rows]
    at = np.arange(n.sum()) + np.repeat(first[rows] - (np.cumsum(n) - n), n)
    return np.append(0, tokens[at]), np.repeat(times[number[rows]], n)


def hashes(tokens: Array, lengths: Array) -> Array:
    """Return a number for each of some lines, (M,) uint64: the same for equal lines.

    Args:
        tokens: The lines' ids, one line after another.
        lengths: (M,) how many there are of each line, at least 1.

    """
    first = np.cumsum(lengths) - lengths
    place = np.arange(len(tokens)) - np.repeat(first, lengths)
    with np.errstate(over="ignore"):  # numbers are cut to 64 bits
        mixed = tokens.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # odd, and without a pattern
        mixed ^= mixed >> np.uint64(31)
        powers = np.cumprod(np.full(int(lengths.max(initial=1)), 0xD1342543DE82EF95, dtype=np.uint64))
        sums: Array = np.add.reduceat(mixed * powers[place], first)
    return sums
