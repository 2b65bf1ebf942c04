"""Grading in a process of its own: whatever a learner's code does there, it can neither end nor hang the command."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Generator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from makemore.course.lessons import Verdict, check, checkers, lesson
from makemore.errors import MakemoreError

ANSWER_SECONDS, STARTING_SECONDS = 120.0, 120.0
"""How long one answer may run, and how long starting the process may take besides."""


def check_apart(
    name: str, directory: Path | None = None, seconds: float = ANSWER_SECONDS
) -> Generator[Verdict, None, None]:
    """Grade as `course.check` does. An answer that ends its process, or runs longer than `seconds`, is not right."""
    which = lesson(name)
    left = list(checkers(which))
    while left:
        with _Grader(name, directory, left) as grader:
            failure = yield from grader.verdicts(left, seconds)
        if failure is None:
            return
        if grader.answering is not None:
            left.remove(grader.answering)
            yield Verdict(grader.answering, failure)
        elif which.number:  # the file with all the answers does it before any of them is called
            yield Verdict("exercises.py", failure)
            return
        else:
            yield Verdict(left.pop(0), failure)


class _Grader:
    """The process that grades. A context: it ends with it."""

    def __init__(self, name: str, directory: Path | None, exercises: list[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_grade, args=(theirs, name, directory, list(exercises)), daemon=True
        )
        self._process.start()
        theirs.close()
        self.answering: str | None = None
        """The exercise whose answer is being run."""

    def __enter__(self) -> _Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def verdicts(self, left: list[str], seconds: float) -> Any:
        """Yield verdicts, taking each exercise out of `left`; return what went wrong with the process, or None."""
        limit = seconds + STARTING_SECONDS
        while True:
            if not self._pipe.poll(limit):
                return f"took longer than {seconds:g} s and was stopped; is there a loop that never ends?"
            try:
                found = self._pipe.recv()
            except EOFError:
                self._process.join()
                return (
                    f"ended the whole program, with status {self._process.exitcode}; return a value instead"
                )
            if found is None:
                return None
            if isinstance(found, MakemoreError):
                raise found
            limit = seconds
            if isinstance(found, str):
                self.answering = found
                continue
            self.answering = None
            if found.exercise in left:
                left.remove(found.exercise)
            yield found


def _grade(pipe: Connection, name: str, directory: Path | None, exercises: list[str]) -> None:
    """Send the name of each exercise and its verdict, in the end None; or the error that prevents grading."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends this process
    try:
        for verdict in check(name, directory, exercises, pipe.send):
            pipe.send(verdict)
        pipe.send(None)
    except MakemoreError as error:
        pipe.send(error)
