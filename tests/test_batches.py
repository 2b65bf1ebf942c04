"""Epochs of batches."""

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makemore.corpus.batches import Batches, epoch
from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.corpus.vocab import Vocab
from makemore.metrics.losses import in_order

some_lengths = st.lists(st.integers(1, 60), min_size=1, max_size=300).map(np.array)
budgets = st.integers(1, 2000)
windows = st.sampled_from([1, 4, 32])


@pytest.fixture(scope="module")
def lengths():
    return read("names").lengths


@given(some_lengths, budgets, windows, st.integers(0, 2**63 - 1), st.integers(0, 100))
def test_an_epoch_has_every_line_once(lengths, budget, window, seed, number):
    batches = epoch(lengths, budget, seed, number, window)
    assert all(len(batch) for batch in batches)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))


@given(some_lengths, budgets, windows)
def test_batches_have_similar_sizes(lengths, budget, window):
    cost = lengths + 1
    sums = [cost[batch].sum() for batch in epoch(lengths, budget, 1, 0, window)]
    total, longest = cost.sum(), cost.max()
    even = total / max(1, round(total / budget))
    if total > budget:
        assert budget * 2 / 3 <= even <= budget * 3 / 2
    assert all(s <= even + longest for s in sums)
    if longest <= even:  # otherwise a batch may be empty, and left out
        assert all(s >= even - longest for s in sums)


def test_the_order_depends_on_seed_and_number_alone(lengths):
    def flat(seed, number):
        return np.concatenate(epoch(lengths, 1000, seed, number)).tolist()

    np.random.seed(1)
    first = flat(3, 5)
    np.random.seed(2)
    assert flat(3, 5) == first
    assert flat(3, 6) != first
    assert flat(4, 5) != first


@pytest.mark.parametrize("budget", [300, 1000, 4000])
@pytest.mark.parametrize("name", ["names", "companies"])
def test_there_is_little_padding(name, budget):
    lengths = read(name).lengths

    def padded(window):
        batches = epoch(lengths, budget, 1, 0, window)
        return sum(len(batch) * (lengths[batch].max() + 1) for batch in batches) / (lengths + 1).sum()

    assert padded(32) < 1.08
    assert padded(1) > 1.2  # without sorting there is more


def test_batches_are_not_ordered_by_length(lengths):
    means = np.array([lengths[batch].mean() for batch in epoch(lengths, 1000, 1, 0)])
    by_chance = 1 / np.sqrt(len(means))
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 4 * by_chance
    assert abs(np.corrcoef(means[1:], means[:-1])[0, 1]) < 4 * by_chance  # neighbours are not similar either


def test_a_window_of_one_leaves_lengths_mixed(lengths):
    batches = epoch(lengths, 1000, 1, 0, window=1)
    means = np.array([lengths[batch].mean() for batch in batches])
    by_chance = lengths.std() / np.sqrt(np.mean([len(batch) for batch in batches]))
    assert means.std() < 1.3 * by_chance
    bucketed = np.array([lengths[batch].mean() for batch in epoch(lengths, 1000, 1, 0)])
    assert bucketed.std() > 3 * by_chance  # the test can tell


def corpus_of(lengths):
    """Return lines of these lengths."""
    return Corpus(Vocab("a"), np.concatenate([[0], *([*[1] * n, 0] for n in lengths)]).astype(np.uint8))


@given(some_lengths, st.integers(20, 500), st.integers(0, 60), windows)
def test_batches_continue_from_any_place(lengths, budget, done, window):
    corpus = corpus_of(lengths)
    corpus.split = np.zeros(len(corpus), np.uint8)
    whole = Batches(corpus, "train", budget, 7, window)
    served = [batch.tolist() for batch in islice(whole, done + 5)]
    first = Batches(corpus, "train", budget, 7, window)
    for _ in islice(first, done):
        pass
    again = Batches(corpus, "train", budget, 7, window)
    again.epoch, again.pool, again.position = first.epoch, first.pool, first.position
    assert [batch.tolist() for batch in islice(again, 5)] == served[done:]
    assert (again.epoch, again.pool, again.position) == (whole.epoch, whole.pool, whole.position)


def test_an_epoch_has_every_row_of_the_split_once():
    corpus = read("names")
    batches = Batches(corpus, "train", 1000, 7)
    seen = []
    for batch in batches:
        if batches.epoch:
            break
        seen += batch.tolist()
    assert sorted(seen) == corpus.rows("train").tolist()
    assert (batches.epoch, batches.pool, batches.position) == (1, 0, 1)


@given(some_lengths, budgets)
def test_in_order_keeps_to_the_budget(lengths, budget):
    rows = np.arange(len(lengths)) * 10 + 3
    batches = in_order(rows, lengths, budget)
    assert sorted(np.concatenate(batches)) == rows.tolist()
    by_row = dict(zip(rows.tolist(), lengths.tolist(), strict=True))
    in_turn = [[by_row[row] for row in batch.tolist()] for batch in batches]
    for batch in in_turn:
        assert len(batch) == 1 or len(batch) * (max(batch) + 1) <= budget
    flat = [n for batch in in_turn for n in batch]
    assert flat == sorted(flat)
    for batch, after in pairwise(in_turn):  # and no batch is cut too early
        assert (len(batch) + 1) * (after[0] + 1) > budget


def test_in_order_without_rows():
    assert in_order(np.arange(0), np.arange(0), 100) == []
