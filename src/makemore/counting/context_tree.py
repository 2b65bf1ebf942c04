"""Context-tree weighting: how far back to look, answered by Bayes' rule instead of by a setting.

Each context s of 0 to D characters has an estimator of what follows it, which starts from the shares of the
characters in the whole text, b, as if it had seen alpha characters so distributed:

    p(w | s) = (count(s, w) + alpha b(w)) / (count(s, .) + alpha)

The probability that it gives to all characters that did follow s, one after another, has a closed form:

    P(s) = G(alpha) / G(n + alpha) * product over w of G(count(s, w) + alpha b(w)) / G(alpha b(w))

(G is the gamma function.) A context may stop there, or be split by the character before it. With probability
1/2 each beforehand, all characters after s have the probability

    Q(s) = 1/2 P(s) + 1/2 product of Q over the contexts one character longer that end in s

and Q(s) = P(s) for the longest ones and those that begin the line. So the probability that s is where one
should stop is 1/2 P(s) / Q(s), now that the text is known. A prediction follows the contexts of a position
from the shortest on, and gives each the weight that is left times the probability to stop. That is the exact
mean over all trees of contexts. Only where a longer context was never seen, the rest goes to the longest that
was. Nothing is set: alpha is the one under which the whole text, Q of the empty context, is likeliest.

After Willems, Shtarkov, Tjalkens, "The Context-Tree Weighting Method: Basic Properties" (1995); the estimator
is that of MacKay, Peto, "A Hierarchical Dirichlet Language Model" (1995).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from makemore.counting.strings import Array, count_strings, find

STRENGTHS = tuple(2.0**k for k in range(-3, 9))
"""Values of alpha that are tried."""


def weighted(tokens: Array, V: int, depth: int) -> dict[str, Array]:
    """Return the weights of a ContextTree by name.

    Args:
        tokens: A stream of ids (M,) with boundaries, id 0, between the lines, before the first and after the
            last.
        V: The size of the vocabulary.
        depth: D, the length of the longest contexts.

    """
    keys, counts = count_strings(tokens.astype(np.int64), depth + 1, V, distinct=False)
    base = np.full(V, 0.5)
    base[keys[0]] += counts[0]
    base /= base.sum()
    found = [_stops(keys, counts, base, strength) for strength in STRENGTHS]
    best = max(range(len(found)), key=lambda i: found[i][0])
    return {
        "sizes": np.array([len(each) for each in keys]),
        "keys": np.concatenate(keys),
        "counts": np.concatenate(counts).astype(np.float64),
        "stops": np.concatenate(found[best][1]),
        "base": base,
        "strength": np.array([STRENGTHS[best]]),
    }


def _stops(keys: list[Array], counts: list[Array], base: Array, strength: float) -> tuple[float, list[Array]]:
    """Return log Q of the empty context, and the probabilities to stop at the contexts of each length."""
    V, deepest = len(base), len(keys) - 1
    sizes = [1, *(len(each) for each in keys[:-1])]  # of contexts of each length
    own = []  # log P
    for each, count, n in zip(keys, counts, sizes, strict=True):
        context, prior = each // V, strength * base[each % V]
        total = np.bincount(context, count, n)
        gained = np.bincount(context, log_gamma(count + prior) - log_gamma(prior), n)
        own.append(gained - log_gamma(total + strength) + log_gamma(np.array([strength])))
    suffixes = [np.zeros(0, dtype=np.int64)]  # of each context, the one without its first character
    for k in range(1, deepest + 1):
        parent, last = np.divmod(keys[k - 1], V)
        head = suffixes[-1][parent] if k > 1 else np.zeros_like(parent)
        suffixes.append(find(keys[k - 2], V, head, last) if k > 1 else head)
    whole = own[deepest]  # log Q
    stops = [np.ones(sizes[deepest])]
    for k in range(deepest - 1, -1, -1):
        split = np.bincount(suffixes[k + 1], whole, sizes[k])
        followed = (
            np.bincount(keys[k + 1] // V, minlength=sizes[k + 1]) > 0
        )  # strings that end a line are not
        leaf = np.bincount(suffixes[k + 1][followed], minlength=sizes[k]) == 0
        stop = np.where(leaf, 1.0, 1 / (1 + np.exp(np.clip(split - own[k], -700, 700))))
        whole = np.where(leaf, own[k], np.logaddexp(own[k], split) - np.log(2))
        stops.append(stop)
    return float(whole[0]), stops[::-1]


class ContextTree:
    """The contexts of a text, and what follows them.

    Args:
        V: The size of the vocabulary.
        weights: What `weighted` returns.

    """

    def __init__(self, V: int, weights: Mapping[str, Array]) -> None:
        self.V, self.base = V, weights["base"]
        ends = np.cumsum(weights["sizes"])[:-1]
        self.keys = np.split(weights["keys"], ends)
        self.depth = len(self.keys) - 1
        (strength,) = weights["strength"]
        sizes = [1, *(len(keys) for keys in self.keys[:-1])]
        self.stops = np.split(weights["stops"], np.cumsum(sizes)[:-1])
        self.first, self.last, self.known, self.own, self.back = [], [], [], [], []
        for keys, counts, n in zip(self.keys, np.split(weights["counts"], ends), sizes, strict=True):
            context, last = np.divmod(keys, V)
            total = np.bincount(context, counts, n)
            self.first.append(np.searchsorted(keys, np.arange(n + 1) * V))
            self.last.append(last)
            self.known.append(np.append(total > 0, False))  # the last for contexts never seen
            self.own.append(counts / (total + strength)[context])
            self.back.append(strength / (total + strength))

    def step(self, ids: Array, before: Array | None) -> tuple[Array, Array]:
        """Read one character in each of B lines; return p of the next ones, (B, V), and the contexts, (B, D).

        Contexts are places in the list of strings of their length, -1 if never seen.
        """
        before = np.full((len(ids), self.depth), -1) if before is None else before
        contexts = np.empty_like(before)
        for k in range(1, self.depth + 1):
            head = np.zeros_like(ids) if k == 1 else before[:, k - 2]
            contexts[:, k - 1] = find(self.keys[k - 1], self.V, head, ids)
        p = np.repeat(self.base[None], len(ids), 0)
        found = np.zeros(len(ids), dtype=bool)  # a longer context was seen
        for k in range(self.depth, -1, -1):
            context = contexts[:, k - 1] if k else np.zeros_like(ids)
            rows = np.flatnonzero(self.known[k][context])
            context = context[rows]
            stop = np.where(found[rows], self.stops[k][context], 1.0)
            p[rows] = (1 - stop)[:, None] * p[rows] + (stop * self.back[k][context])[:, None] * self.base
            first = self.first[k][context]
            n = self.first[k][context + 1] - first
            child = np.arange(n.sum()) + np.repeat(first - (n.cumsum() - n), n)
            p[np.repeat(rows, n), self.last[k][child]] += np.repeat(stop, n) * self.own[k][child]
            found[rows] = True
        return p, contexts


def log_gamma(x: Array) -> Array:
    """Return the logarithm of the gamma function of positive numbers, by Stirling's series at x + 8."""
    y = x + 8
    series = (
        (y - 0.5) * np.log(y)
        - y
        + 0.5 * np.log(2 * np.pi)
        + (1 / 12 - (1 / 360 - 1 / (1260 * y**2)) / y**2) / y
    )
    found: Array = (
        series - np.log(x * (x + 1) * (x + 2) * (x + 3)) - np.log((x + 4) * (x + 5) * (x + 6) * (x + 7))
    )
    return found
