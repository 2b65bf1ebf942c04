"""What grades the exercises of lesson 12."""

import random
import statistics
from typing import Any

import torch

from makemore.course import expect, expect_close, expect_number, expect_tensor


def early_stopping(answers: Any) -> None:
    def judge(losses: list[float], patience: int) -> None:
        got = answers.early_stopping(list(losses), patience)
        expect(
            isinstance(got, tuple) and len(got) == 2,
            "early_stopping should return two whole numbers, (kept, ended)",
        )
        for value, what in zip(got, ("kept", "ended"), strict=True):
            expect(
                isinstance(value, int) and 0 <= value < len(losses),
                f"{what} is {value!r}; with {len(losses)} losses a whole number from 0 to {len(losses) - 1} is wanted",
            )
        kept = ended = 0
        for i, loss in enumerate(losses):
            kept, ended = (i if loss < losses[kept] else kept), i
            if i - kept >= patience:
                break
        told = f"for losses {losses} and patience {patience}"
        if got == (kept, ended):
            return
        later = min(range(len(losses)), key=losses.__getitem__)
        expect(
            got[0] == kept or got[0] != later or later <= ended,
            f"{told} training ended at {ended}, before the lowest loss of all at {later} was seen: "
            "do not look into the future",
        )
        expect(
            got[0] == kept or losses[got[0]] != losses[kept],
            f"{told} evaluation {got[0]} equals the lowest but is no lower; the earlier one, {kept}, is kept",
        )
        expect(
            got[0] == kept or got[0] != got[1],
            f"{told} you keep the weights of the end; kept are those of the lowest loss so far, {kept}",
        )
        expect(
            got[1] == ended,
            f"{told} training ends at evaluation {ended}, not {got[1]}: count the evaluations in a row since the lowest "
            "one, start again at each new lowest one, and end when there are as many as the patience",
        )
        expect(got[0] == kept, f"{told} the weights of evaluation {kept} are kept, not of {got[0]}")

    judge([3.0, 2.5, 2.2, 2.3, 2.4, 2.5], 2)
    judge([3.0, 2.5, 2.2], 2)
    judge([3.0, 2.5, 2.6, 2.4, 2.5, 2.3, 2.4, 2.5], 2)  # starts again at a new lowest one
    judge([3.0, 2.5, 2.5], 3)  # equal is not lower
    judge([3.0, 2.5, 2.6, 2.7, 2.0], 2)  # the lowest of all comes too late
    judge([3.0, 2.5, 2.5, 2.5, 2.1], 2)
    judge([2.0, 2.1, 1.9], 1)
    draw = random.Random(9)
    for _ in range(40):
        judge([draw.randint(10, 30) / 10 for _ in range(draw.randint(1, 12))], draw.randint(1, 4))


def lion_step(answers: Any) -> None:
    generator = torch.Generator().manual_seed(9)
    w, g, m = (torch.randn(4, 3, generator=generator) for _ in range(3))
    g, g[0, 0], m[0, 0] = g * 3, 0.0, 0.0
    rate, decay, b1, b2 = 0.01, 0.5, 0.9, 0.6
    given = [t.clone() for t in (w, g, m)]
    got = answers.lion_step(w, g, m, rate, decay, (b1, b2))
    expect(
        isinstance(got, tuple) and len(got) == 2,
        "lion_step should return two tensors, the new w and the new m",
    )
    new_w, new_m = got
    expect_tensor(new_w, (4, 3), "lion_step's w")
    expect_tensor(new_m, (4, 3), "lion_step's m")
    expect(
        all(torch.equal(a, b) for a, b in zip(given, (w, g, m), strict=True)),
        "one of the tensors that were given was changed; make new ones (w -= ... changes the given w)",
    )
    expect_close(
        new_m, b2 * m + (1 - b2) * g, "the new m is not b2 m + (1 - b2) g; is it b1, or the wrong way round?"
    )

    def moved(mean: torch.Tensor, pull: float = decay) -> torch.Tensor:
        return (1 - rate * pull) * w - rate * torch.sign(mean)

    mixed = b1 * m + (1 - b1) * g
    right = moved(mixed)

    def same(other: torch.Tensor) -> bool:
        return torch.allclose(new_w, other, atol=1e-6) and not torch.allclose(right, other, atol=1e-6)

    after = b2 * m + (1 - b2) * g
    expect(
        not same(moved(b1 * after + (1 - b1) * g)) and not same(moved(after)),
        "the new m was used for the direction; m is updated only after the old one was used",
    )
    expect(
        not same((1 - rate * decay) * w - rate * mixed),
        "the mean itself was taken for the direction; Lion takes its sign alone",
    )
    expect(
        not same(moved(mixed + decay * w, 0.0)) and not same(moved(b1 * m + (1 - b1) * (g + decay * w), 0.0)),
        "the decay went through the sign, which forgets how strong it was; it acts on the weights directly",
    )
    expect(not same(moved(mixed, 0.0)), "there is no weight decay")
    expect(not same(moved(mixed, decay / rate)), "the decay is times the rate: w shrinks by 1 - rate decay")
    expect(not same(moved(m)), "the new gradient has no part in the direction")
    expect_close(new_w, right, "the new w is not (1 - rate decay) w - rate sign(b1 m + (1 - b1) g)")
    again, _ = answers.lion_step(w, g, m, 0.1, 0.0, (0.5, 0.9))
    expect_close(
        again,
        w - 0.1 * torch.sign(0.5 * m + 0.5 * g),
        "with other rates and betas w is wrong; use those given",
    )


def effect(answers: Any) -> None:
    student = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}

    def judge(base: list[float], changed: list[float]) -> None:
        got = answers.effect(list(base), list(changed), dict(student))
        expect(
            isinstance(got, tuple) and len(got) == 3,
            "effect should return three things, (mean, half, verdict)",
        )
        mean, half = expect_number(got[0], "effect, the mean,"), expect_number(got[1], "effect, half,")
        said = got[2]
        n = len(base)
        differences = [b - a for a, b in zip(base, changed, strict=True)]
        right_mean, s = statistics.fmean(differences), statistics.stdev(differences)
        right_half = student[n] * s / n**0.5
        told = f"for base {base} and changed {changed}"

        def near(a: float, b: float) -> bool:
            return abs(a - b) < 1e-5 and abs(b - right_half) > 2e-5

        expect(
            abs(mean + right_mean) > 1e-6 or abs(right_mean) < 1e-6,
            "the sign is turned: it is changed minus base, so that a change for the better is negative",
        )
        expect_close(mean, right_mean, f"{told} the mean difference is {right_mean:.4f}, not {mean:.4f}")
        expect(
            not near(half, 1.96 * s / n**0.5),
            f"1.96 standard errors go with many differences; with {n} it is student[{n}]",
        )
        expect(
            not near(half, student[n] * statistics.pstdev(differences) / n**0.5),
            "the standard deviation was divided by n; of a few values it is n - 1",
        )
        expect(
            not near(half, student[n] * s), "that is the spread of single differences; their mean has s / √n"
        )
        apart = (statistics.variance(base) + statistics.variance(changed)) ** 0.5 / n**0.5
        one = statistics.stdev(changed) / n**0.5
        expect(
            not any(near(half, student[n] * each) for each in (apart, one)),
            "the seeds were not paired: take the difference seed by seed first, then its standard deviation",
        )
        expect(not near(half, 2 * right_half), "that is the whole interval; half of it is wanted")
        expect_close(half, right_half, f"{told} half the interval is {right_half:.4f}, not {half:.4f}")
        right = (
            "within the spread" if abs(right_mean) <= right_half else "better" if right_mean < 0 else "worse"
        )
        expect(
            said == right,
            f"{told} the interval is {right_mean:+.4f} ± {right_half:.4f}, which is '{right}', not '{said}'",
        )

    judge([2.05, 2.09, 2.01], [2.03, 2.065, 1.992])  # the seeds differ by more than the change
    judge([2.05, 2.09, 2.01], [2.07, 2.06, 1.99])
    judge([2.0, 2.1, 2.2, 2.05], [2.11, 2.2, 2.32, 2.16])
    judge([2.0, 2.1], [1.98, 2.07])
    judge([2.0, 2.1, 2.2, 2.05, 2.02], [2.01, 2.09, 2.22, 2.04, 2.03])


CHECKS = {"early_stopping": early_stopping, "lion_step": lion_step, "effect": effect}
