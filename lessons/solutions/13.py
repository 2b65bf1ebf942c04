"""Solutions of lesson 13's exercises."""

import math

import torch
from torch import Tensor


def rms_norm(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    wide = x.float()  # squares need more room than 16 bits
    mean_square = wide.square().mean(-1, keepdim=True)  # (..., 1)
    return (wide / (mean_square + epsilon).sqrt() * gain).to(x.dtype)


def rotary_scores(q: Tensor, k: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    (T, D), S = q.shape, len(past)
    speed = 10000.0 ** (-torch.arange(D // 2) / (D // 2))  # (D / 2,)
    angle = torch.arange(S, S + T)[:, None] * speed  # (T, D / 2): the new places begin at S
    cos, sin = angle.cos(), angle.sin()
    turned = []
    for x in (q, k):
        a, b = x.chunk(2, -1)
        turned.append(torch.cat([a * cos - b * sin, b * cos + a * sin], -1))
    keys = torch.cat([past, turned[1]])  # (S + T, D): those of the past are turned already
    scores = turned[0] @ keys.T / math.sqrt(D)  # (T, S + T)
    future = torch.ones(T, S + T, dtype=torch.bool).triu(S + 1)
    return scores.masked_fill(future, -math.inf), keys


def grouped_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    _, T, H, D = q.shape
    k, v = (x.repeat_interleave(H // x.shape[2], 2) for x in (k, v))  # (B, T, H, D)
    scores = torch.einsum("bthd,bshd->bhts", q, k) / math.sqrt(D)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    weights = scores.masked_fill(future, -math.inf).softmax(-1)  # (B, H, T, T)
    return torch.einsum("bhts,bshd->bthd", weights, v)
