"""The lessons: find one, copy it to work in, print its solutions.

A lesson is one text file in lessons/ (jupytext's percent format: a Python script that opens as a notebook).
Files with the same number are in the folders beside it: exercises/, functions for the learner to fill in;
checkers/, a function for each exercise; solutions/. The museum has a folder with a file for each bug.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from makemore.errors import MakemoreError, alike, shown
from makemore.files.atomic import create
from makemore.files.paths import kind, refuse_unless, unwritable

MUSEUM = "museum"


@dataclass(frozen=True)
class Lesson:
    """A lesson, or the museum."""

    number: int
    """0 for the museum."""
    path: Path
    title: str

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return str(self.number) if self.number else MUSEUM

    @property
    def home(self) -> Path:
        """The directory that it is copied to, unless another is named."""
        return Path(f"lesson-{self.number}" if self.number else MUSEUM)

    def part(self, kind: str) -> Path:
        """Return the file with its exercises, checkers or solutions."""
        return folder() / kind / (f"{self.number:02}.py" if self.number else f"{MUSEUM}.py")


def folder() -> Path:
    """Return the directory of the lessons: in the package if it is installed, else in the checkout."""
    package = Path(__file__).parents[1]
    places = (package / "lessons", package.parents[1] / "lessons")
    return next((path for path in places if path.is_dir()), places[0])


def lessons() -> list[Lesson]:
    """Return all lessons in order, the museum last."""
    found = []
    for path in sorted(folder().glob("[0-9][0-9]_*.py")):
        title = re.search(r"^# # \d+\. (.+)$", path.read_text("utf-8"), re.MULTILINE)
        found.append(Lesson(int(path.name[:2]), path, title[1] if title else path.stem))
    return [*found, Lesson(0, folder() / MUSEUM, "The bug museum: programs to fix")]


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


def start(name: str, directory: Path | None = None) -> list[Path]:
    """Copy a lesson and its exercises into a directory to work in. Existing files are left as they are.

    Args:
        name: The lesson.
        directory: Where to copy it; created if it is missing. None takes lesson-3 for lesson 3, or museum.

    Returns:
        The files that were written.

    Raises:
        MakemoreError: Everything is there already, or the directory cannot be written.

    """
    which = lesson(name)
    directory = directory or which.home
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
    notebook = which.path.with_suffix(".ipynb")
    if notebook.exists():
        copies[notebook] = notebook.name
    pictures = (folder() / "pictures").glob(f"{which.number:02}_*.svg")
    return copies | {path: f"pictures/{path.name}" for path in pictures}


def solutions(name: str) -> str:
    """Return the solutions of a lesson's exercises, or of the museum, as text."""
    return lesson(name).part("solutions").read_text("utf-8")
