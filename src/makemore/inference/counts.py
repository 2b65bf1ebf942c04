"""Models that are tables: bigram, bigram_nn, and ngram and ctw, whose tables are trees of sorted lists.

The equations are in makemore/models/bigram.py, bigram_nn.py and ngram.py, and counting/context_tree.py.
"""

from __future__ import annotations

import numpy as np

from makemore.counting.context_tree import ContextTree
from makemore.counting.strings import find
from makemore.counting.tree import SHAPE_ORDER
from makemore.inference.base import Array, Inference, State

FEW = 8
"""Up to this many rows, one after another is quicker than all together."""


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
        counts = np.split(self.weights["counts"], ends)
        shape = {name[6:]: self.weights[name] for name in self.weights if name.startswith("shape.")}
        self.kinds, self.shape = np.zeros(self.V, dtype=np.intp), None
        if shape or "kinds" in self.weights:  # runs of early versions know no kinds
            self.kinds = self.weights["kinds"]
        if shape:
            kinds = {"kinds": self.weights["shape.kinds"]}
            self.shape = NGram(int(self.kinds.max()) + 1, {"order": SHAPE_ORDER}, shape | kinds)
        # of each context the first of its continuations, which lie side by side, and the shorter context's
        # share; of each continuation the character and what the counts give it
        self.first, self.back, self.last, self.own = [], [], [], []
        n_contexts = 1
        for k, (keys, count) in enumerate(zip(self.keys, counts, strict=True)):
            context, last = np.divmod(keys, self.V)
            if k == 0:  # each kind is counted apart
                context, n_contexts = self.kinds[keys], int(self.kinds.max()) + 1
            a, *_ = D = self.weights["discounts"][k]
            taken = D[np.minimum(count, 3).astype(np.intp)]
            total = np.bincount(context, count, n_contexts)
            back = np.ones(n_contexts)  # where nothing was counted
            np.divide(np.bincount(context, taken, n_contexts) + a, total + a, out=back, where=total > 0)
            self.back.append(back)
            self.own.append((count - taken) / (total + a)[context])
            self.last.append(last)
            self.first.append(np.searchsorted(keys, np.arange(n_contexts + 1) * self.V))
            n_contexts = len(keys)
        self.n = len(self.keys)
        self.p = (self.back[0] / np.bincount(self.kinds))[self.kinds]  # (V,), among those of its kind
        self.p[self.keys[0]] += self.own[0]

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        before = np.full((len(ids), self.n - 1), -1) if state is None else state[0]  # (B, n - 1)
        p = np.repeat(self.p[None], len(ids), 0)  # (B, V)
        more: State = ()
        if self.shape is not None:
            logp, more = self.shape.step(self.kinds[ids], state and state[1:])
            p *= np.exp(logp)[:, self.kinds]
        contexts = np.empty_like(before)
        interpolate = self.one_by_one if len(ids) <= FEW else self.together
        for k in range(1, self.n):  # from p(w | k - 1 characters) to p(w | k characters)
            head = np.zeros_like(ids) if k == 1 else before[:, k - 2]
            contexts[:, k - 1] = find(self.keys[k - 1], self.V, head, ids)
            interpolate(k, contexts[:, k - 1], p)
        return np.log(p), (contexts, *more)

    def one_by_one(self, k: int, contexts: Array, p: Array) -> None:
        """Turn p(w | context of k - 1) into p(w | context of k) in place; unknown contexts leave it.

        Args:
            k: The length of the contexts.
            contexts: Their numbers on level k, (B,), -1 if unknown.
            p: Probabilities, (B, V).

        """
        for row, context in zip(p, contexts.tolist(), strict=True):
            if context >= 0:
                its = slice(self.first[k][context], self.first[k][context + 1])
                row *= self.back[k][context]
                row[self.last[k][its]] += self.own[k][its]

    def together(self, k: int, contexts: Array, p: Array) -> None:
        """Do the same as `one_by_one`, for many rows at once."""
        known = np.flatnonzero(contexts >= 0)
        context = contexts[known]
        p[known] *= self.back[k][context][:, None]
        # the continuations of all these contexts, one after another: row i has n[i] of them
        first = self.first[k][context]
        n = self.first[k][context + 1] - first
        child = np.arange(n.sum()) + np.repeat(first - (n.cumsum() - n), n)
        p[np.repeat(known, n), self.last[k][child]] += self.own[k][child]


class CTW(Inference):
    """Contexts of all lengths, weighed by Bayes' rule. State: (B, D), the contexts' numbers, -1 if never seen."""

    knobs = ("depth",)

    def prepare(self) -> None:
        self.tree = ContextTree(self.V, self.weights)
        if self.tree.depth != self.config["depth"] or self.tree.base.shape != (self.V,):
            raise ValueError("depth and vocabulary must be those of the weights")

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        p, contexts = self.tree.step(ids, None if state is None else state[0])
        return np.log(p), (contexts,)
