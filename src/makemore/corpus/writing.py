"""Writing a corpus to disk: characters are numbered while they are read; ids, hashes and splits follow."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from makemore.corpus.disk import DiskCorpus
from makemore.corpus.facts import ARRAYS, LABELS, NAME, SORTED, Facts, Stamp, recognised
from makemore.corpus.mapped import checksum, new_array, release
from makemore.corpus.numbering import Numbered, Numbering
from makemore.corpus.passes import fingerprint
from makemore.corpus.sizes import Sizes, chunk_rows
from makemore.corpus.source import Source
from makemore.corpus.splits import SPLITS, line_hashes, split_of
from makemore.corpus.store import Store
from makemore.corpus.vocab import Ids, Vocab
from makemore.errors import MakemoreError
from makemore.files.manifest import Manifest
from makemore.files.paths import kind

SPARE = 1 << 30
"""Bytes of the cache's disk that are left free, or a twentieth of a small disk."""

_BYTES_A_LINE = 8 + 4 + 8 + 1 + 8
"""Bytes still to be written for each line once it is numbered: offset, length, hash, split, sorted hash."""

_PARTS = {
    "numbers",
    "ends",
    "labels",
    LABELS,
    NAME,
    f"{NAME}.tmp",
    SORTED,
    *(f"{name}.npy" for name in ARRAYS),
}
"""The files of a corpus that is being written."""


def write(
    directory: Path,
    blocks: Iterable[Numbered],
    numbering: Numbering,
    source: Source,
    stamps: list[Stamp],
    sizes: Sizes,
) -> DiskCorpus:
    """Write the lines of a source to a directory, and return their corpus.

    They are written beside the directory, and renamed when they are complete. `stamps` are those of the
    source before it was read. Raises MakemoreError if they cannot be written or trained on, or the source has
    changed meanwhile.
    """
    part = directory.with_name(directory.name + ".part")
    _remove(part)
    try:
        part.mkdir(parents=True)
        Manifest(part).claim(*sorted(_PARTS))
        _Writer(part, numbering, sizes).write(blocks, source, stamps)
        _remove(directory)
        os.rename(part, directory)
    except OSError as error:
        raise MakemoreError(
            f"{directory.parent}: the cache cannot be written: {error.strerror or error}; make room with "
            "clear_cache, or name another place in the environment variable MAKEMORE_CACHE",
            option="clear_cache",
        ) from None
    finally:
        with contextlib.suppress(MakemoreError):
            _remove(part)
    return DiskCorpus(Store(directory, sizes))


def recognised_entry(path: Path) -> set[str]:
    """Return the names of the files of a cache entry that an older makemore wrote, without a manifest."""
    if path.suffix != ".part":
        return recognised(path)
    names = {each.name for each in path.iterdir() if kind(each) == "file"}
    return names if names <= _PARTS else set()


def _remove(path: Path) -> None:
    """Delete an entry, or part of one. Raises MakemoreError if something in it is not makemore's."""
    if not (there := kind(path)):
        return
    if not Manifest(path, recognised_entry(path) if there == "directory" else ()).clear():
        raise MakemoreError(f"{path}: holds files that makemore did not write; move them away")


class _Writer:
    """Writes the files of a corpus into a directory of its own."""

    def __init__(self, part: Path, numbering: Numbering, sizes: Sizes) -> None:
        self._part, self._numbering, self._sizes = part, numbering, sizes

    def write(self, blocks: Iterable[Numbered], source: Source, stamps: list[Stamp]) -> None:
        """Write the arrays, then facts.json."""
        kinds = self._write_numbers(blocks)
        vocab, table, self._numbering.reading.rare = self._numbering.vocabulary()
        self._write_offsets()
        self._write_tokens(kinds, table)
        self._write_labels()
        facts = self._derive(vocab)
        facts.digest = source.digest() if stamps else ""
        if source.stamps() != stamps:
            raise MakemoreError(
                f"{self._numbering.where}: changed while it was read; run the command again when it is "
                "complete"
            )
        facts.stamps = stamps
        facts.write(self._part)

    def _write_numbers(self, blocks: Iterable[Numbered]) -> list[tuple[int, np.dtype[np.unsignedinteger]]]:
        """Write the numbers of the characters and the positions of the line ends.

        Return the size and the type of each block of numbers.
        """
        kinds, total = [], 0
        with open(self._part / "numbers", "wb") as numbers, open(self._part / "ends", "wb") as ends:
            for block in blocks:
                if block.labels is not None:
                    with open(self._part / "labels", "ab") as labels:
                        labels.write(block.labels.data)
                numbers.write(block.numbers.data)
                ends.write((block.ends + 1 + total).data)  # the stream starts with a boundary of its own
                kinds.append((len(block.numbers), block.numbers.dtype))
                total += len(block.numbers)
                self._check_room(total)
        return kinds

    def _check_room(self, total: int) -> None:
        """Raise MakemoreError before the disk is full: a stream may have no end; total: characters so far."""
        n = self._numbering.n_lines
        to_come = total * self._numbering.bytes_per_token + n * _BYTES_A_LINE
        disk = shutil.disk_usage(self._part)
        if disk.free - to_come < min(SPARE, disk.total // 20):
            raise MakemoreError(
                f"{self._numbering.where}: after {n:,} lines, {total / 1e9:,.2f} billion characters, "
                f"the disk with the cache in {self._part.parent} has too little room for more "
                f"({disk.free / 1e9:,.2f} GB); give fewer lines, make room with clear_cache, or name "
                "another place in the environment variable MAKEMORE_CACHE",
                option="clear_cache",
            )

    def _write_offsets(self) -> None:
        offsets = new_array(self._part / "offsets.npy", np.dtype(np.int64), self._numbering.n_lines + 1)
        raw = np.memmap(self._part / "ends", dtype=np.int64, mode="r")
        offsets[0] = 0
        at_once = self._sizes.piece
        for i in range(0, len(raw), at_once):
            offsets[1 + i : 1 + i + at_once] = raw[i : i + at_once]
            release(offsets, raw)
        offsets.flush()
        del raw
        (self._part / "ends").unlink()

    def _write_tokens(self, kinds: list[tuple[int, np.dtype[np.unsignedinteger]]], table: Ids) -> None:
        total = sum(n for n, _ in kinds)
        tokens = new_array(self._part / "tokens.npy", table.dtype, total + 1)
        tokens[0] = 0
        place = 1
        with open(self._part / "numbers", "rb") as file:
            for n, kind in kinds:
                tokens[place : place + n] = table[np.fromfile(file, dtype=kind, count=n)]
                place += n
                release(tokens)
        tokens.flush()
        (self._part / "numbers").unlink()

    def _write_labels(self) -> None:
        """Write the labels in their final order, if the lines have any."""
        if self._numbering.labels is None:
            return
        raw = np.memmap(self._part / "labels", dtype=np.uint16, mode="r")
        labels = new_array(self._part / LABELS, np.dtype(np.uint16), len(raw))
        order, at_once = self._numbering.labels.order, self._sizes.piece
        for i in range(0, len(raw), at_once):
            labels[i : i + at_once] = order[raw[i : i + at_once]]
            release(labels, raw)
        labels.flush()
        del raw
        (self._part / "labels").unlink()

    def _derive(self, vocab: Vocab) -> Facts:
        """Write what follows from tokens and offsets, and return the facts, without digest and stamps."""
        n, part = self._numbering.n_lines, self._part
        tokens: Ids = np.load(part / "tokens.npy", mmap_mode="r")
        offsets: npt.NDArray[np.int64] = np.load(part / "offsets.npy", mmap_mode="r")
        chunks = chunk_rows(offsets, self._sizes)
        release(offsets)
        lengths = new_array(part / "lengths.npy", np.dtype(np.int32), n)
        hashes = new_array(part / "hashes.npy", np.dtype(np.uint64), n)
        split = new_array(part / "split.npy", np.dtype(np.uint8), n)
        checks = new_array(part / "checks.npy", np.dtype(np.uint32), len(chunks) - 1)
        rows = new_array(part / "chunks.npy", np.dtype(np.int64), len(chunks))
        labels = np.load(part / LABELS, mmap_mode="r") if vocab.labels else None
        rows[:] = chunks
        lines, of_split = np.zeros(len(SPLITS), np.int64), np.zeros(len(SPLITS), np.int64)
        codes, begins = vocab.spelling
        every, total = hashlib.sha256(), np.zeros(1, np.uint64)
        at_once = self._sizes.piece // self._sizes.chunk
        for k in range(0, len(chunks) - 1, at_once):
            last = min(k + at_once, len(chunks) - 1)
            a, b = int(chunks[k]), int(chunks[last])
            lengths[a:b] = np.diff(offsets[a : b + 1]) - 1
            hashes[a:b] = line_hashes(codes, tokens, offsets[a : b + 1], begins)
            split[a:b] = sides = split_of(hashes[a:b], tiny=False)
            every.update(hashes[a:b].tobytes())
            total += hashes[a:b].sum()
            lines += np.bincount(sides, minlength=len(SPLITS))
            of_split += np.bincount(sides, lengths[a:b] + 1, minlength=len(SPLITS)).astype(np.int64)
            for i in range(k, last):
                first, end = int(chunks[i]), int(chunks[i + 1])
                stream = tokens[int(offsets[first]) : int(offsets[end]) + 1]
                own = (lengths[first:end], hashes[first:end], split[first:end])
                marks = () if labels is None else (labels[first:end],)
                checks[i] = checksum(stream, offsets[first : end + 1], *own, *marks)
            release(tokens, offsets, lengths, hashes, split)
        for array in (lengths, hashes, split, checks, rows):
            array.flush()
        if not lines.all():
            self._too_few(hashes)
        return Facts(
            stamps=[],
            digest="",
            characters=vocab.names[1:],
            reading=self._numbering.reading,
            size=len(tokens),
            longest=self._numbering.longest,
            lines=dict(zip(SPLITS, lines.tolist(), strict=True)),
            tokens=dict(zip(SPLITS, of_split.tolist(), strict=True)),
            fingerprint=fingerprint(every, labels),
            sum=int(total[0]),
            chunks=zlib.crc32(chunks.tobytes()),
            labels=vocab.labels,
        )

    def _too_few(self, hashes: npt.NDArray[np.uint64]) -> None:
        at_once, n = self._sizes.piece, len(hashes)
        some = [np.unique(hashes[i : i + at_once]) for i in range(0, n, at_once)]
        different = len(np.unique(np.concatenate(some)))
        raise MakemoreError(
            f"{self._numbering.where}: only {different:,} of its {n:,} lines are different; deduplicate "
            "it first, or keep fewer copies"
        )
