"""Models that are tables: bigram, bigram_nn, and ngram and ctw, whose tables are trees of sorted lists.

The equations are in makemore/models/bigram.py, bigram_nn.py and ngram.py, and counting/context_tree.py.
"""

from __future__ import annotations

import numpy as np

from makemore.counting.context_tree import ContextTree
from makemore.counting.smoothing import OWN
from makemore.counting.strings import Contexts
from makemore.counting.tree import SHAPE_ORDER
from makemore.inference.base import Array, Inference, State

FEW = 8
"""Up to this many rows, one after another is quicker than all together."""


class Bigram(Inference):
    """A row of counts for each character."""

    knobs = ("smoothing",)

    def prepare(self) -> None:
        own = self.weights["counts"].reshape(-1, self.V, self.V)  # (L + 1, V, V)
        counts = own.sum(0) + self.config["smoothing"]  # (V, V)
        total = counts.sum(1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = np.where(total > 0, counts / total, 1 / len(counts))  # uniform if never seen
            if len(own) > 1:
                p = (own + OWN * p) / (own.sum(2, keepdims=True) + OWN)
            self.table = np.log(p).reshape(-1, self.V)  # (V, V); V rows for each label

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        return self.table[ids], ()


class BigramNN(Inference):
    """A row of logits for each character."""

    def prepare(self) -> None:
        self.table = self.weights["weight"]  # (V, V)
        if "labels.weight" in self.weights:
            labels = self.weights["labels.weight"]  # (L + 1, V)
            self.table = (labels[:, None] + self.table).reshape(-1, self.V)

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        return self.table[ids], ()


class NGram(Inference):
    """Counts of the strings of 1 to n characters, each level sorted by (number of its head, last character).

    State: (B, n - 1), the numbers of the last 1 to n - 1 characters on their levels, -1 if never seen; then
    the same of their kinds; then those of the strings of the line's label.
    """

    knobs = ("order",)

    def prepare(self) -> None:
        ends = np.cumsum(self.weights["sizes"])[:-1]
        self.keys = np.split(self.weights["keys"], ends)
        counts = np.split(self.weights["counts"], ends)
        shape, own = (
            {n.removeprefix(part): self.weights[n] for n in self.weights if n.startswith(part)}
            for part in ("shape.", "own.")
        )
        roots = int(self.config.get("roots", 0))  # empty contexts, if there is one for each label
        self.labelled = None
        if own:
            knobs = {"order": self.config["order"], "roots": self.config["labels"] + 1}
            self.labelled = NGram(self.V, knobs, own)
        self.kinds, self.shape = np.zeros(self.V, dtype=np.intp), None
        if shape or "kinds" in self.weights:  # runs of early versions know no kinds
            self.kinds = self.weights["kinds"]
        if shape:
            kinds = {"kinds": self.weights["shape.kinds"]}
            self.shape = NGram(int(self.kinds.max()) + 1, {"order": SHAPE_ORDER}, shape | kinds)
        self.shares = self.weights["discounts"][:, 4:].ravel()
        # of each context the first of its continuations, which lie side by side, and the shorter context's
        # share; of each continuation the character and what the counts give it
        self.first, self.back, self.last, self.given = [], [], [], []
        n_contexts = roots
        for k, (keys, count) in enumerate(zip(self.keys, counts, strict=True)):
            context, last = np.divmod(keys, self.V)
            if k == 0 and not roots:  # each kind is counted apart
                context, n_contexts = self.kinds[keys], int(self.kinds.max()) + 1
            a, *_ = D = self.weights["discounts"][k, :4]
            taken = D[np.minimum(count, 3).astype(np.intp)]
            total = np.bincount(context, count, n_contexts)
            back = np.ones(n_contexts)  # where nothing was counted
            np.divide(np.bincount(context, taken, n_contexts) + a, total + a, out=back, where=total > 0)
            self.back.append(back)
            self.given.append((count - taken) / (total + a)[context])
            self.last.append(last)
            self.first.append(np.searchsorted(keys, np.arange(n_contexts + 1) * self.V))
            n_contexts = len(keys)
        self.n = len(self.keys)
        self.contexts = Contexts(self.keys[:-1], self.V, roots)
        if not roots:
            self.p = (self.back[0] / np.bincount(self.kinds))[self.kinds]  # (V,), among those of its kind
            self.p[self.keys[0]] += self.given[0]

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        labels, ids = np.divmod(ids, self.V)
        p = np.repeat(self.p[None], len(ids), 0)  # (B, V)
        own = self.labelled
        more: State = ()
        contexts = self.contexts.after(ids, np.zeros_like(ids), state[0] if state else None)
        if self.shape is not None:
            logp, more = self.shape.step(self.kinds[ids], state and state[1:])
            p *= np.exp(logp)[:, self.kinds]
        q = p  # of the label
        if own is not None:
            own_contexts = own.contexts.after(ids, labels, state[-1] if state else None)
        for k in range(self.n):  # from p(w | k - 1 characters) to p(w | k characters)
            if k > 0:
                self.interpolate(k, contexts[:, k], p)
            if own is not None:
                q = q + own.shares[k] * (p - q)
                own.interpolate(k, own_contexts[:, k], q)
            self.note("levels", q)
        if own is None:
            return np.log(p), (contexts[:, 1:], *more)
        return np.log(q), (contexts[:, 1:], *more, own_contexts[:, 1:])

    def interpolate(self, k: int, contexts: Array, p: Array) -> None:
        """Turn p(w | context of k - 1) into p(w | context of k) in place; unknown contexts leave it."""
        if len(p) <= FEW:
            self.one_by_one(k, contexts, p)
        else:
            self.together(k, contexts, p)

    def one_by_one(self, k: int, contexts: Array, p: Array) -> None:
        """Do so one row after another.

        Args:
            k: The length of the contexts.
            contexts: Their numbers on level k, (B,), -1 if unknown.
            p: Probabilities, (B, V).

        """
        for row, context in zip(p, contexts.tolist(), strict=True):
            if context >= 0:
                its = slice(self.first[k][context], self.first[k][context + 1])
                row *= self.back[k][context]
                row[self.last[k][its]] += self.given[k][its]

    def together(self, k: int, contexts: Array, p: Array) -> None:
        """Do so for many rows at once."""
        known = np.flatnonzero(contexts >= 0)
        context = contexts[known]
        p[known] *= self.back[k][context][:, None]
        # the continuations of all these contexts, one after another: row i has n[i] of them
        first = self.first[k][context]
        n = self.first[k][context + 1] - first
        child = np.arange(n.sum()) + np.repeat(first - (n.cumsum() - n), n)
        p[np.repeat(known, n), self.last[k][child]] += self.given[k][child]


class CTW(Inference):
    """Contexts of all lengths, weighed by Bayes' rule. State: (B, D), the contexts' numbers, -1 if never seen."""

    knobs = ("depth",)

    def prepare(self) -> None:
        self.tree = ContextTree(self.V, self.weights)
        if self.tree.depth != self.config["depth"] or self.tree.base.shape != (self.V,):
            raise ValueError("depth and vocabulary must be those of the weights")

    def step(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        p, contexts = self.tree.step(ids, state or ())
        return np.log(p), contexts
