"""Wrong answers to the exercises of lesson 14 that people give, and what they should be told."""

import torch
from torch import Tensor
from torch.nn import functional as F


def _times(A: Tensor, b: Tensor) -> Tensor:
    return (A @ b[..., None])[..., 0]


def as_numbers(A1: Tensor, b1: Tensor, A2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return A1 * A2, _times(A2, b1) + b2


def other_order(A1: Tensor, b1: Tensor, A2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return A1 @ A2, _times(A2, b1) + b2


def other_order_of_b(A1: Tensor, b1: Tensor, A2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return A2 @ A1, _times(A1, b2) + b1


def plain_sum(A1: Tensor, b1: Tensor, A2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return A2 @ A1, b1 + b2


def without_b2(A1: Tensor, b1: Tensor, A2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return A2 @ A1, _times(A2, b1)


def matrix_times_rows(A1: Tensor, b1: Tensor, A2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return A2 @ A1, A2 @ b1 + b2


def walk(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    hs = []
    for t in range(a.shape[1]):
        h = a[:, t] * h + b[:, t]
        hs.append(h)
    return torch.stack(hs, 1)


def from_zero(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    back = 1
    while back < a.shape[1]:
        b = torch.cat([b[:, :back], a[:, back:] * b[:, :-back] + b[:, back:]], 1)
        a = torch.cat([a[:, :back], a[:, back:] * a[:, :-back]], 1)
        back *= 2
    return b


def _with(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    return torch.cat([a[:, :1] * h[:, None] + b[:, :1], b[:, 1:]], 1)


def h_not_multiplied(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    return from_zero(a, torch.cat([h[:, None] + b[:, :1], b[:, 1:]], 1), h)


def a_first(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    b, back = _with(a, b, h), 1
    while back < a.shape[1]:
        a = torch.cat([a[:, :back], a[:, back:] * a[:, :-back]], 1)
        b = torch.cat([b[:, :back], a[:, back:] * b[:, :-back] + b[:, back:]], 1)
        back *= 2
    return b


def in_place(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    b[:, 0] += a[:, 0] * h
    return from_zero(a, b, h)


def one_round_short(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    b, back = _with(a, b, h), 1
    while 2 * back <= a.shape[1]:  # right where T is a power of 2
        b = torch.cat([b[:, :back], a[:, back:] * b[:, :-back] + b[:, back:]], 1)
        a = torch.cat([a[:, :back], a[:, back:] * a[:, :-back]], 1)
        back *= 2
    return b


def division(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    A = a.double().cumprod(1)
    return (A * (h.double()[:, None] + (b.double() / A).cumsum(1))).float()


def kernel_turned(x: Tensor, a: Tensor, b: Tensor, c: Tensor, d: float) -> Tensor:
    T = x.shape[1]
    kernel = (c * b * a ** torch.arange(T)[:, None]).sum(1)
    return F.conv1d(F.pad(x[:, None], (T - 1, 0)), kernel[None, None])[:, 0] + d * x


def zeros_after(x: Tensor, a: Tensor, b: Tensor, c: Tensor, d: float) -> Tensor:
    T = x.shape[1]
    kernel = (c * b * a ** torch.arange(T)[:, None]).sum(1)
    return F.conv1d(F.pad(x[:, None], (0, T - 1)), kernel[None, None])[:, 0] + d * x


def from_power_one(x: Tensor, a: Tensor, b: Tensor, c: Tensor, d: float) -> Tensor:
    T = x.shape[1]
    kernel = (c * b * a ** torch.arange(1, T + 1)[:, None]).sum(1)
    return F.conv1d(F.pad(x[:, None], (T - 1, 0)), kernel.flip(0)[None, None])[:, 0] + d * x


def without_d(x: Tensor, a: Tensor, b: Tensor, c: Tensor, d: float) -> Tensor:
    T = x.shape[1]
    kernel = (c * b * a ** torch.arange(T)[:, None]).sum(1)
    return F.conv1d(F.pad(x[:, None], (T - 1, 0)), kernel.flip(0)[None, None])[:, 0]


def mean_factor(x: Tensor, a: Tensor, b: Tensor, c: Tensor, d: float) -> Tensor:
    T = x.shape[1]
    kernel = (c * b).sum() * a.mean() ** torch.arange(T)
    return F.conv1d(F.pad(x[:, None], (T - 1, 0)), kernel.flip(0)[None, None])[:, 0] + d * x


def walked(x: Tensor, a: Tensor, b: Tensor, c: Tensor, d: float) -> Tensor:
    h, ys = torch.zeros(len(x), len(a)), []
    for x_t in x.unbind(1):
        h = a * h + b * x_t[:, None]
        ys.append(h @ c + d * x_t)
    return torch.stack(ys, 1)


WRONG = [
    ("join_steps", as_numbers, "with @"),
    ("join_steps", other_order, "wrong order"),
    ("join_steps", other_order_of_b, "goes through the second step"),
    ("join_steps", plain_sum, "multiplied by A2"),
    ("join_steps", without_b2, "b2 is missing"),
    ("join_steps", matrix_times_rows, "b1[..., None]"),
    ("scan_from", walk, "walks from place to place"),
    ("scan_from", from_zero, "starts from 0"),
    ("scan_from", h_not_multiplied, "multiplied by the first a"),
    ("scan_from", a_first, "use the old a"),
    ("scan_from", in_place, "was changed"),
    ("scan_from", one_round_short, "places 1 to 8 are right"),
    ("scan_from", division, "underflows"),
    ("state_space", kernel_turned, "flip(0)"),
    ("state_space", zeros_after, "future"),
    ("state_space", from_power_one, "a ** 0"),
    ("state_space", without_d, "is missing"),
    ("state_space", mean_factor, "own factor"),
    ("state_space", walked, "walks from place to place"),
]
