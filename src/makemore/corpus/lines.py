"""From files to clean lines, in a stream: what is read at a time does not grow with the file.

Files packed by gzip, bzip2, xz or Zstandard are unpacked on the way. Lines end with a newline, a carriage return or both; the
other characters that Unicode knows as line ends (U+0085, U+2028, form feed) do not end one, as in grep and wc.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import importlib
import io
import lzma
import re
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from makemore.corpus.charsets import SURVEYED, Survey
from makemore.corpus.formats import LOOKED_AT, for_file, no_text, on_one_line, wide
from makemore.corpus.source import BLOCK, Source, is_stream, name_of, opened
from makemore.corpus.vocab import code_points
from makemore.errors import MakemoreError, shown

ENDLESS = 1 << 24
"""Characters of a line from which on reading ends, whatever `max_length` says: it may never end."""

UNPACKING = 1 << 28
"""Bytes of memory that unpacking may take: xz -9 needs a quarter of it, Zstandard's own limit is half of it."""

LONGEST = 10_000
"""Characters a line may have unless `max_length` says otherwise: past that a file is hardly a list."""

_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_BOMS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
_MARK = re.compile("^\ufeff", re.MULTILINE)
_BAD = "\udc80"  # stands for bytes that cannot be decoded; no text that can be holds it
codecs.register_error("makemore.bad", lambda error: (_BAD, getattr(error, "end")))  # noqa: B009
_SPACE = np.array([chr(i).isspace() for i in range(0x3002)])  # the last is none, as is all beyond

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are read so far, and of how many; None where nobody knows."""


@dataclass
class Reading:
    """What reading found, and what was left out."""

    source: str
    """The path read, or the name of the bundled list."""
    bundled: bool
    lines: int = 0
    """Lines in the file."""
    blank: int = 0
    """Lines dropped because nothing but white space was on them."""
    too_long: int = 0
    """Lines dropped because of `max_length`."""
    normalized: bool = False
    """Whether the text had to be brought to Unicode's normal form C."""
    rare: int = 0
    """Characters replaced because they occur less often than `min_count`, as many as there are in the text."""
    skipped: str = ""
    """What lies in a directory that was read and is no list: run directories, hidden files."""
    stripped: int = 0
    """Lines that lost white space at their ends."""
    keep_spaces: bool = False
    """Whether they kept it."""
    undecodable: int = 0
    """Lines dropped because they are not in the file's encoding."""
    gaps: int = 0
    """Lines that follow a blank one."""


@dataclass(frozen=True)
class How:
    """How lines are read."""

    encoding: str = "utf-8"
    max_length: int | None = None
    """Characters beyond which lines are dropped; None drops none."""
    keep_spaces: bool = False
    """Whether white space at the ends of lines stays."""
    drop_undecodable: bool = False
    """Whether lines that are not in the encoding are dropped."""

    def __post_init__(self) -> None:
        self.codec()
        if self.max_length is not None and self.max_length < 1:
            raise MakemoreError(f"--max-length {self.max_length}: must be 1 or more")

    @property
    def limit(self) -> int:
        """The characters a line may have."""
        return LONGEST if self.max_length is None else self.max_length

    def codec(self) -> str:
        """Return Python's name of the encoding, or raise MakemoreError."""
        try:
            found = codecs.lookup(self.encoding)
        except (LookupError, ValueError):
            found = None
        if found is None or not found._is_text_encoding:
            wrong = "no such encoding" if found is None else "not an encoding of text"
            raise MakemoreError(
                f"--encoding {shown(self.encoding)}: {wrong}; utf-8, latin-1 and utf-16 are some"
            )
        return "utf-8-sig" if found.name == "utf-8" else found.name


@dataclass(frozen=True)
class Block:
    """Some clean lines, as code points: every one followed by a newline."""

    codes: npt.NDArray[np.uint32]
    """(M,)"""
    ends: npt.NDArray[np.int64]
    """(N,) where the newline of each line stands."""


def blocks(
    source: Source, reading: Reading, how: How, on_progress: Progress | None = None
) -> Iterator[Block]:
    """Yield the clean lines of a source block by block, and count in `reading` what there was.

    Text is decoded (a byte order mark and Windows line ends are tolerated) and brought to Unicode's normal form C;
    lines are stripped of white space at their ends, blank ones dropped, and those longer than max_length. Raises
    MakemoreError for what is no such text, and where a file changes while it is read.
    """
    done = 0
    for path in source.paths:
        lines, at = reading.lines, 0
        for text, at, bad in _unchanged(path, how):
            counted = reading.lines - lines
            yield _clean(text, name_of(path), counted, reading, how)
            reading.undecodable += bad
            reading.blank -= bad  # they were made blank
            if on_progress is not None:
                on_progress(done + at, source.size)
        done += at


def _unchanged(path: Path, how: How) -> Iterator[tuple[str, int, int]]:
    """Yield what `_texts` does, and raise MakemoreError if the file changes meanwhile."""
    before = _stamp(path)
    for text, at, bad in _texts(path, name_of(path), how):
        if before is not None and at > before[0]:  # or a file that goes on growing would be read for ever
            break
        yield text, at, bad
    if _stamp(path) != before:
        raise MakemoreError(
            f"{name_of(path)}: changed while it was read; run the command again when it is complete"
        )


def texts(source: Source, how: How, on_bad: Callable[[int], None] = lambda bad: None) -> Iterator[str]:
    """Yield the text of all files as it stands there, in pieces of whole lines, each ended by a newline.

    Lines that are dropped because they cannot be decoded are blank; on_bad is called with how many were in a piece.
    """
    for path in source.paths:
        for text, _, bad in _unchanged(path, how):
            on_bad(bad)
            yield text


def lines_of(source: Source, how: How, on_bad: Callable[[int], None] = lambda bad: None) -> Iterator[str]:
    """Yield the lines of all files as they stand there. on_bad: as in `texts`."""
    for text in texts(source, how, on_bad):
        yield from text[:-1].split("\n")


def _stamp(path: Path) -> tuple[int, int] | None:
    if is_stream(path):
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _unpacked(file: BinaryIO, name: str) -> BinaryIO:
    """The content of a file, unpacked if its first bytes say that it is packed."""
    buffered: Any = file
    if not hasattr(file, "peek"):
        buffered = io.BufferedReader(buffered)
    try:
        start: bytes = buffered.peek(6)
    except OSError as error:
        raise MakemoreError(f"{name}: cannot be read: {error.strerror or error}") from None
    kind = next((kind for magic, kind in _PACKED.items() if start.startswith(magic)), None)
    if kind == "gzip":
        return gzip.open(buffered)  # type: ignore[return-value]
    if kind == "bzip2" and start[3:4].isdigit():
        return bz2.open(buffered)  # type: ignore[return-value]
    if kind == "xz":
        return _XZ(buffered)  # type: ignore[return-value]
    if kind == "zstd":
        unpacked: BinaryIO = _zstandard(name).open(buffered)
        return unpacked
    found: BinaryIO = buffered
    return found


def _zstandard(name: str) -> Any:
    """The module that unpacks Zstandard: Python's own from 3.14 on."""
    try:
        return importlib.import_module(
            "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
        )
    except ImportError:
        raise MakemoreError(
            f"{name}: is packed by Zstandard; install makemore[zstd], or unpack it first"
        ) from None


class _XZ:
    """A file packed by xz, stream after stream. Unlike `lzma.open` it bounds the memory that a file may demand."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, UNPACKING)

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most so many; none at the end."""
        while True:
            data = b""
            if self._stream.eof:
                data = self._stream.unused_data.lstrip(b"\0")  # zeros may stand between streams
                while not data:
                    if not (data := self._file.read(size)):
                        return b""
                    data = data.lstrip(b"\0")
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, UNPACKING)
            elif self._stream.needs_input and not (data := self._file.read(size)):
                raise EOFError("it ends in the middle")
            if found := self._stream.decompress(data, size):
                return found


def _texts(path: Path, name: str, how: How) -> Iterator[tuple[str, int, int]]:
    """Yield the decoded text of a file in pieces of whole lines, each ended by a newline.

    With each piece come the bytes read, and how many of its lines could not be decoded and were made blank.
    """
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    passed = lines = 0  # bytes, and the newlines among them
    whole, left, waiting = 0, [""], 0  # lines yielded, what follows their last newline, and its characters
    beyond = 0  # lines that were not ASCII
    with opened(path) as packed:
        file = _unpacked(packed, name)
        data = _head(file, name)
        codec = _recognised(data, name, how)
        decoder = codecs.getincrementaldecoder(codec)("makemore.bad" if how.drop_undecodable else "strict")
        while True:
            if not codec.startswith(("utf-16", "utf-32")):
                _no_zeros(data, passed, name)
            try:
                text = decoder.decode(data, not data)
            except UnicodeDecodeError as error:
                at = passed + len(data) - len(error.object) + error.start
                survey = Survey(lines, utf8=beyond)
                raise _not_encoded(error, at, name, how, codec, survey, file) from None
            except UnicodeError:
                raise MakemoreError(
                    f"{name}: not {how.encoding}; name the file's encoding with --encoding"
                ) from None
            if not text.isascii():
                beyond += sum(not line.isascii() for line in text.split("\n"))
            if passed == 0:
                text = text.removeprefix("\ufeff")
            passed, lines = passed + len(data), lines + data.count(b"\n")
            text = newlines.decode(text, not data)
            cut = len(text) if not data else text.rfind("\n") + 1
            if cut or not data:
                text, left = "".join([*left, text[:cut]]), [text[cut:]]
                waiting = 0
            else:
                left.append(text)
                text = ""
            waiting += len(left[-1])
            _bounded(text, waiting, name, whole)
            whole += text.count("\n")
            if text:
                text = text if text.endswith("\n") else text + "\n"
                if "\ufeff" in text:  # of files that were put one after another
                    text = _MARK.sub("", text)
                clean, bad = _without_bad(text)
                yield clean, packed.tell() if packed.seekable() else passed, bad
            if not data:
                return
            data = _read(file, name)


def _head(file: BinaryIO, name: str) -> bytes:
    """The first bytes of a file: enough to tell what it is, or all."""
    head = b""
    while len(head) < min(LOOKED_AT, BLOCK) and (data := _read(file, name)):
        head += data
    return head


def _recognised(start: bytes, name: str, how: How) -> str:
    """Return the codec to decode a file with that begins so, or raise MakemoreError for what is no text, or in another encoding."""
    codec = how.codec()
    if what := no_text(start):
        raise MakemoreError(f"{name}: {for_file(what, name)}")
    wanted = codec.removesuffix("-le").removesuffix("-be")
    for encoding in ("utf-32", "utf-16"):  # the mark of UTF-16 begins that of UTF-32
        if start.startswith(_BOMS[encoding]):
            if wanted != encoding:
                raise MakemoreError(
                    f"{name}: looks like {encoding.upper()}, not {how.encoding}; add --encoding {encoding}"
                )
            return codec
    found = wide(start[:LOOKED_AT]) if b"\0" in start[:LOOKED_AT] else None
    if codec in _BOMS:  # without a mark
        native = "-le" if sys.byteorder == "little" else "-be"  # as Python's own functions take it
        return found if found and found.startswith(codec) else codec + native
    if found and not found.startswith(wanted):
        raise MakemoreError(
            f"{name}: looks like {found[:6].upper()} without a byte order mark, not {how.encoding}; add --encoding {found}"
        )
    return codec


def _not_encoded(
    error: UnicodeDecodeError, at: int, name: str, how: How, codec: str, survey: Survey, file: BinaryIO
) -> MakemoreError:
    """Return what to say of a byte that the encoding does not know. at: its offset. survey: of the lines before."""
    line = survey.lines + error.object.count(b"\n", 0, error.start) + 1
    start = f"{name}: not {how.encoding}: byte 0x{error.object[error.start]:02x} at offset {at:,} (line {line:,}); "
    if codec != "utf-8-sig":
        return MakemoreError(
            start
            + "name the file's encoding with --encoding, or leave such lines out with --drop-undecodable"
        )
    data, looked_at = error.object, len(error.object)
    while looked_at < SURVEYED:
        survey.feed(data, False)
        if not (data := _read(file, name)):
            break
        looked_at += len(data)
    survey.feed(data, True)
    survey.whole = not data
    return MakemoreError(start + survey.advice())


def _without_bad(text: str) -> tuple[str, int]:
    """Return whole lines with those blank that hold bytes which could not be decoded, and their number."""
    if _BAD not in text:
        return text, 0
    lines = text.split("\n")
    kept = ["" if _BAD in line else line for line in lines]
    return "\n".join(kept), sum(map(bool, lines)) - sum(map(bool, kept))


def _bounded(text: str, waiting: int, name: str, before: int) -> None:
    """Raise MakemoreError for a line beyond measure.

    text: whole lines. waiting: characters since, of a line that is not whole yet. before: lines of the file before these.
    """
    if len(text) > ENDLESS and text.find("\n", 0, ENDLESS + 1) < 0:  # only the first can have begun long ago
        line = before + 1
    elif waiting > ENDLESS:
        line = before + text.count("\n") + 1
    else:
        return
    raise MakemoreError(
        f"{name}: line {line:,} has more than {ENDLESS:,} characters; put one thing on each line"
    )


def _read(file: BinaryIO, name: str) -> bytes:
    try:
        return file.read(BLOCK)
    except Exception as error:  # Zstandard's are of the module that is installed
        if isinstance(error, OSError) and error.errno is not None:
            raise MakemoreError(f"{name}: cannot be read: {error.strerror or error}") from None
        known = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError)
        if not isinstance(error, known) and type(error).__name__ != "ZstdError":
            raise
        raise MakemoreError(
            f"{name}: cannot be unpacked: {error}; unpack it yourself, or use a whole copy"
        ) from None


def _no_zeros(data: bytes, passed: int, name: str) -> None:
    if (zero := data.find(b"\0")) >= 0:
        raise MakemoreError(
            f"{name}: looks like a binary file (a zero byte at offset {passed + zero:,}); give a text file with one thing "
            "on each line, or take the zero bytes out if it is one"
        )


def _clean(text: str, name: str, before: int, reading: Reading, how: How) -> Block:
    """Bring whole lines to normal form, strip them, and drop the blank and the long ones.

    before: lines of the file before these.
    """
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text, reading.normalized = unicodedata.normalize("NFC", text), True
    codes = code_points(text)
    ends = np.flatnonzero(codes == ord("\n"))
    reading.lines += len(ends)
    edges = np.concatenate([codes[np.append(0, ends[:-1] + 1)], codes[np.maximum(ends - 1, 0)]])
    if _SPACE[np.minimum(edges, len(_SPACE) - 1)].any():  # also where a line is empty: its edge is a newline
        lines = text[:-1].split("\n")
        stripped = [line.strip() for line in lines]
        kept = [line for line in stripped if line]
        reading.blank += len(stripped) - len(kept)
        numbers = np.flatnonzero([bool(line) for line in stripped])
        reading.gaps += int((np.diff(numbers) > 1).sum())
        if how.keep_spaces:
            kept = [line for line, bare in zip(lines, stripped, strict=True) if bare]
        else:
            reading.stripped += sum(len(a) > len(b) > 0 for a, b in zip(lines, stripped, strict=True))
        codes = code_points("".join(line + "\n" for line in kept))
        ends = np.flatnonzero(codes == ord("\n"))
    else:
        numbers = np.arange(len(ends))
    lengths = np.diff(ends, prepend=-1) - 1
    long = lengths > how.limit
    if not long.any():
        return Block(codes, ends)
    if how.max_length is None:
        first = int(long.argmax())
        start = 0 if first == 0 else int(ends[first - 1]) + 1
        number = before + int(numbers[first]) + 1
        line = codes[start : int(ends[first])].tobytes().decode("utf-32-le")
        remedy = f"drop lines over a length with --max-length, for example --max-length {LONGEST}"
        if number == 1 and (apart := on_one_line(line)):
            remedy = for_file(apart, name)
        raise MakemoreError(f"{name}: line {number:,} has {len(line):,} characters; {remedy}")
    reading.too_long += int(long.sum())
    codes = codes[~np.repeat(long, lengths + 1)]
    return Block(codes, np.flatnonzero(codes == ord("\n")))
