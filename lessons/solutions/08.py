"""Solutions of lesson 8's exercises."""

from collections.abc import Callable

import torch
from torch import Tensor


def batch_norm(x: Tensor, real: Tensor) -> Tensor:
    rows = x[real]  # (R, C): the real positions of all lines, one after the other
    mean = rows.mean(0)  # (C,)
    var = (rows - mean).square().mean(0)  # (C,)
    out = torch.zeros_like(x)
    out[real] = (rows - mean) / (var + 1e-5).sqrt()
    return out


def causal_conv(
    x: Tensor, W: Tensor, b: Tensor, dilation: int, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    B, T, I = x.shape  # noqa: E741
    before = (len(W) - 1) * dilation
    if past is None:
        past = x.new_zeros(B, before, I)
    inputs = torch.cat([past, x], 1)  # (B, before + T, I)
    # tap k stands (K - 1 - k) d before the present: its slice begins at k d
    out = b + sum(inputs[:, k * dilation : k * dilation + T] @ tap for k, tap in enumerate(W))
    return out, inputs[:, T:]  # the last (K - 1) d of all there was


def reach(f: Callable[[Tensor], Tensor], T: int, C: int) -> tuple[int, int]:
    g = torch.Generator().manual_seed(1)
    x = torch.randn(1, T, C, generator=g).requires_grad_()
    out = f(x)  # (1, T, O)
    mixed = (out * torch.randn(out.shape, generator=g)).sum((0, 2))  # (T,): no two outputs can cancel
    back = ahead = 0
    for t in range(T):
        (gradient,) = torch.autograd.grad(mixed[t], x, retain_graph=True)
        places = gradient[0].abs().sum(1).nonzero()[:, 0]  # (S,): the s that position t depends on
        if len(places):
            back = max(back, t - int(places.min()))
            ahead = max(ahead, int(places.max()) - t)
    return back, ahead
