"""What a learner has done so far, and what comes next. Nothing here needs torch."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from makemore.course.lessons import Bug, Lesson, bugs, exercises, lesson, lessons, place
from makemore.errors import MakemoreError, command_line
from makemore.files.json_io import read_json, write_json

FILE = "makemore-progress.json"
"""The file beside the exercises that remembers what was right."""


@dataclass(frozen=True)
class Try:
    """A try at the open challenge."""

    loss: float
    """On held-out names, in nats per token."""
    when: str
    """The date and the time."""


@dataclass
class Progress:
    """What is known of the exercises in one directory."""

    right: list[str] = field(default_factory=list)
    """The exercises whose answer was right when it was last checked."""
    hints: dict[str, int] = field(default_factory=dict)
    """How many hints were given, by exercise."""
    tries: list[Try] = field(default_factory=list)
    """The tries at the open challenge, the oldest first."""


def read(which: Lesson, directory: Path | None = None) -> Progress:
    """Return the progress in a directory; None takes the usual one.

    A file that is missing or damaged counts as none: the next check writes it anew.
    """
    known: object = None
    with contextlib.suppress(MakemoreError):
        known = read_json((directory or place(which)) / FILE)
    known = known if isinstance(known, dict) else {}
    right, hints, tries = known.get("right"), known.get("hints"), known.get("tries")
    every = exercises(which)
    return Progress(
        [each for each in every if isinstance(right, list) and each in right],
        {
            each: hints[each]
            for each in every
            if isinstance(hints, dict) and isinstance(hints.get(each), int) and hints[each] > 0
        },
        [
            Try(float(each["loss"]), str(each.get("when", "")))
            for each in (tries if isinstance(tries, list) else [])
            if isinstance(each, dict) and isinstance(each.get("loss"), int | float)
        ],
    )


def note(which: Lesson, directory: Path | None, right: Iterable[str], wrong: Iterable[str]) -> Progress:
    """Write down what a check found, if the directory can be written to, and return the progress."""
    known = read(which, directory)
    right, wrong = set(right), set(wrong)
    known.right = [
        each for each in exercises(which) if each in right or (each in known.right and each not in wrong)
    ]
    with contextlib.suppress(MakemoreError):
        _write(which, directory, known)
    return known


def note_try(which: Lesson, directory: Path | None, loss: float) -> list[Try]:
    """Write down a try at the open challenge, if the directory can be written to; return all of them, the best first."""
    known = read(which, directory)
    known.tries.append(Try(loss, datetime.datetime.now().strftime("%Y-%m-%d %H:%M")))
    with contextlib.suppress(MakemoreError):
        _write(which, directory, known)
    return sorted(known.tries, key=lambda each: each.loss)


def hint(which: Lesson, exercise: str, directory: Path | None = None) -> tuple[list[str], int]:
    """Return the hints of an exercise that were given so far and the next one; and how many there are.

    The next call gives one more, if the learner has a directory in which that can be remembered.
    Raises MakemoreError if it cannot be written there.
    """
    import tomllib

    every: list[str] = tomllib.loads(which.part("hints", ".toml").read_text("utf-8"))[exercise]
    known = read(which, directory)
    known.hints[exercise] = given = min(known.hints.get(exercise, 0) + 1, len(every))
    _write(which, directory, known)
    return every[:given], len(every)


def _write(which: Lesson, directory: Path | None, known: Progress) -> None:
    """Write progress beside the exercises, if they are there."""
    where = directory or place(which)
    if any((where / which.file(each)).is_file() for each in exercises(which)):
        write_json(where / FILE, asdict(known))


def done(which: Lesson, directory: Path | None = None) -> bool:
    """Return whether all exercises of a lesson are right."""
    return len(read(which, directory).right) == len(exercises(which))


def open_bug(finished: Iterable[int]) -> Bug | None:
    """Return the first bug that is not mended yet and that these lessons make findable."""
    mended, finished = read(lesson("museum")).right, set(finished)
    return next((bug for bug in bugs() if bug.after in finished and bug.name not in mended), None)


def next_steps() -> list[str]:
    """Return what to do next, the most natural thing first; nothing if all is done."""
    numbered = [each for each in lessons() if each.number]
    finished = [each.number for each in numbered if done(each)]
    steps = []
    ahead = [each for each in numbered if each.number not in finished]
    begun = [each for each in ahead if place(each).is_dir()]
    for each in (begun or ahead)[:1]:
        left = [name for name in exercises(each) if name not in read(each).right]
        if begun:
            check = command_line("lessons", "check", each.name, left[0])
            hinted = command_line("lessons", "hint", each.name, left[0])
            steps.append(f"lesson {each.name}, exercise {left[0]}: `{check}`; stuck? `{hinted}`")
        else:
            start = command_line("lessons", "start", each.name)
            steps.append(f"lesson {each.name}, {each.title} ({each.allow}): `{start}`")
    bug = open_bug(finished)
    if bug is not None:
        steps.append(f"in the museum: {bug.symptom} `{command_line('lessons', 'museum')}`")
    return steps


def last_page() -> str:
    """Return what the course says to someone for whom everything is right."""
    return (lessons()[0].path.parent / "last_page.txt").read_text("utf-8")
