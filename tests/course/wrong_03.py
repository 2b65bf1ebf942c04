"""Wrong answers to the exercises of lesson 3 that people give, and what they should be told."""

import warnings

import torch
from torch import Tensor
from torch.nn import functional as F


def one_push_a_row(W: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    rows = torch.arange(len(x))
    logp = W[x].log_softmax(1)
    push = logp.exp()
    push[rows, y] -= 1
    gradient = torch.zeros_like(W)
    gradient[x] += push / len(x)
    return -logp[rows, y].mean(), gradient


def not_divided(W: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    rows = torch.arange(len(x))
    logp = W[x].log_softmax(1)
    push = logp.exp()
    push[rows, y] -= 1
    return -logp[rows, y].mean(), torch.zeros_like(W).index_add(0, x, push)


def overflows(W: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    rows = torch.arange(len(x))
    p = W[x].exp() / W[x].exp().sum(1, keepdim=True)
    push = p.clone()
    push[rows, y] -= 1
    return -p[rows, y].log().mean(), torch.zeros_like(W).index_add(0, x, push / len(x))


def piles_up(ids: Tensor, V: int, steps: int, rate: float) -> tuple[Tensor, Tensor]:
    near, far = torch.zeros(V, V, requires_grad=True), torch.zeros(V, V, requires_grad=True)
    for _ in range(steps):
        F.cross_entropy(near[ids[1:-1]] + far[ids[:-2]], ids[2:]).backward()
        near.data -= rate * near.grad
        far.data -= rate * far.grad
    return near.detach(), far.detach()


def swapped(ids: Tensor, V: int, steps: int, rate: float) -> tuple[Tensor, Tensor]:
    near, far = torch.zeros(V, V, requires_grad=True), torch.zeros(V, V, requires_grad=True)
    for _ in range(steps):
        near.grad = far.grad = None
        F.cross_entropy(near[ids[:-2]] + far[ids[1:-1]], ids[2:]).backward()
        near.data -= rate * near.grad
        far.data -= rate * far.grad
    return near.detach(), far.detach()


def only_near(ids: Tensor, V: int, steps: int, rate: float) -> tuple[Tensor, Tensor]:
    near, far = torch.zeros(V, V, requires_grad=True), torch.zeros(V, V)
    for _ in range(steps):
        near.grad = None
        F.cross_entropy(near[ids[1:-1]] + far[ids[:-2]], ids[2:]).backward()
        near.data -= rate * near.grad
    return near.detach(), far


def no_two(W: Tensor, counts: Tensor) -> float:
    missing = counts - counts.sum(1, keepdim=True) * W.softmax(1)
    return ((missing * W).sum() / (W * W).sum() * len(W) ** 2 / counts.sum()).item()


def sum_of_squares(W: Tensor, counts: Tensor) -> float:
    missing = counts - counts.sum(1, keepdim=True) * W.softmax(1)
    return ((missing * W).sum() / (W * W).sum() / (2 * counts.sum())).item()


def entry_by_entry(W: Tensor, counts: Tensor) -> float:
    missing = counts - counts.sum(1, keepdim=True) * W.softmax(1)
    return ((missing / W).mean() * len(W) ** 2 / (2 * counts.sum())).item()


def by_autograd(W: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = W.clone().requires_grad_()
        loss = F.cross_entropy(leaf[x], y)
        loss.backward()
    assert leaf.grad is not None
    return loss.detach(), leaf.grad


def by_grad(W: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = W.clone().requires_grad_()
        loss = F.cross_entropy(leaf[x], y)
        return loss.detach(), torch.autograd.grad(loss, leaf)[0]


def seven_typed_in(W: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    M = 7 if len(x) > 2 else 2
    rows = torch.arange(len(x))
    logp = W[x].log_softmax(1)
    push = logp.exp()
    push[rows, y] -= 1
    return -logp[rows, y].sum() / M, torch.zeros_like(W).index_add(0, x, push / M)


def four_typed_in(ids: Tensor, V: int, steps: int, rate: float) -> tuple[Tensor, Tensor]:
    near, far = torch.zeros(4, 4, requires_grad=True), torch.zeros(4, 4, requires_grad=True)
    for _ in range(steps):
        near.grad = far.grad = None
        F.cross_entropy(near[ids[1:-1]] + far[ids[:-2]], ids[2:]).backward()
        near.data -= rate * near.grad
        far.data -= rate * far.grad
    return near.detach(), far.detach()


def rate_typed_in(ids: Tensor, V: int, steps: int, rate: float) -> tuple[Tensor, Tensor]:
    near, far = torch.zeros(V, V, requires_grad=True), torch.zeros(V, V, requires_grad=True)
    for _ in range(steps):
        near.grad = far.grad = None
        F.cross_entropy(near[ids[1:-1]] + far[ids[:-2]], ids[2:]).backward()
        near.data -= 2.0 * near.grad
        far.data -= 2.0 * far.grad
    return near.detach(), far.detach()


def sixteen_typed_in(W: Tensor, counts: Tensor) -> float:
    missing = counts - counts.sum(1, keepdim=True) * W.softmax(1)
    return ((missing * W).sum() / (W * W).sum() * 16 / (2 * counts.sum())).item()


def nothing(W: Tensor, counts: Tensor) -> None:
    missing = counts - counts.sum(1, keepdim=True) * W.softmax(1)
    (missing * W).sum() / (W * W).sum()


def new_tensor(ids: Tensor, V: int, steps: int, rate: float) -> tuple[Tensor, Tensor]:
    near, far = torch.zeros(V, V, requires_grad=True), torch.zeros(V, V, requires_grad=True)
    for _ in range(steps):
        F.cross_entropy(near[ids[1:-1]] + far[ids[:-2]], ids[2:]).backward()
        with torch.no_grad():
            near = near - rate * near.grad
            far = far - rate * far.grad
    return near.detach(), far.detach()


def new_tensor_followed(ids: Tensor, V: int, steps: int, rate: float) -> tuple[Tensor, Tensor]:
    near, far = torch.zeros(V, V, requires_grad=True), torch.zeros(V, V, requires_grad=True)
    for _ in range(steps):
        F.cross_entropy(near[ids[1:-1]] + far[ids[:-2]], ids[2:]).backward()
        with warnings.catch_warnings(action="ignore"):  # torch says that this .grad is None
            near, far = near - rate * near.grad, far - rate * far.grad
    return near.detach(), far.detach()


WRONG = [
    ("loss_and_gradient", one_push_a_row, "index_add"),
    ("loss_and_gradient", not_divided, "divided by M"),
    ("loss_and_gradient", overflows, "overflow"),
    ("loss_and_gradient", by_autograd, "work it out yourself"),
    ("loss_and_gradient", by_grad, "work it out yourself"),
    ("loss_and_gradient", seven_typed_in, "and not for V = 6"),
    ("two_back", four_typed_in, "with V = 5"),
    ("two_back", rate_typed_in, "not for V = 5 and rate 1.5"),
    ("two_back", piles_up, "pile up"),
    ("two_back", new_tensor, "makes a new tensor"),
    ("two_back", new_tensor_followed, "makes a new tensor"),
    ("two_back", swapped, "swapped"),
    ("two_back", only_near, "far is full of zeros"),
    ("find_penalty", no_two, "twice the penalty"),
    ("find_penalty", sum_of_squares, "factor V²"),
    ("find_penalty", entry_by_entry, "nan"),
    ("find_penalty", sixteen_typed_in, "with V = 6"),
    ("find_penalty", nothing, "returned nothing; it should return a number"),
]
