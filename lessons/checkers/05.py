"""What grades the exercises of lesson 5."""

from typing import Any

import torch
from torch import Tensor

from makemore.course import expect, expect_close, expect_tensor


def _random(seed: int, V: int, zeros: int) -> tuple[Tensor, Tensor]:
    """Counts with some zeros, and probabilities, (V,) each."""
    g = torch.Generator().manual_seed(seed)
    counts = torch.randint(1, 9, (V,), generator=g).float()
    counts[torch.randperm(V, generator=g)[:zeros]] = 0
    shorter = torch.rand(V, generator=g) + 0.1
    return counts, shorter / shorter.sum()


def back_off(answers: Any) -> None:
    counts, shorter = torch.tensor([5.0, 0.0, 2.0, 1.0, 0.0]), torch.tensor([0.4, 0.2, 0.2, 0.1, 0.1])
    _one_back_off(answers, counts, shorter, 0.75)
    for seed, V, D in ((5, 27, 0.6), (6, 7, 0.9)):
        _one_back_off(answers, *_random(seed, V, V // 3), D)
    none = answers.back_off(torch.zeros(5), shorter.clone(), 0.75)
    expect_tensor(none, (5,), "back_off, for a context that was never seen,")
    expect(not none.isnan().any(), "for a context that was never seen this is nan, 0 / 0: return shorter")
    expect_close(none, shorter, "for a context that was never seen the shorter one decides alone")
    every = torch.tensor([3.0, 1.0, 1.0, 4.0, 1.0])
    got = answers.back_off(every.clone(), shorter.clone(), 0.75)
    expect_tensor(got, (5,), "back_off, where all letters were seen,")
    expect(not got.isnan().any(), "where all letters were seen this is nan: the unseen ones sum to 0")
    expect_close(
        got, every / 10, "where all letters were seen nothing is taken off: there is nobody to give it to"
    )


def _one_back_off(answers: Any, counts: Tensor, shorter: Tensor, D: float) -> None:
    V = len(counts)
    got = answers.back_off(counts.clone(), shorter.clone(), D)
    expect_tensor(got, (V,), "back_off")
    total, seen = counts.sum(), counts > 0
    freed = D * seen.sum() / total
    kept = (counts - D).clamp(min=0) / total
    expect(
        not torch.allclose(got, kept + freed * shorter, atol=1e-6),
        "this is interpolation: all letters get a part of what was taken. Here only those get it that were not seen",
    )
    expect(
        not torch.allclose(got, torch.where(seen, kept, freed * shorter), atol=1e-6),
        f"this sums to {got.sum():.3f}, not 1: among the unseen letters `shorter` does not sum to 1; divide by its sum "
        "over them",
    )
    expect(
        not torch.allclose(got, torch.where(seen, kept, freed / (~seen).sum()), atol=1e-6),
        "what was taken is shared evenly; it should be in proportion to `shorter`",
    )
    expect(not torch.allclose(got, kept, atol=1e-6), "what was taken off is gone: share it among the unseen")
    expect((got >= 0).all(), "a probability is negative: D is taken off counts of 0 too")
    expect_close(got.sum(), 1.0, f"the probabilities sum to {got.sum():.4f}, not 1")
    right = torch.where(seen, kept, freed * shorter / shorter[~seen].sum())
    at = int((got - right).abs().argmax())
    what = "was seen" if seen[at] else "was not seen"
    expect_close(
        got,
        right,
        f"with V = {V} and D = {D} letter {at}, which {what}, should have {right[at]:.4f}, not {got[at]:.4f}",
    )


def continuations(answers: Any) -> None:
    rows = {
        "": [9, 9, 9, 9], "a": [4, 1, 0, 2], "b": [0, 2, 3, 1], "c": [1, 0, 0, 2],
        "aa": [2, 0, 0, 1], "ba": [1, 0, 0, 1], "ca": [3, 1, 0, 0], ".a": [0, 0, 0, 4], "ab": [0, 3, 1, 0], "bb": [0, 2, 2, 0],
        "cba": [1, 0, 0, 1], "bba": [0, 0, 0, 1],
    }  # fmt: skip
    counts = {context: torch.tensor(row).float() for context, row in rows.items()}
    for context in ("a", "b", "", "ba", "c"):
        got = answers.continuations({c: row.clone() for c, row in counts.items()}, context)
        expect_tensor(got, (4,), f"continuations, for the context {context!r},")
        got = got.double()
        longer = [row for c, row in counts.items() if len(c) == len(context) + 1 and c[1:] == context]
        ending = [row for c, row in counts.items() if c.endswith(context) and c != context]
        begun = [row for c, row in counts.items() if len(c) == len(context) + 1 and c[:-1] == context]
        zeros = torch.zeros(4)
        right = sum(((row > 0).float() for row in longer), zeros)
        if torch.equal(got, right.double()):
            continue
        for what, wrong in (
            (
                "these are the counts added up; a letter counts once for each character before, however often it came",
                sum(longer, zeros),
            ),
            (
                "longer contexts were counted too: only those with one more character in front matter",
                sum(((row > 0).float() for row in ending), zeros),
            ),
            (
                "the extra character is behind the context; it should be in front",
                sum(((row > 0).float() for row in begun), zeros),
            ),
            (
                "this is the number of contexts for every letter alike; only those count in which the letter followed",
                zeros + len(longer),
            ),
        ):
            expect(not torch.equal(got, wrong.double()), f"for the context {context!r} {what}")
        expect_close(
            got, right, f"for the context {context!r} it should be {right.tolist()}, not {got.tolist()}"
        )
    g = torch.Generator().manual_seed(5)
    counts = {
        c: torch.randint(0, 3, (6,), generator=g).float() for c in ("x", "ax", "bx", "cx", "dx", "xx", "xa")
    }
    right = sum((counts[c] > 0).float() for c in ("ax", "bx", "cx", "dx", "xx"))
    got = answers.continuations(counts, "x")
    expect_tensor(got, (6,), "continuations, with V = 6,")
    expect_close(got, right, "right for V = 4 and not for V = 6: is a number typed in?")


def left_out(answers: Any) -> None:
    counts, shorter = torch.tensor([5.0, 0.0, 2.0, 1.0, 0.0]), torch.tensor([0.4, 0.2, 0.2, 0.1, 0.1])
    _one_left_out(answers, counts, shorter, 0.75)
    only = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0])
    got = answers.left_out(only.clone(), shorter.clone(), 0.75)
    expect_tensor(got, (5,), "left_out, for a context that was seen once,")
    expect(
        got.isfinite().all(),
        "a context that was seen once has a total of 0 without it, and 0 / 0 is nan: return shorter there",
    )
    expect_close(
        got,
        torch.tensor([0.0, 0.2, 0.0, 0.0, 0.0]),
        "where nothing is left of the counts the letter has what the shorter context gives it, here 0.2",
    )
    for seed, V, D in ((7, 27, 0.6), (8, 7, 0.9)):
        _one_left_out(answers, *_random(seed, V, V // 3), D)


def _one_left_out(answers: Any, counts: Tensor, shorter: Tensor, D: float) -> None:
    V = len(counts)
    given = counts.clone()
    got = answers.left_out(given, shorter.clone(), D)
    expect_tensor(got, (V,), "left_out")
    expect(
        torch.equal(given, counts), "the counts that were given were changed; work on a copy for each letter"
    )
    total, T = counts.sum(), (counts > 0).sum()
    gone = (counts == 1).float()  # letters that are no longer seen without their one occurrence
    less = (counts - 1 - D).clamp(min=0)
    seen = (counts > 0).float()
    right = seen * (less + D * (T - gone) * shorter) / (total - 1)
    if torch.allclose(got, right, atol=1e-6):
        return
    for wrong, why in (
        (
            seen * ((counts - D).clamp(min=0) + D * T * shorter) / total,
            "nothing was left out: take one off the letter's count first",
        ),
        (
            seen * (less + D * (T - gone) * shorter) / total,
            "the total is still that of all counts; without the letter it is 1 less",
        ),
        (
            seen * (less + D * T * shorter) / (total - 1),
            "a letter that was seen once is not seen any more when it is left out, so D is taken from one letter fewer",
        ),
        (
            seen * (counts - 1 - D + D * (T - gone) * shorter) / (total - 1),
            "D was taken off a count of 0: max(count - D, 0)",
        ),
        (
            (less + D * (T - gone) * shorter) / (total - 1),
            "a letter that was not seen cannot be left out; its entry is 0",
        ),
    ):
        expect(not torch.allclose(got, wrong, atol=1e-6), why)
    at = int((got - right).abs().argmax())
    expect(
        False,
        f"with V = {V} and D = {D} letter {at}, with a count of {int(counts[at])}, should have {right[at]:.4f}, not "
        f"{got[at]:.4f}",
    )


CHECKS = {"back_off": back_off, "continuations": continuations, "left_out": left_out}
