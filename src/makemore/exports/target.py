"""Writing an export completely or not at all, and replacing only what an export wrote before."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import safetensors

from makemore.errors import MakemoreError
from makemore.exports.script.seal import is_changed
from makemore.files.atomic import atomic, check_writable, sync
from makemore.files.paths import kind, refuse_unless, unwritable

WEIGHTS = "model.safetensors"
"""The file in an exported directory whose metadata shows that makemore wrote it."""

SIGNATURE = "makemore"
"""The key of makemore's version in that metadata."""


MARK = "makemore.vocabulary"
"""The key of the vocabulary in the metadata of an exported file."""


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
        if not (_holds_only(path, names) if names else _is_own_file(path)):
            raise MakemoreError(
                f"{path}: is not what an export wrote, and was left alone; choose another path", option="path"
            )
        if not names and is_changed(path):
            raise MakemoreError(
                f"{path}: was changed since makemore wrote it, and was left alone; move it away, or choose another path",
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


def _holds_only(path: Path, names: tuple[str, ...]) -> bool:
    """Return whether a directory holds the files of an export, and nothing else."""
    there = os.listdir(path)
    if not set(there) <= {*names} or any(kind(path / name) != "file" for name in there):
        return False
    try:
        with safetensors.safe_open(path / WEIGHTS, framework="np") as weights:
            return SIGNATURE in (weights.metadata() or {})
    except Exception:  # whatever is wrong with it, it is not ours
        return False


def _is_own_file(path: Path) -> bool:
    """Return whether a file is one that an export wrote: it has the name of its metadata in it."""
    try:
        return MARK.encode() in path.read_bytes()
    except OSError:
        return False
