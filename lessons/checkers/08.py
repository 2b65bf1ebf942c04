"""What grades the exercises of lesson 8."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from makemore.course import Wrong, expect, expect_close, expect_number, expect_tensor


def _alike(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a.double(), b.double(), atol=1e-3)


def batch_norm(answers: Any) -> None:
    g = torch.Generator().manual_seed(1)
    x = torch.randn(6, 4, 3, generator=g) * torch.tensor([1.0, 2.0, 5.0])
    x += torch.tensor([-3.0, 0.0, 1.0, 4.0])[:, None]  # the positions differ, as the nodes of a tree do
    real = torch.arange(4) < torch.tensor([4, 4, 2, 1, 3, 2])[:, None]  # (6, 4)
    before = x.clone()
    got = answers.batch_norm(x, real)
    expect_tensor(got, (6, 4, 3), "batch_norm")
    expect(torch.equal(x, before), "the tensor x that was given was changed; work on a new one")
    rows = x[real]

    def normalised(mean: Tensor, var: Tensor) -> Tensor:
        return ((x - mean) / (var + 1e-5).sqrt()) * real[:, :, None]

    n = real.sum(0)[:, None]  # (4, 1): real lines at each position
    mean_t = (x * real[:, :, None]).sum(0) / n
    var_t = ((x - mean_t).square() * real[:, :, None]).sum(0) / n
    shown = got * real[:, :, None]
    expect(
        not _alike(shown, normalised(mean_t, var_t)) and not _alike(shown, normalised(x.mean(0), x.var(0, correction=0))),
        "every position has statistics of its own: the mean was taken over dimension 0 only. The four positions share "
        "their channels, so they share mean and variance; take them over dimensions 0 and 1",
    )  # fmt: skip
    zeroed = x * real[:, :, None]
    for values in (x, zeroed):
        mean = values.mean((0, 1))
        for var in (values.var((0, 1), correction=0), values.var((0, 1))):
            expect(
                not _alike(shown, normalised(mean, var)),
                "padding is counted in the mean: divide by the number of real positions, real.sum(), not by B T",
            )
    per_line = (zeroed.sum(1) / real.sum(1, keepdim=True)).mean(0)
    for var in ((rows - per_line).square().mean(0), rows.var(0, correction=0), rows.var(0)):
        expect(
            not _alike(shown, normalised(per_line, var)),
            "this is the mean of the lines' means: a line of one character counts as much as one of four. Every real "
            "position should count once",
        )
    deviation = rows - rows.mean(0)
    expect_close(
        got[real].mean(0), torch.zeros(3), "the mean of each channel over the real positions is not 0", 1e-4
    )
    expect(
        not _alike(shown, normalised(rows.mean(0), rows.var(0))),
        f"the variance divides by one less than the {len(rows)} real positions; here it is the plain mean of the "
        "squares (correction=0)",
    )
    right = deviation / (deviation.square().mean(0) + 1e-5).sqrt()
    expect_close(
        got[real],
        right,
        "the mean is right, the spread is not: is it divided by sqrt(variance + 1e-5)?",
        1e-4,
    )
    expect_close(got[~real], torch.zeros_like(got[~real]), "the result should be 0 at padding")
    other = torch.where(real[:, :, None], x, torch.full_like(x, torch.nan))
    expect_close(
        answers.batch_norm(other, real),
        got,
        "with nan at padding the result changes: nan times 0 is nan, so choose the real positions (x[real]) instead "
        "of multiplying by the mask",
    )
    tiny = torch.tensor([[[1.0], [1.0]]])
    expect(
        not answers.batch_norm(tiny, torch.ones(1, 2, dtype=torch.bool)).isnan().any(),
        "a channel that never varies gives 0 / 0 = nan: add 1e-5 to the variance",
    )
    calm = torch.randn(3, 5, 2, generator=g) * torch.tensor([0.003, 0.0003])
    everywhere = torch.ones(3, 5, dtype=torch.bool)
    deviation = calm - calm.mean((0, 1))
    expect_close(
        answers.batch_norm(calm, everywhere),
        deviation / (deviation.square().mean((0, 1)) + 1e-5).sqrt(),
        "channels that hardly vary come out too large or too small: 1e-5 is added to every variance, and before the "
        "square root is taken",
        1e-3,
    )


def _conv(x: Tensor, W: Tensor, b: Tensor, d: int) -> Tensor:
    """By the definition, one number after the other; zeros before the line."""
    out = b.repeat(x.shape[0], x.shape[1], 1)
    for t in range(x.shape[1]):
        for k in range(len(W)):
            s = t - (len(W) - 1 - k) * d
            if s >= 0:
                out[:, t] += x[:, s] @ W[k]
    return out


def causal_conv(answers: Any) -> None:
    g = torch.Generator().manual_seed(2)
    for K, d in ((3, 2), (2, 1), (2, 4), (1, 3)):
        x, b = torch.randn(2, 9, 3, generator=g), torch.randn(4, generator=g)
        W = torch.randn(K, 3, 4, generator=g)
        got = answers.causal_conv(x, W, b, d)
        expect(
            isinstance(got, tuple) and len(got) == 2,
            "causal_conv should return two tensors: out and the next past",
        )
        out, past = got
        at = f" (with K = {K} and dilation {d})"
        expect_tensor(out, (2, 9, 4), f"causal_conv, first part{at},")
        right = _conv(x, W, b, d)
        before = (K - 1) * d
        if K > 1:
            expect(
                not _alike(out, _conv(x, W.flip(0), b, d)),
                "the taps are in the wrong order: W[K - 1] is for the present, W[0] for the oldest input"
                + at,
            )
            for taps in (W, W.flip(0)):
                expect(
                    not _alike(out, _conv(x.flip(1), taps, b, d).flip(1)),
                    "this looks into the future: the zeros belong before the line, not after it" + at,
                )
        if before > 1:
            longer = torch.cat([x, torch.zeros(2, before, 3)], 1)
            centred = _conv(longer, W, b, d)[:, before - before // 2 :][:, :9]
            expect(
                not _alike(out, centred),
                "this looks into the future: the zeros were put on both sides of the line" + at,
            )
        if d > 1 and K > 1:
            expect(
                not _alike(out, _conv(x, W, b, 1)),
                "the taps should be `dilation` positions apart, they are 1 apart" + at,
            )
        expect(not _alike(out, right - b), "the bias b is missing" + at)
        expect_close(out, right, "out is not what the formula says" + at, 1e-4)
        expect(
            isinstance(past, Tensor) and tuple(past.shape) == (2, before, 3),
            f"the next past should have shape {(2, before, 3)}{at}, not "
            f"{tuple(past.shape) if isinstance(past, Tensor) else past}"
            + ("; x[:, -0:] is all of x, not nothing" if K == 1 else ""),
        )
        parts, past = [], None
        for t in range(9):
            try:
                part, past = answers.causal_conv(x[:, t : t + 1], W, b, d, past)
            except RuntimeError as error:
                raise Wrong(f"one position at a time, the {t + 1}th call stops{at}: {error}") from None
            expect_tensor(part, (2, 1, 4), f"causal_conv, first part, one position at a time{at},")
            parts.append(part)
            expect(
                past.shape[1] == before,
                f"one position at a time the past has {past.shape[1]} inputs after {t + 1} calls, where {before} are "
                f"wanted{at}: the next past is the end of the old past *and* x together, since x alone may be too short",
            )
        expect_close(
            torch.cat(parts, 1), right, "one position at a time with the past gives something else than all at once" + at, 1e-4
        )  # fmt: skip


def _nameless(f: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda x: f(x)


def _shifted(s: int, u: int) -> Callable[[Tensor], Tensor]:
    def moved(x: Tensor) -> Tensor:
        T, nothing = x.shape[1], torch.zeros(1, 11, x.shape[2])
        return torch.cat([nothing[:, :s], x], 1)[:, :T] + 2 * torch.cat([x, nothing[:, :u]], 1)[:, u:]

    return moved


def reach(answers: Any) -> None:
    def back(x: Tensor, d: int) -> Tensor:
        return torch.cat([torch.zeros_like(x[:, :d]), x[:, : x.shape[1] - d]], 1)

    def dilated(x: Tensor) -> Tensor:
        for d in (1, 2, 4):
            x = (x + 0.5 * back(x, d)).tanh()
        return x

    def one_by_one(x: Tensor) -> Tensor:
        return x.sigmoid() @ torch.ones(x.shape[2], 2)

    def ahead(x: Tensor) -> Tensor:
        return back(x, 1) - back(x.flip(1), 2).flip(1)

    def opposites(x: Tensor) -> Tensor:
        y = back(x, 3)
        return torch.cat([y, -y], 2)  # their sum is 0 whatever comes in

    def only_five(x: Tensor) -> Tensor:
        return back(x, 5)

    def past_mean(x: Tensor) -> Tensor:
        return x.cumsum(1) / torch.arange(1, x.shape[1] + 1)[:, None]

    def whole(x: Tensor) -> Tensor:
        return x - x.mean(1, keepdim=True)

    def squares(x: Tensor) -> Tensor:
        return back(x, 2) ** 2

    trials = [
        (one_by_one, 8, (0, 0), "a layer that takes each position for itself"),
        (dilated, 12, (7, 0), "three dilated convolutions, d = 1, 2, 4: a window of 8, so 7 back"),
        (ahead, 10, (1, 2), "f(x)[t] = x[t - 1] - x[t + 2]: look at outputs in the middle too, not only at the last"),
        (only_five, 9, (5, 0), "f(x)[t] = x[t - 5] and nothing between: s may be far off though what is near does not count"),
        (opposites, 9, (3, 0), "its outputs sum to 0 whatever comes in, so the gradient of their sum is 0: weight them at random"),
        (squares, 9, (2, 0), "f(x)[t] = x[t - 2] squared, whose derivative is 0 at x = 0: try it at random values"),
        (past_mean, 7, (6, 0), "the mean of everything so far"),
        (whole, 7, (6, 6), "each position minus the mean of the whole line"),
    ]  # fmt: skip
    drawn = torch.randint(6, (4, 2), generator=torch.Generator().manual_seed(6)).tolist()
    for s, u in drawn:  # nobody can know these
        trials.append((_shifted(s, u), 11, (s, u), f"f(x)[t] = x[t - {s}] + 2 x[t + {u}]"))
    for f, T, right, what in trials:
        got = answers.reach(_nameless(f), T, 3)
        expect(
            isinstance(got, (tuple, list)) and len(got) == 2,
            "reach should return two numbers, (back, ahead)",
        )
        got = tuple(
            int(expect_number(x, f"reach, {part},")) for x, part in zip(got, ("back", "ahead"), strict=True)
        )
        expect(got == right, f"{got} where {right} is right, T = {T}: {what}")


CHECKS = {"batch_norm": batch_norm, "causal_conv": causal_conv, "reach": reach}
