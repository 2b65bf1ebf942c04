"""What grades the exercises of lesson 16."""

import math
from typing import Any

import torch
from torch import Tensor

from makemore.course import expect, expect_close, expect_number, expect_tensor


def _kept(row: list[float], p: float) -> list[bool]:
    """Which characters of a row of probabilities are kept, one by one."""
    total, least = 0.0, 0.0
    for each in sorted(row, reverse=True):
        least, total = each, total + each
        if total >= p - 1e-9:
            break
    return [each >= least - 1e-9 for each in row]


def top_p(answers: Any) -> None:
    probs = torch.tensor([[0.1, 0.5, 0.15, 0.25], [0.25, 0.25, 0.25, 0.25]], dtype=torch.float64)
    logits = probs.log() + 3
    before = logits.clone()
    got = answers.top_p(logits, 0.7)
    expect_tensor(got, (2, 4), "top_p")
    expect(torch.equal(logits, before), "the logits were changed; work on a copy, as masked_fill does")
    expect(
        not bool((got.double() == 0).any() or torch.isnan(got).any()),
        "what is left out became 0 or nan; the logit of something impossible is -inf",
    )
    kept = got > -math.inf
    expect(
        kept[0].tolist() != [False, True, False, False],
        "the character that carries the sum over p was left out: 0.5 alone is less than 0.7, so 0.25 is needed too",
    )
    expect(
        kept[0].tolist() != [True, True, False, False],
        "the mask is in the order of the sorted row; bring it back to the order of the characters",
    )
    expect(
        kept[0].tolist() == [False, True, False, True],
        "of 0.1, 0.5, 0.15 and 0.25, with p = 0.7, the characters 0.5 and 0.25 should be kept",
    )
    expect_close(got[0, [1, 3]], logits[0, [1, 3]], "the logits of what is kept should stay as they are")
    expect(
        bool(kept[1].all()),
        "four characters are equally likely and only some were kept: ties go together, or the alphabet decides",
    )
    sure = answers.top_p(torch.tensor([[0.0, 9.0, 1.0]]), 0.01)
    expect(
        bool((sure > -math.inf).any()),
        "with p = 0.01 nothing was kept; the likeliest character always stays",
    )
    expect(
        (sure > -math.inf).tolist() == [[False, True, False]], "with p = 0.01 one character should be kept"
    )
    g = torch.Generator().manual_seed(3)
    logits = 2 * torch.randn(40, 11, generator=g, dtype=torch.float64)
    for p in (0.3, 0.85):
        right = [_kept(row, p) for row in logits.softmax(-1).tolist()]
        expect(
            (answers.top_p(logits, p) > -math.inf).tolist() == right,
            f"right for two rows, not for 40 random ones with p = {p}: is each row cut by its own probabilities?",
        )


def _table(seed: int) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(27, 27, generator=g, dtype=torch.float64)).log_softmax(-1)


def _small() -> Tensor:
    """After the start a (0.4) or b (0.6); a always ends; b goes on to c, d, e or ends, a quarter each; these end."""
    P = torch.zeros(27, 27, dtype=torch.float64)
    P[0, 1], P[0, 2], P[1, 0] = 0.4, 0.6, 1.0
    P[2, [0, 3, 4, 5]] = 0.25
    P[3:, 0] = 1.0
    return P.log()


def most_likely(answers: Any) -> None:
    logp = _small()
    got = answers.most_likely(logp, 3)
    expect(
        isinstance(got, list) and all(isinstance(each, tuple) and len(each) == 2 for each in got),
        "most_likely should return a list of pairs, (line, log-probability)",
    )
    lines = [line for line, _ in got]
    expect(len(got) == 3, f"three lines were asked for, and {len(got)} returned")
    expect(
        lines[0] != "b",
        "the first line is 'b': the likeliest first letter was followed. A less likely beginning can end better: 'a' has 0.4",
    )
    expect(lines[0] == "a", f"the likeliest line is 'a', with 0.4, not {lines[0]!r}")
    values = [expect_number(value, "most_likely, the log-probability,") for _, value in got]
    expect(
        abs(values[0] - 0.4) > 1e-6,
        "these are probabilities; the logarithm is wanted, so that long lines do not underflow",
    )
    expect(values[0] < 0, "the sign is turned round: log-probabilities are negative")
    expect_close(values[0], math.log(0.4), f"log 0.4 is {math.log(0.4):.4f}, not {values[0]:.4f}", 1e-6)
    for seed, n in ((5, 30), (6, 12)):
        logp = _table(seed)
        got = answers.most_likely(logp, n)
        texts, rows = [line for line, _ in got], logp.tolist()
        expect(len(set(texts)) == n, f"{n} different lines were asked for, and {len(set(texts))} returned")
        for line, value in got:
            ids = [0, *(ord(c) - 96 for c in line)]
            whole = sum(rows[a][b] for a, b in zip(ids, [*ids[1:], 0], strict=True))
            expect(
                abs(value - (whole - rows[ids[-1]][0])) > 1e-9,
                f"the log-probability of {line!r} is without its end: the end is a character like the others",
            )
            expect_close(
                value, whole, f"the log-probability of {line!r} is {whole:.4f}, not {value:.4f}", 1e-6
            )
        right = _best(rows, n)
        expect(
            [line for line in texts if line] != [line for line in right if line]
            or "" in texts
            or "" not in right,
            "the empty line is a line, too: its probability is that of the end after the start",
        )
        expect(
            texts == right,
            f"for a random table these are not the {n} likeliest: a line counts when it comes out of the heap, not when "
            "it goes in, and no beginning may be thrown away",
        )


def _best(rows: list[list[float]], n: int) -> list[str]:
    """The n likeliest lines by a search with a bound that is lowered until enough are above it."""
    bound = -3.0
    while True:
        found: list[tuple[float, str]] = []
        stack = [(0.0, "", 0)]
        while stack:
            logp, text, last = stack.pop()
            if logp + rows[last][0] >= bound:
                found.append((logp + rows[last][0], text))
            for i in range(1, 27):
                if logp + rows[last][i] >= bound:
                    stack.append((logp + rows[last][i], text + chr(96 + i), i))
        if len(found) >= n:
            return [text for _, text in sorted(found, reverse=True)[:n]]
        bound -= 1.0


def wished_ending(answers: Any) -> None:
    # after the start a or b, half each; a ends (0.5) or goes on to b; b ends (0.8) or goes on to a
    P = torch.tensor([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.8, 0.2, 0.0]], dtype=torch.float64)
    _same(answers, P, 1, "the table of three characters")
    g = torch.Generator().manual_seed(9)
    for V, wish in ((6, 4), (27, 14)):
        P = (1.5 * torch.randn(V, V, generator=g, dtype=torch.float64)).softmax(-1)
        _same(answers, P, wish, f"a random table of {V} characters")


def _same(answers: Any, P: Tensor, wish: int, what: str) -> None:
    V = len(P)
    before = P.clone()
    Q = answers.wished_ending(P, wish)
    expect_tensor(Q, (V, V), "wished_ending")
    expect(torch.equal(P, before), "P was changed; make a copy first")
    Q = Q.double()
    others = [c for c in range(V) if c != wish]
    expect(
        bool((Q[others, 0].abs() < 1e-9).all()),
        "with Q a line can end after another letter than the wish: column 0 must be 0 but in the row of the wish",
    )
    masked = P.clone()
    masked[others, 0] = 0
    expect(
        not torch.allclose(Q, masked / masked.sum(1, keepdim=True), atol=1e-6),
        "only the end was forbidden, and rows were divided by their sums: that gives lines with the right ending, but "
        "not as often as P gives them. Weigh each step by the chance that the wish still comes true after it",
    )
    expect_close(
        Q.sum(1), torch.ones(V), "every row of Q should sum to 1: divide by the chance before the step", 1e-6
    )
    chance = torch.zeros(V, dtype=torch.float64)
    for _ in range(20_000):  # step by step, until nothing changes
        new = P[:, 1:] @ chance[1:]
        new[wish] += P[wish, 0]
        if torch.allclose(new, chance, rtol=0, atol=1e-14):
            break
        chance = new
    right = P * chance / chance[:, None]
    right[:, 0] = 0
    right[wish, 0] = P[wish, 0] / chance[wish]
    expect_close(
        Q,
        right,
        f"for {what} Q[c, x] should be P[c, x] h[x] / h[c], h the chance that the wish comes true; a line may pass through the wish and come back, any number of times",
        1e-6,
    )


CHECKS = {"top_p": top_p, "most_likely": most_likely, "wished_ending": wished_ending}
