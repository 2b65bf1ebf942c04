"""Standard input, output and error: what happens if they are closed, or if nobody reads to the end.

A command that only prints ends quietly when its output is closed. A command that also makes something, as
training does, continues without its output and says so on standard error.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO


class OutputEnded(Exception):  # noqa: N818 - not an error of the command
    """Standard output can no longer be written. Not an OSError: libraries catch those, or blame a file."""

    def __init__(self, reason: OSError) -> None:
        """Keep the reason."""
        super().__init__(reason.strerror or str(reason))
        self.unread = isinstance(reason, BrokenPipeError)
        """Whether the reader has closed it, which is not an error."""


class Output:
    """A text stream that fails once: after its first failure it drops everything that is written.

    The first failure raises OutputEnded; inside `outlasting` it only prints a note. `lasting` is what the
    command makes besides its output; empty if nothing.
    """

    def __init__(self, stream: TextIO, lasting: str = "") -> None:
        """Write nothing yet."""
        self._stream = stream
        self.lasting = lasting
        """What the command makes besides this output. If empty, the command ends when the output does."""
        self.made = False
        """Whether that is finished."""
        self.ended: OutputEnded | None = None

    def write(self, text: str) -> int:
        """Write a text, and return its length."""
        if self.ended is None:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as error:  # ValueError: the stream is closed
                self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        if self.ended is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._fail(error)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # whatever attribute the stream has
        return getattr(self._stream, name)

    def _fail(self, error: OSError | ValueError) -> None:
        reason = error if isinstance(error, OSError) else OSError(errno.EBADF, str(error))
        self.ended = OutputEnded(reason)
        # nothing fails again when the buffer is flushed at exit
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        if not self.lasting:
            raise self.ended from None
        what = "standard output was closed" if self.ended.unread else f"standard output: {self.ended}"
        if not self.made:
            print(f"makemore: {what}; {self.lasting} continues, Ctrl-C stops it", file=sys.stderr)
        elif not self.ended.unread:
            print(f"makemore: {what}; {self.lasting} is saved", file=sys.stderr)


def prepare() -> None:
    """Make the three standard streams safe to use, even if the process was started with some of them closed.

    A closed one becomes the null device; otherwise the next file that is opened would take its number, and
    printing would write to that file. (sys.stdin stays None.) Characters that cannot be encoded are escaped,
    so no sample makes printing fail.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    for name, lasting in (("stdout", ""), ("stderr", "it")):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - stays open
        if isinstance(stream, Output):  # of an earlier command in this process, in tests
            stream = stream._stream
        with contextlib.suppress(AttributeError, ValueError):  # a stream that a test put there has none
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, Output(stream, lasting))


@contextlib.contextmanager
def outlasting(what: str) -> Iterator[None]:
    """Let the block, and the rest of the command, continue when standard output ends.

    `what` continues, as the message on standard error calls it: "training".
    """
    stream = sys.stdout
    if not isinstance(stream, Output):  # not run by the command line
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
    """Return whether standard output can encode every character."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "").replace("_", "").startswith("utf")
