"""Writing files so that a crash at any moment leaves each as it was before, or complete."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from makemore.files.paths import kind, refuse_unless, unwritable


@contextlib.contextmanager
def atomic(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """Yield a path to write to; after the block, flush it to disk and rename it to `path`.

    Whatever happens, `path`, which is a regular file or nothing yet, is either as it was before or complete.
    `beside` is the path to write to; a regular file there, left by a crash, is replaced. None chooses a new
    name. Raises MakemoreError if it cannot be written; the disk may be full.
    """
    refuse_unless(path, "file")
    made = beside or _fresh(path)
    stale = refuse_unless(made, "file")
    try:
        if stale:
            made.unlink()
        _make(made)
        yield made
        with open(made, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(made, path)
        sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)


def create(path: Path, data: bytes) -> None:
    """Write a new file, completely or not at all.

    Raises:
        FileExistsError: There is something at the path.
        MakemoreError: It cannot be written.

    """
    beside = _fresh(path)
    try:
        _make(beside)
        with open(beside, "rb+") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)  # a rename would replace what another process wrote meanwhile
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if kind(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
            os.replace(beside, path)
        sync(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def append(path: Path, text: str, durable: bool = False) -> None:
    """Append text to a regular file, or to a new one; flush it to disk if `durable`.

    Raises MakemoreError if it cannot be written.
    """
    refuse_unless(path, "file")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, flags, 0o666)
        with open(handle, "a", encoding="utf-8") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(handle)
    except OSError as error:
        raise unwritable(path, error) from None


def check_writable(path: Path) -> None:
    """Raise MakemoreError if no file could be written to a path, whose directory may not exist yet."""
    directory = path.parent
    while not os.path.exists(directory) and directory != directory.parent:
        directory = directory.parent
    tried = _fresh(directory / path.name)
    try:
        _make(tried)
        tried.unlink()
    except OSError as error:
        raise unwritable(path, error) from None


def _fresh(path: Path) -> Path:
    """Return an unused path in the same directory."""
    return path.with_name(f".makemore-{secrets.token_hex(4)}.tmp")


def _make(path: Path) -> None:
    """Create an empty file, never through a link. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o666))


def sync(directory: Path) -> None:
    """Flush the names in a directory to disk, so that they survive a loss of power."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(directory, os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
