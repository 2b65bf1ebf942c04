"""What grades the exercises of lesson 14."""

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from makemore.course import Wrong, expect, expect_close, expect_tensor, explaining


class _Operations(TorchFunctionMode):
    """Counts the operations of torch in a block."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return function(*args, **(kwargs or {}))


def _operations(call: Any) -> int:
    with _Operations() as operations:
        call()
    return operations.count


def _alike(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-4)


def join_steps(answers: Any) -> None:
    g = torch.Generator().manual_seed(1)
    for shape, H in (((), 2), ((5,), 3), ((2, 3), 4)):
        A1, A2 = (torch.randn(*shape, H, H, generator=g) for _ in range(2))
        b1, b2, h = (torch.randn(*shape, H, generator=g) for _ in range(3))
        at = f" (with A1 of shape {tuple(A1.shape)})"
        shapes = (
            f"the shapes do not fit{at}: b1 is a vector for each matrix, (..., H); make it a column with b1[..., None] to "
            "multiply it, and take the column off again"
        )
        with explaining({"size": shapes, "shape": shapes}):
            got = answers.join_steps(A1, b1, A2, b2)
        expect(isinstance(got, tuple) and len(got) == 2, "join_steps should return two tensors, A and b")
        A, b = got
        expect_tensor(A, (*shape, H, H), f"A: join_steps{at}")
        expect_tensor(b, (*shape, H), f"b: join_steps{at}")

        def through(M: Tensor, v: Tensor) -> Tensor:
            return (M @ v[..., None])[..., 0]

        expect(
            not _alike(A, A1 * A2),
            "A is the product number by number; the steps are matrices here, and they are multiplied as matrices, with @",
        )
        expect(
            not _alike(A, A1 @ A2),
            "the matrices are in the wrong order: the step that is done first stands on the right, next to h, so it is "
            "A2 @ A1",
        )
        expect(
            not _alike(b, through(A1, b2) + b1),
            "b belongs to the other order of the steps: b1 goes through the second step, A2 b1 + b2",
        )
        expect(
            not _alike(b, b1 + b2),
            "b is the sum of both; but b1 is in h when the second step comes, so it is multiplied by A2",
        )
        expect(not _alike(b, through(A2, b1)), "b2 is missing in b")
        expect_close(A, A2 @ A1, f"A is not A2 A1{at}", 1e-4)
        expect_close(b, through(A2, b1) + b2, f"b is not A2 b1 + b2{at}", 1e-4)
        expect_close(
            through(A, h) + b,
            through(A2, through(A1, h) + b1) + b2,
            "A h + b is not what the two steps give",
            1e-3,
        )


def _walk(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    hs = []
    for t in range(a.shape[1]):
        h = a[:, t] * h + b[:, t]
        hs.append(h)
    return torch.stack(hs, 1)


def _careless(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """By doubling, a updated before b."""
    b = torch.cat([a[:, :1] * h[:, None] + b[:, :1], b[:, 1:]], 1)
    back = 1
    while back < a.shape[1]:
        a = torch.cat([a[:, :back], a[:, back:] * a[:, :-back]], 1)
        b = torch.cat([b[:, :back], a[:, back:] * b[:, :-back] + b[:, back:]], 1)
        back *= 2
    return b


def scan_from(answers: Any) -> None:
    g = torch.Generator().manual_seed(2)
    half = torch.full((1, 3000, 1), 0.5)
    got = answers.scan_from(half, torch.ones_like(half), torch.zeros(1, 1))
    expect_tensor(got, (1, 3000, 1), "scan_from")
    expect(
        got.isfinite().all(),
        "3,000 places with a = 0.5 give nan or infinity: the product of all a underflows. Join steps instead of dividing",
    )
    for B, T, H in ((2, 8, 3), (3, 11, 2), (1, 1, 4), (2, 2, 1), (2, 37, 3)):
        a, b, h = (torch.randn(shape, generator=g) for shape in ((B, T, H), (B, T, H), (B, H)))
        a = a.sign() * (0.8 + 0.2 * torch.rand(a.shape, generator=g))  # nothing is forgotten soon
        if T == 8:
            a[:, 3] = 0
        kept = [x.clone() for x in (a, b, h)]
        got = answers.scan_from(a, b, h)
        at = f" (with T = {T})"
        expect(
            all(torch.equal(x, y) for x, y in zip((a, b, h), kept, strict=True)),
            "a tensor that was given was changed; make new ones in each round, with torch.cat",
        )
        expect_tensor(got, (B, T, H), f"scan_from{at}")
        right = _walk(a, b, h)
        if T > 1:
            expect(
                not _alike(got, _walk(a, b, torch.zeros_like(h))),
                "this starts from 0: the state h before the line goes into the first place, a[:, 0] h + b[:, 0]",
            )
            started = torch.cat([h[:, None] + b[:, :1], b[:, 1:]], 1)
            expect(
                not _alike(got, _walk(a, started, torch.zeros_like(h))),
                "h was added to the first b; it has to be multiplied by the first a before",
            )
            if T > 2:
                expect(
                    not _alike(got, _careless(a, b, h)),
                    "a is updated before b, so b is joined with steps that already contain others: use the old a for the "
                    "new b, then make the new a",
                )
        where = ~torch.isclose(got, right, rtol=1e-3, atol=1e-3).all(2).all(0)
        if where.any():
            first = int(where.nonzero()[0]) + 1
            raise Wrong(f"places 1 to {first - 1} are right and place {first} is not{at}" if first > 1
                        else f"the first place is wrong already{at}: it should be a[:, 0] h + b[:, 0]")  # fmt: skip
    counts = []
    for T in (64, 128, 256):
        a, b = torch.rand(2, T, 3, generator=g), torch.randn(2, T, 3, generator=g)
        counts.append(_operations(lambda a=a, b=b: answers.scan_from(a, b, torch.zeros(2, 3))))
    more = counts[2] - counts[1]
    expect(
        more <= 40,
        f"with 128 places more your code runs {more} operations of torch more: it walks from place to place. Doubling needs "
        "one round more",
    )


def state_space(answers: Any) -> None:
    g = torch.Generator().manual_seed(3)
    for B, T, H in ((2, 9, 3), (3, 20, 5), (1, 1, 2)):
        x, b, c = (torch.randn(shape, generator=g) for shape in ((B, T), (H,), (H,)))
        a, d = 2 * torch.rand(H, generator=g) - 1, float(torch.rand(1, generator=g)) + 0.5
        got = answers.state_space(x, a, b, c, d)
        expect_tensor(got, (B, T), f"state_space (with T = {T})")

        def by(kernel: Tensor, skip: float = d, x: Tensor = x, T: int = T) -> Tensor:
            y = skip * x
            for t in range(T):
                for n in range(t + 1):
                    y[:, t] = y[:, t] + kernel[n] * x[:, t - n]
            return y

        n = torch.arange(T)[:, None]
        kernel = (c * b * a**n).sum(1)
        right = by(kernel)
        if T > 1:
            expect(
                not _alike(got, by(kernel.flip(0))),
                "the kernel is the wrong way round: F.conv1d multiplies without turning it, so give it kernel.flip(0)",
            )
            backwards = by(kernel, x=x.flip(1)).flip(1)
            expect(
                not _alike(got, backwards),
                "this looks into the future: y[t] depends on x[t], x[t + 1], ...; the zeros belong before the line",
            )
            expect(
                not _alike(got, by((c * b * a ** (n + 1)).sum(1))),
                "the kernel begins with a to the power 1; what comes in now has not faded yet, so it begins with a ** 0",
            )
        expect(not _alike(got, by(kernel, skip=0.0)), "d x[t] is missing in y[t]")
        if H > 1 and T > 1:
            mean = (c * b).sum() * a.mean() ** n[:, 0]
            expect(
                not _alike(got, by(mean)),
                "each number of the state has its own factor: take the powers first, then the sum",
            )
        expect_close(got, right, f"y is not what the recurrence gives (with T = {T})", 1e-4)
    counts = []
    for T in (64, 128):
        x = torch.randn(2, T, generator=g)
        counts.append(
            _operations(lambda x=x: answers.state_space(x, torch.rand(4), torch.rand(4), torch.rand(4), 1.0))
        )
    more = counts[1] - counts[0]
    expect(
        more <= 20,
        f"with 64 places more your code runs {more} operations of torch more: it walks from place to place. Make the kernel "
        "for all distances at once, and convolve once",
    )


CHECKS = {"join_steps": join_steps, "scan_from": scan_from, "state_space": state_space}
