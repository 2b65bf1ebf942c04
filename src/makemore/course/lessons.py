"""The course: its lessons, the exercises and what checks them, and the museum of bugs.

A lesson is one text file in lessons/ (jupytext's percent format: a Python script that opens as a notebook).
Beside it, by the same number: exercises/ with functions for the learner to fill in, checkers/ with one
function for each exercise, solutions/. The museum is laid out alike, with a file for each bug.

A checker takes the learner's module and raises Wrong, with a message for the learner, unless all is well.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import runpy
import sys
import textwrap
import traceback
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from makemore.corpus.source import locate
from makemore.errors import MakemoreError, alike, command_line, shown
from makemore.files.atomic import create
from makemore.files.paths import kind, refuse_unless, unwritable

FAST = os.environ.get("MAKEMORE_FAST") == "1"  # a lesson then trains for a moment only: does it run?
MUSEUM = "museum"


class Wrong(AssertionError):  # noqa: N818 - it is the learner's word for it
    """What a checker raises: the message tells the learner what is not right, and where to look."""


@dataclass(frozen=True)
class Lesson:
    """One lesson, or the museum: its number (0 for the museum), file and title."""

    number: int
    path: Path
    title: str

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return str(self.number) if self.number else MUSEUM


@dataclass(frozen=True)
class Verdict:
    """What came of one exercise: message is empty if it is right."""

    exercise: str
    message: str


def folder() -> Path:
    """Return the directory of the lessons: in the package where it is installed, else in the checkout."""
    here = Path(__file__).parents[1]
    return next(
        (path for path in (here / "lessons", here.parents[1] / "lessons") if path.is_dir()), here / "lessons"
    )


def lessons() -> list[Lesson]:
    """Return all lessons in order, the museum last."""
    found = []
    for path in sorted(folder().glob("[0-9][0-9]_*.py")):
        title = re.search(r"^# # \d+\. (.+)$", path.read_text("utf-8"), re.MULTILINE)
        found.append(Lesson(int(path.name[:2]), path, title[1] if title else path.stem))
    return [*found, Lesson(0, folder() / MUSEUM, "The bug museum: programs to mend")]


def lesson(name: str) -> Lesson:
    """Return the lesson of that number, or the museum, or raise MakemoreError."""
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
    """Copy a lesson and its exercises into a directory to work in; return what was written.

    directory: made if need be; what is in it stays as it is. [default: lesson-3 for lesson 3, museum for the museum]
    """
    which = lesson(name)
    directory = directory or _home(which)
    if which.number:
        copies = {which.path: which.path.name, _part(which, "exercises"): "exercises.py"}
        notebook = which.path.with_suffix(".ipynb")
        if notebook.exists():
            copies[notebook] = notebook.name
        copies |= {p: f"pictures/{p.name}" for p in (folder() / "pictures").glob(f"{which.number:02}_*.svg")}
    else:
        copies = {path: path.name for path in sorted(which.path.glob("[0-9]*.py"))}
    missing = {source: to for source, to in copies.items() if not kind(directory / to)}
    if not missing:
        raise MakemoreError(
            f"{directory}: is there already; name another directory with -o, or delete what is to be new"
        )
    if kind(directory) and not directory.is_dir():
        raise MakemoreError(f"{directory}: is a {kind(directory)}; name a directory with -o")
    made = []
    for source, to in missing.items():
        path = directory / to
        if path.parent != directory:
            refuse_unless(path.parent, "directory")  # and never write through a link
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from None
        with contextlib.suppress(FileExistsError):  # made meanwhile by somebody else
            create(path, source.read_bytes())
            made.append(path)
    return made


def check(
    name: str,
    directory: Path | None = None,
    only: Collection[str] | None = None,
    on_answer: Callable[[str], None] = lambda exercise: None,
) -> Iterator[Verdict]:
    """Grade the exercises in a directory that `start` made, one after the other.

    Args:
        name: The lesson.
        directory: Where the answers are. None looks in the usual place, then here.
        only: The names of the exercises to grade. None grades all.
        on_answer: Called with the name of an exercise before its answer is run, when its file has been.

    """
    which = lesson(name)
    exercises = {key: checker for key, checker in checkers(which).items() if only is None or key in only}
    files = {exercise: f"{exercise}.py" if not which.number else "exercises.py" for exercise in exercises}
    if directory is None:  # the usual place, or here
        directory = _home(which)
        if not directory.is_dir() and any(Path(file).is_file() for file in files.values()):
            directory = Path()
    if not directory.is_dir():
        raise MakemoreError(
            f"{shown(directory)}: no such directory; makemore lessons start {which.name} makes it, or name yours with -o"
        )
    loaded: dict[Path, Any] = {}
    for exercise, checker in exercises.items():
        path = directory / files[exercise]
        if path not in loaded:  # once, or what it prints is printed for every exercise
            loaded[path] = _loaded(path, which)
            if isinstance(loaded[path], str):
                yield Verdict(path.name, loaded[path])
        if not isinstance(loaded[path], str):
            on_answer(exercise)
            yield Verdict(exercise, grade(checker, loaded[path], path))


def _loaded(path: Path, which: Lesson) -> Any:
    """Return the names of a learner's file, or what is wrong with it."""
    if not path.is_file():
        return f"no such file; {command_line('lessons', 'start', which.name, '-o', path.parent)} puts what is missing there again"
    return _guarded(lambda: load(path), path)


def grade(checker: Callable[[Any], None], answers: Any, path: Path | None = None) -> str:
    """Return what is wrong with the learner's module in the eyes of a checker; "" if nothing. path: its file."""
    said = _guarded(lambda: checker(answers), path)
    return said if isinstance(said, str) else ""


def _guarded(call: Callable[[], Any], path: Path | None) -> Any:
    """Return what a call into a learner's code returns, or what to say of how it ended."""
    try:
        return call()
    except Wrong as wrong:
        return str(wrong)
    except (Exception, SystemExit) as error:  # whatever a learner's code can do
        if isinstance(error, AttributeError) and isinstance(error.obj, SimpleNamespace):
            return f"{path.name if path else 'the file'} has no function {error.name}; it was there when it was handed out"
        if isinstance(error, NotImplementedError) and not error.args:  # torch's own have a message
            return "not done yet"
        frames = traceback.extract_tb(error.__traceback__)
        at = next((f" in line {f.lineno}" for f in reversed(frames) if f.filename == str(path)), "")
        if isinstance(error, SyntaxError):
            at = f" in line {error.lineno}" if error.lineno else ""
        return f"stopped{at} with {type(error).__name__}: {error}"


def load(path: Path) -> SimpleNamespace:
    """Run a file of exercises and return its names."""
    return SimpleNamespace(**runpy.run_path(str(path), run_name="exercises"))


def checkers(which: Lesson) -> dict[str, Callable[[Any], None]]:
    """Return the checker of each exercise of a lesson, or of each bug in the museum."""
    found: dict[str, Callable[[Any], None]] = runpy.run_path(str(_part(which, "checkers")))["CHECKS"]
    return found


def solutions(name: str) -> str:
    """Return the solutions of a lesson's exercises, or of the museum, as text."""
    return _part(lesson(name), "solutions").read_text("utf-8")


def _part(which: Lesson, kind: str) -> Path:
    return folder() / kind / (f"{which.number:02}.py" if which.number else f"{MUSEUM}.py")


def _home(which: Lesson) -> Path:
    return Path(f"lesson-{which.number}" if which.number else MUSEUM)


# what lessons use


def names() -> list[str]:
    """Return the 32,033 bundled names, in the order of the file."""
    return locate("names").paths[0].read_text("utf-8").splitlines()


def beside(what: str, ours: float, published: float, source: str) -> None:
    """Print a number beside the published one."""
    print(f"{what:44} ours {ours:8.4f}   published {published:8.4f}   ({source})")


_figures = itertools.count(1)


def show(look_for: str) -> None:
    """Show the current figure with a sentence below it that says what to look for.

    In a notebook it is displayed, a script saves it under figures/.
    """
    import matplotlib.pyplot as plt

    figure = plt.gcf()
    if "ipykernel" in sys.modules:
        from IPython.display import Markdown, display

        plt.show()
        display(Markdown(f"*Look for:* {look_for}"))
        return
    width = int(figure.get_figwidth() * 13)
    figure.text(0.02, -0.02, textwrap.fill(f"Look for: {look_for}", width), fontsize=9, va="top")
    script = Path(sys.argv[0]).stem or "lesson"
    to = Path("figures") / f"{script}-{next(_figures)}.png"
    to.parent.mkdir(exist_ok=True)
    figure.savefig(to, dpi=120, bbox_inches="tight")
    print(f"figure: {to}")
    plt.close(figure)


# what checkers use


def expect(right: object, message: str) -> None:
    """Raise Wrong with the message unless right is true."""
    if not right:
        raise Wrong(message)


def expect_number(value: Any, name: str) -> float:
    """Return a number, or raise Wrong unless value is one; name: of what returned it."""
    import torch

    if isinstance(value, torch.Tensor) and value.dim() == 0:
        value = value.item()
    returned = "nothing" if value is None else type(value).__name__
    expect(
        isinstance(value, (int, float)) and not isinstance(value, bool),
        f"{name} returned {returned}; a number is wanted",
    )
    return float(value)


@contextlib.contextmanager
def by_hand() -> Iterator[None]:
    """While this lasts, whoever asks autograd for a gradient is told to work it out."""
    import torch

    def refusal() -> Callable[..., None]:
        def refuse(*_: Any, **__: Any) -> None:
            raise Wrong("autograd was asked for the gradient; this exercise is to work it out yourself")

        return refuse

    places: list[tuple[Any, str]] = [
        (torch.autograd, "grad"), (torch.autograd, "backward"), (torch.Tensor, "backward"),
        *((torch.func, name) for name in ("grad", "grad_and_value", "vjp", "jacrev", "hessian")),
    ]  # fmt: skip
    before = [getattr(where, name) for where, name in places]
    try:
        for where, name in places:
            setattr(where, name, refusal())
        yield
    finally:
        for (where, name), own in zip(places, before, strict=True):
            setattr(where, name, own)


def expect_tensor(value: Any, shape: tuple[int, ...], name: str) -> None:
    """Raise Wrong unless value is a tensor of that shape, with the name of what returned it in the message."""
    import torch

    expect(
        isinstance(value, torch.Tensor),
        f"{name} returned {'nothing' if value is None else type(value).__name__}; a tensor is wanted",
    )
    expect(
        tuple(value.shape) == tuple(shape),
        f"{name} returned a tensor of shape {tuple(value.shape)}; {tuple(shape)} is wanted",
    )


def expect_close(value: Any, right: Any, message: str, tolerance: float = 1e-5) -> None:
    """Raise Wrong with the message unless two numbers or tensors agree everywhere."""
    import torch

    a, b = (torch.as_tensor(x, dtype=torch.float64).detach() for x in (value, right))
    expect(
        a.shape == b.shape and torch.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True), message
    )
