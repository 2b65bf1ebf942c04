"""Which files of a directory makemore wrote. It never replaces or deletes any others.

A name proves nothing: somebody may have a report.html of their own. So every directory that makemore fills
has a manifest.jsonl. A name is added to it after checking that nothing has that name, and before anything is
written there. The first line names the format; each other line is {"wrote": NAME} or {"removed": NAME}. Lines
are only appended, so that two processes can add theirs at the same time.

NAME includes NAME.tmp, which is where the file is written before it is renamed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from makemore.errors import MakemoreError
from makemore.files.atomic import append, atomic, create
from makemore.files.paths import kind, read_text, unwritable

NAME = "manifest.jsonl"
FORMAT = "makemore manifest"


class Manifest:
    """The names of what makemore wrote to a directory: files, and directories with manifests of their own."""

    def __init__(self, directory: Path, adopted: Iterable[str] = ()) -> None:
        """Read the manifest of a directory; if there is none, `adopted` names what makemore wrote there."""
        self.directory = directory
        self.path = directory / NAME
        self.names = set(adopted)
        self.exists = False
        self._read()

    def _read(self) -> None:
        if kind(self.path) != "file":
            return
        lines = read_text(self.path).split("\n")
        if json_or_none(lines[0]) != {"format": FORMAT}:
            return
        names: set[str] = set()
        for line in lines[1:-1]:  # a crash may cut the last one
            match json_or_none(line):
                case {"wrote": str(name)} if safe(name):
                    names.add(name)
                case {"removed": str(name)}:
                    names.discard(name)
                # a damaged line proves nothing, so its file counts as not makemore's
        self.names, self.exists = names, True

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def obstacle(self, name: str, wanted: str = "file") -> Path | None:
        """Return what prevents writing a file, or a directory, under a name or its NAME.tmp; else None."""
        for path, needed in ((self.directory / name, wanted), (self.directory / f"{name}.tmp", "file")):
            found = kind(path)
            if found and (name not in self or found != needed):
                return path
        return None

    def check(self, *names: str, wanted: str = "file") -> None:
        """Raise MakemoreError unless each of these names is makemore's or free; see `obstacle`."""
        if not self.exists and (found := kind(self.path)):
            raise in_the_way(self.path, found)
        for name in names:
            if (path := self.obstacle(name, wanted)) is not None:
                raise in_the_way(path, kind(path))

    def claim(self, *names: str, wanted: str = "file") -> None:
        """Add names that are about to be written.

        Raises MakemoreError if something that makemore did not write has one of the names.
        """
        if not self.exists or not self.names.issuperset(names):
            self._read()  # another process may have added some
        self.check(*names, wanted=wanted)
        if not self.exists:
            self.names |= set(names)
            data = "".join(
                json.dumps(line) + "\n"
                for line in ({"format": FORMAT}, *({"wrote": n} for n in sorted(self.names)))
            )
            try:
                create(self.path, data.encode())
            except FileExistsError:
                raise in_the_way(self.path, kind(self.path)) from None
            self.exists = True
        elif new := [name for name in dict.fromkeys(names) if name not in self]:
            self._note("wrote", new)
            self.names |= set(new)

    def note(self, name: str) -> None:
        """Add a file that was just written under a name that was not known before."""
        self.names.add(name)
        self._note("wrote", [name])

    def _note(self, what: str, names: Iterable[str]) -> None:
        text = "".join(json.dumps({what: name}) + "\n" for name in names)
        try:
            with open(self.path, "rb") as file:
                file.seek(-1, os.SEEK_END)
                whole = file.read() == b"\n"
        except OSError as error:
            raise unwritable(self.path, error) from None
        append(self.path, text if whole else "\n" + text, durable=True)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Yield a path to write the file of that name to; see `atomic`."""
        self.claim(name)
        with atomic(self.directory / name, self.directory / f"{name}.tmp") as path:
            yield path

    def append(self, name: str, text: str) -> None:
        """Append text to the file of that name."""
        self.claim(name)
        append(self.directory / name, text)

    def make_directory(self, name: str) -> Manifest:
        """Make the directory of that name if it does not exist, and return its manifest."""
        self.claim(name, wanted="directory")
        path = self.directory / name
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from None
        return Manifest(path)

    def adopt(self, name: str) -> None:
        """Add a file whose content shows that makemore wrote it."""
        if name not in self:
            self.note(name)

    def remove(self, *names: str) -> None:
        """Delete these files, except any that makemore did not write."""
        gone = [name for name in names if name in self and self._unlink(name)]
        if gone and self.exists:
            self._note("removed", gone)
        self.names -= set(gone)

    def _unlink(self, name: str) -> bool:
        for path in (self.directory / name, self.directory / f"{name}.tmp"):
            try:
                if kind(path) == "file":
                    path.unlink()
            except OSError as error:
                raise unwritable(path, error) from None
        return True

    def clear(self) -> bool:
        """Delete what makemore wrote, and the directory if that empties it; return whether it is gone."""
        for name in self.names:
            if kind(self.directory / name) == "directory":
                Manifest(self.directory / name).clear()
            else:
                self._unlink(name)
        try:
            if self.exists:
                self.path.unlink()
            self.directory.rmdir()
        except OSError:  # a file that makemore did not write
            return False
        return True

    def foreign(self) -> list[Path]:
        """Return what is in the directory that makemore did not write."""
        ours = {NAME} if self.exists else set()
        for name in self.names:
            ours |= {name, f"{name}.tmp"}
        return [
            path for path in sorted(self.directory.iterdir()) if path.name not in ours or self._strange(path)
        ]

    def _strange(self, path: Path) -> bool:
        return kind(path) not in ("file", "directory")


def in_the_way(path: Path, found: str) -> MakemoreError:
    """Return the error for something that makemore did not write; `found` says what it is, as `kind` does."""
    if found == "file":
        what = "was not written by makemore"
    else:
        what = f"is a {found} that makemore did not make" if found else "is in the way"
    return MakemoreError(f"{path}: {what}, and was left alone; move it away, or choose another place")


def safe(name: str) -> bool:
    """Whether a name is that of a file in a directory, not a path to elsewhere."""
    return bool(name) and name not in (".", "..") and not set(name) & {"/", "\\", "\0"}


def json_or_none(line: str) -> object:
    """Return what a line of JSON holds, or None if it is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
