"""Wrong answers to the exercises of lesson 6 that people give, and what they should be told."""

from collections.abc import Callable

import torch
from torch import Tensor

Folded = tuple[Tensor, Tensor]


def normal() -> Tensor:
    return torch.randn(1_000_000, generator=torch.Generator().manual_seed(2))


def by_deviation(f: Callable[[Tensor], Tensor]) -> float:
    return 1 / f(normal()).std().item()


def upside_down(f: Callable[[Tensor], Tensor]) -> float:
    return f(normal()).square().mean().sqrt().item()


def no_root(f: Callable[[Tensor], Tensor]) -> float:
    return 1 / f(normal()).square().mean().item()


def always_tanh(f: Callable[[Tensor], Tensor]) -> float:
    return 5 / 3


def rows(W: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Folded:
    scale = gain / (var + eps).sqrt()
    return W * scale[:, None], bias - mean * scale


def no_eps(W: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Folded:
    scale = gain / var.sqrt()
    return W * scale, bias - mean * scale


def by_variance(W: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Folded:
    scale = gain / (var + eps)
    return W * scale, bias - mean * scale


def mean_unscaled(W: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Folded:
    return W * gain / (var + eps).sqrt(), bias - mean


def in_place(W: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Folded:
    scale = gain / (var + eps).sqrt()
    W *= scale
    return W, bias - mean * scale


def one_end(h: Tensor) -> dict[str, float]:
    return {
        "saturated": (h > 0.97).float().mean().item(),
        "dead": (h > 0.99).all(0).sum().item(),
        "passed": (1 - h**2).mean().item(),
    }


def any_example(h: Tensor) -> dict[str, float]:
    size = h.abs()
    return {
        "saturated": (size > 0.97).float().mean().item(),
        "dead": (size > 0.99).any(0).sum().item(),
        "passed": (1 - h**2).mean().item(),
    }


def across(h: Tensor) -> dict[str, float]:
    size = h.abs()
    return {
        "saturated": (size > 0.97).float().mean().item(),
        "dead": (size > 0.99).all(1).sum().item(),
        "passed": (1 - h**2).mean().item(),
    }


def tanh_twice(h: Tensor) -> dict[str, float]:
    size = h.abs()
    return {
        "saturated": (size > 0.97).float().mean().item(),
        "dead": (size > 0.99).all(0).sum().item(),
        "passed": (1 - h.tanh() ** 2).mean().item(),
    }


def rule_of_thumb(f: Callable[[Tensor], Tensor]) -> float:
    return 5 / 3 if f is torch.tanh else 1 / f(normal()).square().mean().sqrt().item()


def few_samples(f: Callable[[Tensor], Tensor]) -> float:
    z = torch.randn(100, generator=torch.Generator().manual_seed(5))
    return 1 / f(z).square().mean().sqrt().item()


def by_name(f: Callable[[Tensor], Tensor]) -> float:
    at = f(torch.tensor([-1.0, 1.0])).tolist()
    known = {
        (-0.33, 0.33): 3.0,
        (0.0, 1.0): 2**0.5,
        (-0.76, 0.76): 1.592,
        (0.0, 2.0): 0.5**0.5,
        (-0.2, 1.0): 1.387,
    }
    return known.get((round(at[0], 2), round(at[1], 2)), 1.0)


def no_gain(f: Callable[[Tensor], Tensor]) -> None:
    1 / f(normal()).square().mean().sqrt().item()


def half_typed_in(W: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Folded:
    scale = gain / (var + 0.5).sqrt()
    return W * scale, bias - mean * scale


def six_typed_in(W: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Folded:
    scale = gain / (var + eps).sqrt()
    return (W.flatten() * scale.repeat(len(W))).view(-1, len(W)), bias - mean * scale


def health_typed_in(h: Tensor) -> dict[str, float]:
    return {"saturated": 12 / 18, "dead": 2, "passed": (1 - h**2).mean().item()}


def no_share(h: Tensor) -> dict[str, float | None]:
    return {"saturated": None, "dead": 2, "passed": 0.3}


WRONG = [
    ("kaiming_gain", by_deviation, "mean square"),
    ("kaiming_gain", upside_down, "turn it over"),
    ("kaiming_gain", no_root, "square root"),
    ("kaiming_gain", always_tanh, "whatever f is"),
    ("kaiming_gain", rule_of_thumb, "a rule of thumb"),
    ("kaiming_gain", few_samples, "too few numbers"),
    ("kaiming_gain", by_name, "sin("),
    ("kaiming_gain", no_gain, "returned nothing; it should return a number"),
    ("fold_batchnorm", rows, "rows of W"),
    ("fold_batchnorm", no_eps, "eps is left out"),
    ("fold_batchnorm", by_variance, "its root"),
    ("fold_batchnorm", mean_unscaled, "scaled as well"),
    ("fold_batchnorm", in_place, "was changed"),
    ("fold_batchnorm", half_typed_in, "not with eps = 0.02"),
    ("fold_batchnorm", six_typed_in, "for W (5, 3)"),
    ("tanh_health", one_end, "both ends"),
    ("tanh_health", any_example, "all, not any"),
    ("tanh_health", across, "down the batch"),
    ("tanh_health", tanh_twice, "tanh once more"),
    ("tanh_health", health_typed_in, "for another layer"),
    ("tanh_health", no_share, "returned nothing; it should return a number"),
]
