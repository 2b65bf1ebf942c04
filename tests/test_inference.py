"""The NumPy form of every model gives what its torch form gives."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.inference import FORMS
from makemore.inference.base import Inference, gelu, sigmoid
from makemore.models import MODELS, build, configure

LINES = ["emma", "ava", "mia", "isabella", "noa", "bob", "zoe", "al", "emmanuel", "", "anna-maria"]


KINDS = ["girl", "boy", "girl", "girl", "boy", "boy", None, "boy", "boy", "girl"]


def both(type: str, labels: bool = False, **given: Any) -> tuple[torch.nn.Module, Inference, Corpus]:
    """A model with weights that are not symmetric, or fitted, in both forms."""
    torch.manual_seed(3)
    corpus = Corpus.from_lines([line for line in LINES if line], labels=KINDS if labels else None)
    config = configure(type, corpus.longest, labels=len(corpus.vocab.labels), **given)
    model = build(type, len(corpus.vocab), config)
    if model.counting or model.counts_first:
        model.fit(
            torch.from_numpy(corpus.inputs(np.arange(len(corpus)))), torch.from_numpy(kinds_of(corpus.vocab))
        )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
        for name, buffer in model.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(0.3 * torch.rand_like(buffer))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return model.eval(), FORMS[type](len(corpus.vocab), dataclasses.asdict(config), weights), corpus


def log_softmax(logits: Any) -> Any:
    return torch.as_tensor(logits).double().log_softmax(-1).numpy()


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("type", list(MODELS))
@torch.no_grad()
def test_both_forms_give_the_same_probabilities(type: str, labels: bool) -> None:
    model, form, corpus = both(type, labels)
    generator = np.random.default_rng(1)
    known, _ = corpus.batch(np.arange(len(corpus)))
    odd = generator.integers(1, len(corpus.vocab), (5, known.shape[1] + 3))  # longer, and never seen
    odd[:, 0] = 0
    odd += len(corpus.vocab) * labels  # of label 1, and the known ones of all
    assert form.fits()
    for idx in (known, odd):
        expected, _ = model(torch.from_numpy(idx.astype("int64")))
        state = None
        for t in range(idx.shape[1]):
            logits, state = form.step(idx[:, t], state)
            assert logits.shape == (len(idx), len(corpus.vocab))
            assert all(len(s) == len(idx) for s in state)
            np.testing.assert_allclose(log_softmax(logits), log_softmax(expected[:, t]), atol=1e-5)


@pytest.mark.parametrize("type", list(MODELS))
def test_what_does_not_fit_is_noticed(type: str) -> None:
    _, form, _ = both(type)
    assert form.fits()
    fields = {field.name for field in dataclasses.fields(MODELS[type].config_class)}
    assert {*form.knobs, "labels"} == fields
    make, V, config, weights = FORMS[type], form.V, form.config, dict(form.weights)
    wrong = [(V, {**config, "more": 1}, weights), (V, config, weights | {"more": np.zeros(1)})]
    wrong += [(V, config, {k: v for k, v in weights.items() if k != name}) for name in weights]
    wrong += [
        (V, {**config, name: 77}, weights) for name in ("n_embd", "n_embd2", "context") if name in config
    ]
    wrong += [
        (V, {**config, "n_layer": config["n_layer"] + by}, weights) for by in (-1, 1) if "n_layer" in config
    ]
    wrong += [(V + 1, config, weights)] * (type != "ngram")  # whose alphabet is the vocabulary's
    for case in wrong:
        with contextlib.suppress(LookupError, ValueError):
            assert not make(*case).fits()


@pytest.mark.parametrize("type", list(MODELS))
def test_rows_of_a_state_can_be_chosen(type: str) -> None:
    _, form, corpus = both(type)
    ids = corpus.vocab.encode("abe")
    _, state = form.step(np.zeros(3, dtype=ids.dtype))
    logits, _ = form.step(ids, state)
    rows = np.array([2, 2, 0])
    chosen, _ = form.step(ids[rows], tuple(s[rows] for s in state))
    np.testing.assert_allclose(chosen, logits[rows], atol=1e-5)


@pytest.mark.parametrize("order", [1, 2, 8])
def test_ngrams_of_every_order(order: int) -> None:
    model, form, corpus = both("ngram", order=order)
    idx, _ = corpus.batch(np.arange(len(corpus)))
    expected, _ = model(torch.from_numpy(idx.astype("int64")))
    state = None
    for t in range(idx.shape[1]):
        logits, state = form.step(idx[:, t], state)
        np.testing.assert_allclose(logits, expected[:, t].numpy(), atol=1e-6)


def test_the_functions_that_numpy_lacks() -> None:
    x = np.linspace(-30, 30, 10_001, dtype=np.float32)
    np.testing.assert_allclose(gelu(x), torch.nn.functional.gelu(torch.from_numpy(x)), atol=2e-6)
    np.testing.assert_allclose(sigmoid(x), torch.from_numpy(x).sigmoid(), atol=1e-6)
