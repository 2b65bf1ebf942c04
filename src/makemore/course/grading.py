"""Grading a learner's answers.

A checker takes the learner's module and raises Wrong unless the answer is right. `check_apart` runs the
checkers in a process of their own: whatever a learner's code does, it can neither end nor hang the command.
"""

from __future__ import annotations

import multiprocessing
import runpy
import signal
import traceback
from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

from makemore.course import challenges
from makemore.course.expectations import Wrong
from makemore.course.lessons import Lesson, bugs, exercises, lesson, place
from makemore.errors import MakemoreError, command_line, shown

Returned = TypeVar("Returned")
Checker = Callable[[SimpleNamespace], None]

ANSWER_SECONDS, STARTING_SECONDS = 30.0, 120.0
"""How long an answer may run, and how long the process may take to start."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong with the answer to one exercise."""

    exercise: str
    message: str
    """Empty if the answer is right."""
    loss: float | None = None
    """The held-out loss of an open challenge, in nats per token."""


def check(
    name: str,
    directory: Path | None = None,
    only: Collection[str] | None = None,
    on_answer: Callable[[str], None] = lambda exercise: None,
) -> Iterator[Verdict]:
    """Grade the exercises in a directory that `start` made, one after the other.

    Args:
        name: The lesson.
        directory: Where the answers are. None looks in the usual place, then in the current directory.
        only: The exercises to grade. None grades all.
        on_answer: Called with the name of an exercise before its answer is called, and with "" before a file
            of answers is run.

    Raises:
        MakemoreError: There is no such lesson or directory.

    """
    which = lesson(name)
    graders = {key: checker for key, checker in checkers(which).items() if only is None or key in only}
    files = _files(which, directory, graders)
    loaded: dict[Path, SimpleNamespace | str] = {}
    for exercise, checker in graders.items():
        path = files[exercise]
        if path not in loaded:  # only once, or it would print its output for every exercise
            on_answer("")
            loaded[path] = answers = _loaded(path, which)
            if isinstance(answers, str):
                yield Verdict(path.name, answers)
        answers = loaded[path]
        if not isinstance(answers, str):
            on_answer(exercise)
            yield Verdict(exercise, grade(checker, answers, path))


def _files(which: Lesson, directory: Path | None, wanted: Collection[str]) -> dict[str, Path]:
    """Return the file that holds the answer of each exercise. Raises MakemoreError without its directory."""
    directory = _directory(which, directory)
    return {exercise: directory / which.file(exercise) for exercise in wanted}


def _directory(which: Lesson, directory: Path | None) -> Path:
    """Return the directory with the answers. Raises MakemoreError if there is none."""
    directory = directory or place(which)
    if not directory.is_dir():
        raise MakemoreError(
            f"{shown(directory)}: no such directory; "
            f"`{command_line('lessons', 'start', which.name)}` makes it, or name yours"
        )
    return directory


def touched(which: Lesson, directory: Path | None = None) -> list[str]:
    """Return the bugs of the museum whose files are not as they were handed out.

    Raises MakemoreError if there is no such directory.
    """
    files = _files(which, directory, exercises(which))
    handed_out = {bug.name: bug.path.read_bytes() for bug in bugs()}
    return [each for each, path in files.items() if path.is_file() and path.read_bytes() != handed_out[each]]


def checkers(which: Lesson) -> dict[str, Checker]:
    """Return the checker of each exercise of a lesson, or of each bug in the museum."""
    found: dict[str, Checker] = runpy.run_path(str(which.part("checkers")))["CHECKS"]
    return found


def load(path: Path) -> SimpleNamespace:
    """Run a file of exercises and return the names that it defines."""
    return SimpleNamespace(**runpy.run_path(str(path), run_name="exercises"))


def grade(checker: Checker, answers: SimpleNamespace, path: Path | None = None) -> str:
    """Return what a checker finds wrong with a learner's module, or ""."""
    return _guarded(lambda: checker(answers), path) or ""


def _loaded(path: Path, which: Lesson) -> SimpleNamespace | str:
    """Return the names of a learner's file, or what is wrong with it."""
    if not path.is_file():
        again = command_line("lessons", "start", which.name, "-o", path.parent)
        return f"no such file; `{again}` copies what is missing"
    return _guarded(lambda: load(path), path)


def _guarded(call: Callable[[], Returned], path: Path | None) -> Returned | str:
    """Return what a call into a learner's code returns, or a sentence on how it failed."""
    try:
        return call()
    except Wrong as wrong:
        return str(wrong)
    except (Exception, SystemExit) as error:  # whatever a learner's code can do
        if isinstance(error, AttributeError) and isinstance(error.obj, SimpleNamespace):
            return f"{path.name if path else 'the file'} has no function {error.name} any more"
        if isinstance(error, NotImplementedError) and not error.args:  # torch's own have a message
            return "not done yet"
        frames = traceback.extract_tb(error.__traceback__)
        at = next((f" in line {f.lineno}" for f in reversed(frames) if f.filename == str(path)), "")
        if isinstance(error, SyntaxError):  # its own words tell the file and the line once more
            at = f" in line {error.lineno}" if error.lineno else ""
            return f"stopped{at} with {type(error).__name__}: {error.msg}"
        return f"stopped{at} with {type(error).__name__}: {error}"


def check_challenge(
    name: str, directory: Path | None = None, on_answer: Callable[[str], None] = lambda exercise: None
) -> Iterator[Verdict]:
    """Score the open challenge of a lesson, as `check` grades exercises.

    Raises MakemoreError if there is no such lesson or directory.
    """
    which = lesson(name)
    path = _directory(which, directory) / f"{challenges.NAME}.py"
    on_answer("")
    answers = _loaded(path, which)
    if isinstance(answers, str):
        yield Verdict(path.name, answers)
        return
    on_answer(challenges.NAME)
    outcome = _guarded(lambda: challenges.score(answers), path)
    said = outcome if isinstance(outcome, str) else ""
    yield Verdict(challenges.NAME, said, None if isinstance(outcome, str) else outcome)


# in a process of its own


def check_apart(
    name: str,
    directory: Path | None = None,
    only: Collection[str] | None = None,
    seconds: float = ANSWER_SECONDS,
) -> Generator[Verdict, None, None]:
    """Grade as `check` does, in another process.

    An answer that ends the process, or runs longer than `seconds`, is wrong.
    """
    which = lesson(name)
    every = (*exercises(which), challenges.NAME) if only else exercises(which)
    left = [each for each in every if only is None or each in only]
    _directory(which, directory)  # said at once, not after another process has loaded torch
    while left:
        with _Grader(name, directory, left) as grader:
            failure = yield from grader.verdicts(left, seconds)
        if failure is None:
            return
        if grader.answering is not None:
            left.remove(grader.answering)
            yield Verdict(grader.answering, failure)
        elif which.number:  # the file with all the answers fails before any of them is called
            yield Verdict("exercises.py", failure)
            return
        else:
            yield Verdict(left.pop(0), failure)


class _Grader:
    """The process that grades, until the end of a with block."""

    def __init__(self, name: str, directory: Path | None, exercises: list[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_grade, args=(theirs, name, directory, list(exercises)), daemon=True
        )
        self._process.start()
        theirs.close()
        self.answering: str | None = None
        """The exercise whose answer is running."""

    def __enter__(self) -> _Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def verdicts(self, left: list[str], seconds: float) -> Generator[Verdict, None, str | None]:
        """Yield verdicts and remove their exercises from `left`; return how the process failed, or None."""
        limit = STARTING_SECONDS
        while True:
            if not self._pipe.poll(limit):
                return f"took longer than {limit:g} s and was stopped; is there an endless loop?"
            try:
                found: MakemoreError | Verdict | str | None = self._pipe.recv()
            except EOFError:
                self._process.join()
                status = self._process.exitcode
                return f"ended the whole program, with status {status}; return a value instead"
            if found is None:
                return None
            if isinstance(found, MakemoreError):
                raise found
            limit = seconds
            if isinstance(found, str):
                self.answering = found or None
                continue
            self.answering = None
            if found.exercise in left:
                left.remove(found.exercise)
            yield found


def _grade(pipe: Connection, name: str, directory: Path | None, exercises: list[str]) -> None:
    """Send what begins to run and each verdict, then None; or the error that prevents grading."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends this process
    verdicts = (
        check_challenge(name, directory, pipe.send)
        if exercises == [challenges.NAME]
        else check(name, directory, exercises, pipe.send)
    )
    try:
        for verdict in verdicts:
            pipe.send(verdict)
        pipe.send(None)
    except MakemoreError as error:
        pipe.send(error)
