"""From files to clean lines, in a stream: what is read at a time does not grow with the file.

Files packed by gzip, xz or Zstandard are unpacked on the way.
"""

from __future__ import annotations

import codecs
import gzip
import importlib
import io
import lzma
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from makemore.errors import MakemoreError
from makemore.sources import BLOCK, Source, is_stream, name_of, opened
from makemore.vocab import code_points

ENDLESS = 1 << 24
"""Characters of a line from which on reading ends, whatever `max_length` says: it may never end."""

UNPACKING = 1 << 28
"""Bytes of memory that unpacking may take: xz -9 needs a quarter of it, Zstandard's own limit is half of it."""

LONGEST = 10_000
"""Characters a line may have unless `max_length` says otherwise: past that a file is hardly a list."""

_PACKED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_BOMS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
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


@dataclass(frozen=True)
class Block:
    """Some clean lines, as code points: every one followed by a newline."""

    codes: npt.NDArray[np.uint32]
    """(M,)"""
    ends: npt.NDArray[np.int64]
    """(N,) where the newline of each line stands."""


def blocks(
    source: Source,
    reading: Reading,
    encoding: str,
    max_length: int | None,
    on_progress: Progress | None = None,
) -> Iterator[Block]:
    """Yield the clean lines of a source block by block, and count in `reading` what there was.

    Text is decoded (a byte order mark and Windows line ends are tolerated) and brought to Unicode's normal form C;
    lines are stripped of white space at their ends, blank ones dropped, and those longer than max_length. Raises
    MakemoreError for what is no such text, and where a file changes while it is read.
    """
    codec = _codec(encoding)
    done = 0
    for path in source.paths:
        lines, at = reading.lines, 0
        for text, at in _unchanged(path, codec, encoding):
            counted = reading.lines - lines
            yield _clean(text, name_of(path), counted, reading, max_length)
            if on_progress is not None:
                on_progress(done + at, source.size)
        done += at


def _unchanged(path: Path, codec: str, encoding: str) -> Iterator[tuple[str, int]]:
    """Yield what `_texts` does, and raise MakemoreError if the file changes meanwhile."""
    before = _stamp(path)
    for text, at in _texts(path, name_of(path), codec, encoding):
        if before is not None and at > before[0]:  # or a file that goes on growing would be read for ever
            break
        yield text, at
    if _stamp(path) != before:
        raise MakemoreError(f"{path}: changed while it was read; run the command again when it is complete")


def texts(source: Source, encoding: str) -> Iterator[str]:
    """Yield the text of all files as it stands there, in pieces of whole lines, each ended by a newline."""
    codec = _codec(encoding)
    for path in source.paths:
        for text, _ in _unchanged(path, codec, encoding):
            yield text


def lines_of(source: Source, encoding: str) -> Iterator[str]:
    """Yield the lines of all files as they stand there."""
    for text in texts(source, encoding):
        yield from text[:-1].split("\n")


def _stamp(path: Path) -> tuple[int, int] | None:
    if is_stream(path):
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _codec(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise MakemoreError(
            f"--encoding {encoding}: no such encoding; utf-8, latin-1 and utf-16 are some"
        ) from None
    if not codecs.lookup(encoding)._is_text_encoding:
        raise MakemoreError(
            f"--encoding {encoding}: not an encoding of text; utf-8, latin-1 and utf-16 are some"
        )
    return "utf-8-sig" if name == "utf-8" else name


def _unpacked(file: BinaryIO, name: str) -> tuple[bytes, BinaryIO]:
    """The first bytes of a file, and its content, unpacked if they say that it is packed."""
    buffered: Any = file
    if not hasattr(file, "peek"):
        buffered = io.BufferedReader(buffered)
    try:
        start: bytes = buffered.peek(6)
    except OSError as error:
        raise MakemoreError(f"{name}: cannot be read: {error.strerror or error}") from None
    kind = next((kind for magic, kind in _PACKED.items() if start.startswith(magic)), None)
    if kind == "gzip":
        return start, gzip.open(buffered)  # type: ignore[return-value]
    if kind == "xz":
        return start, _XZ(buffered)  # type: ignore[return-value]
    if kind == "zstd":
        return start, _zstandard(name).open(buffered)
    return start, buffered


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


def _texts(path: Path, name: str, codec: str, encoding: str) -> Iterator[tuple[str, int]]:
    """Yield the decoded text of a file in pieces of whole lines, each line ended by a newline, and the bytes read."""
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    passed = lines = 0  # bytes, and the newlines among them
    whole, left, waiting = (
        0,
        [""],
        0,
    )  # lines that were yielded, what follows their last newline, and its characters
    with opened(path) as packed:
        start, file = _unpacked(packed, name)
        if codec in _BOMS and not start.startswith(_BOMS[codec]):
            codec += "-le" if sys.byteorder == "little" else "-be"  # as Python's own functions take it
        decoder = codecs.getincrementaldecoder(codec)()
        data = b" "
        while data:
            data = _read(file, name)
            if codec == "utf-8-sig":
                _look_like_text(data, passed, name)
            try:
                text = decoder.decode(data, not data)
            except UnicodeDecodeError as error:
                at = passed + len(data) - len(error.object) + error.start
                line = lines + error.object.count(b"\n", 0, error.start) + 1
                raise MakemoreError(
                    f"{name}: not {encoding}: byte 0x{error.object[error.start]:02x} at offset {at:,} (line {line:,}); "
                    "name the file's encoding with --encoding, for example --encoding latin-1"
                ) from None
            except UnicodeError:
                raise MakemoreError(
                    f"{name}: not {encoding}; name the file's encoding with --encoding"
                ) from None
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
                yield (
                    text if text.endswith("\n") else text + "\n",
                    packed.tell() if packed.seekable() else passed,
                )


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
    except OSError as error:
        raise MakemoreError(f"{name}: cannot be read: {error.strerror or error}") from None
    except Exception as error:  # Zstandard's are of the module that is installed
        if not isinstance(error, (EOFError, lzma.LZMAError, zlib.error, ValueError)) and (
            type(error).__name__ != "ZstdError"
        ):
            raise
        raise MakemoreError(
            f"{name}: cannot be unpacked: {error}; unpack it yourself, or use a whole copy"
        ) from None


def _look_like_text(data: bytes, passed: int, name: str) -> None:
    if passed == 0 and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise MakemoreError(f"{name}: looks like UTF-16, not UTF-8; add --encoding utf-16")
    if (nul := data.find(b"\0")) >= 0:
        raise MakemoreError(
            f"{name}: looks like a binary file (a zero byte at offset {passed + nul:,}); give a text file with one thing on each line"
        )


def _clean(text: str, name: str, before: int, reading: Reading, max_length: int | None) -> Block:
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
        stripped = [line.strip() for line in text[:-1].split("\n")]
        kept = [line for line in stripped if line]
        reading.blank += len(stripped) - len(kept)
        numbers = np.flatnonzero([bool(line) for line in stripped])
        codes = code_points("".join(line + "\n" for line in kept))
        ends = np.flatnonzero(codes == ord("\n"))
    else:
        numbers = np.arange(len(ends))
    lengths = np.diff(ends, prepend=-1) - 1
    limit = LONGEST if max_length is None else max_length
    long = lengths > limit
    if not long.any():
        return Block(codes, ends)
    if max_length is None:
        first = int(long.argmax())
        raise MakemoreError(
            f"{name}: line {before + int(numbers[first]) + 1} has {int(lengths[first]):,} characters; drop lines over a length with "
            f"--max-length, for example --max-length {LONGEST}"
        )
    reading.too_long += int(long.sum())
    codes = codes[~np.repeat(long, lengths + 1)]
    return Block(codes, np.flatnonzero(codes == ord("\n")))
