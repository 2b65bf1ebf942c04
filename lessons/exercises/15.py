"""Exercises of lesson 15. Fill in the functions; `makemore lessons check 15` grades them."""

import torch
from torch import Tensor


def perplexity_by_position(losses: Tensor, lengths: Tensor) -> Tensor:
    """How unsure a model is at each position of a line.

    losses: (N,) -log p in nats of the tokens of M lines, one line after the other, without padding.
    lengths: (M,) int64, tokens of each line, 1 or more; they sum to N.
    Returns (T,), T the longest length: the perplexity of the first tokens of all lines, of the second tokens of those
    that have one, and so on. Perplexity is the exponential of the mean of -log p.
    """
    raise NotImplementedError


def copy_ratio(train_logp: Tensor, train_ids: Tensor, new_logp: Tensor, new_ids: Tensor) -> float:
    """R: how much likelier a different training line is than a different held-out one, on average.

    train_logp: (M,) log p(line) of training lines. train_ids: (M,) int64, the same number for the same line; lines
    that stand there twice count once. new_logp, new_ids: (K,), the same of held-out lines.
    The lines may be long: log p = -2000 must not become 0 / 0. Only ratios of probabilities can be computed then.
    """
    raise NotImplementedError


def compare(a: Tensor, b: Tensor, tokens: Tensor, draws: Tensor) -> tuple[float, float, str]:
    """Is the difference between two models real?

    a, b: (M,) -log p in nats of the same M lines under model a and model b. tokens: (M,) tokens of each line.
    draws: (R, M) int64, R ways to draw M lines anew, as row numbers.
    Returns low and high, the 2.5 % and 97.5 % quantiles (torch.quantile) over the draws of the difference of the losses
    in nats per token (that of a minus that of b), and "a" or "b" for the better model, or "tie" where they enclose 0.
    """
    raise NotImplementedError
