"""What grades the exercises of lesson 6."""

import math
from typing import Any

import torch

from makemore.course import expect, expect_close, expect_number, expect_tensor

Z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(4))


def kaiming_gain(answers: Any) -> None:
    def near(got: float, value: float) -> bool:
        return abs(got / value - 1) < 0.02

    def few(got: float, value: float) -> str:
        close = abs(got / value - 1) < 0.15
        return (
            "; that is near, but more than 2 % off: is it the mean of too few numbers? Take a million" * close
        )

    def third(z: torch.Tensor) -> torch.Tensor:
        return z / 3

    got = expect_number(answers.kaiming_gain(third), "kaiming_gain")
    expect(
        not near(got, 1 / 3),
        "for f(z) = z / 3 the result is 1/3: a gain makes up for what f does, so turn it over",
    )
    expect(
        not near(got, 9),
        "for f(z) = z / 3 the result is 9: that is a variance; weights are scaled by the square root",
    )
    expect(
        not near(got, 5 / 3),
        "5/3 is what is usual for tanh; here it is returned whatever f is, and f(z) = z / 3 makes everything three "
        "times smaller, so its gain is 3",
    )
    expect(
        near(got, 3),
        f"f(z) = z / 3 makes everything three times smaller, so the gain is 3, not {got:.3f}{few(got, 3)}",
    )
    a, b, c = torch.rand(3, generator=torch.Generator().manual_seed(5)).add(0.5).tolist()
    functions = {
        "relu": torch.relu,
        "tanh": torch.tanh,
        "f(z) = z + 1": lambda z: z + 1,
        "f(z) = 0.2 z for z < 0": lambda z: torch.where(z < 0, 0.2 * z, z),
        f"f(z) = {a:.3f} sin({b:.3f} z) + {c:.3f}": lambda z: a * torch.sin(b * z) + c,
    }
    for name, f in functions.items():
        got, y = expect_number(answers.kaiming_gain(f), "kaiming_gain"), f(Z)
        right = 1 / math.sqrt(y.square().mean().item())
        expect(
            near(right, 1 / y.std().item()) or not near(got, 1 / y.std().item()),
            f"for {name} this is 1 over the standard deviation of f(z), which leaves its mean out; but the weights "
            "have mean 0, so the variance of w f(z) is that of w times the mean square of f(z)",
        )
        expect(
            not near(got, 1 / y.abs().mean().item()),
            f"for {name} this is 1 over the mean size of f(z); variances add up, so squares are what counts",
        )
        expect(
            name != "tanh" or abs(got - 5 / 3) > 1e-3,
            f"5/3 is the usual gain for tanh, and a good one, but it is a rule of thumb: with it a stack of 40 "
            f"layers of tanh settles at a standard deviation of 0.65, with {right:.3f} at 0.63, so both keep the signal "
            "alive. What makes the sums "
            f"of one layer have standard deviation 1 is {right:.3f}, and that is what to measure here",
        )
        expect(near(got, right), f"for {name} the gain is {right:.3f}, not {got:.3f}{few(got, right)}")


def fold_batchnorm(answers: Any) -> None:
    g = torch.Generator().manual_seed(4)
    W, x = torch.randn(6, 6, generator=g), torch.randn(8, 6, generator=g)
    gain, bias, mean = (torch.randn(6, generator=g) for _ in range(3))
    var, eps = torch.rand(6, generator=g) * 4 + 0.1, 0.5
    given = (W, gain, bias, mean, var)
    before = [each.clone() for each in given]
    got = answers.fold_batchnorm(*given, eps)
    expect(
        isinstance(got, tuple) and len(got) == 2,
        "two tensors are wanted, the weights and the bias: return W, b",
    )
    weights, shift = got
    expect_tensor(weights, (6, 6), "fold_batchnorm, first,")
    expect_tensor(shift, (6,), "fold_batchnorm, second,")
    expect(
        all(torch.equal(a, b) for a, b in zip(given, before, strict=True)),
        "what was given was changed; work on new tensors",
    )

    def is_(value: torch.Tensor, wrong: torch.Tensor) -> bool:
        return torch.allclose(value, wrong, atol=1e-4)

    scale = gain / (var + eps).sqrt()
    expect(
        not is_(weights, W * scale[:, None]),
        "the rows of W were scaled; a hidden unit is a column of W, since x @ W: broadcast (H,) along the rows",
    )
    expect(not is_(weights, W * gain / var.sqrt()), "eps is left out: the division is by √(var + eps)")
    expect(
        not is_(weights, W * gain / (var + eps)),
        "this divides by the variance; BatchNorm divides by its root",
    )
    expect(not is_(weights, W / (var + eps).sqrt()), "the gain is left out of the weights")
    expect_close(weights, W * scale, "the weights should be each column of W times gain / √(var + eps)", 1e-4)
    expect(not is_(shift, bias), "the bias ignores the mean, which BatchNorm subtracts before it multiplies")
    expect(
        not is_(shift, bias - mean),
        "the mean is subtracted as it is; BatchNorm subtracts it before it multiplies, so it is scaled as well",
    )
    expect(not is_(shift, bias + mean * scale), "the mean is added; BatchNorm subtracts it")
    expect_close(
        shift, bias - mean * scale, "the bias is not right: what does BatchNorm make of a = 0?", 1e-4
    )
    right = gain * (x @ W - mean) / (var + eps).sqrt() + bias
    expect_close(x @ weights + shift, right, "the folded layer gives other numbers than BatchNorm does", 1e-3)

    n_in, H = 5, 3
    for eps in (0.02, 1e-5):
        W, gain, bias, mean = (torch.randn(s, generator=g) for s in ((n_in, H), (H,), (H,), (H,)))
        var = torch.rand(H, generator=g) * 0.1 + 0.02
        got = answers.fold_batchnorm(W.clone(), gain.clone(), bias.clone(), mean.clone(), var.clone(), eps)
        expect(isinstance(got, tuple) and len(got) == 2, "two tensors are wanted, the weights and the bias")
        expect_tensor(got[0], (n_in, H), f"for W ({n_in}, {H}) fold_batchnorm, first,")
        expect_tensor(got[1], (H,), f"for W ({n_in}, {H}) fold_batchnorm, second,")
        scales = [gain[j].item() / math.sqrt(var[j].item() + eps) for j in range(H)]
        for j, scale in enumerate(scales):
            again = f"right with eps = 0.5 and W (6, 6), not with eps = {eps} and W ({n_in}, {H}): is a number typed in?"
            expect_close(got[0][:, j], W[:, j] * scale, f"weights, unit {j}: {again}", 1e-4)
            expect_close(got[1][j], bias[j] - mean[j] * scale, f"bias, unit {j}: {again}", 1e-4)


def tanh_health(answers: Any) -> None:
    h = torch.tensor(
        [
            [0.995, -0.999, 0.5, 0.98, -0.2, -0.995],
            [0.998, -0.992, -0.999, 0.98, 0.1, 0.999],
            [0.991, -0.998, 0.0, -0.98, 0.96, 0.3],
        ]
    )  # (3, 6)
    before = h.clone()
    got = answers.tanh_health(h)
    expect(torch.equal(h, before), "the activations that were given were changed; work on new tensors")
    expect(
        isinstance(got, dict) and set(got) == {"saturated", "dead", "passed"},
        "a dict with saturated, dead and passed is wanted",
    )
    saturated, dead, passed = (
        expect_number(got[key], f"tanh_health, as {key},") for key in ("saturated", "dead", "passed")
    )
    size = h.abs()

    def is_(value: float, wrong: torch.Tensor) -> bool:
        return abs(value - wrong.item()) < 1e-4

    expect(
        not is_(saturated, (h > 0.97).float().mean()),
        "saturated misses the outputs near -1: tanh is flat at both ends",
    )
    expect(
        not is_(saturated, (size > 0.97).float().sum()),
        "saturated is the number of outputs; the share is wanted",
    )
    expect(
        is_(saturated, (size > 0.97).float().mean()),
        f"saturated: 12 of these 18 outputs are beyond 0.97, a share of 0.667, not {saturated:.3f}",
    )
    expect(
        not is_(dead, (h > 0.99).all(0).sum()), "dead misses the units that are always near -1: take the size"
    )
    expect(
        not is_(dead, (size > 0.99).any(0).sum()),
        "dead counts units that are flat for some example; a dead one is flat for every example: all, not any",
    )
    expect(
        not is_(dead, (size > 0.99).all(1).sum()),
        "dead asks of each example whether all its units are flat; units are columns, so look down the batch",
    )
    expect(
        not is_(dead, (size > 0.97).all(0).sum()),
        "dead uses the limit of saturated: above 0.99 is what counts here",
    )
    expect(
        is_(dead, (size > 0.99).all(0).sum()),
        f"dead: two of these six units are flat throughout, not {dead:g}",
    )
    expect(not is_(passed, (1 - size).mean()), "passed: the slope of tanh is 1 - h², not 1 - |h|")
    expect(
        not is_(passed, (1 - torch.tanh(h) ** 2).mean()),
        "passed takes tanh once more; h came out of tanh already, so the slope is 1 - h²",
    )
    expect(
        is_(passed, (1 - h**2).mean()),
        f"passed: the mean of 1 - h² is {(1 - h**2).mean():.3f}, not {passed:.3f}",
    )
    g = torch.Generator().manual_seed(4)
    other = torch.tanh(torch.randn(40, 7, generator=g) * torch.tensor([0.1, 1, 3, 10, 1000, 1e6, 0]))
    got = answers.tanh_health(other)
    expect(isinstance(got, dict), "a dict with saturated, dead and passed is wanted")
    right = (other.abs() > 0.97).float().mean(), (other.abs() > 0.99).all(0).sum(), (1 - other**2).mean()
    for key, value in zip(("saturated", "dead", "passed"), right, strict=True):
        number = expect_number(got.get(key), f"tanh_health, as {key},")
        expect(is_(number, value), f"{key}: for another layer it is {value:.3f}, not {number:.3f}")


CHECKS = {"kaiming_gain": kaiming_gain, "fold_batchnorm": fold_batchnorm, "tanh_health": tanh_health}
