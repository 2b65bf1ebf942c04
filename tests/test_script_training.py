"""A script trains as makemore does: its loop, optimisers and rates are written again, and give the same weights."""

from __future__ import annotations

import inspect
import runpy
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import makemore as library
from makemore.models import MODELS, build, configure, knobs, model_class
from makemore.runs.settings import recipe
from makemore.training.optimizer import Muon, optimizers, schedule
from makemore.training.step import batch_of, update
from makemore.training.teacher import Teacher, fit_teacher

CPU = torch.device("cpu")

STEPS = 12

SMALL = {"n_layer": 1, "n_embd": 8, "n_embd2": 8, "n_head": 2, "dropout": 0.0}
"""Knobs that make models small and deterministic, for those types that have them."""

QUICK = ("bigram_nn", "mlp", "bow", "gru")
"""Types without and with a teacher, without and with Muon: all four."""

LEARNED = [name for name in MODELS if not model_class(name).counting and name != "mixture"]
"""The types whose models are those of makemore, and trained by gradient descent."""


class Given(nn.Module):
    """The teacher of a script, as a model that takes ids and returns log-probabilities."""

    def __init__(self, loss: Any, characters: str) -> None:
        super().__init__()
        self.p, self.characters = inspect.getclosurevars(loss).nonlocals["p"], characters

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[()]]:
        lines = ["".join(self.characters[id] for id in row) for row in inputs.tolist()]
        rows = [[self.p(line[max(0, t - 4) : t + 1]) for t in range(len(line))] for line in lines]
        return torch.stack([torch.stack(row) for row in rows]).log(), ()


@pytest.fixture(scope="module")
def corpus(small: Path) -> library.Corpus:
    return library.read(small)


def script_of(type: str, there: Path) -> dict[str, Any]:
    """Return the names of a type's script."""
    (there / "mine.py").write_text(library.eject(type), "utf-8")
    return runpy.run_path(str(there / "mine.py"))["main"].__globals__


def characters_of(corpus: library.Corpus) -> str:
    return "\n" + "".join(corpus.vocab.names[1:])


def starts_of(type: str, script: dict[str, Any], corpus: library.Corpus) -> tuple[Any, Any]:
    """Return a model of the library and one of the script, with the same weights, twice those of a new one."""
    torch.manual_seed(1)
    config = configure(
        type, corpus.longest, **{k.name: SMALL[k.name] for k in knobs(type) if k.name in SMALL}
    )
    model, V = build(type, len(corpus.vocab), config), len(corpus.vocab)
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(2.0)
    own = script["MODEL"].config_class(**{knob.name: getattr(config, knob.name) for knob in knobs(type)})
    theirs = script["MODEL"](V, own)
    theirs.load_state_dict(model.state_dict())
    return model, theirs


@pytest.mark.parametrize(
    "type", [pytest.param(type, marks=() if type in QUICK else pytest.mark.slow) for type in LEARNED]
)
def test_steps_of_a_script_give_the_weights_that_those_of_the_library_give(
    type: str, corpus: library.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same weights, batches and teacher; Muon is the library's, which other tests hold equal to torch's."""
    monkeypatch.setattr(
        torch.optim,
        "Muon",
        lambda matrices, *, weight_decay, adjust_lr_fn: Muon(matrices, 1.0, weight_decay),
    )
    script, how = script_of(type, tmp_path), recipe(type)
    model, own = starts_of(type, script, corpus)
    rows = [corpus.rows("train")[4 * i :][:4] for i in range(STEPS)]
    lines = {name: corpus.lines(corpus.rows(name)) for name in ("train", "validation", "test")}
    ids = {character: id for id, character in enumerate(characters_of(corpus))}

    # the script: each step seems better than the last, so each yields the weights
    monkeypatch.setitem(script, "batches", lambda *_: map(corpus.lines, rows))
    falling = iter(range(STEPS, 0, -1))
    monkeypatch.setitem(script, "evaluate", lambda *_: next(falling))
    default = script["TRAINING"]["learning_rate"][0]
    found = [*script["train"](own, lines, ids, Namespace(max_steps=STEPS, learning_rate=default))]

    # the library
    teacher = None
    if how.teacher:
        taught = Given(script["objective"](own, lines["train"], ids), characters_of(corpus))
        teacher = Teacher(lambda: taught, how.teacher, CPU)
    each = optimizers(model, how.learning_rate, how.weight_decay, how.muon)
    assert len(found) == STEPS
    norms = []
    for step, weights in enumerate(found):
        rate = how.learning_rate * schedule((step + 0.5) / STEPS)
        update(model.train(), each, rate, batch_of(corpus, rows[step]), teacher)
        norms.append(float(torch.cat([w.grad.flatten() for w in model.parameters()]).norm()))
        for name, expected in model.state_dict().items():
            assert torch.allclose(weights[name], expected, rtol=0, atol=1e-5), (step, name)
    if type == "bow":  # so another clip would be noticed
        assert min(norms) < 0.9 < 0.999 < max(norms)


def test_the_teacher_of_a_script_is_a_6_gram_with_kneser_ney_counts(tmp_path: Path) -> None:
    """As its formula has it, computed here by looking through all lines for each character."""
    lines = ["banana", "bananas", "an", "anna", "nab", "bandana", "banana"]
    ids = {character: id for id, character in enumerate("\nabdns")}
    p = inspect.getclosurevars(script_of("mlp", tmp_path)["objective"](None, lines, ids)).nonlocals["p"]

    def count(string: str) -> int:
        texts = [f"\n{line}\n" for line in lines]
        found = [(text, i) for text in texts for i in range(len(text)) if text[i:].startswith(string)]
        if len(string) == 6 or (len(string) > 1 and string[0] == "\n"):
            return len(found)
        return len({text[i - 1] for text, i in found if i > 0})

    def expected(context: str) -> Tensor:
        shorter = expected(context[1:]) if context else torch.full((len(ids),), 1 / len(ids))
        counts = torch.tensor([count(context + character) for character in ids])
        if counts.sum() == 0:
            return shorter
        taken = torch.tensor([0.0, 0.7, 1.1, 1.4])[counts.clamp(max=3)]
        return (counts - taken + taken.sum() * shorter) / counts.sum()

    for context in ("", "n", "an", "ana", "nana", "anana", "\n", "\nban", "\nbana", "sd", "dan"):
        assert torch.allclose(p(context), expected(context), atol=1e-6), context


def test_the_teacher_of_a_script_is_nearly_as_good_as_that_of_the_library(
    corpus: library.Corpus, tmp_path: Path
) -> None:
    ids = {character: id for id, character in enumerate(characters_of(corpus))}
    loss = script_of("mlp", tmp_path)["objective"](None, corpus.lines(corpus.rows("train")), ids)
    given = Teacher(lambda: Given(loss, characters_of(corpus)), 0.4, CPU)
    library_s, batch = fit_teacher(corpus, 0.4, CPU), batch_of(corpus, corpus.rows("validation"))
    assert library_s is not None
    worse, better = (
        -each.expected(batch.inputs)[batch.targets >= 0]
        .gather(-1, batch.targets[batch.targets >= 0][:, None])
        .log()
        .mean()
        for each in (given, library_s)
    )
    assert worse < better + 0.06
