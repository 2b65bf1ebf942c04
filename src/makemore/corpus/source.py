"""Finding the files of a source.

A source is a file, "-" for standard input, a directory (all files in it), a pattern like "data/*.txt", the
name of a bundled list, or several of these. What makemore itself wrote is never read as a list: run
directories, comparisons and caches in a directory are skipped, and so are hidden files.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import BinaryIO

from makemore.corpus.reading import Reading
from makemore.errors import MakemoreError, alike, shown
from makemore.files.json_io import read_json

DEFAULT = "names"
"""The bundled list that is read if no source is given."""

_STANDARD_INPUT = Path("-")
_WEB = re.compile(r"(https?|ftp|s3|gs)://", re.IGNORECASE)

_OWN = {
    "config.json": ("makemore run", "a run directory"),
    "comparison.json": ("makemore comparison", "a comparison"),
    "facts.json": ("makemore corpus", "a cache of makemore"),
}
"""Directories that makemore writes, by a file in them: how its format starts, and what messages call them."""

_SAID = 5  # skipped places that a message names


@dataclass
class Source:
    """The files to read, one after another."""

    name: str
    """What messages call it."""
    paths: list[Path]
    bundled: bool = False
    skipped: list[str] = field(default_factory=list)
    """Files and folders in a directory that are not read, and why."""

    @cached_property
    def size(self) -> int | None:
        """Bytes on disk; None if one of the files is a stream."""
        if any(map(is_stream, self.paths)):
            return None
        return sum(path.stat().st_size for path in self.paths)

    def stamps(self) -> list[tuple[str, int, int, int]]:
        """Return path, size and times of change of each file: if they are equal, no file changed."""
        return [
            (str(path.resolve()), (stat := path.stat()).st_size, stat.st_mtime_ns, stat.st_ctime_ns)
            for path in self.paths
            if not is_stream(path)
        ]

    def digest(self) -> str:
        """Return a hash of the content of the files."""
        made = hashlib.blake2b(digest_size=16)
        for path in self.paths:
            if is_stream(path):
                continue
            with opened(path) as file:
                while data := file.read(1 << 20):
                    made.update(data)
        return made.hexdigest()


def is_stream(path: Path) -> bool:
    """Return whether a file can be read only once: standard input, a pipe."""
    return path == _STANDARD_INPUT or not path.is_file()


@dataclass(frozen=True)
class BundledList:
    """A list that comes with makemore."""

    name: str
    file: str
    lines: int
    sha256: str
    """Of the file."""
    description: str
    source: str
    """Where it comes from, and what was done to it."""
    licence: str
    notice: str
    """The file with the licence."""


def bundled_lists() -> list[BundledList]:
    """Return the bundled lists."""
    return [BundledList(**each) for each in json.loads(_data().joinpath("SOURCES.json").read_text("utf-8"))]


def is_plain(reading: Reading) -> bool:
    """Return whether what was read is a bundled list, and not a bundled table."""
    tables = [f"{entry.name} (bundled)" for entry in bundled_lists() if entry.file.endswith(".csv")]
    return reading.bundled and reading.source not in tables


def _data() -> Traversable:
    return resources.files("makemore.corpus").joinpath("data")


def locate(source: str | Path | Sequence[str | Path] | None) -> Source:
    """Return the files that a source means: see `read`.

    Raises MakemoreError if there is no such file, or a directory has none.
    """
    if source is None:
        return _bundled(DEFAULT)
    if not isinstance(source, (str, Path)):
        if not isinstance(source, Iterable):
            raise MakemoreError(
                f"source must be a file, a list's name or several, not {shown(repr(source))}", option="source"
            )
        return _together([locate(each) for each in source])
    if source == "":
        raise MakemoreError("source is empty; give a file with one thing on each line", option="source")
    if str(source) in ("-", "/dev/stdin"):
        return Source("standard input", [_STANDARD_INPUT])
    if _WEB.match(str(source)):
        raise MakemoreError(
            f"{shown(source)}: is a web address; download it first, for example with curl -L -o list.txt "
            f"{shlex.quote(shown(source))}"
        )
    path = Path(source)
    names = [entry.name for entry in bundled_lists()]
    files = {entry.file: entry.name for entry in bundled_lists()}
    bundled = files.get(str(source), str(source))
    try:
        if path.is_dir():
            if (own := what_wrote(path)) is None:
                return _inside(path)
            if bundled not in names:
                raise MakemoreError(
                    f"{shown(path)}: is {own}, not a list; give the file of lines, or sample "
                    "lines from the run and give those"
                )
        elif path.exists():
            return Source(str(path), [path])
    except OSError as error:  # the name may be too long
        raise MakemoreError(f"{shown(path)}: {error.strerror}") from None
    if bundled in names:
        return _bundled(bundled)
    if found := _matching(str(source)):
        return found
    guess = alike(path.stem, names)
    raise MakemoreError(
        f"{shown(path)}: no such file, and no bundled list of that name (there are {', '.join(names)})"
        + (f";{guess}" if guess else "")
    )


def _bundled(name: str) -> Source:
    (entry,) = (entry for entry in bundled_lists() if entry.name == name)
    return Source(f"{name} (bundled)", [Path(str(_data().joinpath(entry.file)))], bundled=True)


def _together(every: list[Source]) -> Source:
    """Combine several sources."""
    if len(every) == 1:
        return every[0]
    paths = [path for each in every for path in each.paths]
    if len(set(paths)) < len(paths):
        twice = next(path for i, path in enumerate(paths) if path in paths[:i])
        raise MakemoreError(f"{shown(twice)}: is given twice; give every file once")
    skipped = [place for each in every for place in each.skipped]
    return Source(f"{every[0].name} and {len(paths) - 1} more", paths, skipped=skipped)


def what_wrote(directory: Path) -> str | None:
    """Return what kind of directory makemore wrote here, such as "a run directory"; None if it did not."""
    for name, (format, called) in _OWN.items():
        with contextlib.suppress(MakemoreError, AttributeError):
            if str(read_json(directory / name).get("format")).startswith(format):
                return called
    return None


def _inside(directory: Path) -> Source:
    """Return the files in a directory and in the folders below."""
    paths: list[Path] = []
    skipped: list[str] = []

    def unreadable(error: OSError) -> None:
        raise MakemoreError(
            f"{shown(error.filename)}: cannot be read: {error.strerror}; change its permissions, or name the "
            "files to read"
        )

    for place, folders, files in os.walk(directory, onerror=unreadable):
        folders.sort()
        for name in list(folders):
            why = "hidden" if name.startswith(".") else what_wrote(Path(place, name))
            if why is not None:
                folders.remove(name)
                skipped.append(f"{Path(place, name)}{os.sep} ({why})")
        for name in sorted(files):
            path = Path(place, name)
            if name.startswith("."):
                skipped.append(f"{path} (hidden)")
            elif not path.is_file():
                skipped.append(f"{path} (not a file)")
            else:
                paths.append(path)
    if not paths:
        also = f" ({said(skipped)} skipped)" if skipped else ""
        raise MakemoreError(
            f"{shown(directory)}: is a directory with no files{also}; give a file with one thing on each line"
        )
    return Source(str(directory), sorted(paths), skipped=skipped)


def _matching(pattern: str) -> Source | None:
    """Return the files that match a pattern, except in makemore's directories that a wildcard matches."""
    paths, skipped = [], set()
    for path in sorted(Path(p) for p in glob.glob(pattern, recursive=True) if os.path.isfile(p)):
        parents = [parent for parent in path.parents if not pattern.startswith(str(parent))]
        own = next((f"{parent}{os.sep} ({why})" for parent in parents if (why := what_wrote(parent))), None)
        if own is None:
            paths.append(path)
        else:
            skipped.add(own)
    if skipped and not paths:
        raise MakemoreError(f"{shown(pattern)}: matches only {said(sorted(skipped))}; give text files")
    return Source(pattern, paths, skipped=sorted(skipped)) if paths else None


def said(skipped: Sequence[str]) -> str:
    """Return a short list of what was skipped, for a message."""
    more = f" and {len(skipped) - _SAID:,} more" if len(skipped) > _SAID else ""
    return ", ".join(map(shown, skipped[:_SAID])) + more


def name_of(path: Path) -> str:
    """Return what messages call a file."""
    return "standard input" if path == _STANDARD_INPUT else shown(path)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or standard input, without unpacking it."""
    if path == _STANDARD_INPUT:
        if sys.stdin is None:
            raise MakemoreError("standard input is closed; name a file instead")
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise MakemoreError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    with file:
        yield file
