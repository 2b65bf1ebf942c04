"""The command line: parse, call the library once, print."""

# No `from __future__ import annotations` here: the command line library reads the annotations, some of
# which are made at run time from a model's Config.

import errno
import inspect
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import field, make_dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args

from cyclopts import App, Argument, CycloptsError, Group, Parameter, UnknownOptionError, UnusedCliTokensError

from makemore import __version__
from makemore.cli.errors import spelled
from makemore.cli.measure import compare, eval_, explain, inspect_, report
from makemore.cli.options import STANDARD_INPUT, one_of, option, path, switch, whole
from makemore.cli.streams import OutputEnded, is_unicode, outlasting, prepare
from makemore.cli.terminal import columns, for_stream, tell, visible_json, waiting, wrapped
from makemore.distributed.devices import one_thread, own_process
from makemore.errors import CUT, MakemoreError, alike, command_line, quoted, shown, visible
from makemore.runs.settings import DEFAULT_TYPE, recipe

# torch takes two seconds to import, so whatever needs it is imported inside the command that uses it. The
# same goes for rich and for what few commands need: help is to be there at once.

_EXAMPLES = {
    "train": """
makemore                            train on the bundled names, into out/
makemore mine.txt -o mine           train on a list of your own (or -i mine.txt)
makemore -i mine.txt --type ngram   by counting: seconds instead of a minute
makemore -o mine --resume           go on where training was stopped
makemore -i 'data/*.gz' --nproc 2   on files larger than memory, by several processes
""",
    "sample": """
makemore sample mine -n 1000 > more.txt
makemore sample mine --prefix ka --temperature 0.7
makemore sample mine --pattern '[a-d].{4,6}' --novel --unique
makemore sample mine --most-likely 10 --prefix ka
makemore sample mine --nproc 2 -n 10000000 > many.txt
""",
    "score": """
makemore score mine emma xqz        how likely lines are
makemore score mine --letters emma  and which letters surprise it
makemore score mine < many.txt | sort -n | head
makemore score mine -i huge.txt.gz --nproc 2 > scores.txt
""",
    "explain": """
makemore explain mine emma          what was expected at each letter
makemore explain mine other emma    two runs side by side
""",
    "eval": """
makemore eval mine                  how good it is, and what to be warned of
makemore eval mine --json | jq .nll.test
""",
    "compare": """
makemore compare mine.txt --types ngram,gru,lstm --time 60
makemore compare mine other         two runs trained on the same file
""",
    "report": """
makemore report mine                one page with everything, and the plots
""",
    "inspect": """
makemore inspect mine.txt
""",
    "models": """
makemore models -i mine.txt
""",
    "lessons": """
makemore lessons                    the course: how these models work
makemore lessons start 3            copy the third lesson to lesson-3/, to work in
makemore lessons check 3            grade its exercises
makemore lessons start museum       broken programs to mend
""",
}

_HELP = """
Makes more things like the lines of a text file. Give it a file with one thing on each line, names \
say: it trains a character-level language model on them and invents new ones. Without a command it \
trains.
"""


_SENTENCE = 2000
"""Characters of a sentence of complaint, at most."""

_COMMANDS = (
    "train",
    "sample",
    "score",
    "explain",
    "eval",
    "compare",
    "report",
    "inspect",
    "models",
    "data",
    "cache",
    "lessons",
)
_PROCESSES = 1024
"""What --nproc may start: a slip must not bring the machine down."""

_FILES, _MODEL, _TRAINING = (Group(name, sort_key=i) for i, name in enumerate(("Files", "Model", "Training")))


def _train_command(type_name: str | None) -> Any:
    """Make the train command, with the options of one type of model, or of none."""
    knobs_class = _knobs_class(type_name)
    own = recipe(type_name or DEFAULT_TYPE)

    def train(
        *files: str,
        input_file: Annotated[list[str] | None, option(_FILES, "-i", consume_multiple=True)] = None,
        work_dir: Annotated[Path, path(_FILES, "-o")] = Path("out"),
        resume: Annotated[bool, switch(_FILES)] = False,
        overwrite: Annotated[bool, switch(_FILES)] = False,
        sample_only: Annotated[bool, switch(_FILES)] = False,
        top_k: Annotated[int | None, whole(_FILES)] = None,
        encoding: Annotated[str, option(_FILES)] = "utf-8",
        max_length: Annotated[int | None, whole(_FILES)] = None,
        min_count: Annotated[int, whole(_FILES)] = 1,
        keep_spaces: Annotated[bool, switch(_FILES)] = False,
        drop_undecodable: Annotated[bool, switch(_FILES)] = False,
        type: Annotated[str | None, option(_MODEL)] = None,
        knobs: Annotated[knobs_class, Parameter(name="*", group=_MODEL)] = None,  # type: ignore[valid-type]
        max_steps: Annotated[int | None, whole(_TRAINING)] = None,
        time: Annotated[float | None, option(_TRAINING)] = None,
        batch_size: Annotated[int | None, whole(_TRAINING, "-b")] = None,
        learning_rate: Annotated[float | None, option(_TRAINING, "-l")] = None,
        weight_decay: Annotated[float | None, option(_TRAINING, "-w")] = None,
        teacher: Annotated[float | None, option(_TRAINING)] = None,
        patience: Annotated[int | None, whole(_TRAINING)] = None,
        seed: Annotated[int | None, whole(_TRAINING)] = None,
        device: Annotated[str, option(_TRAINING)] = "auto",
        precision: Annotated[str, option(_TRAINING)] = "auto",
        compile: Annotated[bool, switch(_TRAINING)] = False,
        tensorboard: Annotated[bool, switch(_TRAINING)] = False,
        diagnostics: Annotated[bool, switch(_TRAINING)] = False,
        nproc: Annotated[int, whole(_TRAINING)] = 1,
        num_workers: Annotated[int | None, whole(_TRAINING, "-n")] = None,
    ) -> int:
        """Train a model on a file of lines.

        Args:
            files: The same as -i.
            input_file: File with one thing on each line, or a bundled list: names, words or companies; also several
                files, a directory, a pattern, or - for standard input, packed by gzip, bzip2, xz or Zstandard or not.
                [default: names]
            work_dir: Directory for everything the run writes.
            resume: Go on where the run in the work directory was left.
            overwrite: Replace the run in the work directory.
            sample_only: Do not train; print 50 samples of the run in the work directory.
            top_k: Draw the samples that are shown from the k most likely characters only.
            encoding: The file's encoding.
            max_length: Drop lines with more characters than this.
            keep_spaces: Keep white space at the ends of lines, which is stripped otherwise.
            drop_undecodable: Leave out lines that are not in the file's encoding.
            min_count: Replace characters that occur less often than this by U+FFFD, one for all of them.
            type: Which model; `makemore models` lists them, and `makemore train --type T --help` shows
                what else T has to set. [default: lstm]
            knobs: What the model has to set.
            max_steps: Steps to train; -1 goes on until stopped. [default: MAX_STEPS]
            time: Seconds to train in all, instead of a number of steps.
            batch_size: Lines in a step, on average. [default: as many as have TOKENS characters]
            learning_rate: Highest learning rate. [default: LEARNING_RATE]
            weight_decay: Weight decay. [default: WEIGHT_DECAY]
            teacher: Share of the targets that an n-gram gives instead of the character that stands there, so
                that little data is not learned by heart; 0 is none. [default: TEACHER]
            patience: Evaluations without a better validation loss before stopping; 0 never stops early.
                [default: 10]
            seed: Seed of everything random. [default: 3407]
            device: auto, cpu, cuda or mps.
            precision: Of matrix products in training: float32, bfloat16, or auto, which is the latter where
                the device has it in hardware.
            compile: Let torch compile the model first, which takes a minute or more: meant for long trainings on
                a GPU, no gain on a CPU.
            tensorboard: Write TensorBoard events to the work directory too.
            diagnostics: Note activations, gradients and updates of every layer, draw them, and warn of what is wrong.
            nproc: Processes that train together on this machine, one for each GPU, say; the result does not depend on
                it. Several machines: docs/scaling.md.
            num_workers: Not needed; accepted because the original has it.

        """
        input_file = one_of(list(files) or None, input_file, "-i")
        if num_workers is not None:
            tell(
                "makemore: --num-workers is not needed: batches are made faster than they are used",
                stream=sys.stderr,
            )
        top_k = None if top_k == -1 else top_k  # as in the original, -1 is every character
        if sample_only:
            return _sample_only(work_dir, top_k, seed)
        if input_file is not None:
            _locate(input_file)  # a missing file need not wait for torch
        if _to_launch(nproc):
            if input_file is not None and STANDARD_INPUT in input_file:
                raise MakemoreError(
                    "-i -: several processes cannot read standard input; give a file, or leave --nproc out"
                )
            return _launch(nproc, again=True)
        with waiting("loading PyTorch ..."):
            from rich.console import Console

            from makemore.cli.display import Display
            from makemore.cli.stopping import stop_signals
            from makemore.distributed import group as parallel
            from makemore.training import start as training

        given: dict[str, Any] = (
            {k: v for k, v in vars(knobs).items() if v is not None} if knobs is not None else {}
        )
        several = parallel.launched()  # of which the first speaks
        console = Console(quiet=several and os.environ["RANK"].lstrip("0") != "")
        if parallel.restarted():
            console.print("a process was lost, so all were started again", highlight=False)
        with outlasting("training"), Display(console, top_k) as display, stop_signals() as stop:
            training.train(
                input_file, type=type, work_dir=work_dir, resume=resume, overwrite=overwrite, encoding=encoding,
                max_length=max_length, min_count=min_count, keep_spaces=keep_spaces, drop_undecodable=drop_undecodable, on_progress=display.reading, device=device, tensorboard=tensorboard, on_event=display, stop=stop, top_k=top_k,
                compile=compile, diagnostics=diagnostics, precision=precision, max_steps=max_steps, time=time, batch_size=batch_size, learning_rate=learning_rate,
                weight_decay=weight_decay, teacher=teacher, patience=patience, seed=seed, **given,
            )  # fmt: skip
        return 130 if display.stopped else 0

    for name in ("max_steps", "tokens", "learning_rate", "weight_decay", "teacher"):
        train.__doc__ = str(train.__doc__).replace(name.upper(), f"{getattr(own, name):g}")
    return train


def _locate(input_file: list[str]) -> None:
    """Raise MakemoreError if there is no such file; what may be a command with a slip in it is told so."""
    from makemore.corpus.source import locate

    try:
        locate(input_file)
    except MakemoreError as error:
        word = input_file[0]
        if (
            sys.argv[1:2] != [word]
            or word in _COMMANDS
            or Path(word).exists()
            or not (guess := alike(word, _COMMANDS))
        ):
            raise
        raise MakemoreError(f"{shown(word)}: no such command, and no such file;{guess}") from error


def _to_launch(nproc: int) -> bool:
    """Whether --nproc asks for more processes. Those that were started see the same command line."""
    if not 1 <= nproc <= _PROCESSES:
        raise MakemoreError(f"--nproc {nproc}: must be from 1 to {_PROCESSES}")
    return nproc > 1 and "TORCHELASTIC_RUN_ID" not in os.environ


def _launch(nproc: int, again: bool = False) -> int:
    """Let several processes run this command line, again if one is lost, and return the exit status."""
    from makemore.distributed.launch import RESTARTS, launch

    status, sentence = launch(_outcome, sys.argv[1:], nproc, RESTARTS if again else 0)
    return _complain(sentence) if sentence else status


def _sample_only(directory: Path, top_k: int | None, seed: int | None) -> int:
    from makemore.cli.display import show_sorted
    from makemore.runs.run import load

    one_thread()
    run = load(directory)
    lines = run.sample(50, top_k=top_k, seed=seed)
    shown = for_stream(sys.stdout)
    show_sorted(lambda line: print(shown(line)), lines, run.corpus.seen(lines))
    return 0


def sample(
    directory: Annotated[Path | None, path()] = None,
    *,
    work_dir: Annotated[Path | None, path(short="-o")] = None,
    number: Annotated[int | None, whole(short="-n")] = None,
    most_likely: Annotated[int | None, whole()] = None,
    prefix: Annotated[str, option(allow_leading_hyphen=True)] = "",
    pattern: Annotated[str | None, option(allow_leading_hyphen=True)] = None,
    temperature: Annotated[float, option()] = 1.0,
    top_k: Annotated[int | None, whole()] = None,
    top_p: Annotated[float, option()] = 1.0,
    max_length: Annotated[int | None, whole()] = None,
    unique: Annotated[bool, switch()] = False,
    novel: Annotated[bool, switch()] = False,
    seed: Annotated[int | None, whole()] = None,
    json: Annotated[bool, switch()] = False,
    nproc: Annotated[int, whole()] = 1,
) -> int:
    """Print new lines from a trained model, one a line and nothing else.

    Args:
        directory: The run directory that training wrote. [default: out]
        work_dir: The same.
        number: How many. [default: 20]
        most_likely: Instead of drawing, print so many of the most likely lines there are, likeliest first.
        prefix: What every line begins with.
        pattern: A regular expression that the whole line must match.
        temperature: Below 1 safer, above 1 wilder, 0 always the most likely.
        top_k: Draw from the k most likely characters only.
        top_p: Draw from the likeliest characters that together have this probability only.
        max_length: Cut lines after this many characters. [default: the longest line trained on]
        unique: No line twice: drawn without replacement.
        novel: Only lines that are not in the file.
        seed: The same seed gives the same lines. [default: a fresh one]
        json: One JSON object a line: text, nll (nats, the line and its end), ended (false if it was cut at the
            longest length), seen (train, held-out, new).
        nproc: Processes that draw together; the lines do not depend on it.

    """
    directory = one_of(directory, work_dir, "-o") or Path("out")
    if most_likely is not None:
        chance = {
            "-n": number is not None, "--temperature": temperature != 1, "--top-k": top_k is not None,
            "--top-p": top_p != 1, "--unique": unique, "--seed": seed is not None,
        }  # fmt: skip
        if any(chance.values()):
            names = " and ".join(name for name, given in chance.items() if given)
            raise MakemoreError(
                f"{names}: nothing is drawn with --most-likely {most_likely}; leave out one or the other"
            )
    number = 20 if number is None else number
    if _to_launch(nproc):
        if most_likely is not None or unique:
            name = "--unique" if unique else f"--most-likely {most_likely}"
            raise MakemoreError(
                f"--nproc {nproc}: {name} is one search, by one process; leave out one or the other"
            )
        return _launch(nproc)
    from makemore.distributed import group as parallel
    from makemore.files.atomic import to_json
    from makemore.runs.run import load
    from makemore.sampling.options import SampleOptions

    if (most_likely or number) <= 1000:
        one_thread()
    run = load(directory)
    with parallel.joined():
        if most_likely is not None:
            samples = run.most_likely(
                most_likely, prefix=prefix, pattern=pattern, max_length=max_length, novel=novel
            )
        else:
            options = SampleOptions(
                prefix, pattern, temperature, top_k, top_p, max_length, unique, novel, seed
            )
            samples = run.stream(number, options, together=not unique)
        with closing(samples):  # or the other processes would not hear that the reader has had enough
            if json:
                _print(
                    (
                        to_json(
                            {"text": s.text, "nll": s.nll, "ended": s.ended, "seen": seen},
                            ascii=not is_unicode(),
                        )
                        for s, seen in run.with_seen(samples)
                    ),
                    visible_json,
                )
            else:
                marked = for_stream(sys.stdout) is visible and parallel.size() == 1
                _print(s.text + CUT * (marked and run.cut([s])[0]) for s in samples)
    return 0


def _print(lines: Iterable[str], spell: Callable[[str], str] = visible) -> None:
    """Print lines, if this is the first process, until nobody reads them any more.

    spell: what is done to them where a terminal would obey some of their characters.
    """
    from makemore.distributed import group as parallel

    shown = for_stream(sys.stdout, spell)
    try:
        for line in lines:
            if parallel.first():
                sys.stdout.write(shown(line) + "\n")
        sys.stdout.flush()
    except OutputEnded as ended:
        if not ended.unread:
            raise


def score(
    directory: str | None = None,
    *lines: str,
    work_dir: Annotated[Path | None, path(short="-o")] = None,
    input_file: Annotated[list[str] | None, option(short="-i", consume_multiple=True)] = None,
    encoding: Annotated[str, option()] = "utf-8",
    drop_undecodable: Annotated[bool, switch()] = False,
    letters: Annotated[bool, switch()] = False,
    json: Annotated[bool, switch()] = False,
    nproc: Annotated[int, whole()] = 1,
) -> int:
    """Print the negative log-likelihood of lines, in nats: the lower, the more like the list.

    Args:
        directory: The run directory that training wrote; with -o the first line. [default: out]
        lines: Lines to score; without any, and without -i, they are read from standard input.
        work_dir: The run directory.
        input_file: Files with lines to score, as training takes them, of any size.
        encoding: Of these files.
        drop_undecodable: Leave out lines that are not in this encoding.
        letters: Every character's part too.
        json: One JSON object a line: text, nll, and with --letters letters.
        nproc: Processes that score the files together.

    """
    if work_dir is not None and directory is not None:
        lines = (directory, *lines)
    for line in lines:
        if not line.strip():
            raise MakemoreError(f"{quoted(line)}: is blank; give a line with characters in it")
        if "\n" in line.strip():
            raise MakemoreError(
                f"{quoted(line)}: is more than one line; give each line as an argument of its own"
            )
    where = work_dir or ("out" if directory is None else directory)
    if input_file == []:
        raise MakemoreError("-i: name a file of lines to score")
    if lines and input_file is not None:
        raise MakemoreError(
            f"-i {shown(input_file[0])}: score the lines of files or those on the command line, not both"
        )
    if _to_launch(nproc):
        if input_file is None or STANDARD_INPUT in input_file:
            raise MakemoreError(f"--nproc {nproc}: is for files, given with -i")
        return _launch(nproc)
    from makemore.corpus.lines import lines_of
    from makemore.corpus.reading import How
    from makemore.corpus.source import locate
    from makemore.distributed import group as parallel
    from makemore.files.atomic import to_json
    from makemore.runs.run import load

    source = None if input_file is None else locate(input_file)
    if lines:
        one_thread()
    run = load(where)
    strange, first_strange = 0, ""

    def printed(text: str, losses: list[float] | None) -> Iterator[str]:
        total = math.inf if losses is None else sum(losses)
        each = list(zip([*text, "\n"], losses or [], strict=False)) if letters else []
        if json:
            parts = {"letters": [{"character": c, "nll": x} for c, x in each]} if letters else {}
            yield to_json({"text": text, "nll": total} | parts, ascii=not is_unicode())
            return
        yield f"{total:.4f}\t{text}"
        for character, loss in each:
            name = "(end)" if character == "\n" else character
            yield f"{loss:.4f}\t  {name if name.isprintable() else repr(name)[1:-1]}"

    def every() -> Iterator[str]:
        nonlocal strange, first_strange
        for text, losses in scored:
            if losses is None:
                strange, first_strange = strange + 1, first_strange or text
            yield from printed(text, losses)

    if not lines and source is None and sys.stdin is not None and sys.stdin.isatty():
        print("reading lines from the terminal; Ctrl-D ends them", file=sys.stderr)
    dropped: list[int] = []
    how = How(encoding, drop_undecodable=drop_undecodable)
    some = lines or lines_of(source or locate("-"), how, dropped.append)
    with parallel.joined(), closing(run.scored(some, together=not lines)) as scored:
        _print(every(), visible_json if json else visible)
    if sum(dropped) and parallel.first():
        print(f"makemore: {sum(dropped):,} lines that are not {encoding} were left out", file=sys.stderr)
    if strange:
        try:
            run.letters([first_strange])
        except MakemoreError as error:
            more = f", as is that of {strange - 1:,} more" if strange > 1 else ""
            raise MakemoreError(
                f"{error}; the score of that line is inf{more}", option=error.options
            ) from None
    return 0


def models(file: str | None = None, *, input_file: Annotated[str | None, option(short="-i")] = None) -> int:
    """List the types of models, with their parameters for a file's vocabulary.

    Args:
        file: A file of lines, or a bundled list. [default: names]
        input_file: The same.

    """
    source = one_of(file, input_file, "-i")
    with waiting("loading PyTorch ..."):
        from rich.console import Console

        from makemore.cli.layout import notes
        from makemore.corpus.cache import read
        from makemore.models import MODELS
        from makemore.training.capacity import untrained_size

        corpus = read(source)
        rows = [
            (name, f"{untrained_size(name, corpus):,}", (model.__doc__ or "").splitlines()[0].rstrip("."))
            for name, model in MODELS.items()
        ]
    notes(Console(), [("type", "parameters", "what it is"), *rows])
    return 0


def cache(action: Literal["list", "clear"] = "list") -> int:
    """List what large files were read into, or remove it.

    Args:
        action: list or clear.

    """
    from makemore.corpus.cache import clear, entries, root

    if action == "clear":
        tell(f"{clear() / 1e6:,.1f} MB freed in {root()}")
        return 0
    for entry in entries():
        lines = (
            "unfinished or damaged" if entry.lines is None else f"{entry.lines:>13,} lines  {entry.source}"
        )
        tell(f"{entry.size / 1e6:10,.1f} MB  {lines}", "    ")
    tell(f"in {root()}; makemore cache clear removes it all, runs keep what they need")
    return 0


def data() -> int:
    """List the bundled lists, with their sources and licences."""
    from makemore.corpus.source import bundled_lists

    for entry in bundled_lists():
        tell(f"{entry['name']}: {entry['description']} ({entry['lines']:,} lines)", "  ")
        tell(f"  source:  {entry['source']}", "    ")
        tell(f"  licence: {entry['licence']}", "    ")
    return 0


def lessons(
    action: Literal["list", "start", "check", "solutions"] = "list",
    which: str | None = None,
    *,
    directory: Annotated[Path | None, path(short="-o")] = None,
) -> int:
    """The course: list its lessons, copy one to work in, grade its exercises.

    Args:
        action: list, start (copy a lesson), check (grade its exercises) or solutions (print them).
        which: The number of a lesson, or museum: programs with a bug to mend.
        directory: Where to work. [default: lesson-3 for lesson 3, museum for the museum]

    """
    from makemore.course import lessons as course

    if action == "list":
        if which is not None or directory is not None:
            raise MakemoreError(
                f"{shown(which or '-o')}: not expected here; say `{command_line('lessons', 'start', which or 1)}` for one lesson"
            )
        for each in course.lessons():
            tell(f"{each.name:>6}  {each.title}", " " * 8)
        tell("")
        tell(
            "`makemore lessons start 1` copies the first to lesson-1/ to work in, `makemore lessons check 1` grades its "
            "exercises"
        )
        return 0
    if directory is not None and action == "solutions":
        raise MakemoreError(f"-o {directory}: solutions are printed; leave it out")
    if which is None:
        raise MakemoreError(f"makemore lessons {action}: say which, for example makemore lessons {action} 1")
    if action == "start":
        for path in course.start(which, directory):
            tell(str(path))
        what = "fill in exercises.py" if course.lesson(which).number else "run them, mend them"
        which = course.lesson(which).name
        named = () if directory is None else ("-o", directory)
        tell(
            f"{what}, then: `{command_line('lessons', 'check', which, *named)}`; "
            f"`{command_line('lessons', 'solutions', which)}` shows how"
        )
        return 0
    if action == "solutions":
        print(course.solutions(which), end="")
        return 0
    from makemore.course.grading import check_apart

    verdicts = []
    with closing(check_apart(which, directory)) as found:
        for verdict in found:
            tell(f"{'not yet' if verdict.message else 'right':8} {verdict.exercise}", " " * 9)
            if verdict.message:
                tell(" " * 9 + verdict.message, " " * 9)
            verdicts.append(verdict)
    done = sum(not verdict.message for verdict in verdicts)
    tell(f"{done} of {len(verdicts)} right")
    return int(done < len(verdicts))


def _knobs_class(type_name: str | None) -> type:
    """A dataclass with the knobs of a type, each optional, for the command line to fill."""
    if type_name is None:
        return make_dataclass("Knobs", [])
    from makemore.models import knobs

    options = [
        (
            k.name,
            Annotated[
                k.type | None,
                (whole if k.type is int else option)(
                    help=f"{k.help[0].upper()}{k.help[1:]}. [default: {k.default}]"
                ),
            ],
            field(default=None),
        )
        for k in knobs(type_name)
    ]
    made = make_dataclass("Knobs", options)
    made.__module__ = __name__  # or the command line library takes it for a class of Python's own
    return made


def _commands(train: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The commands by name, in the order that help shows."""
    every = (train, sample, score, explain, eval_, compare, report, inspect_, models, data, cache, lessons)
    return dict(zip(_COMMANDS, every, strict=True))


def _app(type_name: str | None, completion: bool = False) -> App:
    """Make the command line, with the options of a type of model, or without any.

    completion: with the command that installs the shell's completion, which takes a while to load.
    """
    app = App(
        name="makemore",
        help=_HELP,
        help_format="plaintext",
        version=__version__,
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    train = _train_command(type_name)
    app.default(train)
    for name, command in _commands(train).items():
        app.command(App(default_command=command, name=name))
    if completion:
        app.register_install_completion_command()
    return app


# help: from the signatures and docstrings of the commands, written without the command line library's own
# help, which loads rich and takes twice as long


def _help(train: Callable[..., Any], word: str) -> str:
    """Return what is to be known about the command that a word names, or, where it names none, about all."""
    commands = _commands(train)
    front = word not in commands
    command = commands.get(word, train)
    title, helps = _described(command)
    sections: dict[str, list[tuple[str, str]]] = {}
    places = []
    if front:
        places.append("[COMMAND]")
        sections["Commands"] = [(name, _described(c)[0]) for name, c in commands.items()]
    for argument in App(default_command=command).assemble_argument_collection(parse_docstring=False):
        if argument.field_info.name == "knobs":  # the knobs themselves follow
            continue
        label, place = _label(argument)
        if place:
            places.append(f"[{place}]")
        groups: Any = argument.parameter.group  # a tuple by now, whatever its type says
        text = argument.parameter.help or helps[argument.field_info.name]
        default = argument.field_info.default
        if not isinstance(default, bool) and isinstance(default, (str, int, float, Path)) and default != "":
            text += f" [default: {default}]"
        name = next((g.name for g in (_FILES, _MODEL, _TRAINING) if g in groups), "Options")
        sections.setdefault(name, []).append((label, text))
    if front:
        sections["More"] = [
            ("COMMAND --help", "What a command can be told; -h for short."),
            ("--version", "Print the version."),
            ("--install-completion", "Install completion for your shell."),
        ]
        sections["Exit status"] = [
            ("0", "It worked."),
            ("1", "Exercises are not right yet (lessons check)."),
            ("2", "Something given was wrong; one sentence on standard error says what to do."),
            ("130", "It was interrupted; a training that was stopped is saved."),
        ]
    width = min(columns(), 100)
    name = "makemore" if front else f"makemore {word}"
    parts = [
        " ".join(["Usage:", name, *places, "[OPTIONS]"]),
        "\n".join(wrapped(" ".join((_HELP if front else title).split()), width)),
    ]
    parts += [f"{name}:\n" + _columns(rows, width) for name, rows in sections.items()]
    if word in _EXAMPLES or front:
        every = [text.strip().splitlines() for text in (_EXAMPLES.values() if front else [_EXAMPLES[word]])]
        lines = [
            line for i, each in enumerate(every) for line in (each if i < 2 else each[:1] if front else each)
        ]
        parts.append("\n".join(["Examples:", *(row for line in lines for row in _example(line, width))]))
    return "\n\n".join(parts)


def _described(command: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """What a command's docstring says of it, and of each of its arguments."""
    title, _, arguments = inspect.cleandoc(command.__doc__ or "").partition("\n\nArgs:\n")
    helps = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", arguments, re.MULTILINE)
    return title, {name: " ".join(text.split()) for name, text in helps}


def _label(argument: Argument) -> tuple[str, str]:
    """What stands before an argument's help, and its name in the usage if it has a place there."""
    flags = ", ".join(sorted((name for name in argument.names if name.startswith("-")), key=len))
    if argument.index is not None:
        place = argument.field_info.name.upper() + "..." * (
            argument.field_info.kind is inspect.Parameter.VAR_POSITIONAL
        )
        return ", ".join(filter(None, [place, flags])), place
    (kind,) = {*(get_args(argument.hint) or [argument.hint])} - {NoneType}
    (kind,) = get_args(kind) or [kind]  # of which there may be several
    return flags + f" {kind.__name__.upper()}" * (kind is not bool), ""


def _columns(rows: Iterable[tuple[str, str]], width: int) -> str:
    """Names on the left, what is said of them on the right, or below where there is no room."""
    rows = list(rows)
    left = max(len(name) for name, _ in rows) + 4
    lines = []
    for name, text in rows:
        if width - left >= 30:
            lines += wrapped(f"  {name}".ljust(left) + text, width, " " * left)
        else:
            lines += [f"  {name}", *wrapped(" " * 6 + text, width, " " * 6)]
    return "\n".join(lines)


def _example(line: str, width: int) -> list[str]:
    """A command, and what it does beside it, or above where there is no room."""
    text, _, says = line.partition("  ")
    if len(line) + 2 <= width or not says:
        return [f"  {line}"]
    return [*wrapped(f"  # {says.strip()}", width, "  # "), f"  {text}"]


def _type(argv: list[str]) -> str:
    """The type that a command line means, before it is parsed: only then is it known what it may say."""
    values = {"--type": DEFAULT_TYPE, "--work-dir": "out"}
    for i, word in enumerate(argv):
        name, _, value = word.partition("=")
        name = {"-o": "--work-dir"}.get(name, name)
        if name in values:
            values[name] = value or (argv[i + 1] if i + 1 < len(argv) else "")
    if "--resume" in argv and "--type" not in argv:
        from makemore.runs.run import load

        return load(values["--work-dir"]).type
    return values["--type"]


def _call(argv: list[str]) -> int:
    # a single - would be taken for an option
    lists = argv[:1] and (argv[0] in ("train", "inspect", "models") or argv[0] not in _COMMANDS)
    argv = [
        STANDARD_INPUT
        if word == "-" and (before in ("-i", "--input-file") or (lists and not before.startswith("-")))
        else word
        for before, word in zip(["", *argv], argv, strict=False)
    ]
    if argv[:1] == ["help"]:
        argv = [*argv[1:2], "--help"]
    completion = any(word.startswith("--install") for word in argv)
    words = argv[: argv.index("--")] if "--" in argv else argv
    if not completion and ("--help" in words or "-h" in words):
        words = [word for word in words if word not in ("--help", "-h", "--version")]
        given = any(word.partition("=")[0] == "--type" for word in words)
        train = _train_command(_type(words) if given else None)
        print(_help(train, words[0] if words else ""))
        return 0
    try:
        return int(_app(None, completion)(argv) or 0)
    except UnknownOptionError:
        if argv[:1] and argv[0] in _COMMANDS[1:]:
            raise
    # an option that not every type has
    type_name = _type(argv)
    try:
        return int(_app(type_name)(argv) or 0)
    except UnknownOptionError as error:
        from makemore.models import flag, knobs

        has = [flag(k.name) for k in knobs(type_name)]
        word = error.token.keyword or error.token.value
        common = [flag(name) for name in inspect.signature(_train_command(None)).parameters] + [
            "--help",
            "--version",
        ]
        guess = alike(word, [*has, *common])
        raise MakemoreError(
            f"{shown(word)}: not an option of --type {type_name}, which has {', '.join(has) or 'no options of its own'};"
            + (guess or f" see makemore train --type {type_name} --help")
        ) from None


def main() -> None:
    """Run the command line; the `makemore` script calls this."""
    status, sentence = _outcome(sys.argv[1:])
    sys.exit(_complain(sentence) if sentence else status)


def _outcome(argv: list[str]) -> tuple[int, str]:
    """Run a command line; return its exit status, and the sentence to complain with, or ""."""
    own_process()
    prepare()
    try:
        status = _call(argv)
        sys.stdout.flush()
    except MakemoreError as error:
        return 2, spelled(error, argv)
    except OutputEnded as ended:
        return (0, "") if ended.unread else (2, f"standard output: cannot be written: {ended}")
    except UnusedCliTokensError as error:
        return 2, _unused(error)
    except CycloptsError as error:
        return 2, _misread(error)
    except OSError as error:  # of a file that no part of the library has looked after
        about = "the system" if error.filename is None else shown(error.filename)
        remedy = _REMEDIES.get(error.errno or 0, "mend that and run the command again")
        return 2, f"{about}: {error.strerror or error}; {remedy}"
    except MemoryError:
        return 2, "there is not enough memory for this; ask for less at once"
    except KeyboardInterrupt:
        parallel = sys.modules.get("makemore.distributed.group")
        if (
            parallel is None or not parallel.orphaned()
        ):  # or it is the launcher's end, and nobody pressed Ctrl-C
            print("makemore: interrupted", file=sys.stderr)
        return 130, ""
    return status, ""


_REMEDIES = {
    errno.ENOSPC: "make room and run the command again",
    errno.EDQUOT: "make room and run the command again",
    errno.EACCES: "change its permissions, or choose another place",
    errno.EPERM: "change its permissions, or choose another place",
    errno.EROFS: "choose another place",
    errno.EISDIR: "move that directory away, or choose another place",
    errno.ENOTDIR: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "allow more open files (ulimit -n)",
}
"""What to do about errors of files that no part of the library has looked after."""


def _misread(error: CycloptsError) -> str:
    """What to say of an option, or of a value, that the command line library does not accept."""
    sentence = shown(" ".join(str(error).split()).rstrip("."), 500)
    if isinstance(error, UnknownOptionError) and "Did you mean" not in sentence:
        guess = alike(error.token.keyword or error.token.value, ["--help"])  # no option of the library's own
        sentence += ";" * bool(guess) + guess
    sentence = re.sub(r'\. Did you mean "?(.+?)"?\?', r"; did you mean \1?", sentence)
    return f"{sentence}; see makemore{_command()} --help"


def _command() -> str:
    return f" {sys.argv[1]}" if sys.argv[1:2] and sys.argv[1] in _COMMANDS else ""


def _unused(error: UnusedCliTokensError) -> str:
    """What to say of words that are neither a command nor an option."""
    word = (error.unused_tokens or ["?"])[0]
    return f"{shown(word)}: not expected here; see makemore{_command()} --help"


def _complain(sentence: str) -> int:
    with suppress(OutputEnded):
        sys.stdout.flush()
    if len(sentence) > _SENTENCE:  # somebody's text that nothing has shortened
        sentence = f"{sentence[: _SENTENCE // 2]} ... {sentence[-_SENTENCE // 2 :]}"
    tell(f"makemore: {sentence}", "  ", sys.stderr)
    return 2
