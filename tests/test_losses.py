"""Exact losses against a slow loop over lines and characters."""

import math

import numpy as np
import pytest
import torch

from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.metrics.intervals import ratio_interval
from makemore.metrics.losses import (
    Loss,
    Losses,
    batch_tokens,
    by_character,
    by_length,
    by_position,
    evaluate,
    score,
)
from makemore.models import build, configure

LINES = ["ab", "c", "abcabc", "ba", "ba", "ccab" * 5, "b", "acb"]


@pytest.fixture(scope="module")
def corpus():
    return Corpus.from_lines(LINES)


@pytest.fixture(params=["ngram", "gru", "transformer"])
def model(request, corpus):
    torch.manual_seed(1)
    model = build(request.param, len(corpus.vocab), configure(request.param, corpus.longest))
    if model.counting or model.counts_first:
        model.fit(torch.from_numpy(corpus.tokens.astype(np.int64)))
    return model


@torch.no_grad()
def slow_score(model, ids):
    """-log p of each character of a line and of its end, one line at a time in double precision."""
    logits, _ = model.eval()(torch.tensor([[0, *ids]]))
    logp = logits[0].double().log_softmax(-1)
    return [-float(logp[t, target]) for t, target in enumerate([*ids, 0])]


def test_evaluate_equals_a_slow_loop(model, corpus):
    rows = np.array([5, 0, 3, 7, 3])
    slow = [slow_score(model, corpus.vocab.encode(LINES[row]).tolist()) for row in rows]
    loss = evaluate(model, corpus, rows)
    assert loss.lines == 5
    assert loss.tokens == sum(len(LINES[row]) + 1 for row in rows)
    assert loss.total == pytest.approx(sum(map(sum, slow)), rel=1e-5)
    assert loss.nll == loss.total / loss.tokens


def test_score_is_evaluate_letter_by_letter(model, corpus):
    scores = score(model, corpus)
    assert [len(s) for s in scores] == [len(line) + 1 for line in LINES]
    for line, found in zip(LINES, scores, strict=True):
        assert found == pytest.approx(
            slow_score(model, corpus.vocab.encode(line).tolist()), rel=1e-4, abs=1e-5
        )
    total = evaluate(model, corpus, np.arange(len(corpus))).total
    assert sum(map(sum, scores)) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(corpus, training):
    model = build("transformer", len(corpus.vocab), configure("transformer", corpus.longest, dropout=0.5))
    model.train(training)
    losses = {evaluate(model, corpus, np.arange(len(corpus))).total for _ in range(3)}
    assert len(losses) == 1  # no dropout
    assert model.training == training
    score(model, corpus)
    assert model.training == training


def test_many_batches_add_up():
    """More lines than one batch holds, of all lengths."""
    corpus = read("names")
    model = build("bigram", len(corpus.vocab), configure("bigram", corpus.longest))
    model.fit(torch.from_numpy(corpus.tokens.astype(np.int64)))
    rows = np.random.default_rng(1).permutation(len(corpus))[:9000]
    with torch.no_grad():
        logp = model(torch.arange(len(corpus.vocab))[None])[0][
            0
        ].double()  # (V, V), row: the character before
    stream = corpus.stream(rows).astype(np.int64)
    loss = evaluate(model, corpus, rows)
    assert loss.total == pytest.approx(-float(logp[stream[:-1], stream[1:]].sum()), rel=1e-6)
    assert loss.tokens == len(stream) - 1 == corpus.lengths[rows].sum() + 9000


def test_an_impossible_line_costs_infinity(corpus):
    model = build("bigram", len(corpus.vocab), configure("bigram", corpus.longest, smoothing=0))
    model.fit(torch.from_numpy(corpus.tokens.astype(np.int64)))
    other = Corpus(corpus.vocab, corpus.vocab.encode("\nab\nbb\n"))
    assert evaluate(model, other, np.array([0])).total < math.inf
    assert evaluate(model, other, np.array([0, 1])).total == math.inf
    assert [math.isinf(sum(s)) for s in score(model, other)] == [False, True]


def test_unit():
    assert Loss(total=6.0, tokens=4, lines=2).nll == 1.5


@pytest.mark.parametrize("vocab_size", [2, 27, 1000, 5000, 200_000])
def test_a_batch_stays_small(vocab_size):
    assert 64 <= batch_tokens(vocab_size) <= 8192
    assert batch_tokens(vocab_size) * vocab_size * 4 <= max(32e6, 64 * 4 * vocab_size)


# intervals


def drawn(random, M):
    """Lines whose losses depend on their lengths; their true loss is 2.06."""
    lengths = random.integers(2, 12, M)  # mean 6.5
    ease = random.normal(2, 0.5, M)  # of each line
    return np.array(
        [e * n + random.exponential(0.06 * n) for e, n in zip(ease, lengths, strict=True)]
    ), lengths


def test_intervals_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(1)
    n, held = 500, 0
    for _ in range(n):
        lines, lengths = drawn(random, 60)
        low, high = ratio_interval(lines, lengths.astype(float), np.arange(60))
        held += low <= 2.06 <= high
    assert 0.90 <= held / n <= 0.98


def test_lines_that_are_equal_are_drawn_together():
    random = np.random.default_rng(2)
    together, apart = [], []
    for _ in range(20):
        lines, lengths = drawn(random, 200)
        once = ratio_interval(lines, lengths.astype(float), np.arange(200))
        top, bottom = np.concatenate([lines, lines]), np.concatenate([lengths, lengths]).astype(float)
        low, high = ratio_interval(top, bottom, np.arange(400) % 200)
        assert (low, high) == pytest.approx(once)
        together.append(high - low)
        low, high = ratio_interval(top, bottom, np.arange(400))
        apart.append(high - low)
    assert np.mean(apart) * math.sqrt(2) == pytest.approx(np.mean(together), rel=0.05)


def test_a_spread_of_other_causes_widens_the_interval():
    lines, lengths = drawn(np.random.default_rng(2), 400)
    lengths = lengths.astype(float)
    low, high = ratio_interval(lines, lengths, np.arange(400))
    error = (high - low) / (2 * 1.96)
    low, high = ratio_interval(lines, lengths, np.arange(400), 2 * error)
    assert high - low == pytest.approx(2 * 1.96 * error * math.sqrt(5), rel=0.12)


@pytest.mark.parametrize("M", [500, 1999, 5003])
def test_intervals_are_as_wide_with_many_lines(M):
    """More than 2,000 lines are grouped first."""
    lines, lengths = drawn(np.random.default_rng(3), M)
    beyond = lines - lines.sum() / lengths.sum() * lengths
    error = beyond.std() / lengths.mean() / math.sqrt(M)
    low, high = ratio_interval(lines, lengths.astype(float), np.arange(M))
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.12)
    assert (low + high) / 2 == pytest.approx(lines.sum() / lengths.sum(), abs=0.5 * error)


def test_error_is_the_spread_over_other_lines():
    random = np.random.default_rng(4)
    nlls, errors = [], []
    for _ in range(600):
        lengths = random.integers(1, 10, 80)
        ease = np.repeat(random.gamma(4, 0.5, 80), lengths)  # tokens of one line are alike
        loss = Losses(ease * random.uniform(0, 2, len(ease)), lengths).loss
        nlls.append(loss.nll)
        errors.append(loss.error)
    assert np.mean(errors) == pytest.approx(np.std(nlls), rel=0.1)


def test_error_of_one_line_and_of_equal_lines():
    assert Losses(np.array([1.0, 3.0]), np.array([2])).loss.error == pytest.approx(0)
    assert Losses(np.array([1.0, 3.0] * 4), np.array([2] * 4)).loss.error == pytest.approx(0)


def test_the_error_of_a_difference_is_what_drawing_the_lines_anew_says() -> None:
    random = np.random.default_rng(5)
    lengths = random.integers(2, 9, 400)
    one = Losses(random.normal(2, 1, int(lengths.sum())), lengths, np.arange(400))
    other = Losses(one.tokens + random.normal(0.1, 0.3, len(one.tokens)), lengths, one.units)
    apart = one.lines - other.lines
    drawn = []
    for _ in range(2000):
        i = random.integers(400, size=400)
        drawn.append(apart[i].sum() / lengths[i].sum())
    error = one.difference(other)
    assert error == pytest.approx(np.std(drawn), rel=0.1)
    assert error < one.loss.error  # the same lines are hard for both
    twice = one + one, other + other
    assert twice[0].difference(twice[1]) == pytest.approx(error)


@pytest.mark.parametrize("n", [5, 12, 60])
def test_intervals_of_few_lines_hold_the_truth(n: int) -> None:
    random = np.random.default_rng(n)
    lengths = np.full(n, 4.0)
    held = 0
    for _ in range(300):
        low, high = ratio_interval(random.normal(8, 2, n), lengths, np.arange(n))
        held += low <= 2 <= high
    assert 0.9 <= held / 300 <= 0.99


@pytest.mark.parametrize("n", [5, 8, 20])
def test_intervals_of_losses_lie_where_losses_can(n: int) -> None:
    """Even for few, very different lines a loss is 0 or more, and its interval often holds the truth."""
    random = np.random.default_rng(n)
    lengths = np.full(n, 4.0)
    held = 0
    for _ in range(200):
        lines = random.gamma(0.8, 10, n)  # their standard deviation is more than their mean, which is 8
        low, high = ratio_interval(lines, lengths, np.arange(n), positive=True)
        assert 0 <= low <= lines.sum() / lengths.sum() <= high
        held += low <= 2 <= high
    assert held / 200 >= 0.85


def test_a_loss_of_nothing_has_an_interval_of_nothing() -> None:
    assert ratio_interval(np.zeros(9), np.ones(9), np.arange(9), positive=True) == (0, 0)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_of_a_handful_of_lines_there_is_no_interval(n: int) -> None:
    lines = np.arange(n) + 1.0
    assert all(map(math.isnan, ratio_interval(lines, np.ones(n), np.arange(n))))
    many = np.concatenate([np.arange(n), np.arange(n)])  # copies are no more lines
    assert all(map(math.isnan, ratio_interval(np.ones(2 * n), np.ones(2 * n), many)))


def test_the_loss_of_every_part_lies_in_its_interval_and_no_interval_below_0() -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        n = int(random.integers(3, 40))
        lines = ["".join(random.choice(list("abc"), size=random.integers(1, 6))) for _ in range(n - 3)]
        lines += ["a", "b", "c"]  # a corpus has three different lines
        some = Corpus.from_lines(lines)
        lengths = some.lengths + 1
        found = Losses(random.gamma(0.2, 5, int(lengths.sum())), lengths, some.hashes)
        rows = np.arange(n)
        every = (by_position(found), by_length(found), by_character(found, some, rows))
        for part in [part for parts in every for part in parts.values()]:
            low, high = part.interval
            assert math.isnan(low) == math.isnan(high)
            assert math.isnan(low) or 0 <= low <= part.nll <= high < math.inf
            assert part.tokens >= 5 or math.isnan(low)
