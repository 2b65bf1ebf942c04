"""Files compressed with gzip, bzip2, xz or Zstandard are unpacked while they are read, in bounded memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from typing import BinaryIO, Protocol, cast

from makemore.errors import MakemoreError

UNPACKING = 1 << 28
"""Bytes of memory that xz may take: xz -9 needs a quarter of it. The others have lower limits."""

_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
"""How compressed files start."""


class Readable(Protocol):
    """Something that bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""


def unpacked(file: BinaryIO, name: str) -> Readable:
    """Return the content of a file, unpacked if its first bytes say that it is compressed.

    Raises MakemoreError if it cannot be read, or if the package that unpacks it is not installed.
    """
    # standard input may be something else in a notebook
    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, file))
    try:
        start = buffered.peek(6)
    except OSError as error:
        raise MakemoreError(f"{name}: cannot be read: {error.strerror or error}") from None
    kind = next((kind for magic, kind in _PACKED.items() if start.startswith(magic)), None)
    if kind == "gzip":
        return gzip.GzipFile(fileobj=buffered)
    if kind == "bzip2" and start[3:4].isdigit():
        return bz2.BZ2File(buffered)
    if kind == "xz":
        return _XZ(buffered)
    if kind == "zstd":
        return _Zstandard(buffered, name)
    return buffered


def read_block(file: Readable, name: str, size: int) -> bytes:
    """Return the next bytes of a file, at most `size`. Raises MakemoreError if that fails."""
    try:
        return file.read(size)
    except (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise MakemoreError(f"{name}: cannot be read: {error.strerror or error}") from None
        raise MakemoreError(
            f"{name}: cannot be unpacked: {error}; unpack it yourself, or use a complete copy"
        ) from None


class _Zstandard:
    """A file compressed with Zstandard, read by Python's own module from 3.14 on."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        try:
            if sys.version_info >= (3, 14):
                from compression import zstd
            else:
                from backports import zstd
        except ImportError:
            raise MakemoreError(
                f"{name}: is compressed with Zstandard; install makemore[zstd], or unpack it first"
            ) from None
        self._file = zstd.ZstdFile(file)
        self._error = zstd.ZstdError

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""
        try:
            return self._file.read(size)
        except self._error as error:  # derived from Exception alone
            raise ValueError(str(error)) from None


class _XZ:
    """A file compressed with xz, in any number of streams. Unlike `lzma.open`, it bounds its memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, UNPACKING)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""
        while True:
            data = b""
            if self._stream.eof:
                data = self._stream.unused_data.lstrip(b"\0")  # zeros may be between streams
                while not data:
                    if not (data := self._file.read(size)):
                        return b""
                    data = data.lstrip(b"\0")
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, UNPACKING)
            elif self._stream.needs_input and not (data := self._file.read(size)):
                raise EOFError("it ends in the middle")
            if found := self._stream.decompress(data, size):
                return found
