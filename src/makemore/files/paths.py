"""What is at a path, reading it, and errors about files in one sentence."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

from makemore.errors import MakemoreError, shown

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


def kind(path: Path) -> str:
    """Return what is at a path: "file", "directory", "symbolic link" and so on, or "" for nothing.

    Symbolic links are not followed. Raises MakemoreError if the system cannot tell.
    """
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise unreadable(path, error) from None
    return _KINDS.get(stat.S_IFMT(mode), "special file")


def refuse_unless(path: Path, wanted: str) -> bool:
    """Return whether something is at a path.

    Raises MakemoreError if it is anything but a `wanted`, as `kind` names it.
    """
    found = kind(path)
    if found not in ("", wanted):
        article = "an" if wanted[0] in "aeiou" else "a"
        raise MakemoreError(
            f"{path}: is a {found}, not {article} {wanted}, and was left alone; "
            "move it away, or choose another place"
        )
    return bool(found)


def unwritable(path: Path, error: OSError) -> MakemoreError:
    """Return the error for a file that cannot be written, with a remedy that fits the cause."""
    # a file that training writes; a report can be written anywhere
    of_run = os.path.exists(path.parent / "config.json") and path.suffix != ".html"
    elsewhere = "choose another place"
    option: tuple[str, ...] = ()
    if error.errno in _NO_ROOM and of_run:
        remedy = "what was saved before is intact: make room, then continue with resume=True"
        option = ("resume",)
    elif error.errno in _NO_ROOM:
        remedy = f"make room, or {elsewhere}, and run the same command again"
    elif error.errno in _NOT_ALLOWED and of_run:
        remedy = "make the directory writable, or continue with a copy of it elsewhere"
    elif error.errno == errno.ENAMETOOLONG:
        remedy = "choose a shorter name"
    elif error.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP):
        remedy = f"move away what is there, or {elsewhere}"
    else:
        remedy = elsewhere
    return MakemoreError(f"{path}: cannot be written: {reason_of(error)}; {remedy}", option=option)


def unreadable(path: Path, error: OSError) -> MakemoreError:
    """Return the error for a file or directory that cannot be read."""
    remedies = {
        errno.EACCES: "; change its permissions, or name another",
        errno.EPERM: "; change its permissions, or name another",
        errno.ENAMETOOLONG: "; give a shorter name",
        errno.EISDIR: "; move it away, or name another",
    }
    return MakemoreError(f"{path}: cannot be read: {reason_of(error)}{remedies.get(error.errno or 0, '')}")


def reason_of(error: OSError) -> str:
    """Return what the system says about an error."""
    return error.strerror or str(error) or type(error).__name__


@contextlib.contextmanager
def damage(path: Path) -> Iterator[None]:
    """Turn any error in the block, which parses a file, into one sentence."""
    try:
        yield
    except MakemoreError:
        raise
    except Exception as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problem = shown((said.strip().splitlines() or [type(error).__name__])[0].rstrip(".:"))
        raise MakemoreError(
            f"{path}: cannot be read as a makemore file ({problem}); restore it from a backup, "
            "or train again with overwrite=True",
            option="overwrite",
        ) from None


def read_text(path: Path) -> str:
    """Return the text of a regular file; bytes that are not UTF-8 become U+FFFD.

    Raises MakemoreError if it cannot be read.
    """
    try:
        return regular(path).read_text("utf-8", "replace")
    except OSError as error:
        raise unreadable(path, error) from None


def regular(path: Path) -> Path:
    """Return a path if it is a regular file.

    Raises OSError if it is not; reading from a pipe, for example, could wait forever.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))
    return path


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file's bytes; raises OSError if it cannot be read."""
    found = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found = zlib.crc32(block, found)
    return found
