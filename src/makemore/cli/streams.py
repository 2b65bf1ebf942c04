"""Standard input, output and error of the command line: closed ones, and output that nobody reads to its end.

A command that only prints ends quietly once nobody reads what it prints. One that makes something lasting, as training
does, goes on without its output, and says so on standard error.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class OutputEnded(Exception):  # noqa: N818 - not an error of the command
    """Standard output cannot be written any more. Not an OSError, which libraries catch or take for a file's."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason.strerror or str(reason))
        self.unread = isinstance(reason, BrokenPipeError)
        """Whether nobody reads it any more, which is no fault."""


class Output:
    """Stands for a text stream. After its first failure all that is written is dropped.

    The first failure raises OutputEnded, or, inside `outlasting`, is only noted.
    """

    def __init__(self, stream: TextIO, lasting: str = "") -> None:
        self._stream = stream
        self.lasting = lasting
        """What is made besides what is written here; empty if the end of this stream is that of the command."""
        self.made = False
        """Whether it is made already."""
        self.ended: OutputEnded | None = None

    def write(self, text: str) -> int:
        """Write text, and return how much of it."""
        if self.ended is None:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as error:  # ValueError: closed in the meantime
                self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Write out what is buffered."""
        if self.ended is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._fail(error)

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _fail(self, error: OSError | ValueError) -> None:
        reason = error if isinstance(error, OSError) else OSError(errno.EBADF, str(error))
        self.ended = OutputEnded(reason)
        with contextlib.suppress(
            OSError, ValueError
        ):  # so that nothing fails again when the buffer is flushed at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        if not self.lasting:
            raise self.ended from None
        what = "standard output was closed" if self.ended.unread else f"standard output: {self.ended}"
        if not self.made:
            print(f"makemore: {what}; {self.lasting} goes on, Ctrl-C stops it", file=sys.stderr)
        elif not self.ended.unread:
            print(f"makemore: {what}; {self.lasting} is saved", file=sys.stderr)


def prepare() -> None:
    """Make the three streams safe to use, whatever was handed to the process.

    A closed one becomes the null device, or the next file that is opened would take its number and be written to by
    whoever prints; sys.stdin stays None then. What cannot be encoded is escaped: a sample is never a reason to fail.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name, lasting in (("stdout", ""), ("stderr", "it")):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
        if isinstance(stream, Output):  # a test that runs several commands
            stream = stream._stream
        with contextlib.suppress(AttributeError, ValueError):  # not of a stream that a test put there
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, Output(stream, lasting))


@contextlib.contextmanager
def outlasting(what: str) -> Iterator[None]:
    """Let the block, and the rest of the command, go on when standard output ends. what: what goes on, as in "training"."""
    stream = sys.stdout
    if not isinstance(stream, Output):  # called from Python, whose streams are its own
        yield
        return
    stream.lasting, stream.made = what, False
    try:
        yield
        stream.made = True
    except BaseException:
        stream.lasting = ""
        raise


def is_unicode() -> bool:
    """Say whether standard output can hold every character."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "").replace("_", "").startswith("utf")
