"""Shannon's game: how predictable a text is, from how many guesses each of its characters took.

Someone who knows the language guesses the next character until it is right. The numbers of guesses say as
much as the text does, since a twin who guesses alike could restore the text from them. So their entropy is at
least that of the text; and from the same frequencies follows what it is at least (Shannon, "Prediction and
entropy of printed English", Bell System Technical Journal 30, 1951). A model that guesses in the order of its
probabilities is measured the same way.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from makemore.errors import MakemoreError
from makemore.files.results import Result


@dataclass(frozen=True)
class Guessing(Result):
    """How well characters were guessed. Without characters, the numbers are NaN."""

    letters: int
    """How many characters were guessed, ends of lines included."""
    first: float
    """The share of them that the first guess got right."""
    lower: float
    """Shannon's lower bound of the entropy, in bits per character."""
    upper: float
    """His upper bound, in bits per character. With few characters, both bounds are rough, and too low."""


def guessing(ranks: Iterable[int], given_up: Iterable[range] = ()) -> Guessing:
    """Return the bounds of the entropy, given at which guess each character was right, from 1 on.

    With q_i the share of characters that took i guesses, the bounds are

        upper = -sum_i q_i log2 q_i        lower = sum_i i (q_i - q_(i+1)) log2 i

    The lower one holds for someone who always guesses the likeliest character first, so that q_i never
    increases. Few characters do not show that, so the q_i are put in descending order for it; the upper bound
    does not depend on their order.

    Args:
        ranks: The numbers of guesses.
        given_up: For each other character, which was given up, the numbers that were left. It counts as if
            the rest had been guessed at random: in equal parts for each of them.

    Raises:
        MakemoreError: A number is less than 1.

    """
    taken, others = Counter(ranks), list(given_up)
    if taken and min(taken) < 1:
        raise MakemoreError(f"ranks must be 1 or more, not {min(taken)}", option="ranks")
    n = taken.total() + len(others)
    if not n:
        return Guessing(0, math.nan, math.nan, math.nan)
    counts = {rank: float(count) for rank, count in taken.items()}
    for left in others:
        for rank in left:
            counts[rank] = counts.get(rank, 0.0) + 1 / len(left)
    q = sorted((count / n for count in counts.values()), reverse=True)
    upper = sum(-share * math.log2(share) for share in q)
    following = [*q[1:], 0.0]
    lower = sum(i * (a - b) * math.log2(i) for i, (a, b) in enumerate(zip(q, following, strict=True), 1))
    return Guessing(n, taken[1] / n, lower, upper)
