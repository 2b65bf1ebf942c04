"""The course: every lesson runs, exercises can be solved, wrong answers are explained, commands work."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import pytest

import makemore.course
from makemore.course import aids, challenges, grading
from makemore.course import lessons as course
from makemore.errors import MakemoreError

mpl.use("agg")
HERE = Path(__file__).parent
LESSONS = course.lessons()
NUMBERED = [each for each in LESSONS if each.number]
MUSEUM = LESSONS[-1]
SECTIONS = [
    "What you will be able to do", "The idea", "Building it", "Looking inside", "The number to compare with",
    "The same through the library", "What is still wrong", "Exercises",
]  # fmt: skip
names = [each.path.stem for each in LESSONS]


def wrong_answers(which: course.Lesson) -> list[tuple[str, Any, str]]:
    found: list[tuple[str, Any, str]] = runpy.run_path(
        str(
            HERE / "course" / f"wrong_{which.number:02}.py"
            if which.number
            else HERE / "course/wrong_museum.py"
        )
    )["WRONG"]
    return found


def untouched(which: course.Lesson, exercise: str) -> SimpleNamespace:
    if which.number:
        return grading.load(course.folder() / "exercises" / f"{which.number:02}.py")
    return grading.load(which.path / which.file(exercise))


def solved(which: course.Lesson) -> SimpleNamespace:
    name = f"{which.number:02}.py" if which.number else "museum.py"
    return grading.load(course.folder() / "solutions" / name)


def with_answers(which: course.Lesson, exercise: str, **answers: Any) -> SimpleNamespace:
    return SimpleNamespace(**{**vars(untouched(which, exercise)), **answers})


def test_there_are_eighteen_and_a_museum() -> None:
    assert [each.number for each in LESSONS] == [*range(1, 19), 0]
    assert len(grading.checkers(MUSEUM)) >= 8
    assert len(list(MUSEUM.path.glob("*.py"))) == len(grading.checkers(MUSEUM))


@pytest.mark.parametrize("which", LESSONS, ids=lambda each: each.path.stem)
def test_every_exercise_has_a_checker_hints_and_a_solution(which: course.Lesson) -> None:
    import tomllib

    exercises = course.exercises(which)
    assert tuple(grading.checkers(which)) == exercises
    hints = tomllib.loads(which.part("hints", ".toml").read_text("utf-8"))
    assert tuple(hints) == exercises
    assert all(len(set(each)) == 3 for each in hints.values())
    functions = exercises if which.number else [bug.function for bug in course.bugs()]
    for exercise, function in zip(exercises, functions, strict=True):
        alone = course.solutions(which.name, exercise)
        compile(alone, "solution", "exec")
        assert re.findall(r"^def (\w+)", alone, re.MULTILINE) == [function]
        assert alone.count("\n# ") == (0 if which.number else 1)


def test_what_a_lesson_builds_on_comes_before_it() -> None:
    for each in NUMBERED:
        assert all(0 < needed < each.number for needed in each.needs)
        assert (each.number == 1) == (not each.needs)
        assert re.fullmatch(r"\d hours", each.allow)
    after = [bug.after for bug in course.bugs()]
    assert after == sorted(after)
    map_ = (HERE.parent / "docs" / "lessons.md").read_text("utf-8")
    for each in NUMBERED:
        bugs = ", ".join(f"`{bug.name}`" for bug in course.bugs() if bug.after == each.number) or "–"
        needs = " and ".join(map(str, each.needs)) or "some Python"
        assert f"| {each.number}. {each.title} | {needs} | {each.allow} | {bugs} |\n" in map_


def test_the_museum_does_not_give_its_answers_away() -> None:
    """Not by names, titles, symptoms or captions: these are for the hints."""
    answers = r"keepdim|boundary|zero_?grad|\beval\b|-0\]|mask|softmax|leak|min\(|start.state"
    for bug in course.bugs():
        text = bug.path.read_text("utf-8")
        for part in (bug.name, bug.title, bug.symptom, *re.findall(r"show\((.+?)\)\n", text, re.DOTALL)):
            assert not re.search(answers, part), (bug.name, part)


@pytest.mark.slow
@pytest.mark.parametrize("which", NUMBERED, ids=lambda each: each.path.stem)
def test_a_lesson_runs_and_its_figures_speak(
    which: course.Lesson, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In fast mode, with its assertions. Titles, labels and what to look for are on every figure."""
    shown = run(which.path, monkeypatch, tmp_path)
    assert shown


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(MUSEUM.path.glob("[0-9]*.py")), ids=lambda path: path.stem)
def test_a_bug_shows_its_symptom(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert len(run(path, monkeypatch, tmp_path)) == 1


def run(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Run a lesson or a bug as a script; return what to look for in each of its figures."""
    from matplotlib import pyplot as plt

    shown: list[str] = []

    def show(look_for: str) -> None:
        for ax in plt.gcf().axes:
            if ax.get_label() == "<colorbar>" or not ax.axison:
                assert ax.get_label() != "<colorbar>" or ax.get_ylabel() or ax.get_xlabel()
                continue
            if not ax.has_data():
                continue
            shared = plt.gcf()
            assert ax.get_title() or shared.get_suptitle(), f"figure {len(shown) + 1}"
            assert ax.get_xlabel() or shared.get_supxlabel() or _neighbour(ax, "x"), (
                f"figure {len(shown) + 1}"
            )
            assert ax.get_ylabel() or shared.get_supylabel() or _neighbour(ax, "y"), (
                f"figure {len(shown) + 1}"
            )
        assert len(look_for) > 20
        shown.append(look_for)
        plt.close("all")

    monkeypatch.setattr(makemore.course, "FAST", True)  # from where lessons import them
    monkeypatch.setattr(makemore.course, "show", show)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path)])
    with mpl.rc_context():
        runpy.run_path(str(path), run_name="__main__")
    assert not plt.get_fignums(), "a figure was made and not shown"
    return shown


@pytest.mark.slow
def test_a_notebook_becomes_slides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import subprocess

    monkeypatch.chdir(tmp_path)
    course.start("4")
    page = (HERE.parent / "docs" / "teachers.md").read_text("utf-8")
    command = next(line for line in page.splitlines() if line.startswith("jupyter nbconvert"))
    subprocess.run([sys.executable, "-m", *command.split()[1:]], check=True, capture_output=True)
    slides = Path("lesson-4/04_mlp.slides.html").read_text("utf-8")
    assert slides.count("<section") > 8
    assert "An MLP with a context" in slides


def test_figures_of_scripts_are_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each under its own number, even beside a colour bar, which some layouts do not support."""
    from matplotlib import pyplot as plt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["a_script.py"])
    for _ in range(2):
        plt.imshow([[1, 2], [3, 4]])
        plt.colorbar()
        aids.show(
            "the brightest square, and much more that makes this sentence go on for more than a line of text"
        )
    assert len(list(Path("figures").glob("a_script-*.png"))) == 2


def test_figures_from_the_library_are_the_ladders() -> None:
    """Lessons compare with what the ladder measured; these are the means over its seeds."""
    ladder = json.loads((HERE.parent / "benchmarks" / "results" / "ladder.json").read_text("utf-8"))

    def mean(rung: str, protocol: str, split: str = "test") -> str:
        found = [
            entry["nll"][split] for key, entry in ladder.items() if key.split(" | ")[:2] == [rung, protocol]
        ]
        return f"{sum(found) / len(found):.4f}"

    own = {
        rung: mean(rung, "own") for rung in ("RNN", "GRU", "LSTM", "bag of words", "Transformer", "bigram")
    }
    said = {
        5: [mean("mixture", "own"), own["LSTM"], mean("MLP, context 3", "own")],
        9: [own["RNN"], own["GRU"], own["LSTM"], mean("bigram", "own", "validation")],
        10: [
            own["bag of words"], own["Transformer"],
            mean("bag of words", "makemore.py"), mean("Transformer", "makemore.py"),
        ],
        12: [own["Transformer"]],
        13: [own["Transformer"], mean("Llama", "own")],
        14: [own["GRU"], mean("minGRU", "own")],
        17: [own["LSTM"], mean("MLP, context 8", "own")],
        16: [mean("4-gram", "own")],
        18: [
            mean(rung, "own")
            for rung in (
                "bigram", "bag of words", "context tree", "6-gram", "MLP", "MLP + BatchNorm", "RNN", "WaveNet",
                "GRU", "Llama", "Transformer", "LSTM", "minGRU", "mixture",
            )
        ],
    }  # fmt: skip
    for number, figures in said.items():
        text = course.lesson(str(number)).path.read_text("utf-8")
        for figure in figures:
            assert figure in text or figure.rstrip("0") in text, (number, figure)


def _neighbour(ax: Any, axis: str) -> bool:
    """Whether an axes that shares its scale with this one has the label."""
    group = ax.get_shared_x_axes() if axis == "x" else ax.get_shared_y_axes()
    return any(getattr(other, f"get_{axis}label")() for other in group.get_siblings(ax))


@pytest.mark.parametrize("which", NUMBERED, ids=lambda each: each.path.stem)
def test_a_lesson_has_all_its_parts(which: course.Lesson) -> None:
    text = which.path.read_text("utf-8")
    there = [title for title in re.findall(r"^# ## (.+)$", text, re.MULTILINE) if title in SECTIONS]
    assert sorted(there) == sorted(SECTIONS)  # the number may come before the look inside
    assert there[:3] + there[-3:] == SECTIONS[:3] + SECTIONS[-3:]
    for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text):
        assert (course.folder() / target).exists(), target
    assert "](pictures/" in text
    assert len(grading.checkers(which)) == 3
    for exercise in grading.checkers(which):
        assert f"`{exercise}`" in text, f"the lesson does not speak of {exercise}"


@pytest.mark.parametrize("which", NUMBERED, ids=lambda each: each.path.stem)
def test_a_lesson_asks_before_it_shows_and_lets_one_play(which: course.Lesson) -> None:
    """Questions before code, the reader's own name, tables, formulas, links, folded cells and a challenge."""
    text = which.path.read_text("utf-8")
    assert text.count("# **Before you run it:**") >= 2
    assert re.search(r'^yours = ".+"  # put your own name here', text, re.MULTILINE)
    assert re.search(r"^# \| .*(expression|operation)", text, re.MULTILINE)
    assert re.search(r"\$[^$\n]+\$", text)
    assert "](https://" in text.partition("*To read and watch:*")[2]
    assert '# %% tags=["hide-input"]' in text
    assert "# **The open challenge.**" in text.partition("# ## Exercises")[2]
    wanted = challenges.challenge(which)
    assert wanted is not None
    assert f"{wanted.goal:g}" in text
    notebook = json.loads(which.path.with_suffix(".ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        assert ("hide-input" in cell["metadata"].get("tags", [])) == ("jupyter" in cell["metadata"])
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                assert len(output["metadata"]["image/png"]["alt"]) > 20


@pytest.mark.slow
@pytest.mark.parametrize("which", LESSONS, ids=lambda each: each.path.stem)
def test_solutions_are_right(which: course.Lesson) -> None:
    answers = vars(solved(which))
    checkers = grading.checkers(which)
    for exercise, checker in checkers.items():
        assert grading.grade(checker, with_answers(which, exercise, **answers)) == "", exercise
    if not which.number:
        for exercise, name, mend in runpy.run_path(str(HERE / "course/wrong_museum.py"))["RIGHT"]:
            assert grading.grade(checkers[exercise], with_answers(which, exercise, **{name: mend})) == ""


@pytest.mark.slow
@pytest.mark.parametrize("which", LESSONS, ids=lambda each: each.path.stem)
def test_wrong_answers_are_told_why(which: course.Lesson) -> None:
    checkers, answers = grading.checkers(which), vars(solved(which))
    told: dict[str, set[Any]] = {exercise: set() for exercise in checkers}
    for exercise, answer, words in wrong_answers(which):
        name = exercise if which.number else answer.__name__
        message = grading.grade(
            checkers[exercise], with_answers(which, exercise, **{**answers, name: answer})
        )
        assert words in message, (exercise, answer, message)
        told[exercise].add(answer)
    assert all(len(answers) >= 2 for answers in told.values()), told


@pytest.mark.parametrize("which", LESSONS, ids=lambda each: each.path.stem)
def test_what_is_handed_out_is_not_right_yet(which: course.Lesson) -> None:
    for exercise, checker in grading.checkers(which).items():
        message = grading.grade(checker, untouched(which, exercise))
        assert message == "not done yet" if which.number else message, exercise


@pytest.mark.slow
def test_from_start_to_all_right(makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Counting pairs" in makemore("lessons").out
    written = makemore("lessons", "start", "1").out.split()
    assert "lesson-1/exercises.py" in written
    assert Path("lesson-1/01_counting_pairs.ipynb").is_file()
    monkeypatch.chdir("lesson-1")
    assert makemore("lessons", "check", "1").status == 1  # from inside
    monkeypatch.chdir(tmp_path)
    first = makemore("lessons", "check", "1")
    assert (first.status, first.out.count("not done yet")) == (1, 3)
    Path("lesson-1/exercises.py").write_text(makemore("lessons", "solutions", "1").out, "utf-8")
    last = makemore("lessons", "check", "01")
    assert (last.status, last.err) == (0, "")
    assert "3 of 3 right" in last.out


def test_mistakes_of_python_are_reported_with_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "exercises.py"

    def said(code: str) -> str:
        path.write_text("print('once')\n" + code, "utf-8")
        return next(grading.check("1", tmp_path)).message

    assert "in line 3 with NameError" in said(
        "def row_probabilities(counts, s):\n    return counts / nothing\n"
    )
    assert "in line 2 with SyntaxError" in said("def row_probabilities(counts, s:\n")
    own = "def row_probabilities(counts, s):\n    raise NotImplementedError('torch has no such sum')\n"
    assert "in line 3 with NotImplementedError: torch" in said(own)
    assert "returned nothing" in said("def row_probabilities(counts, s):\n    pass\n")
    capsys.readouterr()
    list(grading.check("1", tmp_path))
    assert capsys.readouterr().out == "once\n"
    assert "has no function row_probabilities" in said("")
    path.unlink()
    (only,) = grading.check("1", tmp_path)
    assert "no such file" in only.message
    assert len(course.start("1", tmp_path)) >= 2  # what is missing is put there again
    assert all(verdict.message == "not done yet" for verdict in grading.check("1", tmp_path))


def test_what_cannot_be_done_is_said(makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words, said in [
        (("start", "99"), f"99: no such lesson; there are 1 to {NUMBERED[-1].number} and museum"),
        (("start",), "name a lesson"),
        (("check", "4"), "lesson-4: no such directory"),
        (("begin", "3"), "begin"),
        (("list", "4"), "lessons start 4"),
        (("solutions", "4", "-o", "x"), "drop it"),
        (("check", "4", "laek"), "did you mean leak?"),
        (("hint", "4"), "name an exercise, as in `makemore lessons hint 4 windows`"),
        (("solutions", "museum"), "name a bug"),
        (("4", "leak"), "`makemore lessons check 4 leak`"),
        (("start", "4", "leak"), "a whole lesson"),
    ]:
        result = makemore("lessons", *words)
        assert result.status == 2, words
        assert said in result.err
    course.start("3")
    with pytest.raises(MakemoreError, match="exists already"):
        course.start("3")
    course.start("museum")
    assert len(list(Path("museum").glob("*.py"))) == len(grading.checkers(MUSEUM))


@pytest.mark.parametrize("which", NUMBERED, ids=lambda each: each.path.stem)
def test_notebooks_are_in_step(which: course.Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    """`uv run scripts/build_notebooks.py` makes them."""
    import jupytext

    monkeypatch.syspath_prepend(HERE.parent / "scripts")
    from build_notebooks import in_step

    assert in_step(which)
    notebook = jupytext.read(which.path.with_suffix(".ipynb"))
    assert notebook.metadata["makemore"]["mode"] == "full"
    ran = [c for c in notebook.cells if c.cell_type == "code"]
    outputs = [o for c in ran for o in c.outputs]
    assert not any(o.output_type == "error" for o in outputs)
    printed = "".join(o.text for o in outputs if o.output_type == "stream")
    assert printed
    assert not re.search(r"/tmp/|/home/|/root/|site-packages", printed)
    assert str(HERE.parent) not in printed
