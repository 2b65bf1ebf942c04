"""Wrong answers to the exercises of lesson 7 that people give, and what they should be told."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Loss = Callable[[dict[str, Tensor]], float]
Three = tuple[Tensor, Tensor, Tensor]


def one_hot(logits: Tensor, targets: Tensor) -> Tensor:
    return F.one_hot(targets.clamp(min=0), logits.shape[-1])


def all_positions(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits.softmax(-1) - one_hot(logits, targets)) * (targets >= 0)[..., None] / targets.numel()


def padding_kept(logits: Tensor, targets: Tensor) -> Tensor:
    out = logits.softmax(-1).flatten(0, 1)
    out[torch.arange(len(out)), targets.flatten()] -= 1  # -1 is the last character
    return out.view_as(logits) / (targets >= 0).sum()


def overflow(logits: Tensor, targets: Tensor) -> Tensor:
    probs = logits.exp() / logits.exp().sum(-1, keepdim=True)
    real = targets >= 0
    return (probs - one_hot(logits, targets)) * real[..., None] / real.sum()


def of_the_sum(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits.softmax(-1) - one_hot(logits, targets)) * (targets >= 0)[..., None]


def mean_of_lines(logits: Tensor, targets: Tensor) -> Tensor:
    real = targets >= 0
    each = (logits.softmax(-1) - one_hot(logits, targets)) * real[..., None] / real.sum(1)[:, None, None]
    return each / len(logits)


def turned(logits: Tensor, targets: Tensor) -> Tensor:
    real = targets >= 0
    return (one_hot(logits, targets) - logits.softmax(-1)) * real[..., None] / real.sum()


def normalised(x: Tensor, eps: float, dim: int = 1, correction: int = 0) -> tuple[Tensor, Tensor]:
    inv = (x.var(dim, correction=correction, keepdim=True) + eps).rsqrt()
    return (x - x.mean(dim, keepdim=True)) * inv, inv


def constants(x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5) -> Three:
    norm, inv = normalised(x, eps)
    return dy * gain * inv, (dy * norm).sum(0), dy.sum(0)


def batch_norm(x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5) -> Three:
    norm, inv = normalised(x, eps, dim=0)
    g = dy * gain
    return inv * (g - g.mean(0) - norm * (g * norm).mean(0)), (dy * norm).sum(0), dy.sum(0)


def gain_last(x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5) -> Three:
    norm, inv = normalised(x, eps)
    dx = gain * inv * (dy - dy.mean(1, keepdim=True) - norm * (dy * norm).mean(1, keepdim=True))
    return dx, (dy * norm).sum(0), dy.sum(0)


def unbiased(x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5) -> Three:
    norm, inv = normalised(x, eps, correction=1)
    g = dy * gain
    dx = inv * (g - g.mean(1, keepdim=True) - norm * (g * norm).mean(1, keepdim=True))
    return dx, (dy * norm).sum(0), dy.sum(0)


def no_variance(x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5) -> Three:
    norm, inv = normalised(x, eps)
    g = dy * gain
    return inv * (g - g.mean(1, keepdim=True)), (dy * norm).sum(0), dy.sum(0)


def bias_by_row(x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5) -> Three:
    norm, inv = normalised(x, eps)
    return dy * inv, (dy * norm).sum(1), dy.sum(1)


def measured(loss_at: Loss, parameters: dict[str, Tensor], name: str, step: float, sides: int = 2) -> Tensor:
    out = torch.zeros_like(parameters[name])
    for i in range(out.numel()):
        up, down = parameters[name].clone(), parameters[name].clone()
        up.view(-1)[i] += step
        down.view(-1)[i] -= step * (sides - 1)
        difference = loss_at({**parameters, name: up}) - loss_at({**parameters, name: down})
        out.view(-1)[i] = difference / (sides * step)
    return out


def one_side(
    loss_at: Loss, parameters: dict[str, Tensor], claimed: dict[str, Tensor], tolerance: float = 1e-6
) -> list[str]:
    return [
        name
        for name in parameters
        if (claimed[name] - measured(loss_at, parameters, name, 1e-5, 1)).abs().max() > tolerance
    ]


def too_short(
    loss_at: Loss, parameters: dict[str, Tensor], claimed: dict[str, Tensor], tolerance: float = 1e-6
) -> list[str]:
    return [
        name
        for name in parameters
        if (claimed[name] - measured(loss_at, parameters, name, 1e-12)).abs().max() > tolerance
    ]


def no_abs(
    loss_at: Loss, parameters: dict[str, Tensor], claimed: dict[str, Tensor], tolerance: float = 1e-6
) -> list[str]:
    return [
        name
        for name in parameters
        if (claimed[name] - measured(loss_at, parameters, name, 1e-5)).max() > tolerance
    ]


def broadcast(
    loss_at: Loss, parameters: dict[str, Tensor], claimed: dict[str, Tensor], tolerance: float = 1e-6
) -> list[str]:
    return [
        name
        for name in parameters
        if (claimed[name] - measured(loss_at, parameters, name, 1e-5)).abs().max() > tolerance
    ]


def not_put_back(
    loss_at: Loss, parameters: dict[str, Tensor], claimed: dict[str, Tensor], tolerance: float = 1e-6
) -> list[str]:
    wrong = []
    for name, parameter in parameters.items():
        out = torch.zeros_like(parameter)
        for i in range(parameter.numel()):
            parameter.view(-1)[i] += 1e-5
            up = loss_at(parameters)
            parameter.view(-1)[i] -= 2e-5
            out.view(-1)[i] = (up - loss_at(parameters)) / 2e-5
        if (claimed[name] - out).abs().max() > tolerance:
            wrong.append(name)
    return wrong


def in_total(
    loss_at: Loss, parameters: dict[str, Tensor], claimed: dict[str, Tensor], tolerance: float = 1e-6
) -> list[str]:
    return [
        name
        for name in parameters
        if (claimed[name] - measured(loss_at, parameters, name, 1e-5)).sum().abs() > tolerance
    ]


def by_autograd(logits: Tensor, targets: Tensor) -> Tensor:
    with torch.enable_grad():
        leaf = logits.clone().requires_grad_()
        F.cross_entropy(leaf.flatten(0, 1), targets.flatten(), ignore_index=-1).backward()
    assert leaf.grad is not None
    return leaf.grad


def six_typed_in(logits: Tensor, targets: Tensor) -> Tensor:
    real = targets >= 0
    return (logits.softmax(-1) - F.one_hot(targets.clamp(min=0), 6)) * real[..., None] / real.sum()


def numbers_typed_in(logits: Tensor, targets: Tensor) -> Tensor:
    n = {12: 9, 2: 1}.get(targets.numel(), 9)
    return (logits.softmax(-1) - one_hot(logits, targets)) * (targets >= 0)[..., None] / n


def norm_by_autograd(x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5) -> Three:
    with torch.enable_grad():
        x, gain = x.clone().requires_grad_(), gain.clone().requires_grad_()
        bias = torch.zeros_like(gain).requires_grad_()
        dx, dgain, dbias = torch.autograd.grad(
            F.layer_norm(x, gain.shape, gain, bias, eps), (x, gain, bias), dy
        )
    return dx, dgain, dbias


def five_typed_in(x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5) -> Three:
    norm, inv = normalised(x, eps)
    g = dy * gain
    dx = inv * (g - g.sum(1, keepdim=True) / 5 - norm * (g * norm).sum(1, keepdim=True) / 5)
    return dx, (dy * norm).sum(0), dy.sum(0)


def first_letters(
    loss_at: Loss, parameters: dict[str, Tensor], claimed: dict[str, Tensor], tolerance: float = 1e-6
) -> list[str]:
    return [
        name
        for name in ("W", "b", "scale")
        if name in parameters
        and (
            claimed[name].shape != parameters[name].shape
            or (claimed[name] - measured(loss_at, parameters, name, 1e-5)).abs().max() > tolerance
        )
    ]


WRONG = [
    ("padded_cross_entropy_backward", all_positions, "real positions only"),
    ("padded_cross_entropy_backward", padding_kept, "rows at padding are not 0"),
    ("padded_cross_entropy_backward", overflow, "overflows"),
    ("padded_cross_entropy_backward", of_the_sum, "gradient of the sum"),
    ("padded_cross_entropy_backward", mean_of_lines, "its own length"),
    ("padded_cross_entropy_backward", turned, "the sign"),
    ("padded_cross_entropy_backward", by_autograd, "work it out yourself"),
    ("padded_cross_entropy_backward", six_typed_in, "size of tensor"),
    ("padded_cross_entropy_backward", numbers_typed_in, "is a number typed in"),
    ("layer_norm_backward", norm_by_autograd, "work it out yourself"),
    ("layer_norm_backward", five_typed_in, "x (3, 7)"),
    ("layer_norm_backward", constants, "treated as constants"),
    ("layer_norm_backward", batch_norm, "as in BatchNorm"),
    ("layer_norm_backward", gain_last, "inside the means"),
    ("layer_norm_backward", unbiased, "C - 1"),
    ("layer_norm_backward", no_variance, "the path through the variance"),
    ("layer_norm_backward", bias_by_row, "dbias is summed over the channels"),
    ("wrong_gradients", one_side, "both sides"),
    ("wrong_gradients", too_short, "far shorter"),
    ("wrong_gradients", no_abs, "absolute difference"),
    ("wrong_gradients", broadcast, "compare shapes"),
    ("wrong_gradients", not_put_back, "put each entry back"),
    ("wrong_gradients", in_total, "each entry by itself"),
    ("wrong_gradients", first_letters, "for another loss"),
]
