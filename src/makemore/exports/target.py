"""Writing an export completely or not at all, and replacing only what an export wrote before."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from makemore.errors import MakemoreError
from makemore.exports.own import state_of_directory, state_of_file
from makemore.files.atomic import atomic, check_writable, sync
from makemore.files.paths import kind, refuse_unless, unwritable


def check_target(path: Path, overwrite: bool, names: tuple[str, ...]) -> None:
    """Raise MakemoreError if writing an export to a path would fail, or lose something.

    Args:
        path: The directory, or the file.
        overwrite: Whether an export that is there may be replaced.
        names: The files of the directory; none if the export is one file.

    """
    if refuse_unless(path, "directory" if names else "file") and not _is_empty(path):
        if not overwrite:
            raise MakemoreError(
                f"{path}: already exists; replace it with overwrite=True, or choose another path",
                option=("overwrite", "path"),
            )
        state = state_of_directory(path, names) if names else state_of_file(path)
        if state == "foreign":
            raise MakemoreError(
                f"{path}: is not what an export wrote, and was left alone; choose another path", option="path"
            )
        if state == "changed":
            raise MakemoreError(
                f"{path}: was changed since makemore wrote it, or is an earlier version's, and was left alone; "
                "move it away, or choose another path",
                option="path",
            )
    check_writable(path)


@contextlib.contextmanager
def directory(path: Path) -> Iterator[Path]:
    """Yield an empty directory beside a path that `check_target` allows, and then rename it to the path.

    If that fails, the path is as it was before. Raises MakemoreError if something cannot be written.
    """
    place = Path(os.path.abspath(path))  # "." has no name
    made, old = (place.with_name(f".makemore-{secrets.token_hex(4)}.{end}") for end in ("tmp", "old"))
    try:
        made.mkdir(parents=True)
        yield made
        for each in made.iterdir():
            with open(each, "rb+") as file:
                os.fsync(file.fileno())
        sync(made)
        if kind(place):
            os.rename(place, old)
        try:
            os.rename(made, place)
        except OSError:
            if kind(old):
                os.rename(old, place)
            raise
        sync(place.parent)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def file(path: Path) -> Iterator[Path]:
    """Yield a path to write a file to, as `atomic` does, in a directory that is made if it does not exist."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    with atomic(path) as made:
        yield made


def _is_empty(path: Path) -> bool:
    try:
        return kind(path) == "directory" and not os.listdir(path)
    except OSError as error:
        raise unwritable(path, error) from None


def check_script(path: Path) -> None:
    """Raise MakemoreError if a script of this name would write its weights over itself."""
    if path.suffix == ".pt":
        raise MakemoreError(
            f"{path}: its weights are written to this file; give the script another name, such as "
            f"{path.with_suffix('.py').name}",
            option="path",
        )
