"""Solutions of lesson 10's exercises."""

import math
from collections.abc import Callable

import torch
from torch import Tensor


def window_attention(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    T, D = q.shape[1:]
    scores = q @ k.mT / math.sqrt(D)  # (B, T, T)
    seen = torch.ones(T, T, dtype=torch.bool).tril().triu(1 - window)  # not the future, nor the distant past
    return scores.masked_fill(~seen, -math.inf).softmax(-1) @ v


def window_step(
    q: Tensor, k: Tensor, v: Tensor, past: tuple[Tensor, Tensor] | None, window: int
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    keys, values = k[:, None], v[:, None]  # (B, 1, D)
    if past is not None:
        keys, values = torch.cat([past[0], keys], 1), torch.cat([past[1], values], 1)
    keys, values = keys[:, -window:], values[:, -window:]  # (B, S, D), what is too old forgotten
    scores = (keys @ q[:, :, None])[..., 0] / math.sqrt(q.shape[1])  # (B, S); all of them are in the past
    return (scores.softmax(-1)[:, None] @ values)[:, 0], (keys, values)


def influence(forward: Callable[[Tensor], Tensor], idx: Tensor, V: int) -> Tensor:
    T = idx.shape[1]
    before = forward(idx)  # (B, T, V)
    depends = torch.zeros(T, T, dtype=torch.bool)
    for s in range(T):
        for other in range(1, V):  # every replacement there is: some may happen to change nothing
            changed = idx.clone()
            changed[:, s] = (idx[:, s] + other) % V
            depends[:, s] |= ((forward(changed) - before).abs() > 1e-6).any(2).any(0)
    return depends
