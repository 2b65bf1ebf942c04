"""Locks that keep other processes out of a directory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from makemore.errors import MakemoreError
from makemore.files.paths import reason_of

WINDOWS = os.name == "nt"


@contextlib.contextmanager
def held(
    directory: Path,
    wait: bool = False,
    made: bool = True,
    remedy: str = "choose another place",
    busy: str | None = None,
) -> Iterator[None]:
    """Lock a directory during the block, so that no other makemore works in it.

    Nothing is written into the directory, and the system releases the lock if the process dies. If another
    process holds it, `wait` waits. `made` makes the directory if it does not exist; `remedy` says what to do
    if that fails, `busy` what to do if another process holds it. Raises MakemoreError if another process holds it, or it cannot be made or opened.
    """
    import filelock  # not every command needs it

    try:
        if made:
            directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MakemoreError(f"{directory}: cannot be written: {reason_of(error)}; {remedy}") from None
    try:
        handle = _opened(directory)
    except OSError as error:
        raise MakemoreError(f"{directory}: cannot be read: {reason_of(error)}; {remedy}") from None
    try:
        try:
            free = filelock.lock_descriptor(handle, blocking=wait)
        except OSError:  # a file system without locks
            free = True
        if not free:
            raise MakemoreError(
                f"{directory}: another process is working in it; {busy or 'wait'}, or choose another place"
            )
        yield
    finally:
        os.close(handle)  # releases the lock


def _opened(directory: Path) -> int:
    """Return a file descriptor to lock for a directory."""
    if not WINDOWS:
        return os.open(directory, os.O_RDONLY)
    # Windows cannot open a directory, so a file elsewhere, named after its path, is locked instead
    key = hashlib.blake2b(str(directory.resolve(strict=True)).lower().encode(), digest_size=12).hexdigest()
    return os.open(Path(tempfile.gettempdir()) / f"makemore-{key}.lock", os.O_RDWR | os.O_CREAT)
