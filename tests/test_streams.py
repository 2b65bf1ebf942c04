"""Streams that are closed, full or not read to the end, and their encoding."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from makemore.cli import main as cli
from makemore.cli.streams import Output, OutputEnded

COMMAND = [sys.executable, "-m", "makemore"]
GOES_ON = "makemore: standard output was closed; training continues, Ctrl-C stops it\n"
TRAINING = ("--type", "mlp", "--max-steps", "4", "--device", "cpu", "-o", "run")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def unread() -> Any:
    """A pipe that nobody reads, to write to."""
    reads, writes = os.pipe()
    os.close(reads)
    yield writes
    os.close(writes)


def started(*args: object, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line in its own process, with real streams."""
    how = {"stderr": subprocess.PIPE, "timeout": 300, "text": True, "encoding": "utf-8"} | how
    return subprocess.run([*COMMAND, *map(str, args)], **how)


def with_closed(streams: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as a shell does after redirections such as >&-."""
    script = f'exec "$@" {streams}'
    command = ["sh", "-c", script, "sh", *COMMAND, *map(str, args)]
    return subprocess.run(command, capture_output=True, timeout=300, text=True, encoding="utf-8")


# output that ends early


@pytest.mark.slow
def test_training_outlives_its_output(small: Path, unread: int) -> None:
    done = started("-i", small, *TRAINING, stdout=unread)
    assert (done.returncode, done.stderr) == (0, GOES_ON)
    assert json.loads(Path("run/summary.json").read_text("utf-8"))["steps"] == 4


@pytest.mark.slow
def test_training_by_several_processes_outlives_its_output(small: Path, unread: int) -> None:
    done = started("-i", small, *TRAINING, "--nproc", 2, stdout=unread)
    assert (done.returncode, done.stderr) == (0, GOES_ON)
    assert json.loads(Path("run/summary.json").read_text("utf-8"))["steps"] == 4


@pytest.mark.slow
def test_training_outlives_a_full_disk_behind_its_output(small: Path) -> None:
    with open("/dev/full", "w") as full:
        done = started("-i", small, *TRAINING, stdout=full)
    assert done.returncode == 0
    assert done.stderr == (
        "makemore: standard output: No space left on device; training continues, Ctrl-C stops it\n"
    )
    assert Path("run/summary.json").exists()


@pytest.mark.slow
def test_training_without_any_stream(small: Path) -> None:
    assert with_closed("<&- >&- 2>&-", "-i", small, *TRAINING).returncode == 0
    assert Path("run/summary.json").exists()


class Broken(io.StringIO):
    """A stream that cannot be written to."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def into(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """Run a command in this process whose standard output fails with an error number."""

    def call(number: int, *args: object) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["makemore", *map(str, args)])
            patch.setattr(sys, "stdout", Broken(number))
            with pytest.raises(SystemExit) as end:
                cli.main()
        assert isinstance(end.value.code, int)
        return end.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    "command",
    [
        ("sample", "RUN"),
        ("score", "RUN", "anna"),
        ("data",),
        ("--help",),
        ("--version",),
        ("models", "RUN/../small.txt"),
    ],
    ids=lambda command: command[0],
)
def test_what_only_prints_ends_with_its_output(into: Any, small: Path, small_run: Path, command: Any) -> None:
    words = [word.replace("RUN/../small.txt", str(small)).replace("RUN", str(small_run)) for word in command]
    assert into(errno.EPIPE, *words) == (0, "")
    full = "makemore: standard output: cannot be written: No space left on device\n"
    assert into(errno.ENOSPC, *words) == (2, full)


def test_a_comparison_outlives_its_output(into: Any, small: Path) -> None:
    status, err = into(errno.EPIPE, "compare", small, "--types", "bigram,ngram", "-o", "c")
    assert status == 0
    assert err == "makemore: standard output was closed; the comparison continues, Ctrl-C stops it\n"
    assert json.loads(Path("c/comparison.json").read_text("utf-8"))["result"]["entries"]


def test_what_is_made_already_is_saved_when_the_last_words_cannot_be_printed(into: Any) -> None:
    """The first word that `lessons start` prints comes after the files."""
    assert into(errno.EPIPE, "lessons", "start", "1") == (0, "")
    assert Path("lesson-1/exercises.py").exists()


def test_an_output_fails_once() -> None:
    output = Output(Broken(errno.EIO))  # type: ignore[arg-type]
    with pytest.raises(OutputEnded):
        output.write("a")
    assert output.write("bc") == 2
    output.flush()


@pytest.mark.parametrize(
    ("streams", "args", "status", "says"),
    [
        ("<&-", ("score", "RUN"), 2, "makemore: standard input is closed; name a file instead\n"),
        ("<&-", ("-i", "-", "-o", "x"), 2, "makemore: standard input is closed; name a file instead\n"),
        (">&-", ("sample", "RUN"), 0, ""),
        ("2>&-", ("sample", "RUN", "-n", "2"), 0, ""),
        (">&- 2>&-", ("sample", "no-such-run"), 2, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_closed_streams(small_run: Path, streams: str, args: tuple[str, ...], status: int, says: str) -> None:
    done = with_closed(streams, *(str(small_run) if word == "RUN" else word for word in args))
    assert (done.returncode, done.stderr) == (status, says)
    assert done.stdout.count("\n") == (2 if streams == "2>&-" else 0)


# JSON


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_json_in_any_encoding(
    makemore: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str
) -> None:
    Path("marked.txt").write_text("\n".join(f"é{i}ž" for i in range(60)), "utf-8")
    makemore("marked.txt", "--type", "bigram", "-o", "run")
    data = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["makemore", "sample", "run", "-n", "5", "--prefix", "é", "--json"])
        patch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding))
        with pytest.raises(SystemExit):
            cli.main()
        printed = data.getvalue()  # before the stream is closed
    found = [json.loads(line) for line in printed.decode(encoding).splitlines()]
    assert len(found) == 5
    assert all(each["text"].startswith("é") for each in found)
    assert (b"\\u00e9" in printed) == (encoding != "utf-8")


@pytest.mark.parametrize("unique", [(), ("--unique",)])
def test_json_says_whether_a_sample_ended_if_some_may_be_cut(
    makemore: Any, names_run: Path, unique: tuple[str, ...]
) -> None:
    command = ("sample", names_run, "-n", 200, "--max-length", 6, "--seed", 1, "--json", *unique)
    found = [json.loads(line) for line in makemore(*command, "--cut").out.splitlines()]
    assert all(list(each) == ["text", "nll", "ended", "seen"] for each in found)
    assert {each["ended"] for each in found} == {True, False}
    assert all(len(each["text"]) == 6 for each in found if not each["ended"])
    assert {each["ended"] for each in found if len(each["text"]) == 6} == {True, False}
    whole = [json.loads(line) for line in makemore(*command).out.splitlines()]
    assert len(whole) == 200
    assert all(list(each) == ["text", "nll", "seen"] for each in whole)
