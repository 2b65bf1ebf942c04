"""What grades the exercises of lesson 18."""

import math
import random
from typing import Any

import torch

from makemore.course import expect, expect_number


def merge(answers: Any) -> None:
    given = [3, 1, 2, 1, 2, 2, 1]
    got = answers.merge(given, (1, 2), 9)
    expect(given == [3, 1, 2, 1, 2, 2, 1], "ids was changed; make a new list")
    expect(answers.merge([2, 1], (1, 2), 9) != [9], "(2, 1) is not (1, 2): the order of a pair counts")
    expect(isinstance(got, list), f"merge returned {type(got).__name__}; it should return a list")
    expect(got != [3, 9, 1, 2, 2, 1], "only the first pair was merged; (1, 2) occurs twice")
    expect(got == [3, 9, 9, 2, 1], f"[3, 1, 2, 1, 2, 2, 1] with (1, 2) as 9 is [3, 9, 9, 2, 1], not {got}")
    got = answers.merge([1, 1, 1], (1, 1), 9)
    expect(
        got != [9, 9],
        "[1, 1, 1] has two places where 1 follows 1, but they share the middle one: after a merge go on behind the pair",
    )
    expect(got == [9, 1], f"from left to right [1, 1, 1] with (1, 1) as 9 is [9, 1], not {got}")
    expect(answers.merge([1, 1, 1, 1], (1, 1), 9) == [9, 9], "[1, 1, 1, 1] with (1, 1) as 9 is [9, 9]")
    expect(answers.merge([], (1, 2), 9) == [], "a line without tokens has nothing to merge, and is []")
    expect(
        answers.merge([1], (1, 2), 9) == [1],
        "at the last place there is no neighbour, and the token must stay",
    )
    chance = random.Random(18)
    for _ in range(20):
        ids = [chance.randrange(3) for _ in range(30)]
        a, b = chance.randrange(3), chance.randrange(3)
        text = "".join(map(str, ids)).replace(f"{a}{b}", "9")  # str.replace goes from left to right too
        expect(answers.merge(ids, (a, b), 9) == list(map(int, text)), f"wrong for {ids} with ({a}, {b}) as 9")


def per_character(answers: Any) -> None:
    # 9 tokens, 14 letters, 3 ends
    pieces = [["an", "na", "bel"], ["b", "o", "b"], ["ma", "r", "y"]]
    got = expect_number(answers.per_character(2.5, pieces), "per_character")
    right = 2.5 * 12 / 17 / math.log(2)

    def near(x: float) -> bool:
        return abs(got - x) < 1e-4

    expect(not near(right * math.log(2)), "this is in nats; a bit is log(2) nats")
    expect(not near(right * math.log(2) ** 2), "multiplied by log(2); nats are divided by it")
    expect(
        not near(2.5 * 9 / 14 / math.log(2)),
        "the ends are left out; each line has one more token, and one more character",
    )
    expect(not near(2.5 * 9 / 17 / math.log(2)), "the mean is over the ends too: 9 tokens and 3 ends")
    expect(not near(2.5 * 12 / 14 / math.log(2)), "the end counts as a character of each line too: 14 and 3")
    expect(
        not near(2.5 * 17 / 12 / math.log(2)), "turned round: a token of several characters has less for each"
    )
    expect(not near(2.5 / math.log(2)), "this is bits per token; a token here has 17 / 12 characters")
    by_line = sum((len(line) + 1) / (len("".join(line)) + 1) for line in pieces) / 3
    expect(not near(2.5 * by_line / math.log(2)), "a mean of the lines' ratios; add up first, then divide")
    expect(near(right), f"{got:.4f}, not {right:.4f}, for 12 tokens and 17 characters, ends included")
    one = expect_number(answers.per_character(3.0, [["abcd"]]), "per_character")
    expect(
        abs(one - 3 * 2 / 5 / math.log(2)) < 1e-4,
        "right for one list, and not for another: are numbers typed in?",
    )


def rungs(answers: Any) -> None:
    g = torch.Generator().manual_seed(18)
    M = 400
    tokens = torch.randint(3, 10, (M,), generator=g)
    hard = 2 * tokens * (1 + torch.rand(M, generator=g, dtype=torch.float64))  # some lines are hard for all

    def noise(scale: float) -> torch.Tensor:
        return scale * torch.randn(M, generator=g, dtype=torch.float64)

    nll = {
        "c": hard + 3 + noise(0.5),
        "a": hard,
        "d": hard + 3.01 + noise(2.0),
        "b": hard + 0.25 + noise(0.5),
    }
    chosen = torch.randint(M, (1000, M), generator=g)
    got = answers.rungs(dict(nll), tokens, chosen)
    expect(
        isinstance(got, list) and len(got) == 4,
        "rungs should return a list with a row for each of the four models",
    )
    expect(
        all(isinstance(row, (tuple, list)) and len(row) == 3 for row in got),
        "each row has three things: name, loss, verdict",
    )
    names = [row[0] for row in got]
    loss = {name: (each.sum() / tokens.sum()).item() for name, each in nll.items()}
    order = sorted(loss, key=lambda name: loss[name])
    expect(names != order[::-1], "the worst is first; a lower loss is better, and the best comes first")
    expect(names == order, f"in the order {names}; by loss it is {order}")
    for name, value, _ in got:
        value = expect_number(value, "rungs, loss,")
        expect(
            abs(value - (nll[name] / tokens).mean().item()) > 1e-3 or abs(value - loss[name]) < 1e-5,
            "the loss is a mean of the lines' means; every token should weigh the same, so add up first",
        )
        expect(
            abs(value - loss[name]) < 1e-4,
            f"the loss of {name} is {loss[name]:.4f} nats per token, not {value:.4f}",
        )
    verdicts = [row[2] for row in got]
    expect(verdicts[-1] == "last", "the last row has nothing below it: its verdict is 'last'")
    expect(set(verdicts[:-1]) <= {"real", "tie"}, "a verdict is 'real' or 'tie'")
    expect(
        verdicts[0] == "real",
        "a is better than b on the same lines by little, but on nearly all of them: take the difference line by line; two separate intervals hide it",
    )
    expect(verdicts[1] == "real", "c is worse than b by 2.75 nats a line: that is real")
    expect(verdicts[2] == "tie", "c and d are a tie: 0 is inside the interval of their difference")
    few = torch.randint(M, (1000, 4), generator=g)
    got = [row[2] for row in answers.rungs({"a": nll["a"], "b": nll["b"]}, tokens, few)]
    difference = (nll["b"] - nll["a"])[few].sum(1) / tokens[few].sum(1)
    right = "real" if torch.quantile(difference, 0.025) > 0 else "tie"
    expect(
        got[0] == right,
        "with other choices of lines the verdict is another: use `chosen`, not choices of your own",
    )


CHECKS = {"merge": merge, "per_character": per_character, "rungs": rungs}
