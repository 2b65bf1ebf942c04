"""The command `lessons`: the course in the terminal."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

from makemore.cli.options import option, path
from makemore.cli.terminal import tell
from makemore.errors import MakemoreError, command_line, shown


def lessons(
    action: Annotated[
        Literal["list", "start", "check", "solutions"],
        option("list, start (copy a lesson), check (grade its exercises) or solutions (print them)."),
    ] = "list",
    which: Annotated[
        str | None, option("The number of a lesson, or museum: programs with a bug to fix.")
    ] = None,
    *,
    directory: Annotated[
        Path | None,
        path("Where to work. [default: lesson-3 for lesson 3, museum for the museum]", "-o"),
    ] = None,
) -> int:
    """The course: list its lessons, copy one to work in, grade its exercises."""
    from makemore.course import lessons as course

    if action == "list":
        if which is not None or directory is not None:
            start = command_line("lessons", "start", which or 1)
            raise MakemoreError(f"{shown(which or '-o')}: not expected here; for one lesson run `{start}`")
        return _list()
    if directory is not None and action == "solutions":
        raise MakemoreError(f"-o {directory}: solutions are printed, not written; drop it")
    if which is None:
        raise MakemoreError(f"makemore lessons {action}: name a lesson, as in makemore lessons {action} 1")
    if action == "start":
        return _start(which, directory)
    if action == "check":
        return _check(which, directory)
    print(course.solutions(which), end="")
    return 0


def _list() -> int:
    from makemore.course import lessons as course

    for each in course.lessons():
        tell(f"{each.name:>6}  {each.title}", " " * 8)
    tell("")
    tell(
        "`makemore lessons start 1` copies the first to lesson-1/ to work in; `makemore lessons check 1` "
        "grades its exercises"
    )
    return 0


def _start(which: str, directory: Path | None) -> int:
    """Copy a lesson to work in, and say what to do with it."""
    from makemore.course import lessons as course

    for copied in course.start(which, directory):
        tell(str(copied))
    lesson = course.lesson(which)
    what = "fill in exercises.py" if lesson.number else "run them, fix them"
    named = () if directory is None else ("-o", directory)
    tell(
        f"{what}, then: `{command_line('lessons', 'check', lesson.name, *named)}`; "
        f"`{command_line('lessons', 'solutions', lesson.name)}` shows how"
    )
    return 0


def _check(which: str, directory: Path | None) -> int:
    """Grade the exercises of a lesson, and return the exit status: 1 if some are not right yet."""
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
