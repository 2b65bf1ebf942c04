"""The copy ratio R: how many times as likely a model finds training lines as held-out lines."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.distributed.group import ALONE, Group
from makemore.metrics.intervals import FEWEST, REPLICATES, Floats, Interval, means, quantiles, student
from makemore.metrics.losses import Losses, losses
from makemore.metrics.verdict import CHANCE, COPIES, UNKNOWN, VAGUE, Copying, judge
from makemore.models.base import Model

COPIED_TOKENS = 500_000
"""The most tokens of a split that the copy ratio comes from, if not all of its lines were scored."""

FOLDS, FOLD_TOKENS = 10, 200_000
"""How often a counting model is fitted again, each time without one part of the lines, and the most tokens of
a list for which that is done."""

_PERMUTATIONS, _UNITS = 5000, 1000
"""Permutations, and the most held-out lines in each; more lines are grouped at random."""


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def copying(train: Losses, held_out: Losses) -> Copying:
    """Return the copy ratio R from the losses of training lines and of held-out lines.

        R = (sum of p(x) over different training lines x / their number) / (the same over held-out lines)

    Equal lines are recognised by their `units`.
    """
    logs = [-_different(found) for found in (train, held_out)]
    top = max(log.max() for log in logs)  # the probabilities of long lines are too small for a float
    p, q = (np.exp(log - top) for log in logs)
    random = np.random.default_rng(0)
    ratio = float(p.mean() / q.mean())
    ratio, interval = _known(ratio, means(p, random) / means(q, random), min(len(p), len(q)))
    train_mass, held_out_mass = (min(1.0, float(np.exp(log).sum())) for log in logs)
    chance = _by_chance(p, q)
    if chance is None:
        chance = _of_few(len(train.lengths), len(held_out.lengths), train_mass)
    return Copying(ratio, interval, train_mass, held_out_mass, len(q), chance)


def copied(
    model: nn.Module,
    corpus: Corpus,
    found: dict[str, Losses],
    untrained: Callable[[], Model] | None = None,
    group: Group = ALONE,
) -> Copying:
    """Return `copying` of a model and its corpus, from the losses of the scored lines of each split.

    If only some lines of a split were scored, others are chosen and scored, such that each different line
    counts the same however often it is repeated. The masses are then NaN: a few lines have most of the mass,
    and a subsample misses them. So they are if lines have labels, since they sum over lines whatever their label.

    For a counting model, `untrained` returns an unfitted one. If the held-out lines cannot decide, it is
    fitted again several times, each time without some of the lines.
    """
    lines, whole = {}, True
    for split, each in found.items():
        if len(each.lengths) < corpus.counts()[split]:
            some, whole = corpus.subsample(split, COPIED_TOKENS, together=True), False
            each = losses(model, some, np.arange(len(some)), group)
        lines[split] = each.whole()
    copies = copying(lines["train"], lines["validation"] + lines["test"])
    if not whole or corpus.labels is not None:  # given their labels, lines have more than one probability
        copies = Copying(copies.ratio, copies.interval, math.nan, math.nan, copies.lines, copies.chance)
    if not whole:
        return copies
    if untrained is None or judge(copies).level != UNKNOWN or len(corpus.tokens) > FOLD_TOKENS:
        return copies
    return left_out(untrained, corpus, copies)


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def left_out(untrained: Callable[[], Model], corpus: Corpus, copies: Copying) -> Copying:
    """Return R of a counting model that is fitted FOLDS times, each time without one part of the lines.

    R is the mean probability of the lines when they were counted, divided by their mean probability when they
    were left out. Every line is left out once, so both means are over the same lines.
    """
    hashes, first, number = np.unique(corpus.hashes, return_index=True, return_inverse=True)
    n = len(hashes)
    if n < FEWEST:
        return copies
    fold = np.random.default_rng(0).permutation(n) % min(FOLDS, n)
    logs = []
    for k in range(fold.max() + 1):
        model = untrained()
        rows = np.flatnonzero(fold[number] != k)
        model.fit(torch.from_numpy(corpus.inputs(rows)), torch.from_numpy(kinds_of(corpus.vocab)))
        logs.append(-losses(model, corpus, first).lines)
    log = np.stack(logs)  # (folds, lines)
    p = np.exp(log - log.max())
    left = np.arange(len(p))[:, None] == fold
    known, new = np.where(left, 0, p).sum(0) / (len(p) - 1), p[fold, np.arange(n)]
    random = np.random.default_rng(0)
    drawn = [random.integers(n, size=n) for _ in range(REPLICATES)]
    ratios = np.array([known[some].sum() / new[some].sum() for some in drawn])
    ratio, interval = _known(float(known.sum() / new.sum()), ratios, n)
    chance = float((ratios <= COPIES).mean()) + 1 / REPLICATES
    return Copying(ratio, interval, copies.train, copies.held_out, n, chance, True)


def _different(found: Losses) -> Floats:
    """Return -log p of each different line."""
    lines = found.lines
    return lines if found.units is None else lines[np.unique(found.units, return_index=True)[1]]


def _known(ratio: float, ratios: Floats, n: int) -> tuple[float, Interval]:
    """Return R and its interval from bootstrap samples of R, widened by Student's t; NaN if that is VAGUE.

    `n` is the number of lines on the side with fewer of them.
    """
    ends = np.log(quantiles(ratios))
    if n < FEWEST or not np.isfinite([math.log(ratio), *ends] if ratio > 0 else [math.nan]).all():
        return math.nan, (math.nan, math.nan)
    low, high = np.exp(math.log(ratio) + student(n) * (ends - math.log(ratio))).tolist()
    return (ratio, (low, high)) if high < VAGUE * low else (math.nan, (math.nan, math.nan))


def _by_chance(p: Floats, q: Floats) -> float | None:
    """Return how probable held-out lines this unlikely are by chance if R is really COPIES.

    p (N,) and q (M,) are the probabilities of training and held-out lines, up to a common factor. None: there
    are so few lines that no permutation is improbable enough.
    """
    n, m = len(p) + len(q), len(q)
    random = np.random.default_rng(0)
    every = np.concatenate([p / COPIES, q])
    if n < 200:
        if math.comb(n, m) * CHANCE < 4:
            return None
        drawn = random.random((_PERMUTATIONS, n)).argpartition(m - 1)[:, :m]
        sums = every[drawn].sum(1)
    else:  # with replacement, which overestimates the probability a little
        if (size := -(-m // _UNITS)) > 1:  # sums over groups of lines vary as the lines do
            every = random.permutation(every)[: n // size * size].reshape(-1, size).sum(1)
        drawn = random.integers(len(every), size=(_PERMUTATIONS, m // size))
        sums = every[drawn].sum(1) * (m / (m // size * size))
    return float((1 + (sums <= q.sum() * (1 + 1e-9)).sum()) / (1 + _PERMUTATIONS))


def _of_few(train: int, held_out: int, share: float) -> float:
    """Return a bound on how often a file written by the model has this many lines not in training.

    This is Chernoff's bound. Lines are counted with repeats; `share` is the probability of all training
    lines.
    """
    n, other = train + held_out, max(0.0, 1 - share)
    if other * n >= held_out:
        return 1.0
    if not other:
        return 0.0
    unlike = held_out * math.log(held_out / n / other) + train * math.log(train / n / (1 - other))
    return math.exp(-unlike)
