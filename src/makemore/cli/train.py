"""The command `train`, which is also what makemore does without a command."""

# No `from __future__ import annotations` here: cyclopts reads the annotations, and one is made at run time.

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from makemore.cli.errors import COMMANDS
from makemore.cli.options import (
    FILES,
    MODEL,
    STANDARD_INPUT,
    TRAINING,
    ReadingOptions,
    flag_of,
    flat,
    one_of,
    option,
    path,
    whole,
)
from makemore.cli.processes import Launch, several
from makemore.cli.streams import outlasting
from makemore.cli.terminal import for_stream, tell, waiting
from makemore.distributed.devices import one_thread
from makemore.distributed.environment import launched, restarted
from makemore.errors import MakemoreError, alike, shown

if TYPE_CHECKING:
    from makemore.training.wanted import Source

# torch takes two seconds to import, so every command imports what needs it only when it runs. The same goes
# for rich and for whatever few commands need, so that help appears at once.


WORK_DIR = Path("out")
"""The directory of a run, unless another is named."""


@dataclass(frozen=True)
class FileOptions:
    """Where training reads and writes, and what happens to a run that is already there."""

    input_file: Annotated[
        list[str] | None,
        option(
            "A file with one thing per line, or a bundled list (names, words or companies). Also several "
            "files, a directory, a glob pattern, or - for standard input; plain or compressed with gzip, "
            "bzip2, xz or Zstandard. [default: names]",
            "-i",
            many=True,
        ),
    ] = None
    work_dir: Annotated[Path, path("Directory for everything that the run writes.", "-o")] = WORK_DIR
    from_run: Annotated[
        Path | None,
        path(
            "Learn from this run directory: start from its weights, as a model of the same type.",
            name="--from",
        ),
    ] = None
    resume: Annotated[bool, option("Continue the run in the work directory.")] = False
    overwrite: Annotated[bool, option("Replace the run in the work directory.")] = False
    sample_only: Annotated[
        bool, option("Do not train; print 50 samples from the run in the work directory.")
    ] = False
    top_k: Annotated[
        int | None, whole("For the samples shown: sample from the k most likely characters only.")
    ] = None


@dataclass(frozen=True)
class CorpusOptions(ReadingOptions):
    """How to read a file for training."""

    min_count: Annotated[int, whole("Replace characters that occur fewer times than this with U+FFFD.")] = 1


@dataclass(frozen=True)
class TrainingOptions:
    """How to train a model; None takes the default of its type."""

    max_steps: Annotated[int | None, whole("Steps to train; -1 trains until stopped.")] = None
    time: Annotated[float | None, option("Seconds to train in total, instead of a number of steps.")] = None
    batch_size: Annotated[int | None, whole("Lines per step, on average.", "-b")] = None
    learning_rate: Annotated[float | None, option("Peak learning rate.", "-l")] = None
    weight_decay: Annotated[float | None, option("Weight decay.", "-w")] = None
    teacher: Annotated[
        float | None,
        option(
            "Weight of an n-gram's prediction in each target, against the observed character (soft labels), "
            "so that a short list is not memorised; 0 turns it off."
        ),
    ] = None
    patience: Annotated[
        int | None,
        whole(
            "Evaluations without a better validation loss before training stops; 0 never stops early. "
            "[default: 10]"
        ),
    ] = None
    seed: Annotated[int | None, whole("Seed of everything random. [default: 3407]")] = None
    device: Annotated[str, option("auto, cpu, cuda or mps.")] = "auto"
    precision: Annotated[
        str,
        option(
            "Precision of matrix products in training: float32, bfloat16, or auto, which is bfloat16 if the "
            "hardware supports it."
        ),
    ] = "auto"
    compile: Annotated[
        bool,
        option(
            "Compile the model with torch first, which takes a minute or more; pays off for long training on "
            "a GPU, not on a CPU."
        ),
    ] = False
    tensorboard: Annotated[bool, option("Also write TensorBoard events to the work directory.")] = False
    diagnostics: Annotated[
        bool,
        option(
            "Record activations, gradients and updates of every layer, plot them, and warn about problems."
        ),
    ] = False


OPTIONS = {
    flag_of(each.name) for group in (FileOptions, CorpusOptions, TrainingOptions) for each in fields(group)
} | {"-i", "-o", "-b", "-l", "-w", "-n", "--type", "--nproc", "--num-workers"}
"""The options that every type of model has, known without building the command."""

FLAGS = {
    flag_of(each.name)
    for group in (FileOptions, CorpusOptions, TrainingOptions)
    for each in fields(group)
    if each.default is False
}
"""Those of them that take no value."""

_FILES, _CORPUS, _TRAINING = FileOptions(), CorpusOptions(), TrainingOptions()


def defaults(type_name: str) -> dict[str, str]:
    """Return the defaults of TrainingOptions that depend on the type of model, as help shows them."""
    from makemore.runs.settings import recipe

    own = recipe(type_name)
    names = ("max_steps", "learning_rate", "weight_decay", "teacher")
    return {name: f"{getattr(own, name):g}" for name in names} | {
        "batch_size": f"as many lines as hold {own.tokens} characters"
    }


def command(type_name: str | None = None) -> Callable[..., int | Launch]:
    """Return the command `train` with a type's options. Without a type, torch is not loaded."""
    knobs_class = _knobs_class(type_name)
    none_given = knobs_class()

    def train(
        *files: Annotated[str, option("The same as -i.", group=FILES)],
        where: Annotated[FileOptions, flat(FILES)] = _FILES,
        reading: Annotated[CorpusOptions, flat(FILES)] = _CORPUS,
        type: Annotated[
            str | None,
            option(
                "Type of model: `makemore models` lists them, and `makemore train --type T --help` shows "
                "the options of T. [default: mixture]",
                group=MODEL,
            ),
        ] = None,
        knobs: Annotated[knobs_class, flat(MODEL)] = none_given,  # type: ignore[valid-type]
        how: Annotated[TrainingOptions, flat(TRAINING)] = _TRAINING,
        nproc: Annotated[
            int,
            whole(
                "Processes that train together on this machine, for example one per GPU; the result does "
                "not depend on it. For several machines see docs/scaling.md.",
                group=TRAINING,
            ),
        ] = 1,
        num_workers: Annotated[
            int | None, whole("Ignored; accepted because the original has it.", "-n", group=TRAINING)
        ] = None,
    ) -> int | Launch:
        """Train a model on a file of lines."""
        if num_workers is not None:
            tell(
                "makemore: --num-workers is not needed: batches are made faster than they are used",
                stream=sys.stderr,
            )
        source = one_of(list(files) or None, where.input_file, "-i")
        if where.sample_only:
            return _sample_only(where.work_dir, _top_k(where), how.seed)
        if source is not None:
            _locate(source)  # a missing file is reported without waiting for torch
        if several(nproc):
            if source is not None and STANDARD_INPUT in source:
                raise MakemoreError(
                    "-i -: several processes cannot read standard input; give a file or drop --nproc"
                )
            return Launch(nproc, restart=True)
        return _train(source, where, reading, type, knobs, how)

    return train


def _knobs_class(type_name: str | None) -> type:
    """Return a dataclass of the options that a type has, each None unless given."""
    options = []
    if type_name is not None:
        from makemore.models import knobs

        for knob in knobs(type_name):
            declare = whole if knob.type is int else option
            help = f"{knob.help[0].upper()}{knob.help[1:]}. [default: {knob.default}]"
            options.append((knob.name, Annotated[knob.type | None, declare(help)], field(default=None)))
    made = make_dataclass("Knobs", options, frozen=True)
    made.__module__ = __name__  # or cyclopts takes it for a class of the standard library
    return made


def _top_k(where: FileOptions) -> int | None:
    """Return the value of --top-k; -1 means all characters, as in the original."""
    return None if where.top_k == -1 else where.top_k


def _locate(source: Sequence[str]) -> None:
    """Raise MakemoreError if there is no such file, with a guess if it may be a misspelt command."""
    from makemore.corpus.source import locate

    try:
        locate(source)
    except MakemoreError as error:
        word = source[0]
        slip = sys.argv[1:2] == [word] and word not in COMMANDS and not Path(word).exists()
        if not slip or not (guess := alike(word, COMMANDS)):
            raise
        raise MakemoreError(f"{shown(word)}: no such command, and no such file;{guess}") from error


def _sample_only(directory: Path, top_k: int | None, seed: int | None) -> int:
    """Print 50 samples of a run, grouped by whether they are in the file, as the original does."""
    from makemore.cli.display import show_sorted
    from makemore.cli.output import between
    from makemore.runs.run import load

    one_thread()
    run = load(directory)
    lines = run.sample(50, top_k=top_k, seed=seed)
    shown = for_stream(sys.stdout)
    seen = run.corpus.seen(lines)
    show_sorted(lambda text: print(*map(shown, text.split("\n")), sep="\n"), lines, seen, between(run))
    return 0


def _train(
    source: Sequence[str] | None,
    where: FileOptions,
    reading: CorpusOptions,
    type: str | None,
    knobs: object,
    how: TrainingOptions,
) -> int:
    """Train in this process, show the progress, and return the exit status: 130 if it was stopped."""
    with waiting("loading ..."):
        from rich.console import Console

        from makemore.cli.display import Display
        from makemore.cli.first import first_look
        from makemore.cli.stopping import stop_signals
        from makemore.corpus.reading import How
        from makemore.distributed.devices import DEVICES
        from makemore.inference.ladder import TYPES
        from makemore.runs.run import load
        from makemore.runs.settings import Given

    # only the first of several processes prints
    quiet = launched() and os.environ["RANK"].lstrip("0") != ""
    console = Console(quiet=quiet)
    if restarted():
        console.print("a process was lost, so all were restarted", highlight=False)
    top_k, read_as = _top_k(where), vars(reading)
    given = {name: value for name, value in vars(knobs).items() if value is not None}
    named = source[0] if source is not None and len(source) == 1 else source
    lines: Source | None = named
    with outlasting("training"), Display(console, top_k) as display:
        Given(**{each.name: getattr(how, each.name) for each in fields(Given)})  # a wrong value is said first
        wanted = How(**read_as)
        if where.from_run is not None:
            load(where.from_run)
        elif where.resume:  # both are refused together
            load(where.work_dir)
        # a type's own options are checked by torch's models, and have loaded torch already
        known = (type is None or type in TYPES) and how.device in DEVICES and not given
        if known and not (
            where.resume or where.from_run or launched() or (type is not None and TYPES[type].counting)
        ):
            look = first_look(named, where.work_dir, where.overwrite, wanted, how.seed)
            if look is not None:
                display.first(*look)
                lines, read_as = look[0], {}
        display.waiting("loading PyTorch, preparing the model")
        from makemore.training import start as training

        with stop_signals() as stop:
            training.train(
                lines,
                type=type,
                work_dir=where.work_dir,
                resume=where.resume,
                overwrite=where.overwrite,
                from_run=where.from_run,
                top_k=top_k,
                on_progress=display.reading,
                on_event=display,
                stop=stop,
                **read_as,
                **vars(how),
                **given,
            )
    return 130 if display.stopped else 0
