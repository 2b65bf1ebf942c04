"""The command `lessons`: the course in the terminal."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from makemore.cli.options import option, path
from makemore.cli.terminal import tell, waiting
from makemore.errors import MakemoreError, alike, command_line, shown

if TYPE_CHECKING:
    from makemore.course.grading import Verdict
    from makemore.course.lessons import Bug, Lesson
    from makemore.course.progress import Try

ACTIONS = ("list", "start", "open", "check", "hint", "solutions")


def lessons(
    action: Annotated[
        str,
        option(
            "list, start (copy a lesson), open (in JupyterLab), check (grade its exercises), hint, solutions (print "
            "them), or just a lesson, to see how far you are."
        ),
    ] = "list",
    which: Annotated[
        str | None, option("The number of a lesson, or museum: programs with a bug to fix.")
    ] = None,
    exercise: Annotated[str | None, option("One exercise of it, or one bug.")] = None,
    *,
    directory: Annotated[
        Path | None,
        path("Where to work. [default: lesson-4 for lesson 4, museum for the museum]", "-o"),
    ] = None,
) -> int:
    """The course: see how far you are, copy a lesson to work in, grade its exercises, get a hint."""
    from makemore.course import lessons as course

    if action not in ACTIONS:
        return _overview(_named(action, which), directory)
    if action == "list":
        if which is not None or directory is not None:
            start = command_line("lessons", "start", which or 1)
            raise MakemoreError(f"{shown(which or '-o')}: not expected here; for one lesson run `{start}`")
        return _list()
    if directory is not None and action == "solutions":
        raise MakemoreError(f"-o {directory}: solutions are printed, not written; drop it")
    if which is None:
        raise MakemoreError(f"makemore lessons {action}: name a lesson, as in makemore lessons {action} 1")
    lesson = course.lesson(which)
    if exercise is not None:
        if action in ("start", "open"):
            raise MakemoreError(f"{shown(exercise)}: not expected here; {action} takes a whole lesson")
        if exercise.removesuffix(".py") == "challenge" and lesson.number:
            if action != "check":
                raise MakemoreError(
                    f"challenge: it is open, and has no {action}; `makemore lessons {lesson.name}` shows it"
                )
            return _challenge(lesson, directory)
        exercise = course.exercise(lesson, exercise)
    match action:
        case "start":
            return _start(lesson, directory)
        case "open":
            return _open(lesson, directory)
        case "check":
            return _check(lesson, exercise, directory)
        case "hint":
            return _hint(lesson, _one(lesson, exercise, "hint"), directory)
    if not lesson.number:
        exercise = _one(lesson, exercise, "solutions")
    print(course.solutions(which, exercise), end="")
    return 0


def _named(word: str, more: str | None) -> "Lesson":
    """Return the lesson that the first word names, where an action was expected."""
    from makemore.course import lessons as course

    try:
        found = course.lesson(word)
    except MakemoreError:
        names = [each.path.stem for each in course.lessons()]
        guess = (
            alike(word, [*ACTIONS, *names]) or f" there are {', '.join(ACTIONS)}, or the number of a lesson"
        )
        raise MakemoreError(f"{shown(word)}: no such action or lesson;{guess}") from None
    if more is not None:
        check = command_line("lessons", "check", found.name, more)
        raise MakemoreError(f"{shown(more)}: say what to do, as in `{check}`")
    return found


def _one(lesson: "Lesson", exercise: str | None, action: str) -> str:
    """Return the exercise that was named. Raises MakemoreError if none was."""
    from makemore.course.lessons import exercises

    if exercise is None:
        example = command_line("lessons", action, lesson.name, exercises(lesson)[0])
        what = "an exercise" if lesson.number else "a bug"
        raise MakemoreError(f"makemore lessons {action} {lesson.name}: name {what}, as in `{example}`")
    return exercise


def _list() -> int:
    """Print all lessons, how far each is done, and what comes next."""
    from makemore.course import lessons as course
    from makemore.course import progress

    all_done = True
    for each in course.lessons():
        right, every = len(progress.read(each).right), len(course.exercises(each))
        begun = course.place(each).is_dir()
        mark = "done" if right == every else f"{right} of {every}" if begun else each.allow or f"{every} bugs"
        tell(f"{each.name:>6}  {each.title:<40}  {mark}", " " * 8)
        all_done = all_done and right == every
    tell("")
    if all_done:
        print(progress.last_page(), end="")
    _say_what_next()
    return 0


def _say_what_next() -> None:
    from makemore.course.progress import next_steps

    for lead, step in zip(("next:", "or"), next_steps(), strict=False):
        tell(f"{lead} {step}", "  ")


def _overview(lesson: "Lesson", directory: Path | None) -> int:
    """Print what a lesson needs, its exercises, and how far each is."""
    from makemore.course import lessons as course
    from makemore.course import progress

    known = progress.read(lesson, directory)
    where = directory or course.place(lesson)
    named = () if directory is None else ("-o", directory)
    start = command_line("lessons", "start", lesson.name, *named)
    tell(f"{lesson.number}. {lesson.title}" if lesson.number else lesson.title)
    if not lesson.number:
        run = f"run {where}/" if where.is_dir() else f"`{start}`, then run {where}/"
        return _museum(known.right, run, named)
    needs = " and ".join(map(str, lesson.needs))
    before = f"lesson{'s' * (len(lesson.needs) > 1)} {needs}" if needs else "some Python"
    tell(f"builds on {before}; allow {lesson.allow}")
    for each in course.exercises(lesson):
        tell(f"  {'right' if each in known.right else 'to do':6}  {each}")
    _say_the_challenge(lesson, directory, known.tries)
    if len(known.right) == len(course.exercises(lesson)):
        _say_what_next()
    elif where.is_dir():
        tell(f"next: `{command_line('lessons', 'check', lesson.name, *named)}`")
    else:
        tell(f"next: `{start}`")
    return 0


def _museum(mended: list[str], run: str, named: Sequence[object]) -> int:
    """Print the bugs, and the symptom of the first one to be found."""
    from makemore.course.lessons import bugs

    for bug in bugs():
        mark = "mended" if bug.name in mended else f"after lesson {bug.after}"
        tell(f"  {bug.path.name:28}  {bug.title:44}  {mark}", " " * 32)
    first = next((bug for bug in bugs() if bug.name not in mended), None)
    if first is not None:
        _show(first, run, named)
    return 0


def _show(bug: "Bug", run: str, named: Sequence[object]) -> None:
    """Print the symptom of a bug and what to do; `named` are the words that name the directory, if it was named."""
    check, hint = (
        command_line("lessons", action, "museum", bug.name, *named) for action in ("check", "hint")
    )
    tell(f"next: {bug.symptom}", "  ")
    tell(f"{run}{bug.path.name}, mend its {bug.function}, then: `{check}`; stuck? `{hint}`", "  ")


def _start(lesson: "Lesson", directory: Path | None) -> int:
    """Copy a lesson to work in, and say what to do with it."""
    from makemore.course import lessons as course

    for copied in course.start(lesson.name, directory):
        tell(str(copied))
    named = () if directory is None else ("-o", directory)
    if lesson.number:
        check, hint = (
            command_line("lessons", action, lesson.name, *more, *named)
            for action, more in (("check", ()), ("hint", (course.exercises(lesson)[0],)))
        )
        tell(
            f"read the notebook (`{command_line('lessons', 'open', lesson.name, *named)}`), fill in exercises.py, then: "
            f"`{check}`; stuck? `{hint}`"
        )
        return 0
    _show(course.bugs()[0], f"run {directory or course.place(lesson)}/", named)
    return 0


def _open(lesson: "Lesson", directory: Path | None) -> int:
    """Open a lesson in JupyterLab, copied first if it is not there yet; return when it was closed."""
    import importlib.util
    import subprocess

    from makemore.course import lessons as course

    if importlib.util.find_spec("jupyterlab") is None:
        raise MakemoreError(
            "JupyterLab is not installed here; install it with: pip install 'makemore[course]', or open the notebook "
            "in an editor that shows notebooks"
        )
    where = directory or course.place(lesson)
    what = where / lesson.path.with_suffix(".ipynb").name if lesson.number else where
    if not what.exists():
        course.start(lesson.name, directory)
    tell(f"opening {what} in the browser; Ctrl-C here ends it")
    return subprocess.run([sys.executable, "-m", "jupyterlab", str(what.absolute())], check=False).returncode


def _hint(lesson: "Lesson", exercise: str, directory: Path | None) -> int:
    """Print the hints of an exercise given so far, and the next one."""
    from makemore.course import progress

    given, every = progress.hint(lesson, exercise, directory)
    for i, each in enumerate(given, 1):
        tell(f"{i}. {each}", "   ")
    if len(given) < every:
        tell(f"hint {len(given)} of {every}; ask again for the next")
    else:
        tell(f"that was the last; `{command_line('lessons', 'solutions', lesson.name, exercise)}` shows how")
    return 0


def _check(lesson: "Lesson", exercise: str | None, directory: Path | None) -> int:
    """Grade exercises of a lesson, and return the exit status: 1 if some are not right yet."""
    from makemore.course import progress
    from makemore.course.grading import ANSWER_SECONDS, check_apart, touched
    from makemore.course.lessons import exercises, lessons, place

    every = exercises(lesson)
    wanted = [exercise] if exercise else every if lesson.number else touched(lesson, directory)
    verdicts: list[Verdict] = []
    if wanted:
        with closing(check_apart(lesson.name, directory, wanted)) as found:
            while verdict := _awaited(found, "running your answers, each", ANSWER_SECONDS):
                tell(f"{'not yet' if verdict.message else 'right':8} {verdict.exercise}", " " * 9)
                if verdict.message:
                    tell(" " * 9 + verdict.message, " " * 9)
                verdicts.append(verdict)
    else:
        tell(f"nothing is changed yet in {directory or place(lesson)}")
    right = {each.exercise for each in verdicts if not each.message}
    known = progress.note(lesson, directory, right, set(every if not exercise else wanted) - right)
    count = len(known.right)
    tell(f"{count} of {len(every)} right")
    if count < len(every):
        _say_what_is_left(lesson, [each for each in every if each not in known.right], directory)
    elif all(progress.done(each) for each in lessons()):
        print("\n" + progress.last_page(), end="")
    else:
        _say_the_challenge(lesson, directory, known.tries)
        _say_what_next()
    return int(not right.issuperset([exercise] if exercise else every))


def _awaited(verdicts: Iterator["Verdict"], what: str, seconds: float) -> "Verdict | None":
    """Return the next verdict, or None after the last; on a terminal say meanwhile what is waited for."""
    with waiting(f"{what} for {seconds:g} s at most ..."):
        return next(verdicts, None)


def _challenge(lesson: "Lesson", directory: Path | None) -> int:
    """Score the open challenge of a lesson, and return the exit status: 1 if its goal is not reached."""
    from makemore.course import challenges, progress
    from makemore.course.grading import check_apart

    wanted = challenges.challenge(lesson)
    if wanted is None:
        raise MakemoreError(f"lesson {lesson.name} has no open challenge")
    with closing(check_apart(lesson.name, directory, [challenges.NAME], challenges.SECONDS)) as found:
        verdict = _awaited(found, "training and scoring your model", challenges.SECONDS)
    if verdict is None or verdict.loss is None:
        tell(f"not yet  {verdict.message if verdict else ''}", " " * 9)
        return 1
    reached = verdict.loss < wanted.goal
    tell(
        f"{verdict.loss:.4f} nats per token on held-out names; the goal is below {wanted.goal:g}"
        + ": reached" * reached
    )
    tries = progress.note_try(lesson, directory, verdict.loss)
    if len(tries) > 1:
        tell("your best tries:")
        for each in tries[:5]:
            tell(f"  {each.loss:.4f}  {each.when}" + "  (this one)" * (each.loss == verdict.loss))
    return int(not reached)


def _say_the_challenge(lesson: "Lesson", directory: Path | None, tries: Sequence["Try"]) -> None:
    """Print what the open challenge of a lesson is, and the best try at it."""
    from makemore.course.challenges import challenge

    wanted = challenge(lesson)
    if wanted is None:
        return
    named = () if directory is None else ("-o", directory)
    check = command_line("lessons", "check", lesson.name, "challenge", *named)
    best = f"; your best is {min(each.loss for each in tries):.4f}" if tries else ""
    tell(
        f"  open    challenge: {wanted.task} The goal: a held-out loss below {wanted.goal:g}{best}. `{check}`",
        " " * 10,
    )


def _say_what_is_left(lesson: "Lesson", left: list[str], directory: Path | None) -> None:
    """Say what to do next in a lesson that is not done."""
    from makemore.course.lessons import bugs, place

    named = () if directory is None else ("-o", directory)
    if not lesson.number:
        bug = next(bug for bug in bugs() if bug.name == left[0])
        _show(bug, f"run {directory or place(lesson)}/", named)
        return
    hint = command_line("lessons", "hint", lesson.name, left[0], *named)
    tell(f"next: {left[0]}; stuck? `{hint}`")
