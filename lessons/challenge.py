"""The open challenge of a lesson: a model of names, with the lesson's means. `check` scores it on held-out names."""

from collections.abc import Callable

import torch

LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # id 0 is the end of a name, 1 to 26 are the letters


def challenge(names: list[str]) -> Callable[[list[str]], torch.Tensor]:
    """Learn from names, and return a function that predicts what follows.

    names: the training names; some occur more than once.

    The function that you return takes N beginnings of names, such as "", "e" and "em", and returns (N, 27): for
    each beginning the probabilities of what follows, in the order of LETTERS.
    """
    raise NotImplementedError
