"""Exercises of lesson 14. Fill in the functions; `makemore lessons check 14` grades them."""

import torch
from torch import Tensor
from torch.nn import functional as F


def join_steps(A1: Tensor, b1: Tensor, A2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    """Two steps as one, where each step is h -> A h + b with a matrix A.

    A1, A2: (..., H, H). b1, b2: (..., H). The step (A1, b1) is done first, then (A2, b2).
    Returns A (..., H, H) and b (..., H) of the one step that does both. The dots are any number of dimensions.
    """
    raise NotImplementedError


def scan_from(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """All h[t] = a[t] h[t - 1] + b[t], in about log2 T rounds, from a state that need not be zero.

    a, b: (B, T, H), T at least 1. h: (B, H), the state before the first place.
    Returns (B, T, H): the states after each place. a may be 0 or negative. No loop over the places: when T doubles, only one
    round more may be needed. Do not change a, b or h.
    """
    raise NotImplementedError


def state_space(x: Tensor, a: Tensor, b: Tensor, c: Tensor, d: float) -> Tensor:
    """A diagonal state space as one convolution.

    x: (B, T). a, b, c: (H,). With h = 0 before the line,

        h[t] = a h[t - 1] + b x[t]          (B, H), each number of the state by itself
        y[t] = c . h[t] + d x[t]            (B,)

    Returns y, (B, T). No loop over the places: make the kernel, and convolve.
    """
    raise NotImplementedError
