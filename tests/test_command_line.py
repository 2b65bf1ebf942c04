"""The command line as a whole: file errors, Ctrl-C, commands to copy, estimates, terminal input, grading."""

from __future__ import annotations

import errno
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from makemore.cli import measure as measuring
from makemore.cli.app import model_type
from makemore.cli.terminal import program
from makemore.course import grading
from makemore.course import lessons as course
from makemore.course.grading import check_apart
from makemore.errors import MakemoreError, command_line
from makemore.reports.comparison import Listener, compare
from makemore.runs.settings import DEFAULT_TYPE


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("number", [errno.EISDIR, errno.ENAMETOOLONG, errno.EACCES])
def test_an_error_of_a_file_is_told_of_that_file(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail() -> None:
        raise OSError(number, os.strerror(number), "some/metrics.jsonl")

    monkeypatch.setattr("makemore.corpus.source.bundled_lists", fail)
    result = makemore("data")
    assert result.status == 2
    assert result.err.startswith(f"makemore: some/metrics.jsonl: {os.strerror(number)};")
    assert "standard output" not in result.err


# what is typed


@pytest.mark.parametrize(
    ("words", "type", "directory"),
    [
        ("--n-embd 3", DEFAULT_TYPE, None),
        ("--type=gru", "gru", None),
        ("train --type gru -b3", "gru", None),
        ("-i names --resume --n-embd 3", "bow", "out"),
        ("train -i a b --resume -omine --n-embd 3", "bow", "mine"),
        ("-o=mine --resume", "bow", "mine"),
        ("-o mine --resume", "bow", "mine"),
        ("--work-dir=mine --resume", "bow", "mine"),
        ("--resume --type=gru", "gru", None),
        ("--type gru -- --type rnn --resume", "gru", None),
    ],
)
def test_the_type_is_found_however_it_is_spelled(
    monkeypatch: pytest.MonkeyPatch, words: str, type: str, directory: str | None
) -> None:
    loaded = []
    monkeypatch.setattr("makemore.runs.run.load", lambda path: loaded.append(path) or Mock(type="bow"))
    assert model_type(words.split()) == type
    assert loaded == ([] if directory is None else [Path(directory)])


@pytest.mark.parametrize(
    "words",
    [
        *("-i -", "-i-", "-i=-", "--input-file -", "--input-file=-", "-", "train -", "-- -"),
        *("--keep-spaces -", "-b3 -", "--seed=3 -", "--n-embd 3 -"),
    ],
)
def test_standard_input_however_it_is_spelled(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    read = []
    monkeypatch.setattr("makemore.training.start.train", lambda source, **_: read.append(source))
    result = makemore(*words.split(), stdin="emma\n")
    assert (result.status, result.err, read) == (0, "", ["/dev/stdin"])


def test_a_hyphen_is_not_the_value_of_another_option(makemore: Any) -> None:
    assert makemore("-o", "-").err.startswith("makemore: -o: needs a value;")


def test_help_is_there_for_an_unfinished_command_line(makemore: Any) -> None:
    assert makemore("train", "--type", "--help").out == makemore("train", "--help").out


# Ctrl-C


def test_ctrl_c_while_importing() -> None:
    script = """
import sys
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "cyclopts":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from makemore.__main__ import main
from makemore.runs.settings import DEFAULT_TYPE
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "makemore: interrupted\n")


def test_the_script_is_the_one_that_meets_ctrl_c() -> None:
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="makemore")
    assert script.value == "makemore.__main__:main"


# what is printed can be copied


def test_printed_commands_are_quoted(makemore: Any, small: Path) -> None:
    place = "my lists/run 1"
    trained = makemore(small, "--type", "ngram", "-o", place)
    assert trained.status == 0, trained.err
    printed = [shlex.split(line) for line in trained.out.splitlines() if " makemore sample" in line]
    assert printed
    assert all(words[words.index("sample") + 1] == place for words in printed)
    compared = makemore("compare", small, "--types", "ngram", "-o", "its $HOME")
    (line,) = (line for line in compared.out.splitlines() if "makemore report" in line)
    assert shlex.split(line)[-1] == "its $HOME"


def test_a_command_line_to_copy() -> None:
    assert command_line("sample", Path("a b"), "-n", 100) == "makemore sample 'a b' -n 100"
    assert command_line("sample", Path("-x")) == "makemore sample ./-x"


@pytest.mark.parametrize(
    ("path", "by_uv", "says"),
    [("own", False, "makemore"), ("own", True, "uv run makemore"), ("", False, "python -m makemore")],
)
def test_a_printed_command_starts_makemore_as_the_shell_can(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str, by_uv: bool, says: str
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "makemore").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / path) if path else str(tmp_path))
    if by_uv:
        monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    program.cache_clear()
    try:
        assert f"`{says} cache clear` removes" in makemore("cache").out
        assert f"see {says} sample --help" in makemore("sample", "a", "b").err
    finally:
        program.cache_clear()


# a prefix that is as long as the longest line


def test_a_long_prefix_is_drawn_on(makemore: Any, names_run: Path) -> None:
    prefix = "anastasiyamariaelizabeth"
    result = makemore("sample", names_run, "--prefix", prefix, "-n", 20, "--seed", 1)
    lines = result.out.splitlines()
    assert result.status == 0
    assert len(lines) == 20
    assert all(line.startswith(prefix) for line in lines)
    assert len(prefix) < max(map(len, lines)) <= 15 + len(prefix)


# an estimate before a comparison


def test_a_comparison_begins_with_an_estimate(makemore: Any, small: Path) -> None:
    command = ("compare", small, "--types", "ngram,mlp", "--max-steps", 2, "-o", "c")
    first = makemore(*command).out
    assert first.index("2 runs to train, a") < first.index("training ngram")
    assert "--types" in first
    assert "--time" in first
    assert "to train" not in makemore(*command).out  # everything is there


@pytest.mark.slow
def test_the_estimate_is_steps_times_pace(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("makemore.reports.comparison.pace_of", lambda corpus, type, teacher, device: 0.5)
    told: list[tuple[int, float]] = []
    for i, how in enumerate([{"max_steps": 4}, {"time": 0.5}]):
        compare(
            small,
            ["ngram", "mlp"],
            work_dir=f"c{i}",
            seeds=2,
            listener=Listener(lambda *each: told.append(each)),
            **how,
        )  # type: ignore[arg-type]
    assert told == [(3, 2 * 4 * 0.5), (3, 2 * 0.5)]


# score on a terminal


def test_score_says_that_it_reads_the_terminal(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, names_run: Path
) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(io.BytesIO(b"emma\n")))
    result = makemore("score", names_run)
    assert result.status == 0
    assert result.out.endswith("\temma\n")
    assert result.err.count("\n") == 1
    assert "Ctrl-D" in result.err
    assert makemore("score", names_run, stdin="emma\n").err == ""


# grading


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("os._exit(0)", "ended the whole program, with status 0"),
        ("while True: pass", "took longer than 5 s"),
    ],
)
def test_an_answer_that_ends_or_hangs_is_not_right(tmp_path: Path, code: str, says: str) -> None:
    names = list(grading.checkers(course.lesson("1")))
    answers = course.solutions("1")
    broken = f"\ndef {names[0]}(*args):\n    import os\n    {code}\n"
    (tmp_path / "exercises.py").write_text(answers + broken, "utf-8")
    verdicts = {each.exercise: each.message for each in check_apart("1", tmp_path, seconds=5)}
    assert list(verdicts) == names
    assert says in verdicts[names[0]]
    assert not any(verdicts[name] for name in names[1:])


@pytest.mark.slow
def test_a_file_of_answers_that_ends_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "exercises.py").write_text("import os\nos._exit(3)\n", "utf-8")
    (only,) = check_apart("1", tmp_path)
    assert only.exercise == "exercises.py"
    assert "with status 3" in only.message


def test_every_command_that_measures_is_in_one_place() -> None:
    """`MakemoreError` is what all of them raise for what was given."""
    with pytest.raises(MakemoreError, match="both name the same"):
        measuring.eval_(Path("a"), work_dir=Path("b"))
