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

If lines have labels, each label has a tree of its own besides. What b is to the tree of all lines, that tree is
to a label's: its prediction at the position; and, while the probabilities to stop are computed, its estimate in
the same context.

After Willems, Shtarkov, Tjalkens, "The Context-Tree Weighting Method: Basic Properties" (1995); the estimator
is that of MacKay, Peto, "A Hierarchical Dirichlet Language Model" (1995).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from makemore.counting.strings import Array, Contexts, count_strings, find

STRENGTHS = tuple(2.0**k for k in range(-3, 9))
"""Values of alpha that are tried."""


def weighted(tokens: Array, V: int, depth: int, n_labels: int = 0) -> dict[str, Array]:
    """Return the weights of a ContextTree by name; those of the labels' trees begin with "own.".

    Args:
        tokens: A stream of ids (M,) with boundaries, id 0, between the lines, before the first and after the
            last; with labels, V times the label is added to each, to a boundary that of the next line.
        V: The size of the vocabulary.
        depth: D, the length of the longest contexts.
        n_labels: How many labels there are, with that of lines that have none.

    """
    labels, tokens = np.divmod(tokens.astype(np.int64), V)
    keys, counts = count_strings(tokens, depth + 1, V, distinct=False)
    base = np.full(V, 0.5)
    base[keys[0]] += counts[0]
    base /= base.sum()
    weights = _likeliest(keys, counts, [base[each % V] for each in keys], V, 1) | {"base": base}
    if n_labels:
        own, own_counts = count_strings(tokens, depth + 1, V, distinct=False, labels=labels)
        prior = _estimates(keys, counts, own, base, float(weights["strength"][0]))
        found = _likeliest(own, own_counts, prior, V, n_labels) | {"base": base}
        weights |= {f"own.{name}": value for name, value in found.items()}
    return weights


def _likeliest(
    keys: list[Array], counts: list[Array], prior: list[Array], V: int, roots: int
) -> dict[str, Array]:
    """Return the weights of a tree with the likeliest strength; prior: of each string b, (S,)."""
    found = [_stops(keys, counts, prior, strength, V, roots) for strength in STRENGTHS]
    best = max(range(len(found)), key=lambda i: found[i][0])
    return {
        "sizes": np.array([len(each) for each in keys]),
        "keys": np.concatenate(keys),
        "counts": np.concatenate(counts).astype(np.float64),
        "stops": np.concatenate(found[best][1]),
        "strength": np.array([STRENGTHS[best]]),
    }


def _estimates(
    keys: list[Array], counts: list[Array], own: list[Array], base: Array, strength: float
) -> list[Array]:
    """Return what the contexts of all lines estimate of the labels' strings `own`, (S,) of each length."""
    V, found = len(base), []
    place = np.zeros(1 + int(own[0].max(initial=0)) // V, dtype=np.int64)  # of the labels' contexts among all
    for each, count, strings in zip(keys, counts, own, strict=True):
        head, last = place[strings // V], strings % V
        total = np.bincount(each // V, count)
        place = find(each, V, head, last)
        found.append((count[place] + strength * base[last]) / (total[head] + strength))
    return found


def _stops(
    keys: list[Array], counts: list[Array], priors: list[Array], strength: float, V: int, roots: int
) -> tuple[float, list[Array]]:
    """Return log Q of the empty contexts, and the probabilities to stop at the contexts of each length."""
    deepest = len(keys) - 1
    sizes = [roots, *(len(each) for each in keys[:-1])]  # of contexts of each length
    own = []  # log P
    for each, count, prior, n in zip(keys, counts, priors, sizes, strict=True):
        context, prior = each // V, strength * prior
        total = np.bincount(context, count, n)
        gained = np.bincount(context, log_gamma(count + prior) - log_gamma(prior), n)
        own.append(gained - log_gamma(total + strength) + log_gamma(np.array([strength])))
    suffixes = [np.zeros(0, dtype=np.int64)]  # of each context, the one without its first character
    for k in range(1, deepest + 1):
        parent, last = np.divmod(keys[k - 1], V)
        head = suffixes[-1][parent] if k > 1 else parent
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
    return float(whole.sum()), stops[::-1]


class ContextTree:
    """The contexts of a text, and what follows them.

    Args:
        V: The size of the vocabulary.
        weights: What `weighted` returns.
        roots: How many empty contexts there are, one for each label in the labels' tree.

    """

    def __init__(self, V: int, weights: Mapping[str, Array], roots: int = 1) -> None:
        self.V, self.base = V, weights["base"]
        ends = np.cumsum(weights["sizes"])[:-1]
        self.keys = np.split(weights["keys"], ends)
        self.depth = len(self.keys) - 1
        self.contexts = Contexts(self.keys[:-1], V, roots)
        (strength,) = weights["strength"]
        self.strength = float(strength)
        sizes = [roots, *(len(keys) for keys in self.keys[:-1])]
        self.stops = np.split(weights["stops"], np.cumsum(sizes)[:-1])
        self.first, self.last, self.known, self.given, self.back = [], [], [], [], []
        for keys, counts, n in zip(self.keys, np.split(weights["counts"], ends), sizes, strict=True):
            context, last = np.divmod(keys, V)
            total = np.bincount(context, counts, n)
            self.first.append(np.searchsorted(keys, np.arange(n + 1) * V))
            self.last.append(last)
            self.known.append(np.append(total > 0, False))  # the last for contexts never seen
            self.given.append(counts / (total + strength)[context])
            self.back.append(strength / (total + strength))
        self.own: ContextTree | None = None
        if "own.keys" in weights:
            own = {name[4:]: weights[name] for name in weights if name.startswith("own.")}
            self.own = ContextTree(V, own, len(own["stops"]) - sum(own["sizes"][:-1]))

    def step(self, ids: Array, before: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        """Read one character in each of B lines; return p of the next ones, (B, V), and the contexts, (B, D).

        Contexts are places in the list of strings of their length, -1 if never seen: of all lines, then of the
        lines with the same label. `before` are those of the last character, none at the start of a line.
        """
        labels, ids = np.divmod(ids.astype(np.intp), self.V)
        base = np.repeat(self.base[None], len(ids), 0)
        p, contexts = self._read(ids, np.zeros_like(ids), before[0] if before else None, base)
        if self.own is None:
            return p, (contexts,)
        q, own = self.own._read(ids, labels, before[1] if before else None, p)
        return q, (contexts, own)

    def _read(self, ids: Array, empty: Array, before: Array | None, base: Array) -> tuple[Array, Array]:
        """Do so with one tree: `empty` (B,) are the empty contexts, and b is a row (B, V) for each line."""
        contexts = self.contexts.after(ids, empty, before)
        p = base.copy()
        found = np.zeros(len(ids), dtype=bool)  # a longer context was seen
        for k in range(self.depth, -1, -1):
            rows = np.flatnonzero(self.known[k][contexts[:, k]])
            context = contexts[rows, k]
            stop = np.where(found[rows], self.stops[k][context], 1.0)
            p[rows] = (1 - stop)[:, None] * p[rows] + (stop * self.back[k][context])[:, None] * base[rows]
            first = self.first[k][context]
            n = self.first[k][context + 1] - first
            child = np.arange(n.sum()) + np.repeat(first - (n.cumsum() - n), n)
            p[np.repeat(rows, n), self.last[k][child]] += np.repeat(stop, n) * self.given[k][child]
            found[rows] = True
        return p, contexts[:, 1:]

    def levels(self, contexts: Array, base: Array) -> list[tuple[int, float, Array]]:
        """Return what each length of context says at one position, the empty one first.

        The prediction of `step` is the mean of the estimates by their weights.

        Args:
            contexts: The places of the contexts of 0 to D characters, (D + 1,), -1 if never seen.
            base: b, (V,).

        Returns:
            For each length how often the context was seen, its weight, and its own estimate, (V,).

        """
        found = []
        known = [bool(self.known[k][contexts[k]]) for k in range(self.depth + 1)]
        left = 1.0  # of the weight, from the shortest on
        for k, context in enumerate(contexts.tolist()):
            if not known[k]:
                found.append((0, 0.0, base))
                continue
            weight = left * float(self.stops[k][context]) if any(known[k + 1 :]) else left
            left -= weight
            its = slice(self.first[k][context], self.first[k][context + 1])
            back = float(self.back[k][context])
            p = back * base
            p[self.last[k][its]] += self.given[k][its]
            found.append((round(self.strength * (1 / back - 1)), weight, p))
        return found


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
