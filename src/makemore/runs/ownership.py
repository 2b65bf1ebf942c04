"""The names in a run directory, and how one run takes the place of another.

A new run is written to .new/ inside the directory. When it is complete, the files of the old one are moved to .old/, those of
the new one to their places, config.json last, and .old/ is deleted. Each of the three has a manifest. After a crash
`recover` puts the old run back, unless the new one was in place already.

A run of an older makemore has no manifest: its files are recognised by their content.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from makemore.corpus.facts import recognised as recognised_corpus
from makemore.errors import MakemoreError
from makemore.files.atomic import check_writable, create, kind, sync, unreadable, unwritable
from makemore.files.manifest import NAME, Manifest, in_the_way

FORMAT = "makemore run"

FILES = (
    "config.json",  # first: without it the directory is no run
    "vocabulary.json",
    "corpus.npy",
    "best.safetensors",
    "last.safetensors",
    "metrics.jsonl",
    "summary.json",
    "loss.png",
    "diagnostics.jsonl",
    "diagnostics.png",
    "report.html",
)
FOLDERS = ("corpus", "tensorboard", "report-plots")
WEIGHTS = ("best.safetensors", "last.safetensors")

RESERVED = {NAME, *FILES, *FOLDERS} - {"report.html"}
"""What no report can be called in a run directory."""

SIGNED = {"Software": "makemore"}
"""What makemore's pictures say of themselves, as metadata of a PNG."""

NEW, OLD = ".new", ".old"
"""Where a new run is written, and where the old one is kept until the new one is in place."""


def owned(directory: Path) -> Manifest:
    """Return the manifest of a run directory; of a run without one, what is recognised as makemore's."""
    files = Manifest(directory)
    if files.exists:
        return files
    if (old := Manifest(directory / OLD)).exists:  # a crash came between two renames
        return Manifest(directory, old.names)
    return Manifest(directory, _recognised(directory) if _is_config(directory / "config.json") else ())


def check_free(directory: Path, overwrite: bool) -> None:
    """Raise MakemoreError if a run must not be started in a directory: nothing there may be lost."""
    there = kind(directory)
    if there and not os.path.isdir(directory):
        raise MakemoreError(f"{directory}: is a {there}; choose a directory with -o")
    if not there:
        return
    try:
        os.listdir(directory)
    except OSError as error:
        raise MakemoreError(f"{unreadable(directory, error)}; choose another place with -o") from None
    files = owned(directory)
    if kind(directory / "comparison.json"):
        raise MakemoreError(f"{directory}: holds a comparison; choose another place with -o")
    if kind(directory / "config.json") and "config.json" not in files:
        raise MakemoreError(
            f"{directory}: its config.json is not a makemore run's, and was left alone; choose another place with -o"
        )
    held = [directory / name for name in ("config.json", *WEIGHTS) if name in files]
    held += [directory / OLD / "config.json"] * (OLD in files)  # of a replacement that was interrupted
    if any(map(kind, held)) and not overwrite:
        raise MakemoreError(
            f"{directory}: already holds a run; go on with --resume, replace it with --overwrite, or choose another -o"
        )
    check_names(files)
    for name in ("corpus", NEW, OLD):  # these must go as a whole
        if kind(directory / name):
            for path in _part(directory / name).foreign():
                raise in_the_way(path, kind(path))
    check_writable(directory / "config.json")


def check_names(files: Manifest) -> None:
    """Raise MakemoreError if something that makemore did not write has a name that a run will be written to."""
    files.check(*FILES)
    files.check(*FOLDERS, NEW, OLD, wanted="directory")
    for name, is_ours in _SHOWN.items():
        path = files.directory / name
        if files.exists and name in files and kind(path) == "file" and not is_ours(path):
            raise in_the_way(path, "file")


@contextlib.contextmanager
def new_run(directory: Path, overwrite: bool) -> Iterator[Manifest]:
    """Give the manifest of an empty directory to write a run to, config.json last; then put it in its place.

    If that fails, the directory is what it was.
    """
    check_free(directory, overwrite)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(directory / "config.json", error) from None
    recover(directory)
    files = owned(directory)
    had_manifest = files.exists
    try:
        files.claim(NEW, OLD, wanted="directory")
        new = files.make_directory(NEW)
        new.claim(NEW, OLD, wanted="directory")
        yield new
        kept = _switch(files, new)
    except BaseException:
        _undo(directory, had_manifest)
        raise
    with contextlib.suppress(MakemoreError):  # the new run is whole; what is left is deleted the next time
        recover(directory)
        for folder in kept:
            folder.clear()


def _undo(directory: Path, had_manifest: bool) -> None:
    recover(directory)
    if not had_manifest:
        with contextlib.suppress(OSError):
            (directory / NAME).unlink(missing_ok=True)


def _switch(files: Manifest, new: Manifest) -> list[Manifest]:
    """Move the old run's files out of the way and the new run's in; return the folders that stay in their place."""
    directory, kept = files.directory, []
    there = [name for name in FILES if name in files]
    there += [f"{name}.tmp" for name in there]
    for name in FOLDERS:
        if name in files and kind(directory / name):
            folder = _part(directory / name)
            if folder.foreign():
                kept.append(folder)
            else:
                there.append(name)
    there = [name for name in there if kind(directory / name)]
    come = [name for name in (*FILES[1:], *FOLDERS, "config.json") if kind(new.directory / name)]
    if kept:
        new.claim(*(folder.directory.name for folder in kept), wanted="directory")
    try:
        if there:
            old = directory / OLD
            old.mkdir(exist_ok=True)
            create(old / NAME, files.path.read_bytes())
            for name in there:
                os.rename(directory / name, old / name)
            sync(directory)
        os.replace(new.path, files.path)
        for name in come:
            os.rename(new.directory / name, directory / name)
        sync(directory)
    except OSError as error:
        raise unwritable(directory / NEW / "config.json", error) from None
    return kept


def recover(directory: Path) -> None:
    """Undo a replacement that was interrupted, unless the new run was in place, and delete what is left of it."""
    old, new, manifest = directory / OLD, directory / NEW, directory / NAME
    try:
        if not kind(directory / "config.json"):
            if Manifest(old).exists:
                if not kind(new / NAME) and (files := Manifest(directory)).exists:
                    # the new run's manifest is in its place, and other files may be
                    for name in files.names & {*FILES, "corpus"}:
                        if kind(directory / name):
                            os.rename(directory / name, new / name)
                    os.rename(manifest, new / NAME)
                os.replace(old / NAME, manifest)
            if OLD in Manifest(directory) and kind(old) == "directory":
                for name in reversed(
                    [*FILES, *(f"{name}.tmp" for name in FILES), *FOLDERS]
                ):  # config.json last
                    if kind(old / name):
                        os.rename(old / name, directory / name)
                sync(directory)
    except OSError as error:
        raise unwritable(directory / "config.json", error) from None
    files = owned(directory)
    for path in (old, new):
        if path.name in files and kind(path) == "directory":
            for name in FOLDERS:
                if kind(path / name) == "directory":
                    _part(path / name).clear()
            _part(path).clear()


# what is makemore's in a directory without a manifest


def _part(path: Path) -> Manifest:
    """Return the manifest of a directory inside a run, or what is recognised there."""
    return Manifest(path, _recognised_part(path) if kind(path) == "directory" else ())


def _recognised(directory: Path) -> set[str]:
    """Return the names in a run directory whose content shows that makemore wrote them."""
    names = {name for name in FILES if _is_ours(directory / name, name)}
    parts = (*FOLDERS, NEW) if directory.name not in (NEW, OLD) else FOLDERS
    return names | {
        name for name in parts if kind(directory / name) == "directory" and _recognised_part(directory / name)
    }


def _recognised_part(path: Path) -> set[str]:
    try:
        inside = list(path.iterdir())
    except OSError as error:
        raise unreadable(path, error) from None
    match path.name:
        case "corpus":
            return recognised_corpus(path)
        case "tensorboard":
            return {p.name for p in inside if p.name.startswith("events.out") and _has(p, b"brain.Event:")}
        case "report-plots":
            return {p.name for p in inside if p.suffix == ".png" and is_picture(p)}
    return _recognised(path)


def _is_ours(path: Path, name: str) -> bool:
    """Whether a file, or where it was being written beside its place, is what a run has under that name."""
    beside = path.with_name(f"{path.name}.tmp")
    half = kind(beside) == "file" and (not beside.stat().st_size or _TESTS[name](beside))
    return half if not kind(path) else bool(_TESTS[name](path) and (half or not kind(beside)))


def is_report(path: Path) -> bool:
    """Whether a file is a page that `makemore report` wrote."""
    if not _begins(path, b'<!doctype html>\n<html lang="en">'):
        return False
    if _has(path, b'<meta name="generator" content="makemore '):
        return True
    with open(path, "rb") as file:  # before there was such a line
        file.seek(-min(200, path.stat().st_size), os.SEEK_END)
        return b"<footer>Written by makemore " in file.read()


def _is_config(path: Path) -> bool:
    config = _json(path)
    return isinstance(config, dict) and config.get("format") == FORMAT


def _is_vocabulary(path: Path) -> bool:
    characters = _json(path)
    return isinstance(characters, list) and all(isinstance(c, str) for c in characters)


def _is_summary(path: Path) -> bool:
    summary = _json(path)
    return isinstance(summary, dict) and {"type", "nll", "baselines"} <= summary.keys()


def _is_rows(path: Path) -> bool:
    if not _begins(path, b""):
        return False
    with open(path, "rb") as file:
        first = file.readline(1 << 20)
    try:
        return not first or isinstance(dict(json.loads(first)).get("step"), int)
    except (ValueError, TypeError, RecursionError):
        return False


def _is_weights(path: Path) -> bool:
    return _begins(path, b'{"', 8)


def is_picture(path: Path) -> bool:
    """Whether a file is a picture that makemore drew, or, before it signed them, that Matplotlib did."""
    return _is_signed(path) or (_begins(path, b"\x89PNG\r\n") and _has(path, b"Matplotlib"))


def _is_signed(path: Path) -> bool:
    return _begins(path, b"\x89PNG\r\n") and _has(path, b"Software\0" + SIGNED["Software"].encode())


_SHOWN: dict[str, Callable[[Path], bool]] = {
    "loss.png": _is_signed,
    "diagnostics.png": _is_signed,
    "report.html": is_report,
}
"""Files that people may have replaced by their own, and how makemore's are told. What is noted under another name is replaced
whatever it holds, since a damaged run must be."""

_TESTS: dict[str, Callable[[Path], bool]] = {
    "config.json": _is_config,
    "vocabulary.json": _is_vocabulary,
    "corpus.npy": lambda path: _begins(path, b"\x93NUMPY"),
    "best.safetensors": _is_weights,
    "last.safetensors": _is_weights,
    "metrics.jsonl": _is_rows,
    "summary.json": _is_summary,
    "loss.png": is_picture,
    "diagnostics.jsonl": _is_rows,
    "diagnostics.png": is_picture,
    "report.html": is_report,
}


def _json(path: Path) -> object:
    """Return what a regular file holds as JSON; None if it is none."""
    if not _begins(path, b""):
        return None
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _begins(path: Path, with_: bytes, at: int = 0) -> bool:
    """Whether a path is a regular file, not a link to one, that can be read and begins so."""
    if kind(path) != "file":
        return False
    try:
        with open(path, "rb") as file:
            return file.read(at + len(with_))[at:] == with_
    except OSError:
        return False


def _has(path: Path, what: bytes) -> bool:
    """Whether the beginning of a regular file holds some bytes."""
    if not _begins(path, b""):
        return False
    with open(path, "rb") as file:
        return what in file.read(2048)
