"""A corpus as files: arrays in a directory, mapped into memory, and checked before they are used.

README.md in this folder describes the files.
"""

from __future__ import annotations

import os
import shutil
import zlib
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from makemore.corpus.facts import ARRAYS, LABELS, NAME, SORTED, Facts
from makemore.corpus.mapped import Mapped, checksum, release
from makemore.corpus.sizes import Sizes, usual
from makemore.corpus.sorting import SortedHashes
from makemore.corpus.vocab import Vocab
from makemore.distributed.devices import bound_memory
from makemore.errors import MakemoreError
from makemore.files.manifest import Manifest
from makemore.files.paths import damage


class Store:
    """The files of a corpus in a directory. Raises MakemoreError if they are incomplete or damaged."""

    def __init__(self, directory: Path, sizes: Sizes | None = None) -> None:
        """Open the files."""
        self.directory = directory
        self.sizes = usual() if sizes is None else sizes
        self.facts = Facts.load(directory)
        self.reading = self.facts.reading
        self.vocab = Vocab(self.facts.characters, self.reading.rare > 0, self.facts.labels)
        self.labels: Mapped[np.uint16] | None = None
        with damage(directory):
            self.tokens = Mapped(directory / "tokens.npy", np.unsignedinteger)
            self.offsets = Mapped(directory / "offsets.npy", np.int64)
            self.lengths = Mapped(directory / "lengths.npy", np.int32)
            self.hashes = Mapped(directory / "hashes.npy", np.uint64)
            self.split = Mapped(directory / "split.npy", np.uint8)
            self.chunks = Mapped(directory / "chunks.npy", np.int64)
            self.checks = Mapped(directory / "checks.npy", np.uint32)
            if self.vocab.labels:
                self.labels = Mapped(directory / LABELS, np.uint16)
            self._check_sizes()
            if zlib.crc32(self.chunks.array.tobytes()) != self.facts.chunks:
                raise ValueError("chunks.npy was changed")
        self._checked = np.zeros(len(self.checks), dtype=bool)
        bound_memory()

    def _check_sizes(self) -> None:
        n, k = sum(self.facts.lines.values()), len(self.checks)
        for name, size, array in (
            ("tokens", self.facts.size, self.tokens.array),
            ("offsets", n + 1, self.offsets.array),
            ("lengths", n, self.lengths.array),
            ("hashes", n, self.hashes.array),
            ("split", n, self.split.array),
            ("chunks", k + 1, self.chunks.array),
            *([] if self.labels is None else [("labels", n, self.labels.array)]),
        ):
            if len(array) != size:
                raise ValueError(f"{name}.npy has {len(array):,} entries and should have {size:,}")

    def check(self, chunks: npt.NDArray[np.int64]) -> None:
        """Raise MakemoreError unless the chunks are as they were written. Each is checked once."""
        for k in chunks[~self._checked[chunks]].tolist():
            if self.checksum(k) != int(self.checks.array[k]):
                raise MakemoreError(
                    f"{self.directory}: was changed or damaged (chunk {k:,}); remove it with "
                    "clear_cache and try again, with overwrite=True to replace a run",
                    option=("clear_cache", "overwrite"),
                )
            self._checked[k] = True

    def checksum(self, k: int) -> int:
        """Return the checksum of everything that is stored for a chunk."""
        first, end = self.chunks.array[k : k + 2].tolist()
        offsets = self.offsets.read(first, end + 1)
        tokens = self.tokens.read(int(offsets[0]), int(offsets[-1]) + 1)
        lengths, hashes = self.lengths.read(first, end), self.hashes.read(first, end)
        labels = () if self.labels is None else (self.labels.read(first, end),)
        return checksum(tokens, offsets, lengths, hashes, self.split.read(first, end), *labels)

    @cached_property
    def sorted(self) -> SortedHashes:
        """The hashes of all lines in ascending order, in a file that is written when it is first needed."""
        return SortedHashes(self.directory, self.hashes.array, self.facts.sum, self.sizes.sorted_at_once)

    def release(self) -> None:
        """Release the memory that the files take in this process; they are read again when needed."""
        release(
            self.tokens.array, self.offsets.array, self.lengths.array, self.hashes.array, self.split.array
        )
        if "sorted" in self.__dict__:
            release(self.sorted.array)

    def copy(self, to: Manifest) -> None:
        """Copy the files into another directory, as hard links where possible, which take no space."""
        names = [f"{name}.npy" for name in ARRAYS]
        names += [name for name in (SORTED, LABELS) if (self.directory / name).exists()]
        names.append(NAME)
        to.claim(*names)
        for name in names:
            try:
                os.link(self.directory / name, to.directory / name)
            except OSError:
                with to.writing(name) as path:
                    shutil.copyfile(self.directory / name, path)
