"""Arrays that are files, mapped into memory where they are used."""

from __future__ import annotations

import io
import mmap
import os
import zlib
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from makemore.files.paths import regular

Entry = TypeVar("Entry", bound=np.generic)


class Mapped(Generic[Entry]):
    """An array in a .npy file. Raises ValueError if the file holds something else."""

    def __init__(self, path: Path, kind: type[Entry]) -> None:
        """Map the file."""
        array: np.memmap[tuple[int, ...], np.dtype[Entry]]
        array = np.load(regular(path), mmap_mode="r", allow_pickle=False)
        if array.ndim != 1 or not np.issubdtype(array.dtype, kind):
            raise ValueError(f"{path.name} is not an array of the right type")
        self.array: npt.NDArray[Entry] = array
        """(N,) mapped, for sequential access."""
        self._path, self._offset = path, array.offset
        self._file: io.FileIO | None = None

    def __len__(self) -> int:
        """N, the number of entries."""
        return len(self.array)

    def read(self, start: int, stop: int) -> npt.NDArray[Entry]:
        """Return some entries, read instead of mapped: for a single byte, the system maps up to 2 MB."""
        if self._file is None:
            self._file = io.FileIO(self._path)
        size = self.array.itemsize
        begin, n = self._offset + start * size, (stop - start) * size
        if hasattr(os, "pread"):
            data = os.pread(self._file.fileno(), n, begin)
        else:  # on Windows
            self._file.seek(begin)
            data = self._file.read(n)
        return np.frombuffer(data, dtype=self.array.dtype)


def new_array(path: Path, kind: np.dtype[Entry], size: int) -> np.memmap[tuple[int, ...], np.dtype[Entry]]:
    """Return a new array of `size` entries in a file that has all its room reserved.

    A full disk therefore raises OSError here; writing to a mapped file without room would kill the process.
    """
    made: np.memmap[tuple[int, ...], np.dtype[Entry]]
    made = np.lib.format.open_memmap(path, "w+", kind, (size,))
    if hasattr(os, "posix_fallocate"):
        with open(path, "rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return made


def release(*arrays: npt.NDArray[np.generic]) -> None:
    """Release the memory that mapped files take in this process; the system keeps what was written."""
    if hasattr(mmap, "MADV_DONTNEED"):
        for array in arrays:
            mapped = getattr(array, "_mmap", None)
            if mapped is not None:
                mapped.madvise(mmap.MADV_DONTNEED)


def checksum(*parts: npt.NDArray[np.generic]) -> int:
    """Return the checksum of some lines: of their stream with both boundaries, and of their other arrays."""
    made = 0
    for part in parts:
        made = zlib.crc32(part.tobytes(), made)
    return made
