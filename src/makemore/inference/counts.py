"""Models that are tables: bigram, bigram_nn, and the n-gram, whose table is a tree of sorted lists.

The equations are in makemore/models/bigram.py, bigram_nn.py and ngram.py.
"""

from __future__ import annotations

import numpy as np

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

    State: (B, n - 1), the numbers of the last 1 to n - 1 characters on their levels; -1 if never seen.
    """

    knobs = ("order",)

    def prepare(self) -> None:
        ends = np.cumsum(self.weights["sizes"])[:-1]
        self.keys = np.split(self.weights["keys"], ends)
        self.counts = np.split(self.weights["counts"], ends)
        self.n = len(self.keys)
        self.p = np.full((1, self.V), 1 / self.V)
        self.interpolate(0, np.zeros(1, dtype=np.int64), self.p)  # of the empty context, the same always

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        before = np.full((len(ids), self.n - 1), -1) if state is None else state[0]  # (B, n - 1)
        p = np.repeat(self.p, len(ids), 0)  # (B, V)
        contexts = np.empty_like(before)
        for k in range(1, self.n):  # from p(w | k - 1 characters) to p(w | k characters)
            head = np.zeros_like(ids) if k == 1 else before[:, k - 2]
            contexts[:, k - 1] = self.find(k - 1, head, ids)
            self.interpolate(k, contexts[:, k - 1], p)
        return np.log(p), (contexts,)

    def find(self, level: int, head: Array, ids: Array) -> Array:
        """Return the numbers on `level` of the strings head + character; -1 where there is none: (B,)."""
        keys = self.keys[level]
        wanted = head * self.V + ids
        found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((head >= 0) & (keys[found] == wanted), found, -1)

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
        count = self.counts[k][child]
        taken = self.weights["discounts"][k][np.minimum(count, 3).astype(np.intp)]  # (S,)
        total = np.bincount(row, count, len(n))  # (B,)
        known = total > 0
        p[known] *= (np.bincount(row, taken, len(n))[known] / total[known])[:, None]
        p[row, keys[child] % self.V] += (count - taken) / total[row]
