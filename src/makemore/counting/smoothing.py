"""How much of a context's probability goes to characters that it has not been seen with.

Modified Kneser-Ney has fixed formulas for its discounts, which assume far more text than a short list has.
Here they are fitted, together with a strength a for each length of context, so that

    p(w | c) = (max(count(c, w) - D, 0) + (a + the sum of D over c's continuations) p(w | shorter c))
               / (count(c, .) + a)

predicts the training lines best when each of their characters is left out in turn. Leaving a character out
is exact and needs no second count: its string loses the occurrences in this line and in its copies; if none
is left, one character fewer occurs before the next shorter string, which loses one; and so on.

The discounts are fitted by gradient ascent on the logarithm of the probability, with a wide prior around Chen
and Goodman's formulas, which is what a list of a few lines gets.

After Chen, Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling" (1998); the strength is
that of MacKay, Peto, "A Hierarchical Dirichlet Language Model" (1995) and Teh's Pitman-Yor model (2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from makemore.counting.strings import Array

STEPS, RATE = 120, 0.15
"""Steps of gradient ascent, and how far each goes at first."""

USUAL_A = 0.1
"""The strength that the prior expects."""

USUAL_SHARE = 0.25
"""The share of the lines of all labels, where a label does not know what follows, that the prior expects."""

SPREAD = 2.0
"""Standard deviation of the prior, for the logits of D / count and the logarithm of a."""

OWN = 20.0
"""How many characters of a label, in a context of one, weigh as much as those of the lines of all labels."""


@dataclass(frozen=True)
class Left:
    """Characters that were left out of the counts, at one length of context."""

    count: Array
    """(N,) how often the context is still followed by the character."""
    total: Array
    """(N,) how often it is followed by anything."""
    times: Array
    """(3, N) how many characters follow it once, twice, and more often."""
    weight: Array | float = 1.0
    """(N,) what the probability is multiplied by."""

    def probability(self, shorter: Array, a: float, D: Array) -> tuple[Array, Array]:
        """Return the characters' probabilities (N,), and by how much those in the shorter context count."""
        taken = np.append(0, D)[np.minimum(self.count, 3)]  # (N,)
        backs = self.weight * (a + D @ self.times) / (self.total + a)
        return self.weight * (self.count - taken) / (self.total + a) + backs * shorter, backs


def formulas(counts: Array) -> Array:
    """Return Chen and Goodman's three discounts, from how many strings were counted 1, 2, 3 and 4 times.

    A list too short to have all four gets 1/2, 1, 1.5.
    """
    n1, n2, n3, n4 = (int((counts == i).sum()) for i in (1, 2, 3, 4))
    if min(n1, n2, n3, n4) == 0:
        return np.array([0.5, 1.0, 1.5])
    y = n1 / (n1 + 2 * n2)
    raw = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    # where counts of 1 are rare the formula can leave (0, count)
    return np.array([min(max(d, 0.05), c - 0.05) for c, d in enumerate(raw, 1)])


def fitted(levels: list[Left], base: Array, usual: list[Array], beside: Sequence[Array] = ()) -> Array:
    """Return the strength and the three discounts of each length of context, (n, 4).

    Args:
        levels: What is left of the counts at each length of context, the shortest first; a character's count,
            its context's total, and so on are (N,).
        base: (N,) the probability of each character before any context is looked at.
        usual: The discounts of each length that the prior expects, (3,) each.
        beside: Of each length of context the probability (N,) that another model gives. A context then falls
            back on the shorter one and on that model; the share of the latter is a fifth column, (n, 5).

    """
    most = np.array([1.0, 2.0, 3.0, 1.0][: 4 if beside else 3])
    more = [np.log(USUAL_SHARE / (1 - USUAL_SHARE))] * bool(beside)
    start = np.stack([np.array([np.log(USUAL_A), *np.log(D / (most[:3] - D)), *more]) for D in usual])
    at, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(STEPS):
        share = 1 / (1 + np.exp(-at[:, 1:]))  # (n, 3) or (n, 4)
        slope = gradient(levels, base, np.exp(at[:, 0]), most * share, beside)
        slope *= np.concatenate([np.exp(at[:, :1]), most * share * (1 - share)], 1)
        slope -= (at - start) / SPREAD**2
        # Adam
        mean += 0.1 * (slope - mean)
        square += 0.1 * (slope**2 - square)
        size = np.sqrt(square / (1 - 0.9 ** (step + 1))) + 1e-12
        at += RATE * (1 - step / STEPS) * mean / (1 - 0.9 ** (step + 1)) / size
    return np.concatenate([np.exp(at[:, :1]), most / (1 + np.exp(-at[:, 1:]))], 1)


def gradient(levels: list[Left], base: Array, a: Array, D: Array, beside: Sequence[Array] = ()) -> Array:
    """Return the gradient of the sum of log p by a (n,) and by D and the share, (n, 3) or (n, 4), as one."""
    p, found = base, []
    for k, (left, strength, (*discounts, share)) in enumerate(zip(levels, a, _with_share(D), strict=True)):
        shorter = p + share * (beside[k] - p) if beside else p
        gap = beside[k] - p if beside else p
        p, backs = left.probability(shorter, strength, np.array(discounts))
        found.append((shorter, p, backs, gap))
    slope = np.zeros((len(levels), 1 + D.shape[1]))
    by_p = 1 / p  # of log p, by the p of each length in turn
    for k in range(len(levels) - 1, -1, -1):
        left, (shorter, p, backs, gap) = levels[k], found[k]
        scaled = by_p / (left.total + a[k])
        slope[k, 0] = scaled @ (left.weight * shorter - p)
        scaled = scaled * left.weight
        slope[k, 1:4] = (
            left.times @ (scaled * shorter) - np.bincount(np.minimum(left.count, 3), scaled, 4)[1:]
        )
        by_p = by_p * backs
        if beside:
            slope[k, 4] = by_p @ gap
            by_p = by_p * (1 - D[k, 3])
    return slope


def _with_share(D: Array) -> Array:
    return D if D.shape[1] == 4 else np.concatenate([D, np.zeros((len(D), 1))], 1)
