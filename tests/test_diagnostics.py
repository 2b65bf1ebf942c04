"""What is recorded inside a model while it trains, and that recording changes nothing.

The limits of `layers.warnings` come from 200 and more steps of every type on the bundled names with
its defaults, none of which may warn. There an `mlp` has up to 63 % of its tanh saturated, all others up to
5 %; the first gradient is at least 0.03 of the last; a norm at most 5 times the usual.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch

import makemore
from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.errors import MakemoreError
from makemore.metrics import layers
from makemore.models import MODELS
from makemore.models.base import Model, ModelConfig
from makemore.runs.directory import RunDirectory
from makemore.runs.recognition import FILES
from makemore.runs.run import Run
from makemore.training import watch as watching
from makemore.training.events import Diagnosed, Step

TRAINED = [type for type in MODELS if not MODELS[type].counting]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def few(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first forty names of `small`."""
    path = tmp_path_factory.mktemp("few") / "few.txt"
    path.write_text("".join(small.read_text("utf-8").splitlines(keepends=True)[:40]), "utf-8")
    return path


def watched(source: Any, directory: Path, **options: Any) -> tuple[list[layers.Row], set[str]]:
    """The rows that training recorded, and the codes of its warnings."""
    found: list[Any] = []
    makemore.train(source, work_dir=directory, diagnostics=True, on_event=found.append, **options)
    (event,) = [event for event in found if isinstance(event, Diagnosed)]
    return layers.read(directory), {warned.code for warned in event.warned}


@pytest.mark.parametrize(
    ("type", "precision"),
    [("mlp_bn", "float32"), ("lstm", "bfloat16"), ("transformer", "float32"), ("mixture", "float32")],
)
def test_watching_changes_no_bit(type: str, precision: str, few: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"type": type, "max_steps": 4, "batch_size": 20, "precision": precision}
    makemore.train(few, work_dir=tmp_path / "plain", **options)
    rows, _ = watched(few, tmp_path / "watched", **options)
    best = "best.safetensors"
    assert (tmp_path / "plain" / best).read_bytes() == (tmp_path / "watched" / best).read_bytes()
    a, b = (Run.load(tmp_path / name).disk.load_checkpoint() for name in ("plain", "watched"))
    assert a is not None
    assert b is not None
    assert all(torch.equal(a[0][name], b[0][name]) for name in a[0] | b[0])
    assert [row.step for row in rows] == [1, 2, 3, 4]
    for row in rows:
        assert row.activations
        assert all(math.isfinite(number["std"]) for number in row.activations.values())
        learned = [n for n, p in Run.load(tmp_path / "plain").model.named_parameters() if p.requires_grad]
        assert list(row.parameters) == learned
    assert not (tmp_path / "plain" / layers.FILE).exists()
    assert (tmp_path / "watched" / layers.PICTURE).stat().st_size > 10_000


@pytest.mark.slow
def test_a_stopped_training_goes_on_to_the_same_rows(small: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"type": "mlp", "max_steps": 12, "batch_size": 20}
    rows, _ = watched(small, tmp_path / "whole", **options)
    parts, count = tmp_path / "parts", itertools.count()
    makemore.train(small, work_dir=parts, diagnostics=True, stop=lambda: next(count) >= 5, **options)
    stopped = layers.read(parts)
    with open(parts / layers.FILE, "a") as file:  # as a crash leaves it: later rows, the last cut off
        file.write('{"step": 9, "parameters": {}}\n{"step": 10, "par')
    makemore.train(work_dir=parts, resume=True, diagnostics=True)
    assert stopped == rows[:5]
    assert layers.read(parts) == rows
    makemore.train(work_dir=parts, resume=True, max_steps=14)  # unwatched: the picture would not be of all
    assert not (parts / layers.PICTURE).exists()
    assert layers.read(parts) == rows
    makemore.train(small, work_dir=parts, overwrite=True, **options)
    assert not (parts / layers.FILE).exists()
    assert {layers.FILE, layers.PICTURE} <= set(FILES)


@pytest.mark.parametrize("steps", [5, 100, 3000, -1])
def test_about_a_hundred_steps_are_watched(steps: int) -> None:
    chosen = [step for step in range(1, (steps if steps > 0 else 3000) + 1) if watching.due(step, steps)]
    assert chosen[:5] == [1, 2, 3, 4, 5]
    assert len(chosen) == min(steps, len(chosen)) if 0 < steps <= 100 else 100 <= len(chosen) <= 150
    assert sum(watching.due(step, -1) for step in range(1, 100_000)) < 250


def test_time_ends_a_watched_training(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on by 3 ms whenever it is read."""
    reads = itertools.count()
    monkeypatch.setattr("makemore.training.engine.time", Mock(monotonic=lambda: next(reads) * 0.003))
    rows, _ = watched(small, tmp_path / "run", type="mlp", time=1.0, patience=0)
    seen = [row.step for row in rows]
    assert len(seen) > 5
    assert seen == [step for step in range(1, seen[-1] + 1) if watching.due(step, -1)]


class Layers(torch.nn.Module):
    """Functions of every kind, the first of two tanh nearly flat and the last unit of relu dead."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(5, 4)
        self.act = torch.nn.ReLU()
        self.head = torch.nn.Linear(4, 5)

    def forward(self, idx: torch.Tensor) -> Any:
        e = self.embedding(idx)
        x = torch.tanh(100 * e) + e.tanh()
        x = self.act(x - torch.tensor([0.0, 0.0, 0.0, 9.0])) + torch.nn.functional.gelu(x)
        return self.head(torch.sigmoid(x)), ()


def test_numbers_are_those_of_the_layers_without_padding(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Layers()
    idx = torch.randint(5, (3, 6))
    targets = torch.where(torch.arange(6) < torch.tensor([[6], [2], [4]]), 1, -1)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    watch = watching.Watch(RunDirectory(tmp_path), 10)
    with watch.step(1, model, model, targets) as call:
        logits, _ = call(idx)
        logits.sum().backward()
        gradient = model.head.weight.grad
        assert gradient is not None
        wanted = float(gradient.std(correction=0))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        with torch.no_grad():
            model.head.weight += 0.1
            model.head.weight[0] += 0.2
    watch(Step(1, 1.5, 0.1, 12, None))
    (row,) = layers.read(tmp_path)
    seen = row.activations
    assert list(seen) == ["embedding", "tanh.0", "tanh.1", "act.relu", "gelu", "sigmoid", "head"]
    e = before["embedding.weight"][idx][targets >= 0]
    assert seen["embedding"]["std"] == pytest.approx(float(e.std(correction=0)), rel=1e-5)
    assert seen["tanh.0"]["saturated"] == pytest.approx(float(((100 * e).tanh().abs() > 0.97).float().mean()))
    assert seen["tanh.1"]["saturated"] < 0.5
    assert seen["act.relu"]["dead"] >= 0.25
    assert "dead" not in seen["head"]
    numbers = row.parameters["head.weight"]
    assert numbers["gradient_std"] == pytest.approx(wanted, rel=1e-5)  # before it was clipped
    change = torch.full((5, 4), 0.1)
    change[0] += 0.2
    ratio = float(change.std(correction=0) / before["head.weight"].std(correction=0))
    assert numbers["update_ratio"] == pytest.approx(ratio, rel=1e-4)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert not any(p._post_accumulate_grad_hooks for p in model.parameters())


def test_a_fault_inside_a_watched_step_leaves_no_hook(tmp_path: Path) -> None:
    model = Layers()
    watch = watching.Watch(RunDirectory(tmp_path), 10)
    with pytest.raises(IndexError), watch.step(1, model, model, torch.zeros(1, 1)) as call:
        call(torch.tensor([[7]]))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert not any(p._post_accumulate_grad_hooks for p in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(
    "type",
    [
        type if type in ("mlp", "gru", "mixture") else pytest.param(type, marks=pytest.mark.release)
        for type in TRAINED
    ],
)
def test_the_defaults_are_sound(type: str, tmp_path: Path) -> None:
    names = Corpus.from_lines(read("names").lines(range(3000)))
    rows, codes = watched(names, tmp_path / "run", type=type, max_steps=25, patience=0)
    assert codes == set()
    assert len(rows) == 25


@pytest.mark.slow
@pytest.mark.release
def test_a_learning_rate_of_one_is_called_too_large(tmp_path: Path) -> None:
    _, codes = watched("names", tmp_path / "run", type="mlp", max_steps=100, learning_rate=1.0)
    assert {"step_too_large", "saturated", "dead_units"} <= codes


def test_a_tiny_learning_rate_is_called_too_small(small: Path, tmp_path: Path) -> None:
    _, codes = watched(small, tmp_path / "run", type="mlp", max_steps=30, learning_rate=1e-7)
    assert codes == {"step_too_small"}


class Saturated(MODELS["mlp"]):  # type: ignore[misc]
    """An mlp whose weights are twenty times too large."""

    def __init__(self, vocab_size: int, config: Any) -> None:
        super().__init__(vocab_size, config)
        with torch.no_grad():
            self.fc.weight *= 20


class Deep(Model):
    """Twelve tanh layers whose weights are too small."""

    @dataclasses.dataclass(frozen=True)
    class config_class(ModelConfig):  # noqa: N801
        """No knobs."""

    def __init__(self, vocab_size: int, config: Any) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(vocab_size, 16)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(16, 16) for _ in range(12))
        self.head = torch.nn.Linear(16, vocab_size)
        for layer in self.layers:
            torch.nn.init.normal_(layer.weight, std=0.02)

    def forward(self, idx: torch.Tensor, state: Any = None) -> Any:
        x = self.embedding(idx)
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.head(x), ()


class Dead(Deep):
    """One layer in which most units are always 0."""

    def forward(self, idx: torch.Tensor, state: Any = None) -> Any:
        x = self.layers[0](self.embedding(idx))
        return self.head(torch.relu(x - 5 * (torch.arange(16) > 4))) + 0 * x.sum() + self._rest(), ()

    def _rest(self) -> Any:
        return sum(0 * layer.weight.sum() for layer in self.layers)


@pytest.mark.parametrize(
    ("model", "code"), [(Saturated, "saturated"), (Deep, "vanishing"), (Dead, "dead_units")]
)
def test_what_is_wrong_with_a_model_is_called(
    model: Any, code: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "faulty", model)
    _, codes = watched(small, tmp_path / "run", type="faulty", max_steps=30, learning_rate=1e-3)
    assert code in codes


@pytest.mark.slow
@pytest.mark.release
def test_exploding_gradients_and_lost_losses_are_called(small: Path, tmp_path: Path) -> None:
    _, codes = watched("names", tmp_path / "rnn", type="rnn", max_steps=200, learning_rate=1.0)
    assert "exploding" in codes
    with pytest.raises(MakemoreError, match="learning_rate"):
        watched(small, tmp_path / "lost", type="rnn", max_steps=2000, learning_rate=1000.0)
    assert "exploding" in {w.code for w in layers.warnings(layers.read(tmp_path / "lost"))}
