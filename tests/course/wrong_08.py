"""Wrong answers to the exercises of lesson 8 that people give, and what they should be told."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def over_dimension_0(x: Tensor, real: Tensor) -> Tensor:
    mean, var = x.mean(0, keepdim=True), x.var(0, keepdim=True, correction=0)
    return torch.where(real[:, :, None], (x - mean) / (var + 1e-5).sqrt(), 0)


def over_dimension_0_masked(x: Tensor, real: Tensor) -> Tensor:
    mask = real[:, :, None].float()
    mean = (x * mask).sum(0) / mask.sum(0)
    var = ((x - mean).square() * mask).sum(0) / mask.sum(0)
    return (x - mean) / (var + 1e-5).sqrt() * mask


def padding_counts(x: Tensor, real: Tensor) -> Tensor:
    x = x * real[:, :, None]
    out = (x - x.mean((0, 1))) / (x.var((0, 1), correction=0) + 1e-5).sqrt()
    return out * real[:, :, None]


def mean_of_means(x: Tensor, real: Tensor) -> Tensor:
    mean = torch.stack([line[mask].mean(0) for line, mask in zip(x, real, strict=True)]).mean(0)
    var = (x[real] - mean).square().mean(0)
    return (x - mean) / (var + 1e-5).sqrt() * real[:, :, None]


def times_mask(x: Tensor, real: Tensor) -> Tensor:
    mask = real[:, :, None].float()
    mean = (x * mask).sum((0, 1)) / mask.sum()
    var = ((x - mean).square() * mask).sum((0, 1)) / mask.sum()
    return (x - mean) / (var + 1e-5).sqrt() * mask


def one_less(x: Tensor, real: Tensor) -> Tensor:
    rows = x[real]
    return torch.where(real[:, :, None], (x - rows.mean(0)) / (rows.var(0) + 1e-5).sqrt(), 0)


def no_epsilon(x: Tensor, real: Tensor) -> Tensor:
    rows = x[real]
    return torch.where(real[:, :, None], (x - rows.mean(0)) / rows.std(0, correction=0), 0)


def clamped(x: Tensor, real: Tensor) -> Tensor:
    rows = x[real]
    deviation = rows - rows.mean(0)
    out = torch.zeros_like(x)
    out[real] = deviation / deviation.square().mean(0).clamp(min=1e-9).sqrt()
    return out


def outside_the_root(x: Tensor, real: Tensor) -> Tensor:
    rows = x[real]
    out = torch.zeros_like(x)
    out[real] = (rows - rows.mean(0)) / (rows.std(0, correction=0) + 1e-5)
    return out


def _inputs(x: Tensor, W: Tensor, d: int, past: Tensor | None) -> Tensor:
    past = x.new_zeros(x.shape[0], (len(W) - 1) * d, x.shape[2]) if past is None else past
    return torch.cat([past, x], 1)


def taps_turned_round(
    x: Tensor, W: Tensor, b: Tensor, dilation: int, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    T, inputs = x.shape[1], _inputs(x, W, dilation, past)
    return b + sum(
        inputs[:, k * dilation : k * dilation + T] @ tap for k, tap in enumerate(W.flip(0))
    ), inputs[:, T:]


def zeros_after(
    x: Tensor, W: Tensor, b: Tensor, dilation: int, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    T, before = x.shape[1], (len(W) - 1) * dilation
    inputs = F.pad(x, (0, 0, 0, before))
    # the present comes first now, so the order of the taps is turned round with it
    out = b + sum(inputs[:, k * dilation : k * dilation + T] @ tap for k, tap in enumerate(W.flip(0)))
    return out, inputs[:, T:]


def zeros_on_both_sides(
    x: Tensor, W: Tensor, b: Tensor, dilation: int, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    before = (len(W) - 1) * dilation
    out = F.conv1d(x.mT, W.permute(2, 1, 0), b, padding="same", dilation=dilation).mT
    return out, F.pad(x, (0, 0, before, 0))[:, x.shape[1] :]


def not_dilated(
    x: Tensor, W: Tensor, b: Tensor, dilation: int, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    T, inputs = x.shape[1], _inputs(x, W, 1, None)
    return b + sum(inputs[:, k : k + T] @ tap for k, tap in enumerate(W)), inputs[:, T:]


def past_of_x_alone(
    x: Tensor, W: Tensor, b: Tensor, dilation: int, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    T, before = x.shape[1], (len(W) - 1) * dilation
    inputs = F.pad(x, (0, 0, before, 0)) if past is None else torch.cat([past, x], 1)
    inputs = F.pad(inputs, (0, 0, max(0, before + T - inputs.shape[1]), 0))
    out = b + sum(inputs[:, k * dilation : k * dilation + T] @ tap for k, tap in enumerate(W))
    return out, x[:, max(0, T - before) :]


def minus_nothing(
    x: Tensor, W: Tensor, b: Tensor, dilation: int, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    T, inputs = x.shape[1], _inputs(x, W, dilation, past)
    out = b + sum(inputs[:, k * dilation : k * dilation + T] @ tap for k, tap in enumerate(W))
    return out, inputs[:, -(len(W) - 1) * dilation :]


def _places(f: Callable[[Tensor], Tensor], T: int, C: int, t: int, x: Tensor) -> list[int]:
    (gradient,) = torch.autograd.grad(f(x)[0, t].square().sum(), x)
    return gradient[0].abs().sum(1).nonzero()[:, 0].tolist()


def last_only(f: Callable[[Tensor], Tensor], T: int, C: int) -> tuple[int, int]:
    x = torch.rand(1, T, C).add(1).requires_grad_()
    places = _places(f, T, C, T - 1, x)
    return T - 1 - min(places), max(places) - (T - 1)


def window_size(f: Callable[[Tensor], Tensor], T: int, C: int) -> tuple[int, int]:
    x = torch.rand(1, T, C).add(1).requires_grad_()
    every = [(t, _places(f, T, C, t, x)) for t in range(T)]
    return (
        max(t - min(places, default=t) + 1 for t, places in every),
        max(max(places, default=t) - t for t, places in every),
    )


def plain_sum(f: Callable[[Tensor], Tensor], T: int, C: int) -> tuple[int, int]:
    x = torch.randn(1, T, C).requires_grad_()
    back = ahead = 0
    for t in range(T):
        (gradient,) = torch.autograd.grad(f(x)[0, t].sum(), x)
        for s in gradient[0].abs().sum(1).nonzero()[:, 0].tolist():
            back, ahead = max(back, t - s), max(ahead, s - t)
    return back, ahead


def at_zero(f: Callable[[Tensor], Tensor], T: int, C: int) -> tuple[int, int]:
    x = torch.zeros(1, T, C).requires_grad_()
    back = ahead = 0
    for t in range(T):
        out = f(x)[0, t]
        (gradient,) = torch.autograd.grad(out @ torch.arange(1.0, len(out) + 1), x)
        for s in gradient[0].abs().sum(1).nonzero()[:, 0].tolist():
            back, ahead = max(back, t - s), max(ahead, s - t)
    return back, ahead


def by_name(f: Callable[[Tensor], Tensor], T: int, C: int) -> tuple[int, int]:
    known = {"one_by_one": (0, 0), "dilated": (7, 0), "ahead": (1, 2), "only_five": (5, 0), "opposites": (3, 0),
             "squares": (2, 0), "past_mean": (6, 0), "whole": (6, 6)}  # fmt: skip
    return known.get(f.__name__, (0, 0))


def nothing(f: Callable[[Tensor], Tensor], T: int, C: int) -> tuple[None, None]:
    return None, None


WRONG = [
    ("batch_norm", over_dimension_0, "dimension 0 only"),
    ("batch_norm", over_dimension_0_masked, "dimension 0 only"),
    ("batch_norm", padding_counts, "padding is counted"),
    ("batch_norm", mean_of_means, "mean of the lines' means"),
    ("batch_norm", times_mask, "nan times 0"),
    ("batch_norm", one_less, "correction=0"),
    ("batch_norm", no_epsilon, "0 / 0 = nan"),
    ("batch_norm", clamped, "before the square root"),
    ("batch_norm", outside_the_root, "before the square root"),
    ("causal_conv", taps_turned_round, "wrong order"),
    ("causal_conv", zeros_after, "before the line, not after"),
    ("causal_conv", zeros_on_both_sides, "both sides"),
    ("causal_conv", not_dilated, "1 apart"),
    ("causal_conv", past_of_x_alone, "x alone may be too short"),
    ("causal_conv", minus_nothing, "x[:, -0:] is all of x"),
    ("reach", last_only, "in the middle too"),
    ("reach", window_size, "takes each position for itself"),
    ("reach", plain_sum, "weight them at random"),
    ("reach", at_zero, "derivative is 0 at x = 0"),
    ("reach", by_name, "three dilated convolutions"),
    ("reach", nothing, "reach, back,"),
]
