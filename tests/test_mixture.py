"""The mixture of an LSTM and an n-gram: what its parts know of a line in training, and what it learns."""

import numpy as np
import pytest
import torch

import makemore
from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.models import build, configure
from makemore.runs.run import load

LINES = ["anna", "hannah", "anna", "bab", "cab", "nan", "ann"]


def counted(lines=LINES, seed=1):
    torch.manual_seed(seed)
    corpus = Corpus.from_lines(lines)
    model = build("mixture", len(corpus.vocab), configure("mixture", corpus.longest, dropout=0.0))
    model.fit(torch.from_numpy(corpus.tokens.astype(np.int64)), torch.from_numpy(kinds_of(corpus.vocab)))
    return model, corpus


def test_in_training_the_counts_do_not_know_the_line():
    model, corpus = counted()
    inputs, _ = (torch.from_numpy(array) for array in corpus.batch(np.arange(len(LINES))))
    copies = torch.tensor([LINES.count(line) for line in LINES])
    with torch.no_grad():
        both, network = model.train()(inputs)[0]
        model.trust.bias[:] = torch.tensor([-100.0, np.log(np.e - 1)])  # only the n-gram, unchanged
        unseen, _ = model(inputs)[0]
        known = model.eval()(inputs)[0]
    torch.testing.assert_close(unseen, model.ngram.unseen(inputs, copies))
    torch.testing.assert_close(known, model.ngram(inputs)[0])
    assert both.shape == network.shape == known.shape
    at = torch.arange(4)
    anna = inputs[0, 1:5]  # likelier when counted
    assert (known[0, at, anna] > unseen[0, at, anna]).all()


def test_a_line_that_was_not_counted_is_predicted_as_in_use():
    model, corpus = counted()
    idx = torch.from_numpy(corpus.vocab.encode("\nbanb").astype(np.int64))[None]
    with torch.no_grad():
        together, _ = model.train()(idx)[0]
        torch.testing.assert_close(together, model.eval()(idx)[0])


def test_the_network_is_trained_and_the_counts_are_not():
    model, corpus = counted()
    before = {name: value.clone() for name, value in model.ngram.state_dict().items()}
    inputs, _ = (torch.from_numpy(array) for array in corpus.batch(np.arange(len(LINES))))
    both, network = model.train()(inputs)[0]
    (both.logsumexp(-1).sum() + network.sum()).backward()
    assert model.trust.weight.grad is not None
    assert model.cell.weight_hh_l0.grad is not None
    assert model.ngram.counts.grad is None
    assert all(torch.equal(value, before[name]) for name, value in model.ngram.state_dict().items())


@pytest.mark.slow
@pytest.mark.release
def test_it_is_better_than_its_parts(tmp_path):
    """On lines that are partly rules, partly rare strings: names, trained for a moment."""
    losses = {}
    for type in ("ngram", "lstm", "mixture"):
        more = {} if type == "ngram" else {"max_steps": 150, "n_embd2": 64}
        losses[type] = makemore.train("names", type=type, work_dir=tmp_path / type, progress=False, **more)
    test = {type: run.summary().nll["test"] for type, run in losses.items()}
    assert test["mixture"] < min(test["ngram"], test["lstm"])
    run = load(tmp_path / "mixture")
    assert run.sample(5, seed=1) == load(tmp_path / "mixture").sample(5, seed=1)
    assert run.model.ngram.sizes.sum() > 100_000
