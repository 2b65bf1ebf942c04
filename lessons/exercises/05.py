"""Exercises of lesson 5. Fill in the functions; `makemore lessons check 5` grades them."""

import torch
from torch import Tensor


def back_off(counts: Tensor, shorter: Tensor, D: float) -> Tensor:
    """Probabilities of what follows a context, where the shorter context speaks for unseen letters only.

    counts: (V,) how often each letter followed the context. shorter: (V,) the probabilities that the shorter context gives.
    D: the discount, between 0 and 1.

    A letter that was seen gets (count - D) / (sum of the counts), and nothing else. All that was taken is shared among the
    letters that were not seen, in proportion to `shorter`. If all letters were seen, nothing is taken off: there is nobody
    to give it to. If none was, the shorter context decides alone. Returns (V,), which sums to 1.
    """
    raise NotImplementedError


def continuations(counts: dict[str, Tensor], context: str) -> Tensor:
    """Kneser-Ney's numbers: after how many different characters did context and letter occur?

    counts: for each context of any length how often each letter followed it, (V,). Contexts that never occurred are not in
    it. Entry w of the result, (V,), is the number of different characters v for which w followed the context v + `context`
    at least once. Returns zeros if no longer context occurred; counts has at least one entry.
    """
    raise NotImplementedError


def left_out(counts: Tensor, shorter: Tensor, D: float) -> Tensor:
    """The honest probability of each letter: its own occurrence is taken out of the counts first.

    counts: (V,) how often each letter followed the context. shorter: (V,) the probabilities that the shorter context gives.
    D: the discount, between 0 and 1.

    For a letter w that was seen, take one off its count. Then work out its probability by absolute discounting, as in the
    lesson: max(count - D, 0) / total + D * (number of letters with a count) / total * shorter. If nothing is left of
    the counts, it is shorter[w]. Entry w of the result, (V,), is that probability; it is 0 for letters that were not seen.
    counts stays as it is.
    """
    raise NotImplementedError
