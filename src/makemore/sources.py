"""Which files are meant.

A source is a file, "-" for standard input, a directory (all files in it), a pattern like 'data/*.txt', the name of a
bundled list, or several of these.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

from makemore.errors import MakemoreError

BLOCK = 1 << 20
"""Bytes that are read at a time."""

_STANDARD_INPUT = Path("-")


@dataclass
class Source:
    """The files that are read one after another."""

    name: str
    """As messages call it."""
    paths: list[Path]
    bundled: bool = False

    @cached_property
    def size(self) -> int | None:
        """Bytes on disk; None where a stream is among the files."""
        if any(map(is_stream, self.paths)):
            return None
        return sum(path.stat().st_size for path in self.paths)

    def stamps(self) -> list[tuple[str, int, int, int]]:
        """Path, size and times of change of each file: what is compared to see whether one changed."""
        return [
            (str(path.resolve()), (stat := path.stat()).st_size, stat.st_mtime_ns, stat.st_ctime_ns)
            for path in self.paths
            if not is_stream(path)
        ]

    def digest(self) -> str:
        """A hash of the content of the files."""
        made = hashlib.blake2b(digest_size=16)
        for path in self.paths:
            if is_stream(path):
                continue
            with opened(path) as file:
                while data := file.read(BLOCK):
                    made.update(data)
        return made.hexdigest()


def is_stream(path: Path) -> bool:
    """Whether a file can be read but once: standard input, a pipe."""
    return path == _STANDARD_INPUT or not path.is_file()


def bundled_lists() -> list[dict[str, Any]]:
    """Return what is known of each bundled list: name, file, lines, source, licence and so on."""
    sources: list[dict[str, Any]] = json.loads(_data().joinpath("SOURCES.json").read_text("utf-8"))
    return sources


def _data() -> Any:
    return resources.files("makemore").joinpath("data")


def locate(source: str | Path | Sequence[str | Path]) -> Source:
    """Return the files that a source means, or raise MakemoreError."""
    if not isinstance(source, (str, Path)):
        every = [locate(each) for each in source]
        if len(every) == 1:
            return every[0]
        paths = [path for each in every for path in each.paths]
        if len(set(paths)) < len(paths):
            twice = next(path for i, path in enumerate(paths) if path in paths[:i])
            raise MakemoreError(f"{twice}: is named twice; name every file once")
        return Source(f"{every[0].name} and {len(paths) - 1} more", paths)
    if str(source) in ("-", "/dev/stdin"):
        return Source("standard input", [_STANDARD_INPUT])
    path = Path(source)
    try:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
            if not inside:
                raise MakemoreError(
                    f"{path}: is a directory without files; give a file with one thing on each line"
                )
            return Source(str(path), inside)
        if path.exists():
            return Source(str(path), [path])
    except OSError as error:  # a name too long, say
        raise MakemoreError(f"{path}: {error.strerror}") from None
    names = [entry["name"] for entry in bundled_lists()]
    if (name := str(source).removesuffix(".txt")) in names:
        return Source(f"{name} (bundled)", [Path(str(_data().joinpath(name + ".txt")))], bundled=True)
    if found := sorted(Path(p) for p in glob.glob(str(source), recursive=True) if os.path.isfile(p)):
        return Source(str(source), found)
    raise MakemoreError(
        f"{path}: no such file, and no bundled list of that name (there are {', '.join(names)})"
    )


def name_of(path: Path) -> str:
    return "standard input" if path == _STANDARD_INPUT else str(path)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or standard input, as it lies there."""
    if path == _STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise MakemoreError(f"{path}: cannot be read: {error.strerror}") from None
    with file:
        yield file
