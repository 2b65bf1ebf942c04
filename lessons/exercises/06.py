"""Exercises of lesson 6. Fill in the functions; `makemore lessons check 6` grades them."""

from collections.abc import Callable

import torch
from torch import Tensor


def kaiming_gain(f: Callable[[Tensor], Tensor]) -> float:
    """Find the gain that a non-linearity needs.

    f: takes a tensor of any shape and returns one of that shape, number by number, like torch.tanh.
    Let z be standard normal. The next layer sums up many f(z), each times a weight with mean 0. Returns the
    gain that those weights need so that the sums have standard deviation 1, as z has:

        sum over i of w_i f(z_i),  w_i with standard deviation gain / √n

    The mean of f(z) need not be 0; does it count? An error of 2 % is allowed, so a million normal numbers are
    enough.
    """
    raise NotImplementedError


def fold_batchnorm(
    W: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Put a BatchNorm that is in use into the layer before it.

    W: (I, H), applied as x @ W. gain, bias, mean, var: (H,), what BatchNorm learned and its running averages,
    applied to a = x @ W as gain * (a - mean) / √(var + eps) + bias.
    Returns new weights (I, H) and a bias (H,), with which x @ weights + bias is the same for any x. What was
    given is not changed.
    """
    raise NotImplementedError


def tanh_health(h: Tensor) -> dict[str, float]:
    """Examine a tanh layer.

    h: (B, H) what came out of tanh for a batch, each between -1 and 1.
    Returns {"saturated": share of all outputs whose size is above 0.97,
    "dead": number of units whose size is above 0.99 for every example of the batch,
    "passed": the mean over all outputs of tanh's slope there, by which gradients are multiplied}.
    """
    raise NotImplementedError
