"""Errors about files: each names its file and a remedy, and a full disk causes no more than an error."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import makemore as library
from makemore.corpus import cache, store
from makemore.corpus.disk import DiskCorpus
from makemore.corpus.store import Store
from makemore.errors import MakemoreError
from makemore.files.locks import held
from makemore.files.manifest import Manifest
from makemore.files.paths import unwritable

TOO_LONG = "n" * 300


def sentence(result: Any, *words: str) -> str:
    """The error is one sentence with these words; standard output does not matter."""
    assert result.status == 2, result
    assert result.err.startswith("makemore: ")
    assert result.err.count("\n") == 1, result.err
    assert "standard output" not in result.err
    for word in words:
        assert word in result.err
    return str(result.err)


@pytest.fixture
def run(small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_run, "run")
    return Path("run")


@pytest.mark.parametrize(
    ("code", "in_a_run", "elsewhere"),
    [
        (errno.ENOSPC, "continue with resume=True", "make room"),
        (errno.EDQUOT, "continue with resume=True", "make room"),
        (errno.EACCES, "make the directory writable", "choose another place"),
        (errno.EROFS, "a copy of it", "choose another place"),
        (errno.EISDIR, "move away what is there", "move away what is there"),
        (errno.ENAMETOOLONG, "a shorter name", "a shorter name"),
    ],
)
def test_the_remedy_fits_the_error(run: Path, code: int, in_a_run: str, elsewhere: str) -> None:
    error = OSError(code, os.strerror(code))
    for path, remedy in ((run / "last.safetensors", in_a_run), (Path("new/config.json"), elsewhere)):
        said = str(unwritable(path, error))
        assert said.startswith(f"{path}: cannot be written: {os.strerror(code)}; ")
        assert remedy in said
    assert "resume" not in str(unwritable(run / "report.html", error))
    assert "None" not in str(unwritable(run / "x", OSError("no number")))


@pytest.mark.parametrize("name", ["metrics.jsonl", "summary.json", "diagnostics.jsonl"])
@pytest.mark.parametrize("put", [os.mkdir, os.mkfifo])
def test_what_is_no_file_where_one_is_read(makemore: Any, run: Path, name: str, put: Any) -> None:
    """A FIFO must not make anybody wait forever."""
    (run / name).unlink(missing_ok=True)
    put(run / name)
    for command in (["--resume", "-o", run, "--max-steps", 8], ["report", run, "-n", 100]):
        if name != "diagnostics.jsonl" or command[0] == "--resume":  # no report reads it
            sentence(makemore(*command), f"run/{name}")


@pytest.mark.parametrize("name", ["config.json", "vocabulary.json", "corpus.npy", "best.safetensors"])
def test_a_fifo_in_a_run(makemore: Any, run: Path, name: str) -> None:
    (run / name).unlink()
    os.mkfifo(run / name)
    sentence(makemore("sample", run, "--novel"), f"run/{name}")


def test_a_report_on_a_run_that_cannot_be_written(
    makemore: Any, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes before everything is measured, and says where to write instead."""
    from makemore.reports import page

    opened = os.open

    def read_only(path: Any, flags: int, *args: Any, **more: Any) -> int:
        if flags & os.O_CREAT and Path(path).parent == run:
            raise OSError(errno.EROFS, "Read-only file system")
        return opened(path, flags, *args, **more)

    monkeypatch.setattr(os, "open", read_only)
    monkeypatch.setattr(page, "assess", None)
    said = sentence(
        makemore("report", run), "run/report.html", "Read-only file system", "choose another place"
    )
    assert "--resume" not in said
    assert "make room" not in said


def test_names_that_are_too_long(
    makemore: Any, run: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence(makemore("report", run, "-o", f"{TOO_LONG}.html"), TOO_LONG, "shorter name")
    sentence(makemore("compare", small, "--types", "bigram", "-o", TOO_LONG), TOO_LONG, "File name too long")
    sentence(makemore("lessons", "start", 4, "-o", TOO_LONG), TOO_LONG, "File name too long")
    sentence(makemore("-i", small, "-o", TOO_LONG, "--type", "bigram"), TOO_LONG, "File name too long")


def test_a_cache_that_cannot_be_written(
    makemore: Any, on_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKEMORE_CACHE", "/proc/cache")
    said = sentence(makemore("-i", "names", "--type", "bigram"), "/proc/cache", "MAKEMORE_CACHE")
    assert "-o" not in said


def test_a_full_disk_while_hashes_are_sorted(
    on_disk: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Space is reserved before writing to a mapped file, when a full disk would kill the process."""
    corpus = cache.read("names")
    assert isinstance(corpus, DiskCorpus)
    there = corpus.store.directory
    asked: list[int] = []

    def full(handle: int, at: int, size: int) -> None:
        asked.append(size)
        if len(asked) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(MakemoreError, match=r"sorted\.npy: cannot be written: No space left"):
            corpus.seen(["emma"])
    assert all(size > 8 * len(corpus) for size in asked)
    assert not list(there.glob("*.tmp"))
    assert corpus.seen(["emma", "xqxqxq"]) == ["train", "new"]
    assert not list(there.glob("*.tmp"))


def test_what_a_killed_process_left_of_sorting_is_removed(on_disk: None) -> None:
    corpus = cache.read("names")
    assert isinstance(corpus, DiskCorpus)
    there = corpus.store.directory
    Manifest(there).claim("sorted.123.runs.tmp")
    for name in ("sorted.123.runs.tmp", "sorted.mine.tmp"):
        (there / name).write_bytes(b"x")
    assert corpus.seen(["emma"]) == ["train"]
    assert [path.name for path in there.glob("*.tmp")] == ["sorted.mine.tmp"]
    hashes = Store(there).sorted.array
    assert (np.diff(hashes.astype(object)) >= 0).all()


def test_every_mapped_file_that_is_written_has_its_room(
    on_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only function that maps a file to write to it is the one that reserves the room."""
    for path in Path(store.__file__).parent.rglob("*.py"):
        text = path.read_text("utf-8")
        assert text.count("open_memmap(") == (path.name == "mapped.py"), path
        assert 'mode="w+"' not in text
        assert 'mode="r+"' not in text


def test_a_lock_on_a_run_that_is_read(run: Path) -> None:
    with held(run):
        assert library.load(run).sample(2, seed=1)
        with pytest.raises(MakemoreError, match="run: another process is working in it"), held(run):
            pass
