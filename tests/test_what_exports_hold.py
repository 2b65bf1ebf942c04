"""What an export gives away of the list: of a network nothing that can be read, of counts what the page says.

What a model has learned by heart is another question, which `makemore eval` answers.
"""

from __future__ import annotations

from pathlib import Path

import held
import numpy as np
import pytest
import torch

import makemore as library
from makemore.exports import onnx
from makemore.exports.export import FORMATS
from makemore.models import MODELS

ENDS = {"page": ".html", "script": ".py", "onnx": ".onnx"}

COUNTING = {"bigram": 2, "ngram": 6, "ctw": 6, "mixture": 6}
"""Types that count, and the longest strings that they count here."""

KNOBS = {"n_layer": 1, "n_embd": 8, "n_embd2": 8, "n_head": 2, "order": 6, "depth": 5}


def made_up(n: int = 90) -> list[str]:
    """Lines of 1 to 12 letters that are no words, so that nothing has them by chance."""
    random = np.random.default_rng(1)
    return ["".join(random.choice(list("bdfgjkqvwxz"), 1 + i % 12)) for i in range(n)]


def trained(type: str, directory: Path, labelled: bool = False) -> library.Run:
    knobs = {knob.name: KNOBS[knob.name] for knob in library.models.knobs(type) if knob.name in KNOBS}
    knobs |= {} if MODELS[type].counting else {"max_steps": 1}
    lines = made_up()
    labels = {"labels": [["x", "y", ""][i % 3] for i in range(len(lines))]} if labelled else {}
    return library.train(lines=lines, type=type, work_dir=directory, progress=False, **knobs, **labels)


def exported(run: library.Run, directory: Path, *forms: str) -> dict[str, Path]:
    """Write a run in every form, but for ONNX, which takes seconds and packages that not everybody has."""
    fitting = forms or [each for each in FORMATS if each != "onnx" and not FORMATS[each].refusal(run)]
    return {form: library.export(run, form, directory / f"{form}{ENDS.get(form, '')}") for form in fitting}


def train_lines(run: library.Run) -> list[str]:
    return run.corpus.lines(run.corpus.rows("train"))


def graph(run: library.Run) -> dict[str, np.ndarray]:
    """The tensors that the graph of a run is made of; test_exports.py holds the graph itself against them."""
    return {name: value.numpy() for name, value in onnx._Step(run).state_dict().items()}


def numbers(run: library.Run) -> dict[str, int]:
    return {each: id for id, each in enumerate(run.vocab.names)}


def check_counts(run: library.Run, tensors: dict[str, np.ndarray], n: int) -> None:
    """Hold what counts of strings of up to n characters give away against what docs/exports.md says."""
    found = held.strings(tensors, len(run.vocab))
    lines = {tuple(run.vocab.encode(line).tolist()) for line in train_lines(run)}
    both_ends = [(0, *line, 0) for line in lines]
    wanted = {
        line[i : i + k] for line in both_ends for k in range(1, n + 1) for i in range(len(line) - k + 1)
    }
    # numbers, since on CI pytest compares what differs in full, and that takes minutes
    assert (len(wanted - found), len(found - wanted)) == (0, 0)
    assert held.whole(found) == {line for line in lines if len(line) <= n - 2}
    assert any(len(line) == n - 1 for line in lines)  # a string of one character more would be noticed
    together = held.put_together(found)
    assert together <= lines
    assert n == 2 or any(len(line) > n for line in together)


@pytest.mark.parametrize("type", COUNTING)
def test_counts_hold_short_lines_whole_and_longer_ones_in_pieces(type: str, tmp_path: Path) -> None:
    n, run = COUNTING[type], trained(type, tmp_path / "run")
    for form, path in exported(run, tmp_path).items():
        check_counts(run, held.tensors(path), n)
        assert held.pieces(train_lines(run), numbers(run), max(6, n + 1), held.content(path)) == set(), form
    check_counts(run, graph(run), n)


@pytest.mark.slow
def test_most_of_the_names_can_be_read_from_a_mixture() -> None:
    """As the page says. Its strings are those of the lines, as the test above shows."""
    corpus, n = library.read("names"), library.models.configure("mixture", 0).order
    lines = {(0, *corpus.vocab.encode(line).tolist(), 0) for line in corpus.lines(corpus.rows("train"))}
    longer = {line for line in lines if len(line) > n}
    assert 0.5 < 1 - len(longer) / len(lines) < 0.9
    longest = {line[i : i + n] for line in longer for i in range(len(line) - n + 1)}
    assert 0.5 < len(held.put_together(longest)) / len(longer) < 0.9


@pytest.mark.parametrize("type", ["ngram", "ctw"])
def test_counts_of_labels_hold_no_more(type: str, tmp_path: Path) -> None:
    run = trained(type, tmp_path / "run", labelled=True)
    for there in [*map(held.tensors, exported(run, tmp_path).values()), graph(run)]:
        check_counts(run, there, COUNTING[type])


@pytest.mark.parametrize(
    "type",
    [
        pytest.param(type, marks=() if type == "transformer" else [pytest.mark.slow, pytest.mark.release])
        for type in MODELS
        if type not in COUNTING
    ],
)
def test_networks_hold_nothing_that_can_be_read(type: str, tmp_path: Path) -> None:
    run = trained(type, tmp_path / "run")
    for form, path in exported(run, tmp_path).items():
        assert held.strings(held.tensors(path), len(run.vocab)) == set(), form
        assert held.pieces(train_lines(run), numbers(run), 6, held.content(path)) == set(), form


@pytest.mark.parametrize("form", ["weights", "script", "page"])
def test_lines_that_get_into_an_export_are_found(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As text, as ids in numbers of any type, or as counts of longer strings."""
    run = trained("bigram_nn", tmp_path / "run")
    line, ids = max(train_lines(run), key=len), numbers(run)

    def found(directory: Path) -> set[str]:
        return held.pieces([line], ids, 6, held.content(exported(run, directory, form)[form]))

    assert found(tmp_path) == set()
    state, weights = run.model.state_dict(), run.form.weights  # type: ignore[union-attr]
    for kind in held.FORMS:
        there = np.array([ids[each] for each in line]).astype(kind)
        monkeypatch.setattr(
            run.model, "state_dict", lambda there=there: state | {"lines": torch.tensor(there)}
        )
        monkeypatch.setattr(run.form, "weights", weights | {"lines": there})
        assert len(found(tmp_path / kind[-2:])) == len(line) - 5, kind
    monkeypatch.undo()
    run.vocab.names[1] += line
    assert len(found(tmp_path / "text")) == len(line) - 5
    longer = trained("ngram", tmp_path / "longer")
    there = held.tensors(exported(longer, tmp_path / "longer", form)[form])
    with pytest.raises(AssertionError):
        check_counts(longer, there, COUNTING["ngram"] - 1)
