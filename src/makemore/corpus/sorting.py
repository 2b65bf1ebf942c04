"""The sorted hashes of a corpus on disk: they tell which lines it has, without a set in memory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from makemore.corpus.facts import SORTED, UNFINISHED, recognised
from makemore.corpus.mapped import Mapped, new_array, release
from makemore.errors import MakemoreError
from makemore.files.locks import held
from makemore.files.manifest import Manifest
from makemore.files.paths import damage

EVERY = 1 << 12
"""One in this many hashes is kept in memory, to find the part of the file to search."""


class SortedHashes:
    """The hashes (N,) of all lines of a corpus in ascending order, in a file.

    The file is written if it is not there. `total` is the sum of the hashes modulo 2^64; `at_once` of them
    are sorted in memory at a time. Raises MakemoreError if the file cannot be written, or it is damaged.
    """

    def __init__(self, directory: Path, hashes: npt.NDArray[np.uint64], total: int, at_once: int) -> None:
        """Open the file, and check it."""
        path = directory / SORTED
        if not path.exists():
            with held(directory, wait=True, made=False):  # several processes may want it
                if not path.exists():
                    _write(path, hashes, at_once)
        with damage(path):
            self._file = Mapped(path, np.uint64)
            self.array = self._file.array
            """(N,) the hashes, mapped."""
            if self.array.shape != hashes.shape:
                raise ValueError("it does not fit the other files")
            self._every = self._checked(total, at_once)

    def _checked(self, total: int, at_once: int) -> npt.NDArray[np.uint64]:
        """Return one of EVERY hashes. Raises ValueError if they are not in order or have another sum."""
        found, last, every = np.zeros(1, np.uint64), np.uint64(0), []
        for i in range(0, len(self.array), at_once):
            some = self.array[i : i + at_once]
            found += some.sum()
            if some[0] < last or (some[1:] < some[:-1]).any():
                raise ValueError("it is not in order")
            last = some[-1]
            every.append(some[-i % EVERY :: EVERY].copy())
            release(self.array)
        if int(found[0]) != total:
            raise ValueError("it was changed")
        return np.concatenate(every)

    def has(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Return for each hash whether a line has it."""
        n, found = len(self.array), np.zeros(len(hashes), dtype=bool)
        places = np.searchsorted(self._every, hashes, side="right") - 1
        for i, place in enumerate(places.tolist()):
            if place < 0:  # it is below the first
                continue
            some = self._file.read(place * EVERY, min((place + 1) * EVERY, n))
            at = int(np.searchsorted(some, hashes[i]))
            found[i] = at < len(some) and some[at] == hashes[i]
        return found


def _write(path: Path, hashes: npt.NDArray[np.uint64], at_once: int) -> None:
    """Write the hashes in ascending order: runs are sorted in memory, then merged, a range at a time.

    Hashes are evenly distributed, so a range of equal width, one for each run, has about as many hashes as a
    run.
    """
    runs = [slice(i, i + at_once) for i in range(0, len(hashes), at_once)]
    edges = [np.uint64(i * 2**64 // len(runs)) for i in range(1, len(runs))]
    files = Manifest(path.parent, recognised(path.parent))
    files.remove(*(name for name in files.names if UNFINISHED.fullmatch(name)))
    names = [f"sorted.{os.getpid()}.{what}.tmp" for what in ("runs", "all")]
    unmerged, beside = (path.parent / name for name in names)
    files.claim(path.name, *names)
    try:
        sorted_runs, out = (new_array(file, np.dtype(np.uint64), len(hashes)) for file in (unmerged, beside))
        cuts = []
        for run in runs:
            sorted_runs[run] = np.sort(hashes[run])  # if one was changed, the sum will tell
            cuts.append([run.start, *(run.start + np.searchsorted(sorted_runs[run], edges)), run.stop])
            release(sorted_runs, hashes)
        at = 0
        for part in range(len(runs)):
            some = np.sort(np.concatenate([sorted_runs[cut[part] : cut[part + 1]] for cut in cuts]))
            out[at : at + len(some)] = some
            at += len(some)
            release(sorted_runs, out)
        out.flush()
        os.replace(beside, path)
    except OSError as error:  # another output directory would not help: the file belongs to the corpus
        raise MakemoreError(
            f"{path}: cannot be written: {error.strerror or error}; make room there and run the same command "
            "again"
        ) from None
    finally:
        with contextlib.suppress(MakemoreError):
            files.remove(*names)
