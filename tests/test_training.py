"""The loop, the run directory, and resuming exactly."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import safetensors
import torch

import makemore
from makemore.errors import MakemoreError
from makemore.files.locks import held
from makemore.metrics.advice import of_overfitting
from makemore.metrics.baselines import fitted
from makemore.models import MODELS
from makemore.models.base import Model, ModelConfig
from makemore.models.loss import nll, taught
from makemore.runs.run import Run
from makemore.runs.settings import Given
from makemore.training.engine import Engine
from makemore.training.events import (
    Checkpoint,
    Done,
    Ended,
    Evaluation,
    Event,
    Overfitting,
    Samples,
    Started,
    Step,
)
from makemore.training.learner import Learner
from makemore.training.optimizer import optimizers
from makemore.training.plan import settings_for
from makemore.training.teacher import fit_teacher

# dropout, two optimisers, evaluations, samples and several epochs, in a second or two
SMALL: dict[str, Any] = {
    "type": "mlp",
    "n_embd2": 16,
    "n_embd": 4,
    "context": 3,
    "dropout": 0.2,
    "max_steps": 16,
    "batch_size": 20,
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small models train faster this way, and other processes do not slow them down."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred names, so that an epoch is a few steps."""
    path = tmp_path_factory.mktemp("names") / "some.txt"
    path.write_text("\n".join(makemore.read("names").lines(range(0, 32000, 160))), "utf-8")
    return path


def tensors(path: Path) -> dict[str, bytes]:
    with safetensors.safe_open(path, "np") as file:
        return {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


def ends_equal(a: Path, b: Path) -> bool:
    """Whether two runs ended in the same weights, metrics and losses."""

    def end(path: Path) -> Any:
        metrics = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
        summary = json.loads((path / "summary.json").read_text())
        for line in (*metrics, summary):
            line.pop("seconds")
        return tensors(path / "last.safetensors"), tensors(path / "best.safetensors"), metrics, summary

    return bool(end(a) == end(b))


@pytest.fixture(scope="module")
def undisturbed(names: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    directory = tmp_path_factory.mktemp("runs") / "undisturbed"
    makemore.train(names, work_dir=directory, **SMALL)
    torch.set_num_threads(threads)
    return directory


def test_events_come_in_order(names: Path, tmp_path: Path) -> None:
    events: list[Any] = []
    makemore.train(names, work_dir=tmp_path / "run", on_event=events.append, **SMALL)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Done)
    assert [e.step for e in events if isinstance(e, Step)] == list(range(1, 17))
    evaluated = [e.step for e in events if isinstance(e, Evaluation)]
    assert evaluated == list(range(17))
    assert {type(e) for e in events} == {Started, Step, Evaluation, Samples, Checkpoint, Ended, Done}
    best = [e.step for e in events if isinstance(e, Evaluation) and e.best]
    assert events[-1].summary.best_step == best[-1]


def test_training_learns(names: Path, undisturbed: Path) -> None:
    metrics = Run.load(undisturbed).metrics()
    assert metrics[-1].validation < metrics[0].validation - 0.1


def test_same_seed_same_bits_other_seed_other_bits(names: Path, undisturbed: Path, tmp_path: Path) -> None:
    makemore.train(names, work_dir=tmp_path / "again", **SMALL)
    assert ends_equal(undisturbed, tmp_path / "again")
    makemore.train(names, work_dir=tmp_path / "other", seed=8, **SMALL)
    assert not ends_equal(undisturbed, tmp_path / "other")


def test_training_leaves_the_callers_random_state_alone(names: Path, tmp_path: Path) -> None:
    before = torch.get_rng_state()
    makemore.train(names, work_dir=tmp_path / "run", **SMALL)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("type", ["mlp_bn", "lstm", "transformer", "mixture"])
def test_stopped_and_resumed_equals_undisturbed(type: str, names: Path, tmp_path: Path) -> None:
    small: dict[str, Any] = {"type": type, "max_steps": 6, "batch_size": 20}
    makemore.train(names, work_dir=tmp_path / "whole", **small)
    countdown = itertools.count()
    makemore.train(names, work_dir=tmp_path / "parts", stop=lambda: next(countdown) >= 3, **small)
    assert not (tmp_path / "parts" / "summary.json").exists()
    makemore.train(work_dir=tmp_path / "parts", resume=True)
    assert ends_equal(tmp_path / "whole", tmp_path / "parts")


def test_another_number_of_threads_is_told(undisturbed: Path, tmp_path: Path) -> None:
    started: list[str] = []

    def on_event(event: Any) -> None:
        if isinstance(event, Started):
            started.append(event.warning)

    copy = shutil.copytree(undisturbed, tmp_path / "copy")
    makemore.train(work_dir=copy, resume=True, on_event=on_event)
    makemore.train(work_dir=copy, resume=True, max_steps=17, on_event=on_event)
    torch.set_num_threads(2)
    makemore.train(work_dir=copy, resume=True, max_steps=18, on_event=on_event)
    assert "already trained for all 16 steps" in started[0]
    assert started[1] == ""
    assert "OMP_NUM_THREADS=1" in started[2]


class Killed(BaseException):
    """As sudden as possible within one process."""


def test_killed_at_every_moment_of_writing_and_resumed(
    names: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies before and after each rename, and with a file half written, again and again."""
    directory = tmp_path / "killed"
    replace = os.replace
    fuse = random.Random(1)
    left = 0
    before = False

    def dying_replace(source: Any, target: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0 and before:
            if fuse.random() < 0.5:  # what was written beside is cut off
                os.truncate(source, os.path.getsize(source) // 2)
            raise Killed
        replace(source, target)
        if left == 0:
            raise Killed

    monkeypatch.setattr(os, "replace", dying_replace)
    for kill in range(40):
        left, before = fuse.randint(1, 6), kill % 2 == 0
        try:
            if (directory / "config.json").exists():
                makemore.train(work_dir=directory, resume=True)
            else:
                makemore.train(names, work_dir=directory, **SMALL)
        except Killed:
            continue
        break
    left = -1
    makemore.train(work_dir=directory, resume=True)
    assert kill > 4
    assert ends_equal(undisturbed, directory)


@pytest.mark.slow
def test_sigkill_and_resume(names: Path, undisturbed: Path, tmp_path: Path) -> None:
    """The real thing, a few times; scripts/kill_and_resume.py does it twenty times."""
    directory = tmp_path / "killed"
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in SMALL.items()]
    slow = (  # a step takes long enough to be hit
        "import time, torch; from makemore.cli.main import main; torch.set_num_threads(1)\n"
        "from makemore.training import step; old = step.nll\n"
        "def nll(*a): time.sleep(0.02); return old(*a)\n"
        "step.nll = nll; main()"
    )
    for kill in range(3):
        more = ["--resume"] if (directory / "config.json").exists() else ["-i", str(names), *flags]
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", slow, *more, "-o", str(directory)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:  # let it come as far as some evaluations, then a little further
            if line.startswith("step") and int(line.split()[1].split("/")[0]) >= 4 * (kill + 1):
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
    makemore.train(work_dir=directory, resume=True)
    assert ends_equal(undisturbed, directory)


@pytest.mark.slow
def test_checkpoint_files_are_whole_at_every_event(names: Path, undisturbed: Path, tmp_path: Path) -> None:
    """A copy of the directory taken at any event can be resumed, to the same end."""
    for moment in (0, 1, 5, 22, 45):
        directory, copy = tmp_path / f"run{moment}", tmp_path / f"copy{moment}"
        seen = itertools.count()

        def on_event(
            event: Any, seen: Any = seen, moment: int = moment, a: Path = directory, b: Path = copy
        ) -> None:
            if next(seen) == moment:
                shutil.copytree(a, b)

        makemore.train(names, work_dir=directory, on_event=on_event, **SMALL)
        makemore.train(work_dir=copy, resume=True)
        assert ends_equal(undisturbed, copy)


def test_a_learner_by_itself_takes_the_steps_of_training(names: Path, tmp_path: Path) -> None:
    """What is timed, by `pace_of` and the benchmarks, is what trains."""
    trained: list[Event] = []
    run = makemore.train(names, work_dir=tmp_path, on_event=trained.append, **SMALL)
    torch.manual_seed(run.settings.seed)
    engine = Engine(torch.device("cpu"))
    teacher = fit_teacher(run.corpus, run.settings.teacher, engine.device)
    learner = Learner(run.new_model(), run.corpus, run.settings, engine, teacher)
    steps = [event for event in trained if isinstance(event, Step)]
    for i, event in enumerate(steps):
        found = learner.step((i + 0.5) / len(steps), i)
        assert found == (event.loss, event.learning_rate, event.tokens)


def test_the_teacher_is_fitted_at_the_first_step_and_not_without_steps(
    names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    def fit(*args: Any, **knobs: Any) -> Any:
        happened.append("fit")
        return fitted(*args, **knobs)

    monkeypatch.setattr("makemore.training.teacher.fitted", fit)
    training: dict[str, Any] = {"on_event": lambda event: happened.append(type(event).__name__)}
    makemore.train(names, work_dir=tmp_path, **SMALL | {"teacher": 0.4}, **training)
    assert happened.index("Started") < happened.index("fit") == happened.index("Step") - 1
    happened.clear()
    makemore.train(work_dir=tmp_path, resume=True, **training)
    assert "fit" not in happened


def test_resume_of_a_finished_run_changes_nothing(undisturbed: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(undisturbed, tmp_path / "copy")
    makemore.train(work_dir=copy, resume=True)
    assert ends_equal(undisturbed, copy)


def test_resume_can_train_longer(undisturbed: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(undisturbed, tmp_path / "copy")
    longer = makemore.train(work_dir=copy, resume=True, max_steps=20)
    assert longer.summary() is not None
    assert longer.summary().steps == 20
    assert Run.load(copy).settings.max_steps == 20


def test_going_on_forgets_what_was_said_at_the_end(undisturbed: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(undisturbed, tmp_path / "copy")
    countdown = itertools.count()
    half = makemore.train(work_dir=copy, resume=True, max_steps=30, stop=lambda: next(countdown) >= 5)
    assert half.summary() is None
    assert not (copy / "loss.png").exists()


def test_what_callers_do_with_events_does_not_change_the_weights(
    names: Path, undisturbed: Path, tmp_path: Path
) -> None:
    def on_event(event: Any) -> None:
        if isinstance(event, Checkpoint) and event.step > 2:
            assert len(makemore.load(tmp_path / "run").sample(3)) == 3

    makemore.train(names, work_dir=tmp_path / "run", on_event=on_event, **SMALL)
    assert ends_equal(undisturbed, tmp_path / "run")


class Convolution(Model):
    """A model that a newcomer might add: a convolution, a table under another name, no knobs."""

    @dataclasses.dataclass(frozen=True)
    class config_class(ModelConfig):  # noqa: N801
        """No knobs."""

    def __init__(self, vocab_size: int, config: Any) -> None:
        super().__init__()
        self.wte = torch.nn.Embedding(vocab_size, 8)
        self.conv = torch.nn.Conv1d(8, 8, 2)
        self.mix = torch.nn.Linear(8, 8)
        self.head = torch.nn.Linear(8, vocab_size)

    def forward(self, idx: torch.Tensor, state: Any = None) -> Any:
        past = idx.new_zeros(len(idx), 1) if state is None else state[0]
        idx = torch.cat([past, idx], 1)
        x = self.conv(self.wte(idx).transpose(1, 2)).transpose(1, 2)
        return self.head(self.mix(x).tanh()), (idx[:, -1:],)


def test_a_new_model_is_one_class_and_one_line(
    names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "convolution", Convolution)
    _, muon = optimizers(Convolution(27, None), 1e-3, 0.1, muon=True)
    assert [p.shape for g in muon.param_groups for p in g["params"]] == [(8, 8)]
    run = makemore.train(names, type="convolution", work_dir=tmp_path / "run", max_steps=30)
    assert run.summary().nll["test"] < 3.4
    assert len(makemore.load(tmp_path / "run").sample(5)) == 5


def test_patience_stops_early_and_keeps_the_best(tmp_path: Path) -> None:
    few = tmp_path / "few.txt"
    few.write_text("\n".join(makemore.read("names").lines(range(0, 32000, 800))))
    events: list[Any] = []
    result = makemore.train(
        few,
        type="mlp",
        work_dir=tmp_path / "run",
        max_steps=4000,
        patience=3,
        dropout=0.0,
        on_event=events.append,
    )
    assert events[-1].reason == "no better"
    assert events[-1].step < 4000
    losses = {row.step: row.validation for row in result.metrics() if row.step > 0}
    assert min(losses.values()) == losses[result.summary().best_step]
    validation = makemore.evaluate(result.model, result.corpus, result.corpus.rows("validation"))
    assert validation.nll == pytest.approx(min(losses.values()), abs=1e-6)


def test_a_second_process_cannot_train_into_the_same_directory(undisturbed: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(undisturbed, tmp_path / "copy")
    with held(copy), pytest.raises(MakemoreError, match="another process"):
        makemore.train(work_dir=copy, resume=True)


def test_diverging_training_says_so_and_keeps_the_checkpoint(names: Path, tmp_path: Path) -> None:
    events: list[Any] = []
    options: dict[str, Any] = {"learning_rate": 1000.0, "type": "rnn", "max_steps": 2000}
    with pytest.raises(MakemoreError, match="learning_rate"):
        makemore.train(names, work_dir=tmp_path / "run", on_event=events.append, **options)
    assert not events[-1].loss < 1000  # the listeners saw it too
    assert Run.load(tmp_path / "run").disk.load_checkpoint() is not None


def test_time_ends_training_and_the_schedule_is_fitted_to_it(
    names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on by 3 ms whenever it is read."""
    reads = itertools.count()
    monkeypatch.setattr("makemore.training.engine.time", Mock(monotonic=lambda: next(reads) * 0.003))
    events: list[Any] = []
    run = makemore.train(
        names, type="mlp", work_dir=tmp_path / "run", time=3.0, patience=0, on_event=events.append
    )
    steps = [e for e in events if isinstance(e, Step)]
    assert run.summary().seconds > 2.9
    assert run.settings.max_steps == -1
    assert steps[-1].done == pytest.approx(1, abs=0.01)  # time goes on between two looks at the clock
    rates = [e.learning_rate / run.settings.learning_rate for e in steps]
    assert (
        0 < rates[0] <= max(rates) <= 1
    )  # how steeply it rises depends on how long the first evaluation took
    falling = rates[rates.index(max(rates)) :]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < 0.1 < falling[0]
    assert events[-1].reason == "finished"
    evaluated = [e.step for e in events if isinstance(e, Evaluation)]
    assert evaluated[-1] == steps[-1].step
    assert len(evaluated) >= 3
    # going on: a longer time, or a number of steps instead
    more = makemore.train(work_dir=tmp_path / "run", resume=True, time=4.0)
    assert more.summary().seconds > 3.9
    steps_now = more.summary().steps
    counted = makemore.train(work_dir=tmp_path / "run", resume=True, max_steps=steps_now + 5)
    assert counted.summary().steps == steps_now + 5


@pytest.mark.slow
@pytest.mark.release
def test_bfloat16_trains_as_well(names: Path, tmp_path: Path) -> None:
    losses = {}
    for precision in ("float32", "bfloat16"):
        run = makemore.train(
            names,
            type="transformer",
            work_dir=tmp_path / precision,
            precision=precision,
            max_steps=60,
            dropout=0.0,
        )
        assert run.settings.precision == precision
        assert {p.dtype for p in run.model.parameters()} == {torch.float32}
        losses[precision] = run.summary().nll["test"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], abs=0.03)
    assert losses["bfloat16"] != losses["float32"]


def test_batches_are_larger_on_a_gpu_where_the_list_is_long() -> None:
    def batch_size(source: str, device: str, **given: Any) -> int:
        corpus = makemore.read(source)
        return settings_for("lstm", corpus, Given(**given), torch.device(device)).batch_size

    assert batch_size("words", "cuda") > 3 * batch_size("words", "cpu")
    assert batch_size("words", "cuda", batch_size=32) == 32
    steps = makemore.read("words").counts()["train"] / batch_size("words", "cuda")
    assert 190 < steps < 210


@pytest.mark.slow
@pytest.mark.parametrize("type", ["transformer", pytest.param("mixture", marks=pytest.mark.release)])
def test_compiled_training_is_the_same(
    type: str, names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # torch's own tracing and differentiation, without the part that needs a compiler on the machine
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    options = {"type": type, "max_steps": 3, "precision": "float32"}
    plain = makemore.train(names, work_dir=tmp_path / "plain", **options)
    traced = makemore.train(names, work_dir=tmp_path / "traced", compile=True, **options)
    assert traced.summary().nll["test"] == pytest.approx(plain.summary().nll["test"], abs=2e-3)


def test_a_failed_compilation_is_one_sentence(
    names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no compiler found\nlong story")

    monkeypatch.setattr(torch, "compile", lambda model, **_: fail)
    with pytest.raises(MakemoreError, match=r"^compile .*no compiler found\); train without it"):
        makemore.train(names, work_dir=tmp_path / "run", compile=True, max_steps=5)


def test_taught_is_the_cross_entropy_with_mixed_targets() -> None:
    torch.manual_seed(0)
    logits, teacher = torch.randn(2, 3, 5), torch.rand(2, 3, 5).softmax(-1)
    targets = torch.tensor([[1, 4, 0], [2, 0, -1]])
    slow = 0.0
    for b, t in itertools.product(range(2), range(3)):
        if targets[b, t] >= 0:
            mixed = 0.7 * torch.nn.functional.one_hot(targets[b, t], 5) + 0.3 * teacher[b, t]
            slow -= float((mixed * logits[b, t].log_softmax(0)).sum())
    assert float(taught(logits, targets, teacher, 0.3)) == pytest.approx(slow, rel=1e-5)
    assert float(taught(logits, targets, teacher, 0.0)) == pytest.approx(
        float(nll(logits, targets)[0]), rel=1e-5
    )


@pytest.mark.slow
@pytest.mark.release
def test_a_teacher_keeps_a_small_list_from_being_learned_by_heart(names: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"type": "mlp", "max_steps": 400, "dropout": 0.0, "patience": 0}
    alone = makemore.train(names, work_dir=tmp_path / "alone", teacher=0.0, **options)
    taught_ = makemore.train(names, work_dir=tmp_path / "taught", teacher=0.5, **options)
    last = [run.metrics()[-1] for run in (alone, taught_)]
    assert last[1].validation < last[0].validation - 0.1
    assert last[1].train > last[0].train


def test_overfitting_is_noticed_while_it_happens(tmp_path: Path) -> None:
    corpus = makemore.read("names")
    few = tmp_path / "few.txt"
    few.write_text("\n".join(corpus.lines(np.arange(0, len(corpus), 40))), "utf-8")
    seen: list[Any] = []
    how: dict[str, Any] = {
        "device": "cpu",
        "max_steps": 300,
        "patience": 0,
        "dropout": 0.0,
        "on_event": seen.append,
    }
    run = makemore.train(few, type="mlp", work_dir=tmp_path / "over", teacher=0.0, **how)
    (event,) = [event for event in seen if isinstance(event, Overfitting)]
    assert event.since < event.step < 300
    (warned,) = of_overfitting(run.metrics())
    assert f"{event.since:,}" in warned.message
    lowest = min(run.metrics(), key=lambda row: row.validation)
    assert event.since == lowest.step == run.summary().best_step
    # what has too few weights to learn the lines by heart does not
    seen.clear()
    run = makemore.train(
        few, type="bigram_nn", work_dir=tmp_path / "sound", device="cpu", max_steps=300, on_event=seen.append
    )
    assert not [event for event in seen if isinstance(event, Overfitting)]
    assert of_overfitting(run.metrics()) == []
