"""Training from a file of lines to a finished run."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import Progress
from makemore.corpus.source import locate
from makemore.distributed import group as parallel
from makemore.distributed.devices import fast_dtype, pick_device
from makemore.errors import MakemoreError
from makemore.files.atomic import held
from makemore.models import build, configure, flag, model_class
from makemore.models.base import ModelConfig
from makemore.runs.directory import RunDirectory
from makemore.runs.ownership import check_free, check_names
from makemore.runs.run import Run
from makemore.runs.settings import DEFAULT_TYPE, Settings, check_given, recipe
from makemore.sampling.options import SampleOptions
from makemore.training import capacity
from makemore.training.events import Event, Started
from makemore.training.loop import steps
from makemore.training.optimizer import optimizers
from makemore.training.tensorboard import board

ON_GPU = 16
"""How many times more tokens a step has on a GPU, at most: small batches leave most of it idle."""


def train(
    source: str | Path | Sequence[str | Path] | None = None,
    *,
    type: str | None = None,
    work_dir: str | Path = "out",
    resume: bool = False,
    overwrite: bool = False,
    encoding: str = "utf-8",
    max_length: int | None = None,
    min_count: int = 1,
    keep_spaces: bool = False,
    drop_undecodable: bool = False,
    on_progress: Progress | None = None,
    device: str = "auto",
    tensorboard: bool = False,
    on_event: Callable[[Event], None] = lambda event: None,
    stop: Callable[[], bool] = lambda: False,
    top_k: int | None = None,
    compile: bool = False,
    diagnostics: bool = False,
    precision: str = "auto",
    max_steps: int | None = None,
    time: float | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    teacher: float | None = None,
    patience: int | None = None,
    seed: int | None = None,
    **knobs: Any,
) -> Run:
    """Train a model on a file of lines and return its run.

    source: a file, the name of a bundled list, or what else `cache.read` takes; None takes the bundled "names". type: a name of MODELS.
    work_dir: the run directory to write; with `resume` the one to go on with, where only max_steps, time,
    patience, compile, diagnostics and device may be changed. encoding, max_length, min_count, keep_spaces,
    drop_undecodable, on_progress: as in `cache.read`. device: "auto",
    "cpu", "cuda" or "mps". on_event: called with every event. stop: asked after every step, ends training if
    True. top_k: for the samples shown. compile, diagnostics: as in `loop.steps`. precision: "float32", "bfloat16", or
    "auto", which is the latter where the device multiplies such numbers in hardware. max_steps, or time in
    seconds, say how long to train. batch_size: lines a step on average. teacher: share of the targets that
    a 6-gram of the training lines gives instead of the character that stands there. knobs: fields of the type's Config.
    What is None takes the type's own default.

    Raises MakemoreError for anything the caller can mend.
    """
    given = {
        "max_steps": max_steps, "time": time, "batch_size": batch_size, "learning_rate": learning_rate,
        "weight_decay": weight_decay, "teacher": teacher, "patience": patience, "seed": seed,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    check_given(given | {"precision": precision})
    SampleOptions(top_k=top_k)
    to = pick_device(device)
    directory = Path(work_dir)
    if parallel.restarted() and not resume and RunDirectory(directory).launch() == parallel.launch():
        # a process was lost after these had begun the run: go on with it
        resume, overwrite, source, encoding, max_length, min_count = True, False, None, "utf-8", None, 1
        keep_spaces = drop_undecodable = False
    how: dict[str, Any] = {
        "encoding": encoding, "max_length": max_length, "min_count": min_count, "keep_spaces": keep_spaces,
        "drop_undecodable": drop_undecodable,
    }  # fmt: skip
    if resume:
        if overwrite:
            raise MakemoreError("--resume and --overwrite: go on with the run or replace it, not both")
        usual = {
            "encoding": "utf-8", "max_length": None, "min_count": 1, "keep_spaces": False, "drop_undecodable": False
        }  # fmt: skip
        if source is None and how != usual:
            given_too = " and ".join(flag(name) for name in how if how[name] != usual[name])
            raise MakemoreError(f"{given_too}: with --resume the lines are those of the run")
        run = Run.load(directory)
        check_names(run.disk.files)
        _check_several(run.type, source, diagnostics)
        wanted = given | knobs | ({} if type is None else {"type": type})
        wanted |= {} if precision == "auto" else {"precision": precision}
        with parallel.joined(to), _held(directory):
            with parallel.one_first():
                corpus = None if source is None else read(source, on_progress=on_progress, **how)
            changed = _reopen(run, wanted, source, corpus)
            _loop(run, device, tensorboard, on_event, stop, top_k, compile, diagnostics, changed)
    else:
        type = DEFAULT_TYPE if type is None else type
        configure(type, 1, **knobs)  # say what is wrong with the options before reading a large file
        _check_several(type, source, diagnostics)
        check_free(directory, overwrite)
        with parallel.joined(to):
            with parallel.one_first():  # it fills the cache, from which the others read
                corpus = read(source, on_progress=on_progress, **how)
            config = configure(type, corpus.longest, **knobs)
            settings = _settings(type, corpus, given, precision, to)
            _try(type, corpus, config, settings, to)
            with _held(directory):
                if parallel.first():
                    Run.create(directory, type, config, settings, corpus, overwrite)
                parallel.wait()
                run = Run.load(directory)
                with parallel.one_first():  # or all would sort beside each other
                    run.corpus.prepare()
                _loop(run, device, tensorboard, on_event, stop, top_k, compile, diagnostics)
    return run


def _check_several(type: str, source: Any, diagnostics: bool) -> None:
    """Raise MakemoreError for what several processes cannot do together."""
    if not parallel.launched():
        return
    several = "which several processes cannot share; leave --nproc, or torchrun, out"
    if model_class(type).mixes_lines:
        raise MakemoreError(f"--type {type}: its lines see each other in training, {several}")
    if model_class(type).counting:
        raise MakemoreError(f"--type {type}: is counted, in seconds, {several}")
    if source is not None and locate(source).size is None:
        raise MakemoreError(f"-i {source}: is a stream, {several}")
    if diagnostics:
        raise MakemoreError(f"--diagnostics: looks at the gradients of one process, {several}")


def _held(directory: Path) -> contextlib.AbstractContextManager[None]:
    """Hold a directory against processes other than those that train together."""
    return held(directory) if parallel.first() else contextlib.nullcontext()


def _loop(
    run: Run,
    device: str,
    tensorboard: bool,
    on_event: Callable[[Event], None],
    stop: Callable[[], bool],
    top_k: int | None,
    compile: bool,
    diagnostics: bool,
    changed: bool = False,
) -> None:
    """Run `steps` to its end. changed: whether the run's settings are other than its config.json says."""
    with board(run, tensorboard and parallel.first()) as write, torch.random.fork_rng():
        for event in steps(run, device, stop, top_k, compile, diagnostics):
            if changed and isinstance(event, Started) and parallel.first():
                run.disk.write_config(run.setup)  # not sooner: the checkpoint could not be read
            write(event)
            on_event(event)


def _try(type: str, corpus: Corpus, config: ModelConfig, settings: Settings, device: torch.device) -> None:
    """Build the model and its optimisers once, so that what cannot be trained never becomes a run."""
    tokens = corpus.tokens_of("train")
    a_step = min(tokens, settings.batch_size * tokens / corpus.counts()["train"]) / parallel.size()
    capacity.check(type, len(corpus.vocab), config, a_step, device)
    try:
        with torch.random.fork_rng():
            model = build(type, len(corpus.vocab), config)
            if not model.counting:
                optimizers(model, settings.learning_rate, settings.weight_decay, settings.muon)
    except (RuntimeError, MemoryError):
        raise MakemoreError(
            f"--type {type}: there is not enough memory for a model of this size; choose smaller numbers than {config}"
        ) from None


def _settings(
    type: str, corpus: Corpus, given: dict[str, Any], precision: str, device: torch.device
) -> Settings:
    """Return how to train a type on a corpus: what was given, else its recipe."""
    own = recipe(type)
    n_train = corpus.counts()["train"]
    tokens_per_line = corpus.tokens_of("train") / n_train
    tokens = own.tokens
    if device.type == "cuda":  # as quick with many more at once; still some hundred steps an epoch
        tokens = max(tokens, min(ON_GPU * tokens, round(tokens_per_line * n_train / 200)))
    batch_size = given.get("batch_size", max(4, round(tokens / tokens_per_line)))
    max_steps = given.get("max_steps", -1 if "time" in given else own.max_steps)
    # twenty evaluations, but one in two epochs where epochs are short: small files overfit within a few
    steps_per_epoch = math.ceil(n_train / batch_size)
    eval_every = max(1, (2000 if max_steps < 0 else max_steps) // 20)
    eval_every = min(eval_every, max(25, 2 * steps_per_epoch))
    settings = Settings(
        max_steps=max_steps,
        time=0.0,
        batch_size=batch_size,
        learning_rate=own.learning_rate,
        weight_decay=own.weight_decay,
        muon=own.muon,
        teacher=own.teacher,
        eval_every=eval_every,
        patience=10,
        precision=str(fast_dtype(device)).removeprefix("torch.") if precision == "auto" else precision,
        seed=3407,
    )
    return dataclasses.replace(settings, **given)


def _reopen(
    run: Run, wanted: dict[str, Any], source: str | Path | Sequence[str | Path] | None, corpus: Corpus | None
) -> bool:
    """Take over what may change when a run goes on, and refuse what may not. Returns whether anything did."""
    may = ("max_steps", "time", "patience")
    if "time" in wanted:
        wanted = wanted | {"max_steps": -1}
    elif "max_steps" in wanted:
        wanted = wanted | {"time": 0.0}
    stored = dataclasses.asdict(run.config) | dataclasses.asdict(run.settings) | {"type": run.type}
    for name, value in wanted.items():
        if name not in stored:
            configure(run.type, 1, **{name: value})  # says which knobs there are
        if name not in may and value != stored[name]:
            raise MakemoreError(
                f"{flag(name)} {value}: the run in {run.directory} was started with {stored[name]}; with --resume "
                "only --max-steps, --time, --patience, --compile and --device can change"
            )
    if corpus is not None and corpus.fingerprint != run.corpus.fingerprint:
        raise MakemoreError(
            f"{source}: is not what the run in {run.directory} was started on; leave out --input-file to go on "
            "with the run's own copy"
        )
    before = run.settings
    run.settings = dataclasses.replace(before, **{name: wanted[name] for name in may if name in wanted})
    return run.settings != before
