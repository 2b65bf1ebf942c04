"""Locks on directories, between processes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from makemore.errors import MakemoreError
from makemore.files import locks
from makemore.files.locks import held

HOLD = """
import sys, time, pathlib
from makemore.files.locks import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(100)
"""


@contextmanager
def another_process(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a directory."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, directory], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    with another_process(directory) as process:
        with (
            pytest.raises(MakemoreError, match="new: another process is working in it; wait"),
            held(directory),
        ):
            pass
        process.kill()  # by signal 9
        process.wait()
        with held(directory):
            assert list(directory.iterdir()) == []
    assert list(directory.iterdir()) == []


def test_waiting_for_another_process(tmp_path: Path) -> None:
    with another_process(tmp_path) as process:
        began = time.monotonic()
        threading.Timer(0.3, process.kill).start()
        with held(tmp_path, wait=True):
            assert time.monotonic() - began > 0.25


def test_a_directory_that_cannot_be_held(tmp_path: Path) -> None:
    with (
        pytest.raises(MakemoreError, match="none: cannot be read: No such file"),
        held(tmp_path / "none", made=False),
    ):
        pass
    (tmp_path / "file").touch()
    with (
        pytest.raises(MakemoreError, match=r"file: cannot be written: .*; move it"),
        held(tmp_path / "file", remedy="move it"),
    ):
        pass


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object, **__: object) -> bool:
        raise OSError("no locks")

    monkeypatch.setattr("filelock.lock_descriptor", no_locks)
    with held(tmp_path):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="is how it works there")
def test_windows_locks_a_file_in_place_of_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(locks, "WINDOWS", True)
    monkeypatch.setattr(locks.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    directory = tmp_path / "run"
    with held(directory), pytest.raises(MakemoreError, match="another process"), held(tmp_path / "." / "run"):
        pass
    with held(directory):
        assert list(directory.iterdir()) == []
