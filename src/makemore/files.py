"""Files that survive crashes, and errors about files in one sentence."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from makemore.errors import MakemoreError, shown

Made = TypeVar("Made")

LARGEST_JSON = 1 << 26
"""Bytes: several times a vocabulary of all characters that there are."""


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a path to write to, then flush it to disk and put it in the place of `path`.

    Whatever happens in between, `path` is as it was or as it was to be. A full disk becomes MakemoreError.
    """
    beside = path.with_name(path.name + ".tmp")
    try:
        yield beside
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
        if hasattr(os, "O_DIRECTORY"):  # the new name too must survive a loss of power
            handle = os.open(path.parent, os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> MakemoreError:
    """Return what to say of a file of a run that cannot be written."""
    if (path.parent / "config.json").exists():
        remedy = "what was saved before is untouched: make room, then go on with --resume"
    else:
        remedy = "make room, or choose another place with -o, and run the same command again"
    return MakemoreError(f"{path}: cannot be written: {error.strerror}; {remedy}")


@contextlib.contextmanager
def damage(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong in making sense of a file into one sentence."""
    try:
        yield
    except MakemoreError:
        raise
    except Exception as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problem = shown((said.strip().splitlines() or [type(error).__name__])[0].rstrip(".:"))
        raise MakemoreError(
            f"{path}: missing, damaged or not what makemore wrote ({problem}); use a copy, or train again with --overwrite"
        ) from None


def regular(path: Path) -> Path:
    """Return the path of a file. Raises OSError for anything else: a pipe, say, would be waited for without end."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))
    return path


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, or raise MakemoreError."""
    with damage(path):
        if regular(path).stat().st_size > LARGEST_JSON:
            raise ValueError("it is too large")
        return json.loads(path.read_text("utf-8"))


def read_json_lines(path: Path) -> Iterator[Any]:
    """Yield the value of each line of a file, but for lines that are damaged, as one is that was cut off in the writing.

    Yields nothing where there is no file, and raises MakemoreError for one that cannot be read.
    """
    if not path.exists():
        return
    with damage(path):
        lines = regular(path).read_text("utf-8", "replace").splitlines()
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):  # too many digits are a ValueError
            yield json.loads(line)


def write_json(path: Path, value: Any) -> None:
    """Write a value as a JSON file, atomically."""
    with atomic(path) as beside:
        # a file name that is not UTF-8 holds lone surrogates, which JSON writes as \udc80
        beside.write_text(to_json(value, indent=2) + "\n", "utf-8", "backslashreplace")


def to_json(value: Any, indent: int | None = None, ascii: bool = False) -> str:
    """Return a value as JSON, which knows no infinity: a number that is not finite becomes null.

    ascii: whether other characters are escaped, for a stream that cannot hold them.
    """
    return json.dumps(no_infinities(value), indent=indent, ensure_ascii=ascii, allow_nan=False)


def no_infinities(value: Any) -> Any:
    """Return a value with None in the place of every number that is not finite, however deep."""
    if isinstance(value, dict):
        return {key: no_infinities(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [no_infinities(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_json(made: type[Made], values: Any) -> Made:
    """Return a dataclass of plain numbers, truth values and strings from what JSON gave for it.

    A field that has a default may be missing: an older makemore did not know it. Raises ValueError where
    another is missing, or one is unknown or of another type.
    """
    fields: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(made)}  # type: ignore[arg-type]
    if not isinstance(values, dict) or values.keys() - fields.keys():
        raise ValueError(f"{made.__name__} should have {', '.join(fields) or 'nothing'}")
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (float, int),
        "bool": (bool,),
        "str": (str,),
    }
    for name in values:
        kind = fields[name]
        value: Any = values[name]
        if not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise ValueError(f"{name} is {shown(value)}, not {kind}")
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError(f"{name} is {shown(value)}, and must be less than 2^63")
    return made(**values)


@contextlib.contextmanager
def held(directory: Path, wait: bool = False) -> Iterator[None]:
    """Hold a directory, made if need be, so that no other process works in it.

    If one does, wait for it to end, or raise MakemoreError.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MakemoreError(
            f"{directory}: cannot be written: {error.strerror}; choose another place with -o"
        ) from None
    try:
        import fcntl
    except ImportError:  # not on Windows, where the person must take care
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            # let go by the system if the process dies
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise MakemoreError(
                f"{directory}: another process is training it; wait, or choose another -o"
            ) from None
        except OSError:  # a file system that has no locks
            pass
        yield
    finally:
        os.close(handle)
