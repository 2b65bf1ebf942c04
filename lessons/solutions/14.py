"""Solutions of lesson 14's exercises."""

import torch
from torch import Tensor
from torch.nn import functional as F


def join_steps(A1: Tensor, b1: Tensor, A2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    # A2 (A1 h + b1) + b2 = (A2 A1) h + (A2 b1 + b2)
    return A2 @ A1, (A2 @ b1[..., None])[..., 0] + b2


def scan_from(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    b = torch.cat([a[:, :1] * h[:, None] + b[:, :1], b[:, 1:]], 1)  # h comes in at the first place
    back = 1
    while back < a.shape[1]:
        b = torch.cat([b[:, :back], a[:, back:] * b[:, :-back] + b[:, back:]], 1)
        a = torch.cat([a[:, :back], a[:, back:] * a[:, :-back]], 1)
        back = 2 * back
    return b


def state_space(x: Tensor, a: Tensor, b: Tensor, c: Tensor, d: float) -> Tensor:
    T = x.shape[1]
    n = torch.arange(T)[:, None]  # (T, 1): how far back
    kernel = (c * b * a**n).sum(1)  # (T, H) -> (T,)
    padded = F.pad(x[:, None], (T - 1, 0))  # (B, 1, 2 T - 1): zeros before the line
    return F.conv1d(padded, kernel.flip(0)[None, None])[:, 0] + d * x
