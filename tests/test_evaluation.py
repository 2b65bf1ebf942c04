"""Exact losses against a slow loop over lines and characters."""

import math

import numpy as np
import pytest
import torch

from makemore.corpus import Corpus, read
from makemore.evaluation import Loss, batch_tokens, evaluate, score
from makemore.models import build, configure

LINES = ["ab", "c", "abcabc", "ba", "ba", "ccab" * 5, "b", "acb"]


@pytest.fixture(scope="module")
def corpus():
    return Corpus.from_lines(LINES)


@pytest.fixture(params=["ngram", "gru", "transformer"])
def model(request, corpus):
    torch.manual_seed(1)
    model = build(request.param, len(corpus.vocab), configure(request.param, corpus.longest))
    if hasattr(model, "fit"):
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
