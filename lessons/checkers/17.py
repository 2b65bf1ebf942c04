"""What grades the exercises of lesson 17."""

import math
from typing import Any

import numpy as np

from makemore.course import expect, expect_number


def _near(a: float, b: float, share: float = 0.02) -> bool:
    return math.isfinite(a) and abs(a - b) <= share * abs(b)


def _numbers(got: Any, names: tuple[str, ...], function: str) -> list[float]:
    expect(
        isinstance(got, (tuple, list)) and len(got) == len(names),
        f"{function} should return {len(names)} numbers: {', '.join(names)}",
    )
    return [
        expect_number(float(x) if isinstance(x, np.number) else x, f"{function}, {name},")
        for x, name in zip(got, names, strict=True)
    ]


def power_law(answers: Any) -> None:
    rng = np.random.default_rng(1)
    for trial in range(4):
        floor, a, alpha = rng.uniform(0.5, 2.5), rng.uniform(2, 9), rng.uniform(0.2, 0.7)
        sizes = np.array([300.0, 900, 2500, 9000, 30_000, 80_000])
        losses = floor + a * sizes**-alpha
        if trial == 3:  # a little noise, which counts far more in the logarithms of the last points
            losses += np.array([1, -1, 1, -1, 1, -1]) * 0.01
            floor, a, alpha = _by_losses(sizes, losses)
        kept = losses.copy(), sizes.copy()
        found, factor, exponent = _numbers(
            answers.power_law(sizes, losses), ("floor", "a", "alpha"), "power_law"
        )
        expect(
            np.array_equal(losses, kept[0]) and np.array_equal(sizes, kept[1]),
            "the arrays that were given were changed",
        )
        said = f"the losses are {floor:.3f} + {a:.3f} / N^{alpha:.3f}"
        expect(
            not _near(exponent, -alpha),
            f"the exponent has the wrong sign: {said}, and the line falls with slope -alpha",
        )
        expect(
            not (_near(found, floor) and _near(factor, math.log(a)) and _near(exponent, alpha)),
            f"a is returned as its logarithm, the height of the line: {said}",
        )
        slope, height = np.polyfit(np.log(sizes), np.log(losses), 1)
        expect(
            trial == 3 or not (_near(exponent, -slope) and _near(factor, math.exp(height))),
            f"this is a line through log(losses), with a floor of 0: {said}. Take the floor off before the logarithm",
        )
        if trial == 3:
            by_logs = _by_losses(sizes, losses, logs=True)
            expect(
                not (abs(found - by_logs[0]) < 0.01 and _near(exponent, by_logs[2], 0.02)),
                "the floor is chosen by the errors of the logarithms. Near the floor a tiny error has a huge logarithm; "
                "compare the losses themselves",
            )
        right = abs(found - floor) < 0.01 and _near(factor, a, 0.1) and _near(exponent, alpha, 0.05)
        expect(
            right,
            f"{said}, but the answer is {found:.3f} + {factor:.3f} / N^{exponent:.3f}; are 1,000 floors tried?",
        )


def _by_losses(sizes: np.ndarray, losses: np.ndarray, logs: bool = False) -> tuple[float, float, float]:
    best = (math.inf, 0.0, 0.0, 0.0)
    for floor in np.linspace(0, losses.min(), 4000, endpoint=False):
        slope, height = np.polyfit(np.log(sizes), np.log(losses - floor), 1)
        line = height + slope * np.log(sizes)
        off = line - np.log(losses - floor) if logs else floor + np.exp(line) - losses
        best = min(best, (float(np.square(off).sum()), float(floor), math.exp(height), -float(slope)))
    return best[1:]


def transformer_cost(answers: Any) -> None:
    rng = np.random.default_rng(2)
    cases = [(27, 64, 4, 16, 1000)] + [tuple(int(n) for n in rng.integers(2, 60, 5)) for _ in range(4)]
    for V, C, layers, places, tokens in cases:
        matrices, biases = layers * 12 * C * C + C * V, layers * 9 * C
        norms, tables = (2 * layers + 1) * 2 * C, (V + places) * C
        weights = matrices + biases + norms + tables
        got, operations = _numbers(
            answers.transformer_cost(V, C, layers, places, tokens),
            ("weights", "operations"),
            "transformer_cost",
        )
        at = f"with V = {V}, C = {C}, {layers} blocks and {places} places"
        for missing, name in (
            (biases, "the biases of the matrices"), (norms, "the gains and biases of the norms"),
            (2 * C, "the last norm"), (places * C, "the table of positions"), (C * V, "the output matrix or the table of characters"),
        ):  # fmt: skip
            expect(
                got != weights - missing,
                f"{at} there are {weights:,} weights, not {got:,.0f}: {name} are missing",
            )
        expect(got == weights, f"{at} there are {weights:,} weights, not {got:,.0f}")
        right = 6 * matrices * tokens
        expect(
            operations != 6 * weights * tokens,
            "all weights are counted as operations; tables are looked up, and gains and biases are no matrices",
        )
        expect(
            operations != 2 * matrices * tokens,
            "2 operations for each weight and token are those of the way forward; a training goes back too, at twice that",
        )
        expect(
            operations != 6 * (matrices - C * V) * tokens, "the output matrix, from C to V, is multiplied too"
        )
        expect(
            operations == right,
            f"{at} and {tokens} tokens there are {right:,} operations, not {operations:,.0f}",
        )


def best_size(answers: Any) -> None:
    rng = np.random.default_rng(3)
    for trial in range(6):
        law = tuple(
            rng.uniform(low, high) for low, high in ((1, 2), (3, 30), (0.25, 0.6), (3, 60), (0.25, 0.6))
        )
        floor, A, alpha, B, beta = law
        budget = 10 ** rng.uniform(8, 11)
        N = (alpha * A / (beta * B) * (budget / 6) ** beta) ** (1 / (alpha + beta))
        free = N, budget / (6 * N)
        most = free[1] * (4 if trial < 3 else 0.25)
        right = free if trial < 3 else (budget / (6 * most), most)
        loss = floor + A / right[0] ** alpha + B / right[1] ** beta
        n, d, found = _numbers(answers.best_size(law, budget, most), ("N", "D", "loss"), "best_size")
        said = f"for {budget:.2e} operations and at most {most:,.0f} tokens, N = {n:,.0f} and D = {d:,.0f}"
        expect(n > 0 and d > 0, f"{said}: both must be positive")
        expect(not _near(n * d, budget), f"{said}: N D is the budget, but a training costs 6 N D")
        expect(not _near(6 * n * d, 6 * budget), f"{said}: N D is the budget, but a training costs 6 N D")
        expect(d <= most * 1.001, f"{said}: that is more tokens than there are")
        expect(6 * n * d <= budget * 1.001, f"{said}: that costs {6 * n * d:.2e}, more than the budget")
        if trial >= 3:
            expect(
                not (_near(n, free[0]) and _near(d, most)),
                f"{said}: the tokens are cut off at what there is, and three quarters of the budget are left over; they "
                "can buy a larger N",
            )
        expect(
            _near(n, right[0]) and _near(d, right[1]),
            f"{said}: the loss is lower with N = {right[0]:,.0f} and D = {right[1]:,.0f}",
        )
        expect(_near(found, loss, 1e-3), f"{said}: the law has {loss:.4f} there, the answer says {found:.4f}")


CHECKS = {"power_law": power_law, "transformer_cost": transformer_cost, "best_size": best_size}
