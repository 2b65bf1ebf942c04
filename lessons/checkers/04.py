"""What grades the exercises of lesson 4."""

import math
import random
from typing import Any

import torch

from makemore.course import expect, expect_close, expect_number, expect_tensor, explaining


def windows(answers: Any) -> None:
    emma = torch.tensor([0, 5, 13, 13, 1, 0, 1, 22, 1, 0, 9, 0])  # emma, ava, i
    rng = random.Random(3)
    lines = [[0, *(rng.randrange(1, 27) for _ in range(length))] for length in (2, 7, 1, 4, 9)]
    other = torch.tensor([*(i for line in lines for i in line), 0])
    for ids, n in ((emma, 3), (emma, 1), (emma, 6), (other, 4), (other, 8)):
        before = ids.clone()
        got = answers.windows(ids, n)
        expect(
            isinstance(got, tuple | list) and len(got) == 2,
            "two tensors are wanted: the contexts, and what follows",
        )
        x, y = got
        expect_tensor(x, (len(ids) - 1, n), f"the contexts, with n = {n}: windows")
        expect_tensor(y, (len(ids) - 1,), "what follows: windows")
        expect(torch.equal(ids, before), "the stream that was given was changed; work on a new tensor")
        expect(
            not torch.equal(y, ids[:-1]),
            "what follows a context is its own last character; it should be the one after, ids[i + 1]",
        )
        expect_close(y, ids[1:], "what follows example i should be ids[i + 1]")
        right = torch.zeros(len(ids) - 1, n, dtype=torch.int64)
        across = right.clone()
        for i in range(len(ids) - 1):
            start = max(0, i + 1 - n)
            across[i, n - (i + 1 - start) :] = ids[start : i + 1]
            line = max(j for j in range(i + 1) if ids[j] == 0)
            start = max(start, line)
            right[i, n - (i + 1 - start) :] = ids[start : i + 1]
        expect(
            n == 1 or not torch.equal(x, right.flip(1)),
            "the contexts are turned round: the oldest character comes first, the latest last",
        )
        expect(
            n == 1 or not torch.equal(x, across),
            "a context reaches across the end of a name: after emma. the first letter of ava is predicted from "
            "0 alone, and what stands before that 0 should be 0 as well",
        )
        wrong = next((i for i in range(len(x)) if not torch.equal(x[i], right[i])), None)
        if wrong is not None:
            expect(
                False,
                f"with n = {n} the context that ends with ids[{wrong}] should be {right[wrong].tolist()}, not "
                f"{x[wrong].tolist()}; the ids are {ids.tolist()}",
            )
        expect(not x.is_floating_point(), "the contexts should be whole numbers: they are ids")


def direct_logits(answers: Any) -> None:
    draw = torch.Generator().manual_seed(3)
    for B, T, C, H, V in ((4, 3, 2, 5, 6), (2, 4, 3, 7, 5)):
        x = torch.randint(0, V, (B, T), generator=draw)
        shapes = ((V, C), (T * C, H), (H,), (H, V), (V,), (T * C, V))
        E, W1, b1, W2, b2, W3 = weights = [torch.randn(shape, generator=draw) for shape in shapes]
        copies = [weight.clone() for weight in weights]
        with explaining(
            {
                f"({B}x{C} and {T * C}x": "the embeddings of a context were added up, which leaves C numbers of T C and "
                "forgets their order; put them side by side: E[x] is (B, T, C), and E[x].flatten(1) is (B, T C)",
                f"({B * T}x{C} and {T * C}x": "E[x] is (B, T, C), and W1 takes (B, T C): put the embeddings of a context "
                "side by side with flatten(1)",
            }
        ):
            got = answers.direct_logits(x, *weights)
        expect_tensor(got, (B, V), f"for B, T, C, H, V = {B}, {T}, {C}, {H}, {V} direct_logits")
        same = all(torch.equal(a, b) for a, b in zip(weights, copies, strict=True))
        expect(same, "a weight that was given was changed; work on new tensors")

        def logits(
            e: Any, act: Any = torch.tanh, bias: Any = b2, direct: Any = 1.0, w: Any = (W1, b1, W2, W3)
        ) -> Any:
            return act(e @ w[0] + w[1]) @ w[2] + bias + direct * (e @ w[3])

        def is_it(other: Any, got: Any = got) -> bool:
            return torch.allclose(got, other, rtol=1e-4, atol=1e-4)

        e = E[x].reshape(B, T * C)
        right = logits(e)
        expect(not is_it(logits(e, direct=0.0)), "the direct connections are missing: add e W3 to the logits")
        expect(
            not is_it(logits(E[x].transpose(1, 2).reshape(B, T * C))),
            "the embeddings are mixed up: all C channels of the first character come first, then those of the second",
        )
        expect(not is_it(logits(E[x.flip(1)].reshape(B, T * C))), "the oldest character comes first, x[:, 0]")
        expect(not is_it(logits(e, act=lambda z: z)), "the hidden layer lacks its tanh")
        expect(not is_it(logits(e, bias=0.0)), "b2 is not added")
        expect(
            not is_it(logits(e, w=(W1, 0.0, W2, W3))),
            "b1 is not added: it belongs inside the tanh, tanh(e W1 + b1)",
        )
        expect(
            not is_it(right.softmax(1)) and not is_it(right.log_softmax(1)),
            "these are probabilities; the logits themselves are wanted, without a softmax",
        )
        expect_close(got, right, "the logits are not tanh(e W1 + b1) W2 + b2 + e W3", tolerance=1e-4)


def leak(answers: Any) -> None:
    train = ["ava", "emma", "ava", "bo", "lee"]
    held_out = ["ava", "noah", "ava", "alexandra", "mia", "bo"]
    losses = [6.0, 12.0, 6.5, 24.0, 9.0, 7.5]
    got = answers.leak(train, held_out, losses)
    expect(
        isinstance(got, tuple | list) and len(got) == 3,
        "three numbers are wanted: share, loss of seen, loss of others",
    )
    share, seen, others = (
        expect_number(value, f"leak, as number {i} of 3,") for i, value in enumerate(got, 1)
    )
    expect(
        abs(share - 2 / 5) > 1e-6,
        "each different line was counted once in the share; ava stands in held_out twice, and counts twice",
    )
    expect(
        abs(share - 3 / 5) > 1e-6,
        "the share is taken of the training lines; it should be of the held-out lines",
    )
    expect_close(share, 3 / 6, f"3 of the 6 held-out lines are in training, a share of 0.5, not {share:.4f}")
    right = 20 / (4 + 4 + 3), 45 / (5 + 10 + 4)
    expect(
        abs(seen - right[1]) > 1e-6 or abs(others - right[0]) > 1e-6,
        "the two losses are the wrong way round: first that of the lines seen in training",
    )
    expect(
        abs(seen - 20 / 8) > 1e-6, "divided by the characters alone; the end of each line is predicted too"
    )
    expect(
        abs(seen - 20 / 3) > 1e-6, "this is the loss per line; it is divided by the tokens, not by the lines"
    )
    expect(
        abs(seen - (6.0 / 4 + 6.5 / 4 + 7.5 / 3) / 3) > 1e-6,
        "this is the mean over the lines of their mean losses, in which short lines weigh too much: divide the sum of "
        "all losses by the number of all tokens",
    )
    expect(
        abs(seen - (6.5 + 7.5) / 7) > 1e-6 and abs(seen - (6.0 + 7.5) / 7) > 1e-6,
        "ava stands in held_out twice, and both losses count",
    )
    expect_close(
        seen, right[0], f"the lines seen have 20 nats on 11 tokens, {right[0]:.4f} each, not {seen:.4f}"
    )
    expect_close(
        others, right[1], f"the others have 45 nats on 19 tokens, {right[1]:.4f} each, not {others:.4f}"
    )
    for known, which in ((["zoe"], 1), (["mia", "bo"], 2)):
        got = answers.leak(known, ["mia", "bo"], [8.0, 6.0])
        expect(
            isinstance(got, tuple | list) and len(got) == 3, "three numbers are wanted, also where one is nan"
        )
        got = [expect_number(value, f"leak, as number {i} of 3,") for i, value in enumerate(got, 1)]
        expect_close(got[0], which - 1.0, "the share of lines that leaked should be 0 of none and 1 of all")
        expect(math.isnan(got[which]), "the loss of no lines at all should be nan, math.nan")
        expect_close(
            got[3 - which],
            2.0,
            "where all lines are on one side, their loss is that of all: 14 nats on 7 tokens",
        )
    rng = random.Random(4)
    for size in (9, 30):
        train, held_out = (
            ["".join(rng.choices("ab", k=rng.randint(1, 4))) for _ in range(n)] for n in (5, size)
        )
        losses = [rng.uniform(1, 20) for _ in held_out]
        got = answers.leak(train, held_out, losses)
        expect(isinstance(got, tuple | list) and len(got) == 3, "three numbers are wanted")
        known = [(loss, len(line) + 1) for line, loss in zip(held_out, losses, strict=True) if line in train]
        new = [
            (loss, len(line) + 1) for line, loss in zip(held_out, losses, strict=True) if line not in train
        ]
        right = (
            len(known) / size,
            *(sum(a for a, _ in part) / sum(b for _, b in part) for part in (known, new)),
        )
        for what, value, wanted in zip(
            ("the share", "the loss of the lines seen", "the loss of the others"), got, right, strict=True
        ):
            value = expect_number(value, f"leak, as {what},")
            expect_close(
                value,
                wanted,
                f"right for a few lines and not for others: training has {train}, and of {size} held-out lines "
                f"{what} is {wanted:.4f}, not {value:.4f}",
            )


CHECKS = {"windows": windows, "direct_logits": direct_logits, "leak": leak}
