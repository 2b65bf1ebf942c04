"""What grades the exercises of lesson 15."""

import math
from typing import Any

import torch

from makemore.course import expect, expect_close, expect_number, expect_tensor


def perplexity_by_position(answers: Any) -> None:
    losses = torch.tensor([1.0, 2.0, 3.0, 5.0, 0.5, 4.0], dtype=torch.float64)
    lengths = torch.tensor([3, 1, 2])  # first tokens 1, 5, 0.5; second 2, 4; third 3
    got = answers.perplexity_by_position(losses, lengths)
    expect_tensor(got, (3,), "perplexity_by_position")
    means = torch.tensor([6.5 / 3, 3.0, 3.0], dtype=torch.float64)
    got = got.double()
    expect(
        not torch.allclose(got, means, atol=1e-4),
        "these are the mean losses in nats; perplexity is their exponential",
    )
    late = torch.tensor([losses[[0, 3, 4]].exp().mean(), losses[[1, 5]].exp().mean(), losses[2].exp()])
    expect(
        not torch.allclose(got, late, atol=1e-4),
        "this is the mean of the exponentials; the mean comes first, then exp",
    )
    thirds = torch.tensor([6.5 / 3, 6 / 3, 3 / 3], dtype=torch.float64).exp()
    expect(
        not torch.allclose(got, thirds, atol=1e-4),
        "every position was divided by the number of lines; only the lines that are so long have a token there",
    )
    expect_close(
        got,
        means.exp(),
        "with lines of 3, 1 and 2 tokens the first positions are tokens 0, 3 and 4 of the stream",
        1e-4,
    )
    one = answers.perplexity_by_position(losses[:1], torch.tensor([1]))
    expect_close(one, losses[:1].exp(), "a single line of one token should work too", 1e-4)
    g = torch.Generator().manual_seed(10)
    lengths = torch.randint(1, 9, (23,), generator=g)
    losses = torch.rand(int(lengths.sum()), generator=g, dtype=torch.float64) * 3
    lines, right = losses.split(lengths.tolist()), []
    for t in range(int(lengths.max())):
        there = [line[t].item() for line in lines if len(line) > t]
        right.append(math.exp(sum(there) / len(there)))
    got = answers.perplexity_by_position(losses, lengths)
    expect_tensor(got, (len(right),), "perplexity_by_position, with 23 lines,")
    expect_close(
        got,
        right,
        "right for three lines, not for 23 of random lengths: a line's first token comes after all tokens of the lines "
        "before it",
        1e-4,
    )


def copy_ratio(answers: Any) -> None:
    p = torch.tensor([0.2, 0.1, 0.1, 0.05], dtype=torch.float64)
    q = torch.tensor([0.04, 0.04, 0.01], dtype=torch.float64)
    ids, new_ids = torch.tensor([1, 2, 2, 3]), torch.tensor([7, 7, 8])
    got = expect_number(answers.copy_ratio(p.log(), ids, q.log(), new_ids), "copy_ratio")
    right = (0.35 / 3) / (0.05 / 2)
    for value, message in [
        (
            0.45 / 4 / (0.09 / 3),
            "a line that stands there twice was counted twice; ids tell which lines are the same",
        ),
        (
            0.35 / 0.05,
            "the sums were divided, not the means: with more training lines R would grow by itself",
        ),
        (1 / right, "it is turned round: training lines over held-out lines"),
    ]:
        expect(abs(got - value) > 1e-3, message)
    logs = [x.log()[[0, 1, 3]].mean() if len(x) == 4 else x.log()[[0, 2]].mean() for x in (p, q)]
    expect(
        abs(got - (logs[0] - logs[1]).exp().item()) > 1e-3,
        "the mean was taken of log p; R compares the means of p itself",
    )
    expect_close(got, right, f"for these seven lines R is {right:.4f}, not {got:.4f}", 1e-4)
    shifted = expect_number(answers.copy_ratio(p.log() - 2000, ids, q.log() - 2000, new_ids), "copy_ratio")
    expect(
        shifted == shifted and shifted not in (0.0, float("inf")),
        f"for long lines it gives {shifted}: exp(-2000) is 0. Subtract the largest log p of all before exp, or use logsumexp",
    )
    expect_close(
        shifted, right, "with every log p lower by 2000, of both kinds, R should be the same: were the two kinds shifted differently?",
        1e-4,
    )  # fmt: skip
    g = torch.Generator().manual_seed(11)
    kinds, means = [], []
    for lines, places, first in ((31, 50, 0), (12, 17, 1000)):
        logp = -2 - 6 * torch.rand(lines, generator=g, dtype=torch.float64)  # one for each different line
        which = torch.cat([torch.arange(lines), torch.randint(lines, (places - lines,), generator=g)])
        which = which[torch.randperm(places, generator=g)]
        kinds += [logp[which], which + first]
        means.append(sum(map(math.exp, logp.tolist())) / lines)
    got, right = expect_number(answers.copy_ratio(*kinds), "copy_ratio"), means[0] / means[1]
    expect_close(
        got,
        right,
        f"for 31 different training lines and 12 held-out ones, some of them repeated, R is {right:.4f}, not {got:.4f}",
        1e-4,
    )


def _three(got: Any) -> tuple[float, float, str]:
    expect(
        isinstance(got, (tuple, list)) and len(got) == 3,
        "compare should return three things, (low, high, verdict)",
    )
    low, high = (expect_number(x, f"compare, {end},") for x, end in zip(got, ("low", "high"), strict=False))
    expect(got[2] in ("a", "b", "tie"), f'the verdict is {got[2]!r}; "a", "b" or "tie" is wanted')
    return low, high, got[2]


def compare(answers: Any) -> None:
    g = torch.Generator().manual_seed(1)
    tokens = torch.randint(2, 15, (400,), generator=g).double()
    hard = torch.rand(400, generator=g, dtype=torch.float64) * 4
    b = tokens * hard
    a = b + tokens * (0.05 + 0.1 * torch.randn(400, generator=g, dtype=torch.float64))
    draws = torch.randint(400, (500, 400), generator=g)
    low, high, verdict = _three(answers.compare(a, b, tokens, draws))
    levels = torch.tensor([0.025, 0.975], dtype=torch.float64)
    right = torch.quantile((a - b)[draws].sum(1) / tokens[draws].sum(1), levels)
    flat = torch.quantile(((a - b) / tokens)[draws].mean(1), levels)
    expect(low <= high, "low should be the lower end")
    expect(
        abs(high + right[0].item()) > 1e-6 or abs(low + right[1].item()) > 1e-6,
        "the sign is turned round: the loss of a minus that of b",
    )
    other = draws.roll(1, 0)
    apart = torch.quantile(
        a[draws].sum(1) / tokens[draws].sum(1) - b[other].sum(1) / tokens[other].sum(1), levels
    )
    expect(
        high - low < 0.5 * (apart[1] - apart[0]).item(),
        "the interval is far too wide: both models must be given the same lines in each draw, so that hard lines cancel",
    )
    expect(
        abs(low - flat[0].item()) > 1e-6 or abs(high - flat[1].item()) > 1e-6,
        "this is the mean over lines of nats per token; a long line has more tokens and should count more",
    )
    total = torch.quantile((a - b)[draws].mean(1), levels)
    expect(
        abs(low - total[0].item()) > 1e-6,
        "this is in nats per line; divide the sum by the tokens of the lines drawn",
    )
    expect_close(
        [low, high],
        right,
        f"the interval should be {right[0]:.4f} to {right[1]:.4f}, not {low:.4f} to {high:.4f}",
        1e-6,
    )
    expect(
        verdict == "b",
        f"all of the interval is above 0, so b has the lower loss and is the better one, not {verdict!r}",
    )
    expect(
        _three(answers.compare(b, a, tokens, draws))[2] == "a",
        "with the models exchanged the better one should be a",
    )
    tokens = torch.randint(1, 30, (150,), generator=g).double()
    b = tokens * torch.rand(150, generator=g, dtype=torch.float64)
    noise = b + tokens * 0.5 * torch.randn(150, generator=g, dtype=torch.float64)
    draws = torch.randint(150, (300, 150), generator=g)
    low, high, verdict = _three(answers.compare(noise, b, tokens, draws))
    differences = [
        ((noise[rows].sum() - b[rows].sum()) / tokens[rows].sum()).item() for rows in draws
    ]  # one draw after the other
    right = torch.quantile(torch.tensor(differences, dtype=torch.float64), levels)
    expect_close(
        [low, high],
        right,
        f"for 150 other lines and 300 draws the interval should be {right[0]:.4f} to {right[1]:.4f}, "
        f"not {low:.4f} to {high:.4f}",
        1e-6,
    )
    expect(
        verdict == "tie",
        f"an interval from {low:.3f} to {high:.3f} encloses 0: that is a tie, not {verdict!r}",
    )


CHECKS = {"perplexity_by_position": perplexity_by_position, "copy_ratio": copy_ratio, "compare": compare}
