"""Files that survive crashes, and errors about files in one sentence."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import math
import os
import secrets
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from makemore.errors import MakemoreError, shown

Made = TypeVar("Made")

LARGEST_JSON = 1 << 26
"""Bytes: several times a vocabulary of all characters that there are."""

# what is at a path


def kind(path: Path) -> str:
    """Return what a path itself is, links not followed: "", "file", "directory", "symbolic link" and so on.

    "" is nothing at all. Raises MakemoreError where the system does not say.
    """
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise unreadable(path, error) from None
    kinds = {
        stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symbolic link", stat.S_IFIFO: "FIFO",
        stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device",
    }  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "special file")


def refuse_unless(path: Path, wanted: str) -> bool:
    """Return whether something is at a path. Raises MakemoreError if it is anything but `wanted`, as `kind` names it."""
    found = kind(path)
    if found not in ("", wanted):
        article = "an" if wanted[0] in "aeiou" else "a"
        raise MakemoreError(
            f"{path}: is a {found}, not {article} {wanted}, and was left alone; move it away, or choose another place with -o"
        )
    return bool(found)


# errors


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


def unwritable(path: Path, error: OSError) -> MakemoreError:
    """Return what to say of a file that cannot be written, with a remedy that fits the error."""
    # what training writes; a report can be written anywhere
    of_run = os.path.exists(path.parent / "config.json") and path.suffix != ".html"
    elsewhere = "choose another place with -o"
    if error.errno in NO_ROOM and of_run:
        remedy = "what was saved before is untouched: make room, then go on with --resume"
    elif error.errno in NO_ROOM:
        remedy = f"make room, or {elsewhere}, and run the same command again"
    elif error.errno in NOT_ALLOWED and of_run:
        remedy = "make the directory writable, or go on with a copy of it elsewhere"
    elif error.errno == errno.ENAMETOOLONG:
        remedy = "choose a shorter name with -o"
    elif error.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP):
        remedy = f"move what is there away, or {elsewhere}"
    else:
        remedy = elsewhere
    return MakemoreError(f"{path}: cannot be written: {_reason(error)}; {remedy}")


def unreadable(path: Path, error: OSError) -> MakemoreError:
    """Return what to say of a file or directory that cannot be read."""
    remedies = {
        errno.EACCES: "; change its permissions, or name another",
        errno.EPERM: "; change its permissions, or name another",
        errno.ENAMETOOLONG: "; give a shorter name",
        errno.EISDIR: "; move it away, or name another",
    }
    return MakemoreError(f"{path}: cannot be read: {_reason(error)}{remedies.get(error.errno or 0, '')}")


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


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
            f"{path}: missing, damaged or not written by makemore ({problem}); restore it from a backup, or train "
            "again with --overwrite"
        ) from None


# reading


def read_text(path: Path) -> str:
    """Return the text of a regular file; bytes that are not UTF-8 become U+FFFD. Raises MakemoreError."""
    try:
        return regular(path).read_text("utf-8", "replace")
    except OSError as error:
        raise unreadable(path, error) from None


def regular(path: Path) -> Path:
    """Return the path of a file. Raises OSError for anything else: a pipe, say, would be waited for without end."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))
    return path


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file's bytes. Raises OSError."""
    found = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found = zlib.crc32(block, found)
    return found


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


# writing


@contextlib.contextmanager
def atomic(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """Give a path to write to, then flush it to disk and rename it to `path`.

    Whatever happens in between, `path` is either as it was or complete. It must be a regular file, or nothing yet.
    beside: where to write; what is left there of an earlier crash is replaced, if it is a regular file. None
    takes a fresh name. Raises MakemoreError, a full disk included.
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
    """Write a file that must not be there yet, complete or not at all. Raises FileExistsError, or MakemoreError."""
    beside = _fresh(path)
    try:
        _make(beside)
        with open(beside, "rb+") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)  # a rename would replace what has come there meanwhile
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
    """Append text to a regular file, made if need be. durable: flush it to disk. Raises MakemoreError."""
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
    """Raise MakemoreError if a file could not be written to a path, whose directory may have to be made first."""
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
    """Return a name in the same directory that nothing has."""
    return path.with_name(f".makemore-{secrets.token_hex(4)}.tmp")


def _make(path: Path) -> None:
    """Create an empty file, never through a link. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o666))


def sync(directory: Path) -> None:
    """Flush the names in a directory, which must survive a loss of power too."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(directory, os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: Path, value: Any, beside: Path | None = None) -> None:
    """Write a value as a JSON file, as `atomic` does."""
    with atomic(path, beside) as made:
        # a file name that is not UTF-8 holds lone surrogates, which JSON writes as \udc80
        made.write_text(to_json(value, indent=2) + "\n", "utf-8", "backslashreplace")


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
def held(
    directory: Path, wait: bool = False, made: bool = True, remedy: str = "choose another place with -o"
) -> Iterator[None]:
    """Hold a directory so that no other makemore works in it.

    If one does, wait for it to end, or raise MakemoreError. made: whether to make the directory if need be. remedy:
    what to do where it cannot be made or opened.
    """
    try:
        if made:
            directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MakemoreError(f"{directory}: cannot be written: {_reason(error)}; {remedy}") from None
    try:
        import fcntl
    except ImportError:  # not on Windows, where the person must take care
        yield
        return
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise MakemoreError(f"{directory}: cannot be read: {_reason(error)}; {remedy}") from None
    try:
        try:
            # the system releases it if the process dies
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise MakemoreError(
                f"{directory}: another process is working in it; wait, or choose another -o"
            ) from None
        except OSError:  # a file system that has no locks
            pass
        yield
    finally:
        os.close(handle)
