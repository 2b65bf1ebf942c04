"""How likely lines are, in NumPy: the probability of each character, of the end, and of what may come next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from makemore.inference.base import Array, Inference, State, log_softmax


def score(form: Inference, lines: Sequence[Array], labels: Sequence[int]) -> list[list[float]]:
    """Return -log p of every character of some lines, in nats.

    Args:
        form: The model.
        lines: The ids of each line, with the boundary, id 0, before it and after it.
        labels: The label of each.

    """
    order = sorted(range(len(lines)), key=lambda i: -len(lines[i]))  # longest first: those that end drop off
    found: list[list[float]] = [[] for _ in lines]
    state: State | None = None
    for t in range(len(lines[order[0]]) - 1 if lines else 0):
        while len(lines[order[-1]]) - 1 <= t:
            order.pop()
        now, target = (np.array([lines[i][t + k] for i in order], dtype=np.intp) for k in (0, 1))
        state = state and tuple(s[: len(order)] for s in state)
        logits, state = form.step(now + form.V * np.array([labels[i] for i in order], dtype=np.intp), state)
        nll = -log_softmax(logits)[np.arange(len(order)), target]
        for i, value in zip(order, nll.tolist(), strict=True):
            found[i].append(value)
    return found


def expected(form: Inference, line: Array, label: int = 0) -> Iterator[Array]:
    """Yield the probabilities (V,) of all characters at each position of a line of ids that begins with 0.

    `label` is the line's.
    """
    state: State | None = None
    for i in line[:-1]:
        logits, state = form.step(np.array([i], dtype=np.intp) + form.V * label, state)
        yield np.exp(log_softmax(logits))[0]


class Read(NamedTuple):
    """The beginning of a line, and what a model knows once it has read it, under each of K labels."""

    line: Array
    """Its T ids, the boundary first."""
    nlls: tuple[float, ...]
    """-log p of each of its characters, (T - 1), whatever the label."""
    likely: Array
    """(K,) log p of each label with the characters so far."""
    logp: Array
    """Log-probabilities of the next characters, (K, V)."""
    state: State


class Reader:
    """Reads a line that grows: states are kept, so that one more character costs one step.

    Kept are the last ones, and of a longer line some on the way, for those who delete characters or look back.

    Args:
        form: The model.
        labels: The numbers of the K labels that the line may have, (K,).
        shares: How probable each of them is before the line is read, (K,).

    """

    LAST, EVERY = 8, 64
    """How many of the last states are kept, and the distance between the older ones that are."""
    LONG = 1024
    """Of lines with more ids only the last state is kept, since it may have many megabytes."""

    def __init__(self, form: Inference, labels: Array, shares: Array) -> None:
        self.form, self.labels, self.shares = form, labels, shares
        self._kept: deque[Read] = deque(maxlen=self.LAST)
        self._on_the_way: deque[Read] = deque(maxlen=self.LONG // self.EVERY)

    def expected(self, line: Array) -> Array:
        """Return the probabilities (V,) of what follows some ids, the boundary and the characters so far."""
        read = self.read(line)
        p: Array = np.exp(self._posterior(read.likely)) @ np.exp(read.logp)
        return p

    def nlls(self, line: Array) -> list[float]:
        """Return -log p of the characters and the end of a whole line, whose ids have a boundary at each end."""
        read = self.read(line[:-1])
        return [*read.nlls, self._nll(read, line[-1])]

    def posterior(self, line: Array) -> Array:
        """Return how probable each label is after some ids, (K,), by Bayes' rule."""
        p: Array = np.exp(self._posterior(self.read(line).likely))
        return p

    def read(self, line: Array) -> Read:
        """Return what the model knows after some ids, going on from the longest beginning that is kept."""
        line = line.astype(np.intp)
        kept = (*self._on_the_way, *self._kept)
        known = [read for read in kept if np.array_equal(read.line, line[: len(read.line)])]
        found = max(known, key=lambda read: len(read.line)) if known else self._next(None, line[:1])
        if known and len(found.line) == len(line):
            return found
        long = len(line) > self.LONG
        while len(found.line) < len(line):
            found = self._next(found, line[: len(found.line) + 1])
            if len(found.line) % self.EVERY == 0 and not long:
                self._on_the_way.append(found)
        if long:
            self._kept.clear()
        self._kept.append(found)
        return found

    def _next(self, before: Read | None, line: Array) -> Read:
        """Read the last id of a line, given what was known before it."""
        nlls: tuple[float, ...] = ()
        state: State | None = None
        with np.errstate(divide="ignore"):
            likely = np.log(self.shares)
        if before is not None:
            likely, state = before.likely + before.logp[:, line[-1]], before.state
            nlls = (*before.nlls, self._nll(before, line[-1]))
        logits, state = self.form.step(line[-1] + self.form.V * self.labels, state)
        return Read(line, nlls, likely, log_softmax(logits), state)

    def _nll(self, read: Read, id: int) -> float:
        """Return -log p of an id, whatever the label."""
        return -float(np.logaddexp.reduce(self._posterior(read.likely) + read.logp[:, id]))

    def _posterior(self, likely: Array) -> Array:
        """Return the log-probability of each label, (K,); for a line that no label can have, as at its start."""
        if not np.isfinite(likely).any():
            with np.errstate(divide="ignore"):
                likely = np.log(self.shares)
        logp: Array = likely - np.logaddexp.reduce(likely)
        return logp
