"""The best of many samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from rapidfuzz.distance import Levenshtein

import makemore as library
from makemore.corpus.corpus import Corpus
from makemore.errors import MakemoreError
from makemore.sampling.best import best
from makemore.sampling.tree import Sample

LINES = ["Anna", "Bert", "Carla", "Dieter", "Emil", "Frieda"]


def chosen(n: int, rates: dict[str, float]) -> list[str]:
    """The lines chosen of some that were drawn, each with its nll per character."""
    drawn = [Sample(text, rate * (len(text) + 1), True) for text, rate in rates.items()]
    return [each.text for each in best(lambda n, k: drawn, Corpus.from_lines(LINES), n)]


def test_copies_near_copies_and_odd_shapes_are_left_out() -> None:
    rates = dict.fromkeys(["Anna", "Ann", "Annat", "Enna", "nadi", "BeDat", "Dri"], 0.1) | {
        "Bamel": 2.0,
        "Drite": 2.5,
    }
    assert chosen(2, rates) == ["Bamel", "Drite"]
    assert chosen(9, rates) == ["Bamel", "Drite"]


def test_lines_are_ranked_by_likelihood_per_character_and_spread_out() -> None:
    assert chosen(3, {"Amer": 1.2, "Emralit": 1.0, "Dian": 1.1}) == ["Emralit", "Dian", "Amer"]
    # the second is one edit from the first, the third has most of its pairs
    alike = {"Emralit": 1.0, "Emralet": 1.01, "Emralitan": 1.02, "Amer": 1.05}
    assert chosen(2, alike) == ["Emralit", "Amer"]


def test_more_are_drawn_if_few_are_left() -> None:
    calls: list[int] = []

    def draw(n: int, k: int) -> Iterable[Sample]:
        calls.append(n)
        return [Sample("Drite" if k else "Anna", 5.0, True)]

    assert [each.text for each in best(draw, Corpus.from_lines(LINES), 1)] == ["Drite"]
    assert calls == [400, 1600]


def test_the_best_of_a_run(names_run: Path, makemore: Callable[..., object]) -> None:
    run = library.load(names_run)
    found = run.sample(30, best=True, seed=1)
    assert found == run.sample(30, best=True, seed=1)
    assert found[:5] != run.sample(30, best=True, seed=2)[:5]
    assert set(run.corpus.seen(found)) == {"new"}
    names = run.corpus.lines(range(len(run.corpus)))
    assert all(Levenshtein.distance(line, name, score_cutoff=1) > 1 for line in found for name in names)
    assert all(Levenshtein.distance(a, b) > 1 for a in found for b in found if a != b)
    rate = [
        score / (len(line) + 1)
        for lines in (found, run.sample(300, seed=1))
        for line, score in zip(lines, run.score(lines), strict=True)
    ]
    assert sum(rate[:30]) / 30 < sum(rate[30:]) / 300
    assert all(line.startswith("ka") for line in run.sample(5, best=True, prefix="ka", seed=1))


def test_too_few_are_one_sentence(small_run: Path, makemore: Callable[..., object]) -> None:
    with pytest.raises(MakemoreError, match=r"found only \d+ of 100 lines .* instead of best"):
        library.load(small_run).sample(100, best=True, max_length=1, seed=1)
