"""From the bytes of a file to text in whole lines. Memory does not grow with the file.

Lines end with a newline, a carriage return or both. Other characters that Unicode counts as line ends
(U+0085, U+2028, form feed) do not end one, as in grep and wc.
"""

from __future__ import annotations

import codecs
import functools
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from makemore.corpus.charsets import SURVEYED, Survey
from makemore.corpus.formats import LOOKED_AT, for_file, no_text, wide
from makemore.corpus.reading import How
from makemore.corpus.sizes import Sizes
from makemore.corpus.source import name_of, opened
from makemore.corpus.unpack import Readable, read_block, unpacked
from makemore.errors import MakemoreError

BYTE_ORDER_MARK = re.compile("^\ufeff", re.MULTILINE)
"""Byte order marks at the start of lines, as in concatenated files."""

_BOMS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
BAD = "\udc80"
"""Replaces bytes that cannot be decoded; decoded text never contains it."""


def _replaced(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return BAD, error.end


@functools.cache
def _replacing() -> str:
    """Return the name of the error handler that replaces bad bytes, registered when it is first needed."""
    codecs.register_error("makemore.bad", _replaced)
    return "makemore.bad"


@dataclass(frozen=True)
class Piece:
    """Some whole lines of a file."""

    text: str
    """The lines, each followed by a newline. Those that could not be decoded are blank."""
    position: int
    """Bytes of the file read so far."""
    undecodable: int
    """Lines that were made blank."""


def decoded(path: Path, how: How, sizes: Sizes) -> Iterator[Piece]:
    """Yield the text of a file in pieces of whole lines, about `sizes.block` bytes at a time.

    Raises MakemoreError if the file cannot be read, is not text, is in another encoding, or has an endless
    line.
    """
    name = name_of(path)
    with opened(path) as packed:
        file = unpacked(packed, name)
        data = _head(file, name, sizes)
        decoder = _Decoder(file, name, how, _codec(data, name, how))
        lines = _WholeLines(name, sizes.endless)
        while True:
            text = lines.feed(decoder.decode(data), last=not data)
            if text:
                text, bad = BYTE_ORDER_MARK.sub("", text) if "\ufeff" in text else text, 0
                if how.separator is None or how.column is not None:  # else the whole thing is blank
                    text, bad = _without_bad(text)
                yield Piece(text, packed.tell() if packed.seekable() else decoder.passed, bad)
            if not data:
                return
            data = read_block(file, name, sizes.block)


def _head(file: Readable, name: str, sizes: Sizes) -> bytes:
    """Return the first bytes of a file: enough to tell what it is, or all of them."""
    head = b""
    while len(head) < min(LOOKED_AT, sizes.block) and (data := read_block(file, name, sizes.block)):
        head += data
    return head


def _codec(start: bytes, name: str, how: How) -> str:
    """Return the codec for a file by its start. Raises MakemoreError if it is not text in this encoding."""
    codec = how.codec()
    if what := no_text(start):
        raise MakemoreError(f"{name}: {for_file(what, name)}")
    wanted = codec.removesuffix("-le").removesuffix("-be")
    for encoding in ("utf-32", "utf-16"):  # the mark of UTF-32 starts with that of UTF-16
        if start.startswith(_BOMS[encoding]):
            if wanted != encoding:
                raise MakemoreError(
                    f"{name}: looks like {encoding.upper()}, not {how.encoding}; read it with encoding "
                    + encoding,
                    option="encoding",
                )
            return codec
    found = wide(start[:LOOKED_AT]) if b"\0" in start[:LOOKED_AT] else None
    if codec in _BOMS:  # without a mark
        native = "-le" if sys.byteorder == "little" else "-be"  # as Python's own functions assume
        return found if found and found.startswith(codec) else codec + native
    if found and not found.startswith(wanted):
        raise MakemoreError(
            f"{name}: looks like {found[:6].upper()} without a byte order mark, not {how.encoding}; read it "
            f"with encoding {found}",
            option="encoding",
        )
    return codec


class _Decoder:
    """Decodes a file, and explains what is wrong where it cannot."""

    def __init__(self, file: Readable, name: str, how: How, codec: str) -> None:
        self._file, self._name, self._how, self._codec = file, name, how, codec
        self._decoder = codecs.getincrementaldecoder(codec)(
            _replacing() if how.drop_undecodable else "strict"
        )
        self.passed = 0
        """Bytes so far."""
        self._newlines = 0
        self._beyond = 0  # lines that are not ASCII

    def decode(self, data: bytes) -> str:
        """Return the text of the next bytes; empty `data` marks the end."""
        if not self._codec.startswith(("utf-16", "utf-32")):
            self._check_zeros(data)
        try:
            text = self._decoder.decode(data, not data)
        except UnicodeDecodeError as error:
            raise self._not_encoded(error, self.passed + len(data) - len(error.object)) from None
        except UnicodeError:
            raise MakemoreError(
                f"{self._name}: not {self._how.encoding}; pass the right encoding",
                option="encoding",
            ) from None
        if not text.isascii():
            self._beyond += sum(not line.isascii() for line in text.split("\n"))
        if self.passed == 0:
            text = text.removeprefix("\ufeff")
        self.passed += len(data)
        self._newlines += data.count(b"\n")
        return text

    def _check_zeros(self, data: bytes) -> None:
        if (zero := data.find(b"\0")) >= 0:
            raise MakemoreError(
                f"{self._name}: looks like a binary file (a zero byte at offset {self.passed + zero:,}); "
                "give a text file with one thing on each line, or remove the zero bytes if it is one"
            )

    def _not_encoded(self, error: UnicodeDecodeError, start: int) -> MakemoreError:
        """Return the error for a byte that the encoding does not have; start: offset of the decoded part."""
        line = self._newlines + error.object.count(b"\n", 0, error.start) + 1
        said = (
            f"{self._name}: not {self._how.encoding}: byte 0x{error.object[error.start]:02x} at offset "
            f"{start + error.start:,} (line {line:,}); "
        )
        options = ("encoding", "drop_undecodable")
        if self._codec != "utf-8-sig":
            return MakemoreError(
                said + "read the file with another encoding, or drop such lines with drop_undecodable",
                option="drop_undecodable",
            )
        survey = Survey(self._newlines, utf8=self._beyond)
        data, looked_at = error.object, len(error.object)
        while looked_at < SURVEYED:
            survey.feed(data, False)
            if not (data := read_block(self._file, self._name, 1 << 20)):
                break
            looked_at += len(data)
        survey.feed(data, True)
        survey.whole = not data
        return MakemoreError(said + survey.advice(), option=options)


class _WholeLines:
    """Cuts text into whole lines, and raises MakemoreError for a line so long that it may have no end."""

    def __init__(self, name: str, endless: int) -> None:
        self._name, self._endless = name, endless
        self._newlines = io.IncrementalNewlineDecoder(None, translate=True)
        self._left = [""]  # what follows the last newline
        self._waiting = 0  # its characters
        self._done = 0  # lines returned

    def feed(self, text: str, last: bool) -> str:
        """Return the complete lines, each followed by a newline; last: whether the text ends here."""
        text = self._newlines.decode(text, last)
        cut = len(text) if last else text.rfind("\n") + 1
        if cut or last:
            text, self._left = "".join([*self._left, text[:cut]]), [text[cut:]]
            self._waiting = 0
        else:
            self._left.append(text)
            text = ""
        self._waiting += len(self._left[-1])
        self._check(text)
        self._done += text.count("\n")
        return text + "\n" if text and not text.endswith("\n") else text

    def _check(self, text: str) -> None:
        if len(text) > self._endless and text.find("\n", 0, self._endless + 1) < 0:
            line = self._done + 1  # only the first line can have started earlier
        elif self._waiting > self._endless:
            line = self._done + text.count("\n") + 1
        else:
            return
        raise MakemoreError(
            f"{self._name}: line {line:,} has more than {self._endless:,} characters; put one thing on each "
            "line"
        )


def _without_bad(text: str) -> tuple[str, int]:
    """Return whole lines, blank where bytes could not be decoded, and the number of these."""
    if BAD not in text:
        return text, 0
    lines = text.split("\n")
    kept = ["" if BAD in line else line for line in lines]
    return "\n".join(kept), sum(map(bool, lines)) - sum(map(bool, kept))
