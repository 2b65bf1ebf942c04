"""Exercises of lesson 12. Fill in the functions; `makemore lessons check 12` grades them."""

import torch
from torch import Tensor


def early_stopping(losses: list[float], patience: int) -> tuple[int, int]:
    """Say which weights are kept, and when training ends.

    losses: the validation loss at evaluation 0, 1, 2, ... if training were to go on for ever. patience: training
    ends after so many evaluations in a row, 1 or more, of which none was lower than the lowest before.
    Returns (kept, ended): the number of the evaluation whose weights are kept, and of the last one that is looked at.
    If patience never runs out, that is the last of the list. An equal loss is no lower one.
    """
    raise NotImplementedError


def lion_step(
    w: Tensor, g: Tensor, m: Tensor, rate: float, decay: float, betas: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Take one step of Lion (Chen et al. 2023), which keeps a single running mean.

        direction = the sign of (b1 m + (1 - b1) g)         -1, 0 or 1 for each weight
        w <- (1 - rate decay) w - rate direction            decoupled decay, as in AdamW
        m <- b2 m + (1 - b2) g                              the mean is updated after it was used

    w, g, m: weights, their gradient, the mean so far, all of one shape. betas: (b1, b2).
    Returns the new w and the new m; the tensors that were given stay as they are.
    """
    raise NotImplementedError


def effect(base: list[float], changed: list[float], student: dict[int, float]) -> tuple[float, float, str]:
    """Say what a change does, from the losses of two recipes; entry i of both is of the same seed i.

    student: how many standard errors the 95 % interval reaches to each side, by the number of differences.
    Returns (mean, half, verdict): the mean of changed minus base over the seeds; half the width of its interval,
    student times s / √n with s the standard deviation of the n differences (divided by n - 1, not n); and
    "better" or "worse" where the interval does not hold 0, else "within the spread".
    """
    raise NotImplementedError
