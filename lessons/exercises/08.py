"""Exercises of lesson 8. Fill in the functions; `makemore lessons check 8` grades them."""

from collections.abc import Callable

import torch
from torch import Tensor


def batch_norm(x: Tensor, real: Tensor) -> Tensor:
    """Normalise each channel over the real positions of a batch.

    x: (B, T, C). real: (B, T) bool, False where a position is padding; at least two are True.
    Returns (B, T, C): x minus the channel's mean, divided by the square root of its variance + 1e-5, and 0 at
    padding. Mean and variance are taken over all real positions of all lines together, each counting once;
    the variance is the mean of the squared deviations. What stands at padding must not matter at all.
    """
    raise NotImplementedError


def causal_conv(
    x: Tensor, W: Tensor, b: Tensor, dilation: int, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """A dilated causal convolution with K taps that can go on where it stopped.

    x: (B, T, I). W: (K, I, O), b: (O,). With d the dilation,

        out[t] = x[t - (K - 1) d] W[0] + ... + x[t - d] W[K - 2] + x[t] W[K - 1] + b

    past: (B, (K - 1) d, I), the inputs before x, oldest first; None at the start of a line, where they are 0.
    Returns out (B, T, O), and the past (B, (K - 1) d, I) to give with the inputs that follow x. T may be 1, and
    K may be. Loop over the taps if you like, not over positions.
    """
    raise NotImplementedError


def reach(f: Callable[[Tensor], Tensor], T: int, C: int) -> tuple[int, int]:
    """Measure how far a function looks along a line.

    f: takes floats (1, T, C) and returns (1, T, O), by operations of torch that have derivatives. You do not
    know what is inside, only that what it looks at does not depend on the values.
    Returns (back, ahead): the largest t - s and the largest s - t for which the output at position t depends on
    the input at position s; 0 where there is none.
    """
    raise NotImplementedError
