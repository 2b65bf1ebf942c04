"""Look-ahead for wishes that hardly any line satisfies: how likely is it still, after each character?

An n-gram is fitted to lines of the model itself. For every context c of it, state s of the wishes' automaton and
number of characters so far t, the probability h(t, c, s) that the n-gram's line will satisfy the wishes is found
backwards from the longest lines:

    h(t, c, s) = p(end | c) [the line may end in s] + sum over w of p(w | c) h(t + 1, cw, state after s and w)

The sum goes over the strings that were counted; for all others it is that of the shorter context c', times the
share of them that c leaves to c'. The model's characters are then sampled from q(w) in proportion to p(w) h(w),
and each line has a weight, the product of its p / q, which makes up for that: see `rare.py`.

After Zhang, Kung, Yoshida, Van den Broeck, Peng, "Adaptable Logical Control for Large Language Models" (2024),
arXiv:2406.13892, whose Ctrl-G has a hidden Markov model instead of the n-gram.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from makemore.corpus.vocab import BOUNDARY, Vocab
from makemore.counting.strings import Array, count_strings, find
from makemore.counting.tree import counted
from makemore.inference.counts import NGram
from makemore.sampling.options import Floats
from makemore.sampling.wishes import Outlook

LARGEST_ORDER = 6
"""The length of the longest strings that are counted, unless memory is short."""

MOST_NUMBERS = 40_000_000
"""The size of the table h, at most: 160 MB, and a few seconds."""

Rows = tuple[Array, Array]
"""For D beginnings of lines: the n-gram's contexts (D, n - 1) as in `NGram.step`, and states (D,)."""


class LookAhead:
    """The probability, by an n-gram, that a line will satisfy some wishes.

    Args:
        lines: Lines that are not given the wishes, as a stream of ids with boundaries.
        vocab: Their characters.
        outlook: The wishes.
        max_length: The most characters of a line.
        cut: Whether lines that go on after max_length characters are cut there.

    Raises:
        OverflowError: The table h would take too much memory.

    """

    def __init__(self, lines: Array, vocab: Vocab, outlook: Outlook, max_length: int, cut: bool) -> None:
        self.vocab, self.longest = vocab, int(outlook.longest)
        self.cut_at = max_length if cut else None
        self.roots: Floats | None = None
        """(K,) log q of the label of each root; None takes labels as often as they are."""
        self._least = outlook.wishes.span[0]
        self._automate(outlook)
        self._count(lines, self._order(lines))
        self._tables: list[npt.NDArray[np.float32]] = [np.zeros(0, dtype=np.float32)] * (self.longest + 1)
        """For each number of characters so far, h: (nodes, states + 1), the last for what cannot satisfy them."""
        for t in range(self.longest, -1, -1):
            self._tables[t] = self._table(t)

    def _order(self, lines: Array) -> int:
        """Return the length of the longest strings to count; raise OverflowError if even 2 are too long."""
        keys, _ = count_strings(lines, LARGEST_ORDER - 1, len(self.vocab))
        numbers = np.cumsum([1, *map(len, keys)])[1:] * len(self._after) * (self.longest + 1)
        fit = int((numbers <= MOST_NUMBERS).sum())
        if not fit:
            raise OverflowError
        return 1 + fit

    def _automate(self, outlook: Outlook) -> None:
        automaton, V = outlook.automaton, len(self.vocab)
        dead = len(automaton.states)
        self._after = np.full((dead + 1, V), dead)
        """(states + 1, V): the state after each character."""
        for state, steps in enumerate(automaton.steps):
            after = {character: dead if i is None else i for character, i in steps.items()}
            self._after[state] = after.get("\n", dead)
            for character in automaton.special:
                self._after[state, self.vocab.encode(character)] = after[character]
        if self.vocab.unknown:
            self._after[:, self.vocab.encode("\ufffd")] = dead
        self._goal = np.zeros(dead + 1)
        self._goal[list(automaton.goals)] = 1
        self._needs = np.array([*automaton.needs, np.inf])

    def _count(self, lines: Array, order: int) -> None:
        """Count the strings. Nodes are all contexts, by length; edges are the characters counted after them."""
        V = len(self.vocab)
        ngram = self.ngram = NGram(V, {"order": order}, counted(lines, V, order))
        offsets = np.cumsum([0, 1, *map(len, ngram.keys)])
        self._nodes = int(offsets[order])
        # of edges, by length of context
        self._parent: list[Array] = []
        self._shorter: list[Array] = []
        self._p: list[Floats] = []
        self._target: list[Array] = []
        for k, keys in enumerate(ngram.keys):
            parent, last = np.divmod(keys, V)
            if k == 0:
                shorter, p = np.zeros_like(keys), ngram.p[last]
            else:
                head = self._shorter[-1][parent] if k > 1 else np.zeros_like(parent)
                shorter = find(ngram.keys[k - 1], V, head, last)
                p = ngram.given[k] + ngram.back[k][parent] * self._p[-1][shorter]
            target = offsets[k + 1] + np.arange(len(keys)) if k + 1 < order else self._target[-1][shorter]
            self._parent.append(parent)
            self._shorter.append(shorter)
            self._p.append(p)
            self._target.append(target)
        self._next = np.zeros(V, dtype=np.intp)  # after each character in the empty context
        self._next[ngram.last[0]] = self._target[0]

    def _table(self, t: int) -> npt.NDArray[np.float32]:
        end = self._goal * (t >= self._least)  # (S,)
        then = self._tables[t + 1] if t < self.longest else None

        def reached(p: Array, target: Array, last: Array) -> Floats:
            """Return p h(t + 1) of some edges, (E, S)."""
            found = (
                np.zeros((len(p), len(end)))
                if then is None
                else then[target[:, None], self._after[:, last].T]
            )
            found = np.where((last == BOUNDARY)[:, None], end, found)
            return found * p[:, None]

        ngram = self.ngram
        everything = reached(ngram.p, self._next, np.arange(len(self.vocab)))
        levels, shares = [everything.sum(0)[None]], everything[ngram.last[0]]
        for k in range(1, ngram.n):
            more = reached(self._p[k], self._target[k], ngram.last[k])
            back = ngram.back[k]
            unseen = shares[self._shorter[k]] * back[self._parent[k]][:, None]
            sums = np.zeros((len(back), len(end)))
            has = np.flatnonzero(np.diff(ngram.first[k]))
            if len(has):
                sums[has] = np.add.reduceat(more - unseen, ngram.first[k][has], axis=0)
            shorter = self._shorter[k - 1] if k > 1 else np.zeros(len(back), dtype=np.intp)
            levels.append(levels[-1][shorter] * back[:, None] + sums)
            shares = more
        h = np.maximum(np.concatenate(levels), 1e-30)
        if t == self.cut_at:
            h[:] = end
        h[:, t + self._needs > self.longest] = 0
        table: npt.NDArray[np.float32] = h.astype(np.float32)
        return table

    def root(self, prefix: str, n: int) -> Rows:
        """Return n rows of a prefix."""
        rows = (np.full((1, self.ngram.n - 1), -1), np.zeros(1, dtype=np.intp))
        for i in self.vocab.stream([prefix])[:-1].astype(np.intp):
            rows = self.step(rows, np.zeros(1, dtype=np.intp), np.array([i]))
        return np.repeat(rows[0], n, 0), np.repeat(rows[1], n)

    def step(self, rows: Rows, parent: Array, character: Array) -> Rows:
        """Return the rows that continue the rows `parent` (C,) by the ids `character` (C,)."""
        before, states = rows[0][parent], rows[1][parent]
        contexts = np.empty_like(before)
        for k in range(1, self.ngram.n):
            head = np.zeros_like(character) if k == 1 else before[:, k - 2]
            contexts[:, k - 1] = find(self.ngram.keys[k - 1], self.ngram.V, head, character)
        return contexts, np.where(character == BOUNDARY, states, self._after[states, character])

    def tilted(self, rows: Rows, logp: Floats, t: int) -> tuple[Floats, Floats]:
        """Return log q and log p / q, (D, V) each, of what follows t characters; the line just ends if nothing can."""
        with np.errstate(divide="ignore", invalid="ignore"):
            log_h = np.log(self._h(rows, t))
            total = np.logaddexp.reduce(logp + log_h, axis=1, keepdims=True)
            log_q = np.where(
                np.isneginf(total),
                np.where(np.arange(logp.shape[1]) == BOUNDARY, 0, -np.inf),
                logp + log_h - total,
            )
            return log_q, np.where(np.isneginf(total), -np.inf, total - log_h)

    def _h(self, rows: Rows, t: int) -> Floats:
        """Return h after each character that may follow t characters, and after the end, (D, V)."""
        contexts, states = rows
        end = self._goal[states] * (t >= self._least)  # (D,)
        h = np.zeros((len(states), len(self.vocab)))
        if t == self.cut_at:
            h[:] = end[:, None]
        elif t < self.longest:
            target = np.repeat(self._next[None], len(states), 0)
            for k in range(1, self.ngram.n):
                known = np.flatnonzero(contexts[:, k - 1] >= 0)
                first, stop = (self.ngram.first[k][contexts[known, k - 1] + i] for i in (0, 1))
                n = stop - first
                edge = np.arange(n.sum()) + np.repeat(first - (n.cumsum() - n), n)
                target[np.repeat(known, n), self.ngram.last[k][edge]] = self._target[k][edge]
            h = self._tables[t + 1][target, self._after[states]].astype(np.float64)
        h[:, BOUNDARY] = end
        return h
