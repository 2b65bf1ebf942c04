"""What samples are like, against slow loops from the definitions."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makemore.metrics import quality
from makemore.metrics.quality import affordable, distances, jensen_shannon, mann_whitney, nearest, vendi

words = st.text("abc", min_size=1, max_size=6)
numbers = st.lists(st.integers(0, 5), min_size=1, max_size=12)


def slow_edits(a, b):
    """Edit distance by Wagner and Fischer's table."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y)))
    return row[-1]


def slow_mann_whitney(a, b):
    """Z from all pairs, and from the variance of a rank sum over all ways to divide the values."""
    u = sum(1.0 if x > y else 0.5 if x == y else 0.0 for x in a for y in b)
    both = [*a, *b]
    n, m, N = len(a), len(b), len(a) + len(b)
    ranks = [sum(y < x for y in both) + (1 + sum(y == x for y in both)) / 2 for x in both]
    mean = (N + 1) / 2
    variance = n * m / (N * (N - 1)) * sum((r - mean) ** 2 for r in ranks)
    return (u - n * m / 2) / math.sqrt(variance) if variance > 1e-9 else 0.0


def slow_jensen_shannon(a, b):
    """Half the relative entropies to the mean of both, in bits."""
    n, m = sum(a.values()), sum(b.values())
    total = 0.0
    for key in {*a, *b}:
        p, q = a[key] / n if n else 0.0, b[key] / m if m else 0.0
        middle = (p + q) / 2
        total += sum(x / 2 * math.log2(x / middle) for x in (p, q) if x > 0)
    return total


def pieces(line, n):
    return [line[i : i + n] for i in range(len(line)) if i + n <= len(line)]


SLOW_FEATURES = {
    "length": lambda line: [len(line)],
    "first": lambda line: [line[0]],
    "last": lambda line: [line[-1]],
    "1-gram": lambda line: pieces(line, 1),
    "2-gram": lambda line: pieces(line, 2),
    "3-gram": lambda line: pieces(line, 3),
}


def slow_distance(lines, train, feature):
    a, b = (Counter(x for line in some for x in SLOW_FEATURES[feature](line)) for some in (lines, train))
    return slow_jensen_shannon(a, b)


def slow_vendi(lines):
    """From the cosine of every pair of lines."""
    bags = [Counter(piece for n in (1, 2, 3) for piece in pieces(line, n)) for line in lines]
    K = np.empty((len(lines), len(lines)))
    for i, a in enumerate(bags):
        for j, b in enumerate(bags):
            dot = sum(a[piece] * b[piece] for piece in a)
            K[i, j] = dot / math.sqrt(sum(x * x for x in a.values()) * sum(x * x for x in b.values()))
    values = [x for x in np.linalg.eig(K / len(lines))[0].real if x > 1e-12]
    return math.exp(-sum(x * math.log(x) for x in values)) / len(lines)


def test_uniqueness_and_novelty():
    lines = ["a", "b", "a", "c", "a"]
    assert quality.uniqueness(lines) == 3 / 5
    assert quality.novelty(lines, {"a", "z"}) == 2 / 3  # of the different ones
    assert quality.novelty(lines, {"a", "b", "c"}) == 0
    assert quality.novelty(lines, set()) == 1


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=8), st.lists(words, min_size=1, max_size=8))
def test_nearest_equals_a_slow_one(lines, train):
    found = nearest(lines, train)
    for line, distance, which in zip(lines, found.distances, found.which, strict=True):
        assert distance == min(slow_edits(line, other) for other in train)
        assert slow_edits(line, train[which]) == distance


def test_nearest_of_lines_whose_distances_fill_a_byte():
    long = "a" * 300
    found = nearest([long, "b"], ["c", "b" * 280])
    assert found.distances.tolist() == [300, 1]
    assert found.which.tolist() in ([0, 0], [1, 0])


def test_nearest_in_pieces():
    """More training lines than are processed at a time."""
    train = [f"{i:05}" for i in range(20_000)]
    lines = [*train[5::13], "x", "zzzzzz", "00123"]
    assert len(lines) * len(train) > 30_000_000
    found = nearest(lines, train)
    assert found.distances.tolist() == [0] * len(train[5::13]) + [5, 6, 0]
    assert found.which[:-3].tolist() == list(range(5, 20_000, 13))
    assert found.which[-1] == 123


@given(numbers, numbers)
def test_mann_whitney_equals_a_slow_one(a, b):
    if len(a) + len(b) > 1:
        assert mann_whitney(a, b) == pytest.approx(slow_mann_whitney(a, b), abs=1e-9)


def test_mann_whitney_has_the_sign_and_spread_it_says():
    assert mann_whitney([5, 6, 7], [1, 2, 3]) == pytest.approx(1.9640, abs=1e-4)  # U = 9, sd sqrt(5.25)
    assert mann_whitney([1, 2, 3], [5, 6, 7]) == pytest.approx(-1.9640, abs=1e-4)
    assert mann_whitney([4, 4], [4, 4, 4]) == 0
    random = np.random.default_rng(1)
    z = [mann_whitney(*random.integers(0, 4, (2, 80))) for _ in range(1000)]
    assert np.std(z) == pytest.approx(1, abs=0.08)  # ties and all
    assert np.mean(z) == pytest.approx(0, abs=0.12)


counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9), min_size=1).map(Counter)


@given(counts, counts)
def test_jensen_shannon_equals_a_slow_one(a, b):
    if sum(a.values()) and sum(b.values()):
        assert jensen_shannon(a, b) == pytest.approx(slow_jensen_shannon(a, b), abs=1e-9)
        assert jensen_shannon(a, b) == pytest.approx(jensen_shannon(b, a), abs=1e-9)


def test_jensen_shannon_is_in_bits():
    assert jensen_shannon({"a": 3}, {"b": 8}) == pytest.approx(1)
    assert jensen_shannon({"a": 3, "b": 6}, {"a": 1, "b": 2}) == pytest.approx(0, abs=1e-12)
    assert jensen_shannon({"a": 1}, {"a": 1, "b": 1}) == pytest.approx(1.5 - 0.75 * math.log2(3))


@settings(deadline=None)
@given(*[st.lists(words, min_size=1, max_size=10)] * 3)
def test_distances_equal_slow_ones(samples, held_out, train):
    n = min(len(samples), len(held_out))
    found = distances(samples, held_out, train)
    assert found.keys() == SLOW_FEATURES.keys()
    for feature, distance in found.items():
        assert distance.samples == pytest.approx(slow_distance(samples[:n], train, feature), abs=1e-9)
        assert distance.held_out == pytest.approx(slow_distance(held_out[:n], train, feature), abs=1e-9)
        if distance.held_out:
            assert distance.ratio == distance.samples / distance.held_out
        else:
            assert math.isnan(distance.ratio)


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=12))
def test_vendi_equals_a_slow_one(lines):
    assert vendi(lines) == pytest.approx(slow_vendi(lines), rel=1e-6)


def test_vendi_of_lines_all_alike_and_all_apart():
    assert vendi(["abc"] * 10) == pytest.approx(1 / 10)
    assert vendi(["ab", "cd", "ef", "gh"]) == pytest.approx(1)
    assert vendi(["ab", "cd"] * 5) == pytest.approx(2 / 10)


def test_vendi_in_pieces():
    """More n-grams than are counted at a time."""
    random = np.random.default_rng(1)
    alphabet = [chr(0x4E00 + i) for i in range(3000)]
    lines = ["".join(random.choice(alphabet, 5)) for _ in range(700)]
    different = len({piece for line in lines for n in (1, 2, 3) for piece in pieces(line, n)})
    assert different > 4_000_000 // len(lines)
    some = vendi(lines)
    X = np.zeros((len(lines), different))
    column: dict[str, int] = {}
    for row, line in enumerate(lines):
        for n in (1, 2, 3):
            for piece in pieces(line, n):
                X[row, column.setdefault(piece, len(column))] += 1
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    values = np.linalg.svd(X, compute_uv=False) ** 2 / len(lines)
    values = values[values > 1e-12]
    assert some == pytest.approx(math.exp(-(values * np.log(values)).sum()) / len(lines), rel=1e-6)


@pytest.mark.parametrize("lines", [1, 500, 20_000])
@pytest.mark.parametrize("mean", [1.0, 7.0, 300.0, 10_000.0])
@pytest.mark.parametrize("train", [1, 800, 27_000, 10_000_000])
def test_affordable_is_no_more_than_there_is_and_bounds_the_work(lines, mean, train):
    n, beside = affordable(lines, mean, train)
    assert 1 <= n <= lines
    assert 1 <= beside <= train
    work = n * beside * mean * max(1.0, mean / 64)
    assert work <= 1.01 * quality.WORK or n <= 200 or beside <= 1000
    if lines * train * mean * max(1.0, mean / 64) <= quality.WORK:
        assert (n, beside) == (lines, train)  # nothing is left out without need
