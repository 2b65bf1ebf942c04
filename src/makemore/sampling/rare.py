"""Wishes that hardly any line satisfies: the model looks ahead, and weights make up for that.

Lines that `look_ahead.py` proposes are distributed as q, and the model's as p. Each proposed line is taken w / M
times on average, w being its weight p / q and M a bound: the whole part of w / M for certain, one more by chance.
So lines are taken in proportion to p, however good or bad the look-ahead is; it only decides how many have to be
proposed. M is chosen so that among the first lines proposed at most one hundredth of all weight lies above it. That
part comes as copies of a line, and is also the total variation by which a single sample differs from an exact one.

If lines have labels, these are proposed as often as the wishes suit them: see `_roots`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from makemore.sampling.look_ahead import LookAhead
from makemore.sampling.options import Floats
from makemore.sampling.stepper import Integers
from makemore.sampling.tree import Sample, Tree
from makemore.sampling.wanted import Keep, Wanted

RARE = 10_000
"""Look ahead if fewer than one line in this many satisfies the wishes."""

PILOT = 4096
"""Lines that are proposed to choose the bound."""

EXCESS = 0.01
"""The share of all weight that lies above the bound."""

ENOUGH = 0.01
"""The effective sample size, as a share of the lines proposed, below which the bound would be a guess."""

SPREAD = 0.2
"""The share of the lines proposed whose labels are as often as they are, whatever such lines weigh."""

TINY = 1e-300
"""In place of the share of a label that a long beginning rules out."""


class Proposes(Protocol):
    """What samples lines by the chunk: see `draw.py`."""

    @property
    def most(self) -> int:
        """How many lines to propose at a time."""

    def proposed(
        self, n: int, random: np.random.Generator, ahead: LookAhead | None = None
    ) -> tuple[list[Sample], Floats, int]:
        """Return the wanted ones of n lines, their weights, and how many lines did not end."""


@dataclass(frozen=True)
class Guide:
    """Look-ahead, and how to make up for it."""

    ahead: LookAhead
    bound: float
    effective: float
    """The effective sample size, as a share of the lines proposed."""

    def taken(self, samples: list[Sample], weights: Floats, random: np.random.Generator) -> list[Sample]:
        """Return each line as often as its weight says."""
        times = (weights / self.bound + random.random(len(weights))).astype(np.intp).tolist()
        return [line for line, k in zip(samples, times, strict=True) for _ in range(k)]


def guide_for(
    chunks: Proposes,
    wanted: Wanted,
    tree: Tree,
    lines: Callable[[], Integers],
    random: np.random.Generator,
) -> Guide | None:
    """Return a guide if hardly any line satisfies the wishes, and it helps.

    `lines` returns lines like the model's, as a stream of ids with boundaries.
    """
    if wanted.outlook is None:
        return None
    tried = found = 0
    while found < 2 and tried < 2 * RARE:
        n = min(16 + tried, chunks.most)
        found += len(chunks.proposed(n, random)[0])
        tried += n
    if found >= 2:
        return None
    with suppress(OverflowError):  # it would take too much memory
        ahead = LookAhead(lines(), tree.vocab, wanted.outlook, tree.max_length, wanted.options.cut)
        n = min(PILOT, chunks.most)
        if len(tree.start) > 1:
            ahead.roots = _roots(chunks, tree, ahead, random)
        weights = np.concatenate([chunks.proposed(n, random, ahead)[1] for _ in range(0, PILOT, n)])
        effective = effective_size(weights) / PILOT
        if effective >= ENOUGH:
            return Guide(ahead, bound_of(weights), effective)
    return None


def _roots(chunks: Proposes, tree: Tree, ahead: LookAhead, random: np.random.Generator) -> Floats:
    """Return log q of each label, (K,), from which lines are best proposed.

    The look-ahead knows nothing of labels, and of hundreds perhaps a few write such lines. The best q is p(label)
    times the root of the mean squared weight of its lines; it is estimated from lines of labels that are proposed
    as p, then once more as estimated. All labels stay possible, so samples stay exact.
    """
    number = {label: i for i, label in enumerate(tree.labels(np.arange(len(tree.start))))}
    log_q, n = tree.start, min(PILOT, chunks.most)
    squares = np.zeros(len(number))
    for _ in range(2):
        ahead.roots = log_q
        for _ in range(0, PILOT, n):
            samples, weights, _ = chunks.proposed(n, random, ahead)
            at = np.array([number[sample.label] for sample in samples], dtype=np.intp)
            # of p / q with the label's own p / q left out, over how many lines of it there were
            own = (weights / np.exp(tree.start[at] - log_q[at])) ** 2
            squares += np.bincount(at, own, len(number)) / (n * np.maximum(np.exp(log_q), TINY))
        p = np.exp(tree.start)
        best = p * np.sqrt(squares)
        if not best.any():
            break
        log_q = np.log(np.maximum(SPREAD * p + (1 - SPREAD) * best / best.sum(), TINY))
    return log_q


def effective_size(weights: Floats) -> float:
    """Return how many lines of equal weight would be as good as these."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0


def bound_of(weights: Floats, excess: float = EXCESS) -> float:
    """Return the least bound above which there is at most a share `excess` of all weight."""
    w = np.sort(weights)[::-1]
    above = w.cumsum() - w * np.arange(1, len(w) + 1)  # what there is above each
    return float(w[np.flatnonzero(above <= excess * w.sum())[-1]])


def each_once(keep: Keep | None) -> Keep:
    """Return what keeps no line twice."""
    seen: set[str] = set()

    def fresh(lines: list[str]) -> list[bool]:
        found = []
        for line, kept in zip(lines, keep(lines) if keep else [True] * len(lines), strict=True):
            found.append(kept and line not in seen)
            seen.add(line)
        return found

    return fresh
