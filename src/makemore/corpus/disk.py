"""A corpus too large for memory: the same methods as `Corpus`, on arrays in files."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from makemore.corpus.corpus import Corpus
from makemore.corpus.splits import split_of
from makemore.corpus.store import Store
from makemore.corpus.vocab import Ids
from makemore.files.manifest import Manifest


class DiskCorpus(Corpus):
    """Lines whose arrays are files: mapped for sequential access, read for random access.

    Chunks are checked against their checksums before their lines are used.
    """

    on_disk: ClassVar[bool] = True

    def __init__(self, store: Store) -> None:
        """Map the arrays."""
        labels = None if store.labels is None else store.labels.array
        super().__init__(store.vocab, store.tokens.array, store.reading, store.sizes, labels)
        self.store = store
        self.offsets = store.offsets.array
        self.lengths = store.lengths.array
        self.hashes = store.hashes.array
        self.split = store.split.array
        self.chunks = store.chunks.array

    @property
    def longest(self) -> int:
        """Characters of the longest line."""
        return self.store.facts.longest

    def counts(self) -> dict[str, int]:
        """Return the number of lines in each split."""
        return dict(self.store.facts.lines)

    def tokens_of(self, split: str) -> int:
        """Return the number of predicted tokens of a split: its characters and the ends of its lines."""
        return self.store.facts.tokens[split]

    @property
    def fingerprint(self) -> str:
        """A hash of the lines, their labels and their order: equal for two corpora that train alike."""
        return self.store.facts.fingerprint

    def lengths_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.signedinteger]:
        """Return the characters of each of the given rows (B,)."""
        parts: list[npt.NDArray[np.signedinteger]] = [np.zeros(0, np.int64)]
        chunk = np.searchsorted(self.chunks, rows, side="right")
        for some in np.split(rows, np.flatnonzero(np.diff(chunk)) + 1) if len(rows) else []:
            begin = int(some.min())
            parts.append(self.store.lengths.read(begin, int(some.max()) + 1)[some - begin])
        return np.concatenate(parts)

    def stream(self, rows: npt.NDArray[np.int64]) -> Ids:
        """Return the stream of the given rows alone: a boundary, and each line with its end."""
        parts = [np.zeros(1, self.tokens.dtype)]
        for i in rows.tolist():
            begin, end = self.store.offsets.read(i, i + 2).tolist()
            parts.append(self.store.tokens.read(begin + 1, end + 1))
        return np.concatenate(parts)

    def labels_of(self, rows: npt.NDArray[np.int64]) -> Ids | None:
        """Return the labels of the given rows (B,); None if lines have none."""
        if self.store.labels is None:
            return None
        parts = [self.store.labels.read(i, i + 1) for i in rows.tolist()]
        return np.concatenate([np.zeros(0, np.uint16), *parts])

    def batch(
        self, rows: npt.NDArray[np.int64], longest: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return inputs and targets of the given rows, as `Corpus.batch` does."""
        return self.subset(rows).batch(np.arange(len(rows)), longest)

    def find(self, hashes: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint8]]:
        """Return for each hash whether a line has it, and the split of that line."""
        return self.store.sorted.has(hashes), split_of(hashes, tiny=False)

    @property
    def index(self) -> tuple[npt.NDArray[np.uint64], None]:
        """The hashes of all lines in ascending order; the hash alone decides the split."""
        return self.store.sorted.array, None

    def splits_between(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """Return the splits of the rows from `start` to `stop`."""
        return self.store.split.read(start, stop)

    def check(self, chunks: npt.NDArray[np.int64]) -> None:
        """Check that chunks are as they were written. Raises MakemoreError if they are not."""
        self.store.check(chunks)

    def check_rows(self, rows: npt.NDArray[np.int64]) -> None:
        """Check the chunks of some rows."""
        self.store.check(np.unique(np.searchsorted(self.chunks, rows, side="right") - 1))

    def prepare(self) -> None:
        """Prepare what `seen` needs: the file of sorted hashes."""
        _ = self.store.sorted

    def release(self) -> None:
        """Release the memory of the parts of files that were read."""
        self.store.release()

    def save(self, files: Manifest) -> dict[str, int]:
        """Copy the files into a run directory; they have checksums of their own."""
        self.store.copy(files.make_directory("corpus"))
        Store(files.directory / "corpus")  # raises MakemoreError if the copy is incomplete
        return {}
