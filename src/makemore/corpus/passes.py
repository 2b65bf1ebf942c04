"""What measuring asks of all lines of a corpus, computed a piece at a time in bounded memory."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt

from makemore.corpus.sizes import Sizes
from makemore.corpus.splits import KEY, SPLITS, mix, split_of
from makemore.corpus.vocab import BOUNDARY, NO_LABEL, Ids, Vocab
from makemore.files.manifest import Manifest
from makemore.files.paths import checksum

_ROWS_AT_ONCE = 1 << 18


class InMemory:
    """What a corpus on disk has to do, for one in memory, which has little to do."""

    tokens: Ids
    labels: Ids | None

    def check(self, chunks: npt.NDArray[np.int64]) -> None:
        """Check that chunks are as they were written. Raises MakemoreError if they are not."""

    def check_rows(self, rows: npt.NDArray[np.int64]) -> None:
        """Check the chunks of some rows."""

    def prepare(self) -> None:
        """Prepare what `seen` needs. If there are several processes, call it in one of them first."""

    def labels_of(self, rows: npt.NDArray[np.int64]) -> Ids | None:
        """Return the labels of the given rows (B,); None if lines have none."""
        return None if self.labels is None else self.labels[rows]

    def release(self) -> None:
        """Release the memory of the parts of files that were read."""

    def save(self, files: Manifest) -> dict[str, int]:
        """Write the corpus into a run directory; return the checksums of files that hold none."""
        with files.writing("corpus.npy") as path:
            with open(path, "wb") as file:
                np.save(file, self.tokens, allow_pickle=False)
            checksums = {"corpus.npy": checksum(path)}
        if self.labels is not None:
            with files.writing("labels.npy") as path:
                with open(path, "wb") as file:
                    np.save(file, self.labels, allow_pickle=False)
                checksums["labels.npy"] = checksum(path)
        return checksums


class Passes(InMemory, ABC):
    """The part of a corpus that is the same in memory and on disk, built on the few members below."""

    vocab: Vocab
    sizes: Sizes

    @property
    @abstractmethod
    def offsets(self) -> npt.NDArray[np.int64]:
        """(N + 1,) positions of the boundaries in the stream."""

    @property
    @abstractmethod
    def hashes(self) -> npt.NDArray[np.uint64]:
        """(N,) hash of the text of each line."""

    @property
    @abstractmethod
    def split(self) -> npt.NDArray[np.uint8]:
        """(N,) split of each line, as an index into SPLITS."""

    @property
    @abstractmethod
    def chunks(self) -> npt.NDArray[np.int64]:
        """(K + 1,) the first row of each chunk, and N."""

    @abstractmethod
    def __len__(self) -> int:
        """N, the number of lines."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Return the number of lines in each split."""

    @abstractmethod
    def tokens_of(self, split: str) -> int:
        """Return the number of predicted tokens of a split: its characters and the ends of its lines."""

    @abstractmethod
    def rows_of(self, chunks: npt.ArrayLike, split: str) -> npt.NDArray[np.int64]:
        """Return the row numbers of a split within some chunks, which are checked first."""

    @abstractmethod
    def stream(self, rows: npt.NDArray[np.int64]) -> Ids:
        """Return the stream of the given rows alone: a boundary, and each line with its end."""

    def inputs(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the stream of the given rows, with V times its label added to each character of a line.

        The boundary before a line has the line's label too.
        """
        stream, labels = self.stream(rows).astype(np.int64), self.labels_of(rows)
        if labels is not None and len(rows):
            n = np.diff(np.flatnonzero(stream == BOUNDARY))
            stream[:-1] += len(self.vocab) * np.repeat(labels.astype(np.int64), n)
        return stream

    # by hash

    def find(self, hashes: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint8]]:
        """Return for each hash whether a line has it, and the split of that line."""
        known, split = self.index
        assert split is not None
        at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        return known[at] == hashes, split[at]

    @cached_property
    def index(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8] | None]:
        """The hashes of all lines in ascending order, and the split of each."""
        order = np.argsort(self.hashes)
        return self.hashes[order], self.split[order]

    # pieces

    def pieces(self, split: str) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the row numbers of a split in file order, from about `sizes.piece` tokens at a time."""
        for a, b in self._chunks_at_once(self.sizes.piece):
            rows = self.rows_of(np.arange(a, b), split)
            if len(rows):
                yield rows
            self.release()

    def slices(self, tokens: int | None = None) -> Iterator[slice]:
        """Yield all rows in order as slices of about `tokens` tokens, checked; None for `sizes.piece`."""
        for a, b in self._chunks_at_once(self.sizes.piece if tokens is None else tokens):
            self.check(np.arange(a, b))
            yield slice(int(self.chunks[a]), int(self.chunks[b]))
            self.release()

    def _chunks_at_once(self, tokens: int) -> Iterator[tuple[int, int]]:
        at_once = max(1, tokens // self.sizes.chunk)
        n = len(self.chunks) - 1
        for k in range(0, n, at_once):
            yield k, min(k + at_once, n)

    # subsamples

    def at_most(self, split: str, tokens: int) -> npt.NDArray[np.int64]:
        """Return the rows of a split, or a random subsample of about `tokens` tokens if it has more.

        The subsample is taken from `sizes.spread` chunks, or as many as are needed, since each must be read.
        """
        n = len(self.chunks) - 1
        if self.tokens_of(split) <= tokens:
            return self.rows_of(np.arange(n), split)
        share = tokens / self.tokens_of(split)
        k = min(n, max(self.sizes.spread, math.ceil(share * n)))
        random = np.random.default_rng(0)
        chunks = np.sort(random.choice(n, k, replace=False, shuffle=False))
        parts = []
        for chunk in chunks:
            rows = self.rows_of(chunk, split)
            parts.append(rows[random.random(len(rows)) < share * n / k])
        return np.concatenate(parts)

    def spread(self, split: str, tokens: int | None, together: bool) -> npt.NDArray[np.int64]:
        """Return the rows that `Corpus.subsample` takes, from the whole file, checked.

        Unlike those of `at_most`, they are not neighbours, which are similar in a sorted list. They have
        about `tokens` tokens; None takes `sizes.subsample`. `together` takes all copies of a line or none,
        wherever they are in the file.
        """
        share = (self.sizes.subsample if tokens is None else tokens) / max(1, self.tokens_of(split))
        number, found = SPLITS.index(split), []
        for i in range(0, len(self), _ROWS_AT_ONCE):
            end = min(i + _ROWS_AT_ONCE, len(self))
            bits = self.hashes[i:end] if together else np.arange(i, end, dtype=np.uint64)
            taken = self.split[i:end] == number
            if share < 1:
                taken &= mix(bits ^ np.uint64(KEY)) < np.uint64(share * 2.0**64)
            found.append(i + np.flatnonzero(taken))
            self.release()
        rows = np.concatenate(found)
        self.check_rows(rows)
        return rows

    # counts

    @property
    def mean_length(self) -> float:
        """Characters per line, on average."""
        return (len(self.tokens) - 1 - len(self)) / len(self)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the lines, their labels and their order: equal for two corpora that train alike."""
        return fingerprint(hashlib.sha256(self.hashes.tobytes()), self.labels)

    @cached_property
    def frequencies(self) -> npt.NDArray[np.int64]:
        """(V,) occurrences of each character, by its id; at 0 the number of lines."""
        counts = np.zeros(len(self.vocab), dtype=np.int64)
        for rows in self.slices():
            counts += np.bincount(self.ends(rows), minlength=len(self.vocab))
        return counts

    def lines_by_label(self) -> dict[str, int]:
        """Return how many lines have each label, the commonest first; empty if lines have none.

        Lines without one have the label "".
        """
        names = (NO_LABEL, *self.vocab.labels)
        counts = np.zeros(len(names), dtype=np.int64)
        for rows in self.slices():
            if self.labels is None:
                return {}
            counts += np.bincount(self.labels[rows], minlength=len(names))
        order = sorted(np.flatnonzero(counts).tolist(), key=lambda i: (-counts[i], names[i]))
        return {names[i]: int(counts[i]) for i in order}

    def ends(self, rows: slice) -> Ids:
        """Return the ids of neighbouring lines, each followed by its end."""
        return self.tokens[int(self.offsets[rows.start]) + 1 : int(self.offsets[rows.stop]) + 1]

    @cached_property
    def distinct(self) -> int:
        """The number of different lines; for large files estimated to within about 0.1 %.

        The estimate counts a share of the possible hashes, about a million of them.
        """
        at_once = self.sizes.compared
        if len(self) <= at_once:
            return len(np.unique(self.hashes))
        found, of = [], max(4, len(self) >> 20)
        for i in range(0, len(self), at_once):
            part = self.hashes[i : i + at_once]
            found.append(np.unique(part[part % np.uint64(of) == 0]))
            self.release()
        return of * len(np.unique(np.concatenate(found)))

    def unique_of(self, split: str) -> int:
        """Return the number of different lines in a split, counted by their hashes."""
        return int(self._unique[SPLITS.index(split)])

    @cached_property
    def _unique(self) -> npt.NDArray[np.int64]:
        counts = np.zeros(len(SPLITS), dtype=np.int64)
        for _, _, sides in self._groups():
            counts += np.bincount(sides, minlength=len(SPLITS))
        return counts

    def content(self, split: str) -> tuple[int, int]:
        """Return the number of lines in a split and a hash of them, which does not depend on their order."""
        total = np.uint64(0)
        for rows in self.pieces(split):
            total = np.add(total, mix(self.hashes[rows]).sum(dtype=np.uint64), dtype=np.uint64)
        return self.counts()[split], int(total)

    def most_frequent(self, n: int) -> list[tuple[int, int]]:
        """Return (first row, count) of the n most frequent lines, of those that occur more than once."""
        best: list[tuple[int, int]] = []
        for hashes, counts, _ in self._groups():
            some = np.argsort(-counts)[:n]
            best += zip(counts[some].tolist(), hashes[some].tolist(), strict=True)
            best = sorted(best, reverse=True)[:n]
        times = {known: count for count, known in best if count > 1}
        first: dict[int, int] = {}
        for rows in self.slices():
            for known in times.keys() - first.keys():
                if len(at := np.flatnonzero(self.hashes[rows] == np.uint64(known))):
                    first[known] = rows.start + int(at[0])
            if len(first) == len(times):
                break
        return sorted(((first[known], n) for known, n in times.items()), key=lambda pair: (-pair[1], pair[0]))

    def _groups(
        self,
    ) -> Iterator[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
        """Yield the hashes of the different lines, how often each occurs, and its split; some at a time."""
        known, split = self.index
        begin = 0
        while begin < len(known):
            last = known[min(begin + self.sizes.piece // 4, len(known)) - 1]
            end = int(np.searchsorted(known, last, side="right"))
            hashes, first, counts = np.unique(known[begin:end], return_index=True, return_counts=True)
            yield hashes, counts, split_of(hashes, tiny=False) if split is None else split[begin:end][first]
            begin = end
            self.release()


def fingerprint(lines: hashlib._Hash, labels: Ids | None) -> str:
    """Return a hash of lines, given that of their hashes, and of their labels."""
    if labels is not None:
        lines = lines.copy()
        lines.update(hashlib.sha256(labels.tobytes()).digest())
    return lines.hexdigest()
