"""The command `lessons`: progress, the next step, hints, one exercise at a time."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from makemore.course import challenges, grading, progress
from makemore.course import lessons as course

LESSONS = course.lessons()


def test_topics_are_taught_where_the_page_says() -> None:
    docs = Path(__file__).parents[1] / "docs"
    pages = [(docs / name).read_text("utf-8") for name in ("topics.md", "teachers.md")]
    places = [re.findall(r"(\d+): \*([^*]+)\*", page) for page in pages]
    assert len(places[0]) > 50
    assert len(places[1]) > 30
    exercises = re.findall(r"^\| (\d+) `(\w+)` \|", pages[1], re.MULTILINE)
    assert len(exercises) > 20
    assert all(exercise in course.exercises(course.lesson(number)) for number, exercise in exercises)
    for number, section in [*places[0], *places[1]]:
        headings = re.findall(r"^# ##+ (.+)$", course.lesson(number).path.read_text("utf-8"), re.MULTILINE)
        assert section in headings, (number, section)


def test_progress_is_shown_and_the_next_step_named(
    makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "next: lesson 1, Counting pairs (2 hours): `makemore lessons start 1`" in makemore("lessons").out
    course.start("1")
    assert progress.note(course.lesson("1"), None, ["trigram_counts"], ["row_probabilities"]).right
    shown = makemore("lessons").out
    assert "1 of 3" in shown
    assert "`makemore lessons check 1 row_probabilities`" in shown
    one = makemore("lessons", "1").out
    assert "right   trigram_counts" in one
    assert "to do   row_probabilities" in one
    assert "builds on lessons 6 and 9; allow 3 hours" in makemore("lessons", "10").out
    progress.note(course.lesson("1"), None, course.exercises(course.lesson("1")), [])
    shown = makemore("lessons").out
    assert "next: lesson 2" in shown
    assert f"or in the museum: {course.bugs()[0].symptom}" in shown
    assert course.bugs()[1].symptom not in shown
    monkeypatch.chdir("lesson-1")  # from inside it is the same
    assert makemore("lessons").out == shown
    Path("makemore-progress.json").write_text("{", "utf-8")
    assert "next: lesson 1, exercise row_probabilities" in makemore("lessons").out


def test_hints_come_by_degrees(makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hint = ("lessons", "hint", "museum", "01_drunk_samples.py")
    assert makemore(*hint).out == makemore(*hint).out  # nowhere to remember it yet
    course.start("museum", Path("elsewhere"))
    assert "hint museum drunk_samples -o elsewhere`" in makemore("lessons", "museum", "-o", "elsewhere").out
    course.start("museum")
    lines = [makemore(*hint).out.splitlines() for _ in range(4)]
    assert [len(each) for each in lines] == [2, 3, 4, 4]
    assert lines[3][:3] == lines[2][:3]
    assert "`makemore lessons solutions museum drunk_samples`" in lines[2][3]
    assert "def probabilities" in makemore("lessons", "solutions", "museum", "drunk_samples").out


@pytest.mark.slow
def test_one_exercise_at_a_time(makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    course.start("museum")
    untouched = makemore("lessons", "check", "museum")
    assert untouched.status == 1
    assert "nothing is changed yet in museum" in untouched.out
    assert "0 of 11 right" in untouched.out
    path = Path("museum/02_endless_names.py")
    path.write_text(path.read_text("utf-8") + "\n\n" + course.solutions("museum", "endless_names"), "utf-8")
    mended = makemore("lessons", "check", "museum")
    assert (mended.status, mended.out.count("right  ")) == (1, 1)
    assert "1 of 11 right" in mended.out
    assert course.bugs()[0].symptom in mended.out
    assert makemore("lessons", "check", "museum", "endless_names").status == 0
    course.start("1")
    Path("lesson-1/exercises.py").write_text("def f(:\n", "utf-8")
    broken = makemore("lessons", "check", "1").out
    assert "stopped in line 1 with SyntaxError: " in broken
    assert broken.count("line 1") == 1
    assert "0 of 3 right" in broken


def test_a_last_page_when_all_is_right(
    makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for each in LESSONS:
        course.start(each.name)
        progress.note(each, None, course.exercises(each), [])
    out = makemore("lessons").out
    assert "you have finished the course" in out
    assert "next:" not in out


def test_jupyter_opens_the_copy(makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util
    import subprocess

    monkeypatch.chdir(tmp_path)
    calls: list[list[str]] = []

    def run(command: list[str], check: bool) -> Any:
        calls.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'makemore[course]'" in makemore("lessons", "open", "4").err
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(subprocess, "run", run)
    assert makemore("lessons", "open", "4").status == 0
    assert calls == [[sys.executable, "-m", "jupyterlab", str(tmp_path / "lesson-4" / "04_mlp.ipynb")]]
    assert Path("lesson-4/04_mlp.ipynb").is_file()


def test_a_challenge_is_scored_on_held_out_names() -> None:
    """In nats per token; what are no probabilities, or depend on other beginnings, is refused with the reason."""
    import torch

    train, held_out = ["ab", "a"], ["ab", "b"]
    asked: list[list[str]] = []

    def scored(predict: Any) -> float:
        return challenges.score(SimpleNamespace(challenge=lambda names: predict), train, held_out)

    def counted(beginnings: list[str]) -> Any:
        asked.append(beginnings)
        p = torch.full((len(beginnings), 27), 0.5 / 26)
        for row, beginning in zip(p, beginnings, strict=True):
            row[{"": 1, "a": 2, "ab": 3, "b": 0}[beginning]] = 0.5
        return p

    sure, other = torch.tensor([0.5, 0.5 / 26]).log().neg().tolist()
    assert scored(counted) == pytest.approx(
        (3 * sure + 2 * other) / 5
    )  # "ab" ends, and "b" begins, unexpectedly
    assert asked[0] == ["", "a", "ab", "b"]
    assert scored(lambda some: torch.full((len(some), 27), 1 / 27)) == pytest.approx(3.2958, abs=1e-4)
    for predict, said in [
        (lambda some: torch.zeros(len(some), 27), "add up to 0.0000, not 1; does it return logits"),
        (lambda some: torch.full((len(some), 27), -1.0), "negative"),
        (lambda some: torch.full((27,), 1 / 27), "the shape should be (4, 27)"),
        (
            lambda some: torch.softmax(torch.arange(27.0) * len(some), 0).expand(len(some), 27),
            "training mode",
        ),
        (lambda some: torch.eye(27)[[0] * len(some)], "'a' after '' has probability 0"),
    ]:
        with pytest.raises(grading.Wrong, match=re.escape(said)):
            scored(predict)
    with pytest.raises(grading.Wrong, match="should return a function"):
        challenges.score(SimpleNamespace(challenge=lambda names: None), train, held_out)


@pytest.mark.slow
def test_a_challenge_has_a_board(makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    course.start("1")
    assert "not done yet" in makemore("lessons", "check", "1", "challenge").out
    for share in ("1 / 27", "1 / 27 + 0 * len(some)"):
        Path("lesson-1/challenge.py").write_text(
            f"import torch\n\ndef challenge(names):\n    return lambda some: torch.full((len(some), 27), {share})\n"
        )
        last = makemore("lessons", "check", "1", "challenge")
        assert last.status == 1
        assert last.out.startswith("3.2958 nats per token on held-out names; the goal is below ")
    assert last.out.count("3.2958") == 3
    assert "your best is 3.2958" in makemore("lessons", "1").out
    assert "has no hint" in makemore("lessons", "hint", "1", "challenge").err
