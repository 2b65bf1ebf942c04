"""Models that are tables: bigram, bigram_nn, and the n-gram, whose table is a tree of sorted lists.

The equations are in makemore/models/bigram.py, bigram_nn.py and ngram.py.
"""

from __future__ import annotations

import numpy as np

from makemore.counting.strings import find
from makemore.counting.tree import SHAPE_ORDER
from makemore.inference.base import Array, Inference, State


class Bigram(Inference):
    """A row of counts for each character."""

    knobs = ("smoothing",)

    def prepare(self) -> None:
        counts = self.weights["counts"] + self.config["smoothing"]  # (V, V)
        total = counts.sum(1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = np.where(total > 0, counts / total, 1 / len(counts))  # uniform if never seen
            self.table = np.log(p)  # (V, V)

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        return self.table[ids], ()


class BigramNN(Inference):
    """A row of logits for each character."""

    def prepare(self) -> None:
        self.table = self.weights["weight"]  # (V, V)

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        return self.table[ids], ()


class NGram(Inference):
    """Counts of the strings of 1 to n characters, each level sorted by (number of its head, last character).

    State: (B, n - 1), the numbers of the last 1 to n - 1 characters on their levels, -1 if never seen; then
    the same of their kinds.
    """

    knobs = ("order",)

    def prepare(self) -> None:
        ends = np.cumsum(self.weights["sizes"])[:-1]
        self.keys = np.split(self.weights["keys"], ends)
        self.counts = np.split(self.weights["counts"], ends)
        self.n = len(self.keys)
        shape = {name[6:]: self.weights[name] for name in self.weights if name.startswith("shape.")}
        self.kinds, self.shape = np.zeros(self.V, dtype=np.intp), None
        if shape or "kinds" in self.weights:  # runs of early versions know no kinds
            self.kinds = self.weights["kinds"]
        if shape:
            kinds = {"kinds": self.weights["shape.kinds"]}
            self.shape = NGram(int(self.kinds.max()) + 1, {"order": SHAPE_ORDER}, shape | kinds)
        # the probability of each character among those of its kind, in the empty context
        K, of = int(self.kinds.max()) + 1, self.kinds[self.keys[0]]
        taken = self.taken(0, self.counts[0])
        a, total = self.weights["discounts"][0, 0], np.bincount(of, self.counts[0], K)
        back = np.ones(K)
        np.divide(np.bincount(of, taken, K) + a, total + a, out=back, where=total > 0)
        self.p = (back / np.bincount(self.kinds))[self.kinds]  # (V,)
        self.p[self.keys[0]] += (self.counts[0] - taken) / (total + a)[of]

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        before = np.full((len(ids), self.n - 1), -1) if state is None else state[0]  # (B, n - 1)
        p = np.repeat(self.p[None], len(ids), 0)  # (B, V)
        more: State = ()
        if self.shape is not None:
            logp, more = self.shape.step(self.kinds[ids], state and state[1:])
            p *= np.exp(logp)[:, self.kinds]
        contexts = np.empty_like(before)
        for k in range(1, self.n):  # from p(w | k - 1 characters) to p(w | k characters)
            head = np.zeros_like(ids) if k == 1 else before[:, k - 2]
            contexts[:, k - 1] = find(self.keys[k - 1], self.V, head, ids)
            self.interpolate(k, contexts[:, k - 1], p)
        return np.log(p), (contexts, *more)

    def taken(self, k: int, counts: Array) -> Array:
        """Return the discounts of counts (S,) on level k."""
        found: Array = self.weights["discounts"][k][np.minimum(counts, 3).astype(np.intp)]
        return found

    def interpolate(self, k: int, context: Array, p: Array) -> None:
        """Turn p(w | context of k - 1) into p(w | context of k) in place; unknown contexts leave it.

        Args:
            k: The length of the contexts.
            context: Their numbers on level k, (B,).
            p: Probabilities, (B, V).

        """
        # a context's continuations are its children, which lie side by side: row i has n[i] of them
        keys = self.keys[k]
        first = np.searchsorted(keys, context * self.V)
        n = np.where(context >= 0, np.searchsorted(keys, (context + 1) * self.V) - first, 0)
        row = np.repeat(np.arange(len(n)), n)  # (S,) the row of each child
        child = np.arange(len(row)) + (first - n.cumsum() + n)[row]  # (S,)
        count, a = self.counts[k][child], self.weights["discounts"][k, 0]
        taken, total = self.taken(k, count), np.bincount(row, count, len(n))  # (S,), (B,)
        known = total > 0
        p[known] *= ((np.bincount(row, taken, len(n)) + a)[known] / (total + a)[known])[:, None]
        p[row, keys[child] % self.V] += (count - taken) / (total + a)[row]
