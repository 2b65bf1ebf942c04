"""Exercises of lesson 16. Fill in the functions; `makemore lessons check 16` grades them."""

import heapq

import torch
from torch import Tensor


def top_p(logits: Tensor, p: float) -> Tensor:
    """Leave each row the fewest likeliest characters that have the probability p together; the others become -inf.

    logits: (B, V), not changed. p: more than 0, at most 1. Returns (B, V).
    Characters that are as likely as the least likely one that is kept are kept too, so that the order of the
    alphabet decides nothing. At least one character is kept in every row.
    """
    raise NotImplementedError


def most_likely(logp: Tensor, n: int) -> list[tuple[str, float]]:
    """The n most likely lines of a table of pairs, likeliest first, exactly.

    logp: (27, 27), the log-probability of what follows each character: row and column 0 are the start and the end
    of a line, 1 to 26 are a to z. The empty line counts as a line.
    Returns n pairs of a line and its log-probability, the end included.
    """
    raise NotImplementedError


def wished_ending(P: Tensor, wish: int) -> Tensor:
    """The table of pairs of the lines that end in one letter.

    P: (V, V), the probability of what follows each character; 0 is the start and the end of a line.
    wish: the letter, 1 to V - 1.
    Returns Q (V, V): sampling from Q gives the lines of P that end in the wish, each as often as P gives it among
    those. Every row of Q sums to 1; from every letter the wish can still be reached. Lines may be of any length.
    """
    raise NotImplementedError
