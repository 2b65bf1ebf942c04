"""Exercises of lesson 18. Fill in the functions; `makemore lessons check 18` grades them."""

import torch
from torch import Tensor


def merge(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    """One merge of a byte-pair encoding.

    ids: the tokens of a line. pair: two tokens that become one where they are neighbours. new: the id of that one.
    Returns the new ids. Go from left to right; a token that was merged is not merged again: with the pair (1, 1),
    [1, 1, 1] becomes [new, 1]. Do not change ids.
    """
    raise NotImplementedError


def per_character(nats_per_token: float, pieces: list[list[str]]) -> float:
    """From nats per token to bits per character, for a model with tokens of any length.

    nats_per_token: the mean of -log p over the tokens of some lines and one end for each line.
    pieces: the tokens of each line, without the end, such as [["an", "na"], ["b", "ob"]].
    Returns bits per character, where the end of a line counts as one character.
    """
    raise NotImplementedError


def rungs(nll: dict[str, Tensor], tokens: Tensor, chosen: Tensor) -> list[tuple[str, float, str]]:
    """A ladder with its verdicts.

    nll: for each model (M,), -log p of M lines in nats. tokens: (M,), the tokens of each line.
    chosen: (R, M), R times M numbers of lines, chosen with replacement: use these for the bootstrap.
    Returns a row for each model, the best loss first: its name, its loss in nats per token, and a verdict about its
    difference to the row below: "real" if 0 is outside the middle 95 % (torch.quantile at 0.025 and 0.975) of the
    mean differences per token, else "tie". The last row has "last" instead.
    """
    raise NotImplementedError
