"""Training from a file of lines to a finished run: `train`, and how it starts or resumes a run."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import get_type_hints

import torch

from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import How, OnProgress
from makemore.distributed.devices import pick_device
from makemore.distributed.environment import launch_id, restarted
from makemore.distributed.group import Group, joined
from makemore.errors import MakemoreError
from makemore.files.locks import held
from makemore.files.typed import check_arguments
from makemore.models import configure, model_class
from makemore.runs.directory import RunDirectory
from makemore.runs.ownership import check_free, check_names
from makemore.runs.run import Run
from makemore.runs.settings import DEFAULT_TYPE, Given
from makemore.runs.setup import Setup
from makemore.sampling.options import SampleOptions
from makemore.training import capacity, transfer
from makemore.training.counting import count
from makemore.training.engine import Engine
from makemore.training.events import Diagnosed, Done, Event, Started
from makemore.training.loop import steps
from makemore.training.plan import (
    check_several,
    check_spelling,
    check_used,
    settings_for,
    settings_to_resume,
    several_files,
)
from makemore.training.progress import shown
from makemore.training.tensorboard import board
from makemore.training.wanted import Running, Source, Wanted
from makemore.training.watch import Watch, finish


def train(
    source: Source | None = None,
    *,
    lines: Iterable[str] | None = None,
    labels: Iterable[object] | None = None,
    type: str | None = None,
    work_dir: str | Path = "out",
    resume: bool = False,
    overwrite: bool = False,
    encoding: str = "utf-8",
    max_length: int | None = None,
    min_count: int = 1,
    keep_spaces: bool = False,
    drop_undecodable: bool = False,
    column: str | int | None = None,
    label: str | int | None = None,
    as_lines: bool = False,
    separator: str | None = None,
    graphemes: bool = False,
    from_run: str | Path | None = None,
    on_progress: OnProgress | None = None,
    device: str = "auto",
    tensorboard: bool = False,
    progress: bool = True,
    on_event: Callable[[Event], None] | None = None,
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
    **knobs: float,
) -> Run:
    """Train a model on a list of lines. Settings that are None come from the type's recipe.

    Args:
        source: A file, the name of a bundled list, or whatever else `makemore.read` takes, or the lines that
            it returned; None is "names".
        lines: Strings to train on, instead of a source: a list, a pandas column, or another iterable. With
            `separator`, whatever it is, they may have line breaks in them.
        labels: Of `lines`, which kind each is of, as text or numbers; some may be missing.
        type: The type of model, a name of MODELS; None is "mixture".
        work_dir: The run directory to write, or the one to resume.
        resume: Continue the run; then only max_steps, time, patience, compile, diagnostics and device can
            change.
        overwrite: Replace the run in work_dir.
        encoding: The encoding of the files; this and the next five are as in `makemore.read`.
        max_length: Drop longer lines.
        min_count: Replace characters that are rarer.
        keep_spaces: Keep white space at the ends of lines.
        drop_undecodable: Drop lines that are not in the encoding.
        column: Of a table, train on this column: its name, or its number from 1.
        label: Of a table, the column that says which kind each line is of, such as a name's country.
        as_lines: Train on whole rows, although the file looks like a table.
        separator: What is between things of several lines; this and the next are as in `makemore.read`.
        graphemes: Take grapheme clusters as characters.
        from_run: The directory of a run to learn from: its type, and its weights to start from.
        on_progress: Called with the bytes read, and the bytes in all or None.
        device: "auto", "cpu", "cuda" or "mps".
        tensorboard: Also write the events for TensorBoard.
        progress: Show a line of progress in a terminal, a bar in a notebook, if on_event is not given.
        on_event: Called with every event of the training.
        stop: Called after every step; training stops, ready to be resumed, if it returns True.
        top_k: Sample the lines to show from the k most likely characters only.
        compile: Compile the model with torch.compile.
        diagnostics: Record what goes on inside the model, in diagnostics.jsonl.
        precision: "float32", "bfloat16", or "auto": bfloat16 if the device has hardware for it.
        max_steps: Steps to train; -1 trains until stopped.
        time: Seconds to train, instead of max_steps.
        batch_size: Lines per step, on average.
        learning_rate: The highest rate.
        weight_decay: As in AdamW.
        teacher: Share of the targets that a 6-gram of the training lines predicts.
        patience: Evaluations without improvement after which training stops; 0 never stops early.
        seed: Seed of everything random.
        knobs: Fields of the type's Config.

    Returns:
        The run, trained.

    Raises:
        MakemoreError: Something that the caller can fix.

    """
    check_arguments(train, locals() | {"knobs": 0.0})  # knobs are checked by `configure`
    check_spelling(knobs, get_type_hints(train))
    given = Given(
        max_steps=max_steps,
        time=time,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        teacher=teacher,
        patience=patience,
        seed=seed,
        precision=precision,
    )
    top_k = SampleOptions(top_k=top_k).top_k  # checks itself
    read_as = (encoding, max_length, min_count, keep_spaces, drop_undecodable, column, label, as_lines)
    how = How(*read_as, separator=separator, graphemes=graphemes)
    if source is not None and lines is not None:
        raise MakemoreError("give source or lines, not both", option=("source", "lines"))
    if labels is not None and lines is None:
        raise MakemoreError(
            "labels go with lines; of a file, name the column with label", option=("labels", "label")
        )
    if isinstance(source, Corpus) and how != How():
        raise MakemoreError("these lines have been read; give the options for reading to makemore.read")
    if isinstance(source, Iterable) and not isinstance(source, (str, Corpus)):
        source = several_files(source)
    wanted = Wanted(
        source=source,
        lines=lines,
        labels=labels,
        how=how,
        on_progress=on_progress,
        directory=Path(work_dir),
        overwrite=overwrite,
        type=type,
        knobs=knobs,
        given=given,
        from_run=from_run,
    )
    running = Running(
        device=pick_device(device),
        on_event=on_event,
        progress=progress,
        tensorboard=tensorboard,
        stop=stop,
        top_k=top_k,
        compile=compile,
        diagnostics=diagnostics,
    )
    if resume:
        return _resume(wanted, running)
    if restarted() and RunDirectory(wanted.directory).launch() == launch_id():
        # a process was lost after all had started the run: continue it
        return _resume(
            dataclasses.replace(wanted, source=None, lines=None, how=How(), overwrite=False), running
        )
    return _start(wanted, running)


def _start(wanted: Wanted, running: Running) -> Run:
    """Start a run and train it."""
    warning, asked = "", wanted.how
    if wanted.from_run is not None:
        source = transfer.source_run(wanted.from_run, wanted.type, wanted.knobs)
        knobs, how = transfer.knobs_of(source), transfer.knowing(wanted.how, source.vocab)
        wanted = dataclasses.replace(wanted, type=source.type, knobs=knobs, how=how)
    type = DEFAULT_TYPE if wanted.type is None else wanted.type
    configure(type, 1, **wanted.knobs)  # report a wrong option before reading a large file
    switches = {"compile": running.compile, "diagnostics": running.diagnostics}
    check_used(type, [*wanted.given.names, *(name for name, on in switches.items() if on)])
    check_several(type, wanted.from_stream, running.diagnostics)
    check_free(wanted.directory, wanted.overwrite)
    with joined(running.device) as group:
        corpus = wanted.read(group)
        config = configure(type, corpus.longest, **wanted.knobs, labels=len(corpus.vocab.labels))
        own = None if wanted.from_run is None else transfer.gentler(type)
        settings = settings_for(type, corpus, wanted.given, running.device, own)
        capacity.check_training(type, corpus, config, settings, running.device, group.size)
        capacity.try_building(type, len(corpus.vocab), config, settings)
        with _held(wanted.directory, group):
            setup = Setup(type, dataclasses.asdict(config), settings, corpus.vocab, corpus.reading)
            RunDirectory(wanted.directory, group).create(setup, corpus, wanted.overwrite)
            group.wait()
            run = Run.load(wanted.directory, group)
            with group.one_first():  # else every process would sort the lines
                run.corpus.prepare()
            if wanted.from_run is not None:
                transfer.begin(run, source, running.device)
                warning = transfer.warning_about(source, corpus, asked)
                group.wait()
            _train(run, running, warning=warning)
    return run


def _resume(wanted: Wanted, running: Running) -> Run:
    """Continue a run."""
    if wanted.from_run is not None:
        raise MakemoreError(
            "a run that is resumed goes on from its own weights; leave out the run to learn from"
        )
    if wanted.overwrite:
        raise MakemoreError(
            "resume and overwrite exclude each other: continue the run, or replace it",
            option=("resume", "overwrite"),
        )
    usual = vars(How())
    changed = tuple(name for name, value in vars(wanted.how).items() if value != usual[name])
    own_lines = wanted.source is None and wanted.lines is None
    if own_lines and changed:
        raise MakemoreError(
            f"{' and '.join(changed)} cannot change when a run is resumed: it keeps its lines",
            option=(*changed, "resume"),
        )
    run = Run.load(wanted.directory)
    check_names(run.disk.files)
    check_several(run.type, wanted.from_stream, running.diagnostics)
    with joined(running.device) as group, _held(wanted.directory, group):
        run = Run.load(wanted.directory, group)
        corpus = None if own_lines else wanted.read(group)
        before = run.settings
        if corpus is not None and corpus.fingerprint != run.corpus.fingerprint:
            raise MakemoreError(
                f"{wanted.source or 'lines'}: not the lines that the run in {run.directory} was started on; "
                "leave them out to continue with the run's own copy"
            )
        run.settings = settings_to_resume(run, wanted.given, wanted.knobs, wanted.type)
        capacity.check_training(run.type, run.corpus, run.config, run.settings, running.device, group.size)
        _train(run, running, changed=run.settings != before)
    return run


def _train(run: Run, running: Running, changed: bool = False, warning: str = "") -> None:
    """Train a run to its end, and pass on the events.

    Args:
        run: The run.
        running: How to train it.
        changed: Whether its settings have changed.
        warning: What to say at the start, if training itself has nothing to say then.

    """
    counting = model_class(run.type).counting
    watch = Watch(run.disk, run.settings.max_steps) if running.diagnostics and not counting else None
    first = run.disk.writes
    with (
        board(run, running.tensorboard and first) as write,
        shown(running.progress and running.on_event is None and first) as show,
        torch.random.fork_rng(),
    ):
        listeners: list[Callable[[Event], None]] = [write, running.on_event or show]
        if watch is not None:
            listeners.insert(0, watch)  # the others may raise
        for event in _events(run, running, watch, counting):
            if changed and isinstance(event, Started):
                run.disk.write_config(run.setup)  # only now, since the checkpoint might have been unreadable
            if isinstance(event, Started):
                event = dataclasses.replace(event, warning=event.warning or warning)
            for listen in listeners:
                listen(event)


def _events(run: Run, running: Running, watch: Watch | None, counting: bool) -> Iterator[Event]:
    """Yield the events of training, and what the watch found before the last one."""
    if counting:
        yield from count(run)
        return
    engine = Engine(
        running.device,
        group=run.disk.group,
        stop=running.stop,
        compile=running.compile,
        watch=watch,
    )
    for event in steps(run, engine, running.top_k):
        if watch is not None and isinstance(event, Done) and event.summary is not None:
            yield Diagnosed(event.step, finish(run))
        yield event


def _held(directory: Path, group: Group) -> contextlib.AbstractContextManager[None]:
    """Lock a directory against other processes, except those that train together."""
    return held(directory) if group.first else contextlib.nullcontext()
