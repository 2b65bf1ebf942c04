"""What grades the exercises of lesson 3."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from makemore.course import by_hand, expect, expect_close, expect_number, expect_tensor, explaining

NEW_TENSOR = (
    "one step is right, but not the next: near = near - ... makes a new tensor, which has no .grad and which autograd "
    "does not follow. Change the table itself, near -= rate * near.grad under torch.no_grad(), or make the new one "
    "ask for gradients again with requires_grad_()"
)


def loss_and_gradient(answers: Any) -> None:
    V = 4
    given = torch.randn(V, V, generator=torch.Generator().manual_seed(5))
    x, y = torch.tensor([0, 2, 2, 1, 2, 2, 0]), torch.tensor([2, 1, 3, 0, 1, 2, 3])
    M = len(x)
    W = given.clone()
    with by_hand():
        got = answers.loss_and_gradient(W, x, y)
    expect(isinstance(got, tuple) and len(got) == 2, "return two things: the loss and the gradient")
    loss, gradient = got
    expect(torch.equal(W, given), "the W that was given was changed; work on a new tensor")

    right, wanted = _by_autograd(given, x, y)
    loss = expect_number(loss, "loss_and_gradient, as the loss,")
    expect(abs(loss + right) > 1e-4, "a log-probability is negative: turn the sign of the loss")
    expect(abs(loss - M * right) > 1e-4, "the loss is the sum over the pairs; the mean is wanted")
    expect_close(loss, right, f"the loss of this table is {right:.4f}, not {loss:.4f}", 1e-4)

    expect_tensor(gradient, (V, V), "the gradient of loss_and_gradient")
    expect(not torch.allclose(gradient, -wanted, atol=1e-5), "the gradient has the wrong sign: p - onehot")
    expect(
        not torch.allclose(gradient, M * wanted, atol=1e-4),
        "the loss is a mean over M pairs, so the gradient is divided by M as well",
    )
    push = given[x].softmax(1)
    push[torch.arange(M), y] -= 1
    last = torch.zeros(V, V)
    last[x] += push / M  # an indexed += takes one push a row
    expect(
        not torch.allclose(gradient, last, atol=1e-5),
        "a row that is used by several pairs got one push only: gradient[x] += ... writes each row once, "
        "however often it is in x. Use index_add, or count",
    )
    expect_close(gradient[3], torch.zeros(V), "no pair begins with 3, so row 3 does not change the loss")
    expect_close(
        gradient.sum(1), torch.zeros(V), "each row of p - onehot sums to 0, so those of the gradient do too"
    )
    expect_close(
        gradient, wanted, "the gradient is not autograd's: is it the sum of (p - onehot) / M by row?", 1e-4
    )

    large = torch.tensor([[1000.0, 0.0], [0.0, -1000.0]])
    with by_hand():
        loss, gradient = answers.loss_and_gradient(large, torch.tensor([0, 1]), torch.tensor([1, 0]))
    expect(
        torch.as_tensor(loss).isfinite() and gradient.isfinite().all(),
        "with a logit of 1000 exp gives inf, an overflow, or the log of a probability of 0 gives -inf: "
        "take the largest logit of each row away first, and never log a probability",
    )
    expect_close(float(loss), 500.0, "for logits 1000, 0 the loss of the second is 1000", 1e-4)

    V, generator = 6, torch.Generator().manual_seed(6)
    for M in (40, 3):
        W = torch.randn(V, V, generator=generator)
        x, y = torch.randint(V, (2, M), generator=generator)
        with by_hand():
            loss, gradient = answers.loss_and_gradient(W.clone(), x, y)
        right, wanted = _by_autograd(W, x, y)
        again = f"right for V = 4 and 7 pairs and not for V = {V} and {M}: is a number typed in?"
        expect_close(
            expect_number(loss, "loss_and_gradient, as the loss,"), right, f"the loss is {again}", 1e-4
        )
        expect_tensor(gradient, (V, V), "the gradient of loss_and_gradient")
        expect_close(gradient, wanted, f"the gradient is {again}", 1e-4)


def _by_autograd(W: Tensor, x: Tensor, y: Tensor) -> tuple[float, Tensor]:
    W = W.clone().requires_grad_()
    loss = F.cross_entropy(W[x], y)
    (gradient,) = torch.autograd.grad(loss, W)
    return loss.item(), gradient


def two_back(answers: Any) -> None:
    V, generator = 4, torch.Generator().manual_seed(7)
    ids = torch.randint(V, (300,), generator=generator)
    for i in range(2, len(ids)):  # mostly what stood two before and one more, sometimes what stood one before
        if i % 3:
            ids[i] = (ids[i - 2] + 1) % V
        elif i % 2:
            ids[i] = ids[i - 1]
    got = answers.two_back(ids, V, 1, 2.0)
    expect(isinstance(got, tuple) and len(got) == 2, "return two tables: near and far")
    near, far = got
    expect_tensor(near, (V, V), "near of two_back")
    expect_tensor(far, (V, V), "far of two_back")
    expect(
        not near.requires_grad and not far.requires_grad, "the tables still want gradients: return x.detach()"
    )
    got, right = torch.stack((near, far)), _descended(ids, V, 1, 2.0)
    expect(
        (got != 0).any(),
        "after one step both tables are still full of zeros: is the gradient taken off them?",
    )
    expect(not torch.allclose(got, -right, atol=1e-5), "this goes uphill: the gradient is subtracted")
    expect(
        not torch.allclose(got, right.flip(0), atol=1e-5),
        "near and far are swapped: near has the rows of b, which stands right before c",
    )
    expect(
        not torch.allclose(got, right * (len(ids) - 2), rtol=1e-4),
        "this is a step on the sum of the losses; the mean over the triples is wanted",
    )
    expect(far.any() or not near.any(), "far is full of zeros after a step: it is to be updated as well")
    expect_close(
        got, right, "one step from zeros does not come out right; are the triples a, b, c in a row?", 1e-4
    )

    with explaining({"does not require grad": NEW_TENSOR, "NoneType": NEW_TENSOR}):
        got = answers.two_back(ids, V, 25, 2.0)
    got, right = torch.stack(got), _descended(ids, V, 25, 2.0)
    expect(
        not torch.allclose(got, _descended(ids, V, 25, 2.0, piled_up=True), atol=1e-3),
        "the first step is right and later ones are not: gradients pile up in .grad until it is set to None",
    )
    ours, theirs = _loss(ids, right), _loss(ids, got)
    expect_close(
        got,
        right,
        f"one step is right; after 25 the loss should be {ours:.4f}, not {theirs:.4f}. Is the gradient worked "
        "out anew, from both tables as they are, for every step?",
        1e-3,
    )

    V = 5
    ids = torch.randint(V - 1, (90,), generator=generator)  # the last character never comes
    near, far = answers.two_back(ids, V, 3, 1.5)
    expect_tensor(near, (V, V), f"with V = {V} near of two_back")
    expect_tensor(far, (V, V), f"with V = {V} far of two_back")
    expect_close(
        torch.stack((near, far)),
        _descended(ids, V, 3, 1.5),
        f"right for V = 4 and rate 2, and not for V = {V} and rate 1.5: is a number typed in?",
        1e-4,
    )


def _loss(ids: Tensor, tables: Tensor) -> float:
    near, far = tables
    return F.cross_entropy(near[ids[1:-1]] + far[ids[:-2]], ids[2:]).item()


def _descended(ids: Tensor, V: int, steps: int, rate: float, piled_up: bool = False) -> Tensor:
    """Return near and far, (2, V, V), after descent by the gradient worked out by hand."""
    a, b, c = (F.one_hot(part, V).float() for part in (ids[:-2], ids[1:-1], ids[2:]))  # (M - 2, V)
    tables, gradient = torch.zeros(2, V, V), torch.zeros(2, V, V)
    for _ in range(steps):
        push = ((b @ tables[0] + a @ tables[1]).softmax(1) - c) / len(c)
        now = torch.stack((b.T @ push, a.T @ push))
        gradient = gradient + now if piled_up else now
        tables = tables - rate * gradient
    return tables


def find_penalty(answers: Any) -> None:
    counts = torch.tensor([[9, 4, 0, 1], [2, 2, 6, 30], [0, 5, 1, 3], [8, 1, 1, 0]]).double()
    for penalty in (0.05, 0.4):
        _one_penalty(answers, counts, penalty)
    empty = counts.clone()
    empty[2] = 0
    W = _regularised(empty, 0.1)
    got = expect_number(answers.find_penalty(W, empty), "find_penalty")
    expect(
        got == got,
        "a character that nothing follows has W = 0 all along its row, and 0 / 0 is nan: do not divide entry by entry",
    )
    expect_close(got, 0.1, f"with an empty row in the counts the penalty is 0.1, not {got:.4f}", 1e-3)
    generator = torch.Generator().manual_seed(8)
    other = torch.randint(12, (6, 6), generator=generator).double()
    _one_penalty(answers, other, 0.1 + torch.rand(1, generator=generator).item())


def _one_penalty(answers: Any, counts: Tensor, penalty: float) -> None:
    W = _regularised(counts, penalty)
    V, M = len(W), counts.sum().item()
    got = expect_number(answers.find_penalty(W.clone(), counts.clone()), "find_penalty")
    for factor, why in {
        -1: "the sign is turned round: the pull and the rest of the gradient sum to 0, so one is minus the other",
        2: "this is twice the penalty: the derivative of W² is 2 W",
        1 / V**2: "this lacks a factor V²: mean(W²) divides the sum of the squares by V²",
        2 / V**2: "this lacks a factor V² / 2: mean(W²) has the derivative 2 W / V²",
        M: "this is M times the penalty: the loss is a mean over the M pairs in counts",
        2 * M / V**2: "this is c, the pull in counts; it is 2 * penalty * M / V²",
    }.items():
        expect(
            abs(got / penalty / factor - 1) > 1e-2, f"with V = {V} found {got:.4g} for {penalty:.4g}: {why}"
        )
    expect_close(
        got,
        penalty,
        f"with V = {V} found {got:.4g} for {penalty:.4g}: where the gradient is 0, expected count - count + c W = 0",
        1e-3,
    )


def _regularised(counts: Tensor, penalty: float) -> Tensor:
    """Return the table (V, V) that has the lowest loss with that penalty."""
    V, M = len(counts), counts.sum()
    W = torch.zeros_like(counts)
    for _ in range(2000):
        W = W - 2 * ((counts.sum(1, keepdim=True) * W.softmax(1) - counts) / M + 2 * penalty * W / V**2)
    return W


CHECKS = {
    "loss_and_gradient": loss_and_gradient,
    "two_back": two_back,
    "find_penalty": find_penalty,
}
