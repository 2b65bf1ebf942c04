"""What grades the exercises of lesson 1."""

import inspect
import math
import sys
from typing import Any

import torch
from torch import Tensor

from makemore.course import expect, expect_close, expect_number, expect_tensor, explaining

NO_MINLENGTH = (
    "bincount stops at the largest number that occurs, so the result is shorter than V³; "
    "minlength=V**3 lets it count the triples that never occur, too"
)


def row_probabilities(answers: Any) -> None:
    counts = torch.tensor([[6, 2, 0], [0, 0, 0], [1, 1, 2]])
    before = counts.clone()
    got = answers.row_probabilities(counts, 1.0)
    expect_tensor(got, (3, 3), "row_probabilities")
    expect(torch.equal(counts, before), "the counts that were given were changed; work on a new tensor")
    columns = got.sum(0)
    expect(
        not torch.allclose(columns.double(), torch.ones(3).double(), atol=1e-5),
        "the columns sum to 1 instead of the rows; which dimension does sum() take away?",
    )
    raised = counts + 1
    slips = {
        "the sums have the shape (V,), so column b was divided by the sum of row b; sum(1, keepdim=True) has the "
        "shape (V, 1), which divides each row by its own sum": [raised / raised.sum(1)],
        "everything was divided by one number, the sum of the whole table; each row should be divided by its own "
        "sum": [raised / raised.sum(), raised / counts.sum(), counts / counts.sum()],
        "the sum of a row grows by s for each of its V entries, so by s V; only s was added to it": [
            raised / (counts.sum(1, keepdim=True) + 1)
        ],
        "the sum of each row was taken before s was added to its counts": [
            raised / counts.sum(1, keepdim=True)
        ],
    }
    for message, wrongs in slips.items():
        expect(not any(_same(got, wrong) for wrong in wrongs), message)
    expect_close(got.sum(1), torch.ones(3), "the rows do not sum to 1: divide each row by its own sum")
    right = torch.tensor([[7 / 11, 3 / 11, 1 / 11], [1 / 3] * 3, [2 / 7, 2 / 7, 3 / 7]])
    expect_close(got, right, "with s = 1 each count should be raised by 1 before dividing")
    half = answers.row_probabilities(counts, 0.5)
    expect_tensor(half, (3, 3), "row_probabilities")
    expect_close(half[0], torch.tensor([6.5, 2.5, 0.5]) / 9.5, "with s = 0.5 each count is raised by 0.5")
    none = answers.row_probabilities(counts, 0.0)
    expect_tensor(none, (3, 3), "row_probabilities")
    expect(not none.isnan().any(), "an empty row with s = 0 gives 0 / 0 = nan; it should be 1 / V everywhere")
    expect_close(none[1], torch.full((3,), 1 / 3), "an empty row with s = 0 should be 1 / V everywhere")

    V, generator = 5, torch.Generator().manual_seed(1)
    for s in (0.0, 0.3):
        counts = torch.randint(20, (V, V), generator=generator)
        counts[int(torch.randint(V, (1,), generator=generator))] = 0
        got = answers.row_probabilities(counts, s)
        expect_tensor(got, (V, V), f"with V = {V} row_probabilities")
        for a, row in enumerate(counts.tolist()):
            total = sum(row) + s * V
            wanted = [(count + s) / total if total else 1 / V for count in row]
            expect_close(
                got[a],
                torch.tensor(wanted),
                f"right for V = 3 and not for V = {V}, s = {s}: row {a} has the counts {row} and should not become "
                f"{[round(p, 4) for p in got[a].tolist()]}. Is a number typed in?",
            )


def _same(got: Tensor, wrong: Tensor) -> bool:
    return torch.allclose(got.double(), wrong.double(), atol=1e-5)


def _counted(answers: Any, ids: Tensor, V: int) -> Any:
    with explaining({"is invalid for input of size": NO_MINLENGTH}):
        got = answers.trigram_counts(ids, V)
    expect(not isinstance(got, Tensor) or got.dim() != 1 or len(got) >= V**3, NO_MINLENGTH)
    return got


def trigram_counts(answers: Any) -> None:
    ids = torch.tensor([0, 1, 2, 0, 1, 2, 2, 0])
    got = _counted(answers, ids, 3)
    expect_tensor(got, (3, 3, 3), "trigram_counts")
    right = triples_one_by_one(ids, 3)
    expect(
        not torch.equal(got.long(), (right > 0).long()),
        "a triple that occurs twice was counted once: counts[a, b, c] += 1 writes to each place once, however often "
        "the place is in a, b and c",
    )
    expect(
        got.sum() == len(ids) - 2, f"a stream of {len(ids)} ids has {len(ids) - 2} triples, not {got.sum()}"
    )
    reversed_ = torch.equal(got, right.permute(2, 1, 0))
    expect(not reversed_, "the order is turned round: [a, b, c] should have a first and c last")
    expect_close(got, right, "some triples are counted in the wrong place: is each one (a V + b) V + c?")
    expect(got.dtype == torch.int64, f"counts are whole numbers: int64 is wanted, not {got.dtype}")

    V, generator = 5, torch.Generator().manual_seed(2)
    ids = torch.randint(V - 1, (200,), generator=generator)  # the last character never comes
    before = ids.clone()
    got = _counted(answers, ids, V)
    expect(torch.equal(ids, before), "the stream that was given was changed; work on a new tensor")
    expect_tensor(got, (V, V, V), f"with V = {V} trigram_counts")
    expect_close(
        got, triples_one_by_one(ids, V), f"right for V = 3 and not for V = {V}: is a number typed in?"
    )
    short, long = (steps(answers.trigram_counts, ids.repeat(n), V) for n in (1, 6))
    expect(
        long - short < 500,
        f"there is a loop over the stream: with 1000 ids more your code runs {long - short} lines more. "
        "Make a tensor of the numbers of all triples at once, from ids[:-2], ids[1:-1] and ids[2:]",
    )


def triples_one_by_one(ids: Tensor, V: int) -> Tensor:
    right = torch.zeros(V, V, V, dtype=torch.int64)
    for a, b, c in zip(ids, ids[1:], ids[2:]):
        right[a, b, c] += 1
    return right


def steps(function: Any, *arguments: Any) -> int:
    """Count the calls and lines, of a loop those of each round, that run in the file of a function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        if code is None or frame.f_code.co_filename != code.co_filename:
            return None
        count += event in ("call", "line")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
    return count


def bits_per_character(answers: Any) -> None:
    table = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    ids = torch.tensor([0, 1, 1, 0])
    got = answers.bits_per_character(table, ids)
    losses = -table[ids[:-1], ids[1:]].log()
    right = losses.mean().item() / torch.tensor(2.0).log().item()
    got = expect_number(got, "bits_per_character")
    expect(got > 0, "a probability is below 1, so its logarithm is negative: turn the sign")
    expect(abs(got - losses.mean().item()) > 1e-4, "this is in nats; divide by log(2) for bits")
    expect(
        abs(got - 3 / 4 * losses.mean().item()) > 1e-4,
        "two slips at once: this is in nats (divide by log(2) for bits), and divided by the M ids, while there are "
        "only M - 1 pairs",
    )
    expect(
        abs(got - losses.sum().item()) > 1e-4,
        "two slips at once: this is in nats (divide by log(2) for bits), and the sum over the pairs, not their mean",
    )
    expect(
        abs(got - 3 * right) > 1e-4,
        "this is the sum over the pairs; per character it is divided by their number",
    )
    expect(
        abs(got - 3 / 4 * right) > 1e-4,
        "divided by the M ids; there are only M - 1 pairs, and each is predicted once",
    )
    expect_close(got, right, f"for p = 0.75, 0.5, 0.5 the mean of -log2 p is {right:.4f}, not {got:.4f}")

    V, generator = 5, torch.Generator().manual_seed(3)
    table = torch.rand(V, V, generator=generator).add(0.1)
    table /= table.sum(1, keepdim=True)
    for M in (12, 4):
        ids = torch.randint(V, (M,), generator=generator)
        got = expect_number(answers.bits_per_character(table, ids), "bits_per_character")
        right = sum(-math.log2(table[a, b]) for a, b in zip(ids, ids[1:])) / (M - 1)
        expect_close(
            got, right, f"right for one line and not for another, of {M} ids: {right:.4f}, not {got:.4f}"
        )


CHECKS = {
    "row_probabilities": row_probabilities,
    "trigram_counts": trigram_counts,
    "bits_per_character": bits_per_character,
}
