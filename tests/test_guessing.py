"""Shannon's bounds of the entropy, from numbers of guesses."""

import math
import random

import pytest

import makemore
from makemore.metrics.guessing import guessing


def test_bounds_of_known_frequencies():
    # 4 of 8 at the first guess, 2 at the second, 1 at the third and 1 at the fourth
    found = guessing([1, 1, 1, 1, 2, 2, 3, 4])
    assert (found.letters, found.first) == (8, 0.5)
    assert found.upper == pytest.approx(1.75)
    assert found.lower == pytest.approx(2 * (1 / 4 - 1 / 8) * 1 + 4 * (1 / 8) * 2)  # 1.25
    for n in (1, 2, 27):  # if all guesses are alike, the bounds meet at the entropy
        found = guessing(range(1, n + 1))
        assert found.lower == pytest.approx(math.log2(n))
        assert found.upper == pytest.approx(math.log2(n))


def test_giving_up_is_guessing_at_random():
    found = guessing([], [range(1, 28)] * 5)  # nothing is gained by always giving up
    assert (found.letters, found.first) == (5, 0)
    assert found.lower == pytest.approx(math.log2(27))
    assert found.upper == pytest.approx(math.log2(27))
    half = guessing([1, 2], [range(2, 4)] * 2)  # 1/4 at guess 1, 1/2 at guess 2, 1/4 at guess 3
    assert half.upper == pytest.approx(1.5)
    assert half == guessing([1, 2, 2, 3]) == guessing([1, 3], [range(2, 3)] * 2)


def test_the_bounds_are_in_order_however_few_or_odd_the_numbers():
    chance = random.Random(0)
    for n in (1, 2, 3, 10, 100):
        for _ in range(20):
            found = guessing([chance.randint(1, chance.randint(1, 40)) for _ in range(n)])
            assert -1e-9 <= found.lower <= found.upper + 1e-9 <= math.log2(n) + 2e-9
    assert math.isnan(guessing([]).upper)
    with pytest.raises(makemore.MakemoreError, match="1 or more, not 0"):
        guessing([1, 0])


def test_the_entropy_of_a_source_is_between_the_bounds():
    """Ranks of an ideal guesser whose four contexts have different distributions."""
    chance, ranks, entropy, n = random.Random(1), [], 0.0, 4000
    for _ in range(4):
        p = sorted((chance.random() ** 3 for _ in range(6)), reverse=True)
        p = [each / sum(p) for each in p]
        entropy -= sum(each * math.log2(each) for each in p) / 4
        ranks += chance.choices(range(1, 7), p, k=n)
    found = guessing(ranks)
    assert found.lower < entropy < found.upper
