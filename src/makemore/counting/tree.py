"""The counts of an n-gram: its strings, what is left of them without some lines, and how they are smoothed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from makemore.counting import smoothing
from makemore.counting.smoothing import Left
from makemore.counting.strings import Array, count_strings, find

SHAPE_ORDER = 4
"""The length of the longest string of kinds of characters that is counted."""

FITTED_TOKENS = 30_000
"""At about this many characters the discounts are fitted; more lines are subsampled."""


def counted(
    tokens: Array, V: int, order: int, kinds: Array | None = None, n_labels: int = 0
) -> dict[str, Array]:
    """Return the weights of an n-gram by name (`models.ngram`): its strings, their counts, its discounts.

    If lines have labels, an id is V times the label plus the character, and the strings of each label are
    counted too: the weights whose names begin with "own.".

    Args:
        tokens: A stream of ids (M,) with boundaries, id 0, between the lines, before the first and after the
            last. A boundary has the label of the line that it begins.
        V: The size of the vocabulary.
        order: n, the length of the longest strings.
        kinds: The kind of each character, (V,), from 0 on; None if all are of one kind.
        n_labels: How many labels there are, with that of lines that have none.

    """
    labels, tokens = np.divmod(tokens.astype(np.int64), V)
    of = np.zeros(V, dtype=np.int64) if kinds is None else kinds
    tree = Tree(V, *count_strings(tokens, order, V), of)
    some = _some_lines(tokens, labels)
    levels = tree.left_out(some.tokens, some.copies)
    weights = {}
    if kinds is not None:
        K = int(of.max()) + 1
        shape = counted(of[tokens], K, SHAPE_ORDER)
        weights = _named("shape", shape)
        ends = np.cumsum(shape["sizes"])[:-1]
        kind_tree = Tree(K, np.split(shape["keys"], ends), np.split(shape["counts"], ends), shape["kinds"])
        each = kind_tree.left_out(of[some.tokens], some.copies)
        *_, p = _probabilities(each, np.full(len(some.copies), 1 / K), shape["discounts"])
        levels[0] = dataclasses.replace(levels[0], weight=p)
    base = 1 / np.bincount(of)[of[some.tokens[1:]]]
    weights |= tree.weights(smoothing.fitted(levels, base, [*map(smoothing.formulas, tree.counts)]))
    if n_labels:
        one_kind = np.zeros(V, dtype=np.int64)
        own = Tree(V, *count_strings(tokens, order, V, labels=labels), one_kind, n_labels)
        beside = _probabilities(levels, base, weights["discounts"])
        levels = own.left_out(some.tokens, some.own_copies, some.labels)
        usual = [*map(smoothing.formulas, own.counts)]
        weights |= _named("own", own.weights(smoothing.fitted(levels, beside[0], usual, beside)))
    return weights


def _named(part: str, weights: dict[str, Array]) -> dict[str, Array]:
    return {f"{part}.{name}": value for name, value in weights.items()}


def _probabilities(levels: list[Left], p: Array, discounts: Array) -> list[Array]:
    """Return the probabilities (N,) of characters that were left out, after each length of context."""
    found = []
    for level, (a, *D) in zip(levels, discounts, strict=True):
        p, _ = level.probability(p, a, np.array(D))
        found.append(p)
    return found


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
    labels: int = 0
    """How many empty contexts there are, one for each label, if the strings of each are counted apart."""

    def weights(self, discounts: Array) -> dict[str, Array]:
        """Return what an n-gram keeps of it, by name."""
        return {
            "sizes": np.array([len(keys) for keys in self.keys]),
            "keys": np.concatenate(self.keys),
            "counts": np.concatenate(self.counts).astype(np.float64),
            "discounts": discounts,
            "kinds": self.kinds,
        }

    def left_out(self, tokens: Array, copies: Array, labels: Array | None = None) -> list[Left]:
        """Return what is left of the counts of each character if its line is left out.

        Args:
            tokens: Some of the lines that were counted, as a stream (N + 1,) with boundaries.
            copies: (N,) of each predicted character, how often its line was counted.
            labels: (N,) the label of its line, if the strings of each are counted apart.

        Returns:
            The counts for contexts of 0 to n - 1 characters.

        """
        inputs, targets = tokens[:-1], tokens[1:]
        contexts = self.contexts(inputs, labels)
        levels = []
        lost = copies
        for k in range(len(self.keys) - 1, -1, -1):
            keys, counts, context = self.keys[k], self.counts[k], contexts[k]
            child = find(keys, self.V, context, targets)
            seen = child >= 0
            if k or self.labels:
                of, n = keys // self.V, len(self.keys[k - 1]) if k else self.labels
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

    def contexts(self, inputs: Array, labels: Array | None = None) -> list[Array]:
        """Return the contexts of 0 to n - 1 characters that end at each place (N,) of a stream.

        They are places in the list of strings of their length, -1 where the context was never seen.
        """
        found = [np.zeros_like(inputs) if labels is None else labels]
        for k in range(1, len(self.keys)):
            head = found[0] if k == 1 else np.where(inputs == 0, -1, np.append(-1, found[-1][:-1]))
            found.append(find(self.keys[k - 1], self.V, head, inputs))
        return found


class _Some(NamedTuple):
    """Some lines, as a stream with boundaries (N + 1,), and what is known of each predicted character's line."""

    tokens: Array
    copies: Array
    """(N,) how often the line was counted."""
    own_copies: Array
    """(N,) how often it was with the same label."""
    labels: Array
    """(N,)"""


def _some_lines(tokens: Array, labels: Array) -> _Some:
    """Return some lines of a stream (M,); labels (M,) of each character's line."""
    ends = np.flatnonzero(tokens == 0)
    first, lengths = ends[:-1] + 1, np.diff(ends)  # with the end
    names, label = hashes(tokens[1:], lengths), labels[ends[:-1]]
    with np.errstate(over="ignore"):
        own_names = names + label.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    copies, own_copies = (
        times[number]
        for _, number, times in (
            np.unique(each, return_inverse=True, return_counts=True) for each in (names, own_names)
        )
    )
    most = max(1, len(lengths) * FITTED_TOKENS // max(FITTED_TOKENS, len(tokens)))
    rows = np.argsort(names, kind="stable")[:most]  # whatever the order of the lines
    n = lengths[rows]
    at = np.arange(n.sum()) + np.repeat(first[rows] - (np.cumsum(n) - n), n)
    each = (np.repeat(values[rows], n) for values in (copies, own_copies, label))
    return _Some(np.append(0, tokens[at]), *each)


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
