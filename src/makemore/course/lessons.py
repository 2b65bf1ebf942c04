"""The lessons: find one, its exercises, and what it builds on; copy it to work in.

A lesson is one text file in lessons/ (jupytext's percent format: a Python script that opens as a notebook).
Files with the same number are in the folders beside it: exercises/, functions for the learner to fill in;
checkers/, a function for each exercise; hints/; solutions/. The museum has a folder with a file for each bug.
Nothing here needs torch.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import re
from dataclasses import dataclass
from pathlib import Path

from makemore.errors import MakemoreError, alike, shown
from makemore.files.atomic import create
from makemore.files.paths import kind, refuse_unless, unwritable

MUSEUM = "museum"

_BEFORE = re.compile(r"^# \*Before this: (.+?)\. Allow (.+?)\.\*$", re.MULTILINE)
"""The line of a lesson that says what it builds on, and how long it takes to learn."""


@dataclass(frozen=True)
class Lesson:
    """A lesson, or the museum."""

    number: int
    """0 for the museum."""
    path: Path
    title: str
    needs: tuple[int, ...] = ()
    """The numbers of the lessons that it builds on."""
    allow: str = ""
    """How long to allow for reading it and doing its exercises, such as "2 hours"."""

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return str(self.number) if self.number else MUSEUM

    @property
    def home(self) -> Path:
        """The directory that it is copied to, unless another is named; `usual` says where that is."""
        return Path(f"lesson-{self.number}" if self.number else MUSEUM)

    def part(self, kind: str, suffix: str = ".py") -> Path:
        """Return the file with its exercises, checkers, hints or solutions."""
        return folder() / kind / (f"{self.number:02}{suffix}" if self.number else f"{MUSEUM}{suffix}")

    def file(self, exercise: str) -> str:
        """Return the name of the learner's file that holds the answer to an exercise."""
        if self.number:
            return "exercises.py"
        return next(bug.path.name for bug in bugs() if bug.name == exercise)


@dataclass(frozen=True)
class Bug:
    """A program of the museum, with something to mend."""

    name: str
    path: Path
    title: str
    after: int
    """The lesson after which it can be found."""
    symptom: str
    function: str
    """The name of the function to mend."""


def folder() -> Path:
    """Return the directory of the lessons: in the package if it is installed, else in the checkout."""
    package = Path(__file__).parents[1]
    places = (package / "lessons", package.parents[1] / "lessons")
    return next((path for path in places if path.is_dir()), places[0])


@functools.cache
def lessons() -> tuple[Lesson, ...]:
    """Return all lessons in order, the museum last."""
    found = []
    for path in sorted(folder().glob("[0-9][0-9]_*.py")):
        text = path.read_text("utf-8")
        title = re.search(r"^# # \d+\. (.+)$", text, re.MULTILINE)
        before = _BEFORE.search(text)
        needs = tuple(map(int, re.findall(r"\d+", before[1]))) if before else ()
        number = int(path.name[:2])
        found.append(
            Lesson(number, path, title[1] if title else path.stem, needs, before[2] if before else "")
        )
    return *found, Lesson(0, folder() / MUSEUM, "The bug museum: programs to fix")


def lesson(name: str) -> Lesson:
    """Return a lesson by its number or file name, or the museum.

    Raises MakemoreError if there is no such lesson.
    """
    every = lessons()
    for each in every:
        if name.lower().lstrip("0") in (each.name, each.path.stem.lstrip("0")):
            return each
    guess = (
        alike(name, [each.path.stem for each in every])
        or f" there are 1 to {max(each.number for each in every)} and {MUSEUM}"
    )
    raise MakemoreError(f"{shown(name)}: no such lesson;{guess}")


@functools.cache
def bugs() -> tuple[Bug, ...]:
    """Return the programs of the museum in the order in which they can be found."""
    found = []
    for path in sorted((folder() / MUSEUM).glob("[0-9][0-9]_*.py")):
        text = path.read_text("utf-8").split('"""')[1]
        said = re.match(
            r"Bug \d+: (.+?)\.\n\nAfter lesson (\d+)\.\n\nSymptom: (.+)\nRun this file.+mend `(\w+)`",
            text,
            re.DOTALL,
        )
        if said is None:
            raise ValueError(f"{path.name}: the docstring does not say what a bug's should")
        symptom = " ".join(said[3].split())
        found.append(Bug(path.stem[3:], path, said[1], int(said[2]), symptom, said[4]))
    return tuple(found)


@functools.cache
def exercises(which: Lesson) -> tuple[str, ...]:
    """Return the names of the exercises of a lesson, or of the bugs in the museum, in order."""
    if not which.number:
        return tuple(bug.name for bug in bugs())
    return tuple(re.findall(r"^def (\w+)\(", which.part("exercises").read_text("utf-8"), re.MULTILINE))


def exercise(which: Lesson, name: str) -> str:
    """Return the name of an exercise by that name, or by the name of its file in the museum.

    Raises MakemoreError if the lesson has no such exercise.
    """
    every = exercises(which)
    plain = re.sub(r"^\d\d_", "", name.lower().removesuffix(".py"))
    if plain in every:
        return plain
    what = "such exercise in lesson " + which.name if which.number else "such bug in the museum"
    raise MakemoreError(f"{shown(name)}: no {what};{alike(plain, every) or ' there are ' + ', '.join(every)}")


def usual(which: Lesson) -> Path:
    """Return the directory that a lesson is copied to; from inside the directory of another, it is beside that."""
    inside = Path.cwd().name in [str(each.home) for each in lessons()]
    return Path("..", which.home) if inside and not which.home.is_dir() else which.home


def place(which: Lesson) -> Path:
    """Return where a lesson is worked on: the usual directory, or the current one if only that has the answers."""
    if usual(which).is_dir():
        return usual(which)
    names = exercises(which) if which.number else [bug.function for bug in bugs()]
    files = {Path(which.file(each)) for each in exercises(which)}
    texts = [path.read_text("utf-8", "replace") for path in files if path.is_file()]
    here = any(f"def {name}(" in text for name in names for text in texts)
    return Path() if here else usual(which)


def start(name: str, directory: Path | None = None) -> list[Path]:
    """Copy a lesson and its exercises into a directory to work in. Existing files are left as they are.

    Args:
        name: The lesson.
        directory: Where to copy it; created if it is missing. None takes the usual place.

    Returns:
        The files that were written.

    Raises:
        MakemoreError: Everything is there already, or the directory cannot be written.

    """
    which = lesson(name)
    directory = directory or usual(which)
    copies = _copies(which)
    missing = {source: to for source, to in copies.items() if not kind(directory / to)}
    if not missing:
        raise MakemoreError(
            f"{directory}: exists already; name another directory, or delete the files to copy again"
        )
    if kind(directory) and not directory.is_dir():
        raise MakemoreError(f"{directory}: is a {kind(directory)}; name a directory")
    made = []
    for source, to in missing.items():
        path = directory / to
        if path.parent != directory:
            refuse_unless(path.parent, "directory")  # and never write through a link
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from None
        with contextlib.suppress(FileExistsError):  # another process has just made it
            create(path, source.read_bytes())
            made.append(path)
    return made


def _copies(which: Lesson) -> dict[Path, str]:
    """Return the files of a lesson, each with its name in the learner's directory."""
    if not which.number:
        return {path: path.name for path in sorted(which.path.glob("[0-9]*.py"))}
    copies = {which.path: which.path.name, which.part("exercises"): "exercises.py"}
    copies[folder() / "challenge.py"] = "challenge.py"
    notebook = which.path.with_suffix(".ipynb")
    if notebook.exists():
        copies[notebook] = notebook.name
    pictures = (folder() / "pictures").glob(f"{which.number:02}_*.svg")
    return copies | {path: f"pictures/{path.name}" for path in pictures}


def solutions(name: str, only: str | None = None) -> str:
    """Return the solutions of a lesson's exercises, or of the museum, as text.

    Args:
        name: The lesson.
        only: The exercise whose solution to return, with what it imports and its comments. None returns all.

    """
    which = lesson(name)
    text = which.part("solutions").read_text("utf-8")
    if only is None:
        return text
    wanted = only if which.number else next(bug.function for bug in bugs() if bug.name == only)
    others = set(exercises(which)) if which.number else {bug.function for bug in bugs()}
    lines, kept, end = text.splitlines(), [], 0
    for statement in ast.parse(text).body[1:]:  # without the docstring
        begin, end = end, statement.end_lineno or 0
        if isinstance(statement, ast.FunctionDef) and statement.name in others - {wanted}:
            continue
        kept += lines[max(begin, 1) : end]  # with the comments and empty lines before it
    return "\n".join(kept).strip() + "\n"
