"""The names in a run directory, and how makemore's files are recognised by their content.

Early versions kept no manifest, so in their runs the content shows which files are makemore's. Pictures and
pages are checked in every run, since people replace them with their own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from makemore.corpus.facts import recognised as recognised_corpus
from makemore.files.manifest import NAME, Manifest, in_the_way
from makemore.files.paths import kind, unreadable

FORMAT = "makemore run"

FILES = (
    "config.json",  # first: without it, the directory is not a run
    "vocabulary.json",
    "labels.json",
    "labels.npy",
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
"""Names that a report in a run directory cannot have."""

SIGNED = {"Software": "makemore"}
"""The signature in makemore's pictures: metadata of a PNG."""

NEW, OLD = ".new", ".old"
"""Where a new run is written, and where the old one is kept until the new one is in place."""


def owned(directory: Path) -> Manifest:
    """Return the manifest of a run directory; if there is none, one of the files recognised as makemore's."""
    files = Manifest(directory)
    if files.exists:
        return files
    if (old := Manifest(directory / OLD)).exists:  # a crash came between two renames
        return Manifest(directory, old.names)
    return Manifest(directory, _recognised(directory) if _is_config(directory / "config.json") else ())


def owned_part(path: Path) -> Manifest:
    """Return the manifest of a directory in a run; if there is none, one of the files recognised there."""
    return Manifest(path, _recognised_part(path) if kind(path) == "directory" else ())


def check_own(files: Manifest) -> None:
    """Raise MakemoreError if a person's picture or page took the place of makemore's.

    Other files are replaced whatever they hold: a damaged run must be replaceable.
    """
    for name in ("loss.png", "diagnostics.png", "report.html"):
        path = files.directory / name
        if files.exists and name in files and kind(path) == "file" and not _TESTS[name](path):
            raise in_the_way(path, "file")


def _recognised(directory: Path) -> set[str]:
    """Return the names in a run directory whose content shows that makemore wrote them."""
    names = {name for name in FILES if _is_own(directory / name, name)}
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


def _is_own(path: Path, name: str) -> bool:
    """Whether a file, or its unfinished copy NAME.tmp, holds what a run would write to it."""
    copy = path.with_name(f"{path.name}.tmp")
    unfinished = kind(copy) == "file" and (not copy.stat().st_size or _TESTS[name](copy))
    if not kind(path):
        return unfinished
    return _TESTS[name](path) and (unfinished or not kind(copy))


def is_picture(path: Path) -> bool:
    """Whether a file is a picture with makemore's signature."""
    return _begins(path, b"\x89PNG\r\n") and _has(path, b"Software\0" + SIGNED["Software"].encode())


def is_report(path: Path) -> bool:
    """Whether a file is a page that `makemore report` wrote."""
    if not _begins(path, b'<!doctype html>\n<html lang="en">'):
        return False
    if _has(path, b'<meta name="generator" content="makemore '):
        return True
    with open(path, "rb") as file:  # early versions wrote no such line
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


_TESTS: dict[str, Callable[[Path], bool]] = {
    "config.json": _is_config,
    "vocabulary.json": _is_vocabulary,
    "labels.json": _is_vocabulary,
    "labels.npy": lambda path: _begins(path, b"\x93NUMPY"),
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
    """Return what a regular file holds as JSON, or None if it is something else."""
    if not _begins(path, b""):
        return None
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _begins(path: Path, with_: bytes, at: int = 0) -> bool:
    """Whether a path is a readable regular file, not a link, with some bytes at a position."""
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
