"""Reading: small files into memory, large ones through a cache on disk, both by the same steps.

First the lines are gone through once, in a stream: characters are counted and get numbers as they come. Then, with all
characters known, the numbers become ids in the order of code points, and every line gets its hash and its split.

An entry of the cache is a directory that `store` describes. It is named by the paths and by how they are read, and knows
size, time and content of each file: an entry whose files changed is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from makemore.corpus import lines as texts
from makemore.corpus.corpus import CHUNK, PIECE, SPLITS, Corpus, chunk_rows, line_hashes, split_of
from makemore.corpus.formats import for_file, on_one_line
from makemore.corpus.lines import Progress, Reading
from makemore.corpus.source import Source, locate, name_of, said
from makemore.corpus.store import ARRAYS, FORMAT, Store, checksum, new_array, release, write_facts
from makemore.corpus.store import recognised as recognised_store
from makemore.corpus.vocab import UNKNOWN, Vocab
from makemore.errors import MakemoreError, shown
from makemore.files.atomic import held, kind, read_json
from makemore.files.manifest import Manifest

LARGE = 1 << 25
"""Bytes of files, and characters of a stream, from which on the cache is used."""

MOST_CHARACTERS = 65_000
"""Different characters of a list: what is computed for each place has a number for each of them."""

SPARE = 1 << 30
"""Bytes of the cache's disk that are left free, or a twentieth of a small one."""

_BYTES_A_LINE = 8 + 4 + 8 + 1 + 8
"""What is still to come for each line once it is numbered: offset, length, hash, split, and its hash sorted."""


def read(
    source: str | Path | Sequence[str | Path] | None,
    *,
    encoding: str = "utf-8",
    max_length: int | None = None,
    min_count: int = 1,
    keep_spaces: bool = False,
    drop_undecodable: bool = False,
    on_progress: Progress | None = None,
) -> Corpus:
    """Read lines from files, check them, and return their corpus.

    source: a file, "-" for standard input, a directory, a pattern, the name of a bundled list, a list of these, or None for "names"; files may
    be packed. Text is decoded (a byte order mark and Windows line ends are tolerated) and brought to Unicode's normal
    form C; lines are stripped of white space at their ends, blank lines dropped, duplicates kept. max_length drops the lines
    with more characters. min_count: rarer characters are replaced by U+FFFD. keep_spaces: lines are not stripped.
    drop_undecodable: lines that are not in the encoding are dropped, instead of an error. on_progress: called with the bytes read, and of how
    many. Raises MakemoreError for what cannot be trained on.
    """
    how = texts.How(encoding, max_length, keep_spaces, drop_undecodable)
    if min_count < 1:
        raise MakemoreError(f"--min-count {min_count}: must be 1 or more")
    found = locate(source)
    directory = root() / _key(found, how, min_count)
    if found.size is not None and (corpus := _reused(directory, found)) is not None:
        return corpus
    builder = _Builder(found, how, min_count, on_progress)
    stamps, blocks = found.stamps(), builder.numbered()
    begun: list[_Numbered] = []
    if (found.size or 0) < LARGE:
        for block in blocks:
            begun.append(block)
            if sum(len(numbers) for numbers, _ in begun) > LARGE:
                break
        else:
            return builder.in_memory(begun)
    with held(
        _lock_of(directory), wait=True, remedy="name another place in the environment variable MAKEMORE_CACHE"
    ):
        # another process may have read it meanwhile
        if found.size is not None and (corpus := _reused(directory, found)) is not None:
            return corpus
        return builder.on_disk(directory, chain(begun, blocks), stamps)


def root() -> Path:
    """Return where the cache is: $MAKEMORE_CACHE, or the person's cache directory."""
    return Path(os.environ.get("MAKEMORE_CACHE") or platformdirs.user_cache_dir("makemore"))


@dataclass(frozen=True)
class Entry:
    """One corpus in the cache."""

    directory: Path
    source: str
    lines: int | None
    """None where its making was interrupted, or goes on, or it is damaged."""
    size: int
    """Bytes on disk."""


def entries() -> list[Entry]:
    """Return what is in the cache."""
    found = []
    for path in _ours():
        size = sum(os.lstat(file).st_size for file in path.iterdir())
        facts: Any = None
        with contextlib.suppress(MakemoreError):
            facts = read_json(path / "facts.json") if path.suffix != ".part" else None
        try:
            source, lines = facts["reading"]["source"], sum(facts["lines"].values())
        except (KeyError, TypeError, AttributeError):
            source, lines = "", None
        found.append(Entry(path, source, lines, size))
    return found


def clear() -> int:
    """Remove what makemore wrote to the cache and is not writing now; return how many bytes that freed."""
    freed = 0
    for path in _ours():
        files = Manifest(path, _recognised(path))
        stats = {name: os.lstat(path / name) for name in files.names if kind(path / name) == "file"}
        lock = _lock_of(path)
        with (
            contextlib.suppress(MakemoreError),
            contextlib.ExitStack() as stack,
        ):  # another process may be at it
            for each in (lock, path):
                if kind(each) == "directory":
                    stack.enter_context(held(each, made=False))
            files.clear()
        # what a run has a link to stays on the disk
        freed += sum(s.st_size for name, s in stats.items() if s.st_nlink == 1 and not kind(path / name))
    for lock in root().glob("*.lock"):
        if _ENTRY.fullmatch(lock.name) and kind(lock) == "directory":
            with contextlib.suppress(OSError, MakemoreError), held(lock, made=False):
                lock.rmdir()
    return freed


def _ours() -> list[Path]:
    """The entries, and what is left of those whose making was interrupted."""
    there = sorted(root().glob("*")) if root().is_dir() else []
    return [
        path
        for path in there
        if _ENTRY.fullmatch(path.name) and path.suffix != ".lock" and kind(path) == "directory"
        and (Manifest(path).exists or _recognised(path))
    ]  # fmt: skip


def _recognised(path: Path) -> set[str]:
    """Return the names of the files of an entry that an older makemore made, which has no manifest."""
    if path.suffix != ".part":
        return recognised_store(path)
    names = {each.name for each in path.iterdir() if kind(each) == "file"}
    return names if names <= _PARTS else set()


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}.lock")


def _remove(path: Path) -> None:
    """Delete an entry, or part of one. Raises MakemoreError if something in it is not makemore's."""
    if kind(path) and not Manifest(path, _recognised(path) if kind(path) == "directory" else ()).clear():
        raise MakemoreError(f"{path}: holds files that makemore did not write, and they stay; move them away")


def _key(source: Source, how: texts.How, min_count: int) -> str:
    what = [FORMAT, asdict(how), min_count, [str(path.resolve()) for path in source.paths]]
    return hashlib.blake2b(json.dumps(what).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _reused(directory: Path, source: Source) -> Corpus | None:
    """Return the corpus of an entry, if it is whole and its files are what they were; None if it is to be made anew."""
    if not (directory / "facts.json").exists():
        return None
    try:
        store = Store(directory)
    except MakemoreError:  # cut short, or of another version
        return None
    stamps = [list(stamp) for stamp in source.stamps()]
    if store.facts["stamps"] != stamps:
        if [stamp[1] for stamp in stamps] != [stamp[1] for stamp in store.facts["stamps"]]:
            return None
        if store.facts["digest"] != source.digest():
            return None
        store.facts["stamps"] = stamps  # touched, but the same
        write_facts(directory, store.facts)
    return Corpus.stored(store)


_PARTS = {
    "numbers",
    "ends",
    "facts.json",
    "facts.json.tmp",
    "sorted.npy",
    *(f"{name}.npy" for name in ARRAYS),
}
"""The files of an entry while it is made."""

_ENTRY = re.compile(r"[0-9a-f]{24}(\.lock|\.part)?")

_Numbered = tuple[npt.NDArray[Any], npt.NDArray[np.int64]]
Stamp = tuple[str, int, int, int]


class _Builder:
    """One reading of a source."""

    def __init__(self, source: Source, how: texts.How, min_count: int, on_progress: Progress | None) -> None:
        self.source, self.how, self.min_count, self.on_progress = source, how, min_count, on_progress
        name = source.name
        self.reading = Reading(
            name, source.bundled, skipped=said(source.skipped), keep_spaces=how.keep_spaces
        )
        self.ids = np.zeros(0x110000, dtype=np.int32)  # of each code point; 0 where it was not seen yet
        self.ids[ord("\n")] = 1
        self.order = [ord("\n")]  # the code points in the order of their numbers, which begin with 1
        self.counts = np.zeros(0x110000, dtype=np.int64)
        self.longest = self.n_lines = 0

    def in_memory(self, blocks: Iterable[_Numbered]) -> Corpus:
        """Return the corpus of all blocks in memory."""
        parts = [numbers for numbers, _ in blocks]
        vocab, table = self._vocabulary()
        tokens = np.concatenate([np.zeros(1, vocab.dtype), *(table[part] for part in parts)])
        corpus = Corpus(vocab, tokens, self.reading)
        different = len(np.unique(corpus.hashes))
        if different < 3:
            self._too_few(different, corpus.lines([int(corpus.lengths.argmax())])[0])
        return corpus

    def on_disk(self, directory: Path, blocks: Iterable[_Numbered], stamps: list[Stamp]) -> Corpus:
        """Write all blocks to a directory, and return the corpus that is mapped from there."""
        part = directory.with_name(directory.name + ".part")
        _remove(part)
        try:
            part.mkdir(parents=True)
            Manifest(part).claim(*sorted(_PARTS))
            self._write(part, blocks, stamps)
            _remove(directory)
            os.rename(part, directory)
        except OSError as error:
            raise MakemoreError(
                f"{directory.parent}: the cache cannot be written: {error.strerror or error}; make room with makemore cache clear, or name "
                "another place in the environment variable MAKEMORE_CACHE"
            ) from None
        finally:
            with contextlib.suppress(MakemoreError):
                _remove(part)
        return Corpus.stored(Store(directory))

    def numbered(self) -> Iterator[_Numbered]:
        """Yield block by block each character's number, a line's end being 1, and where the ends are."""
        for block in texts.blocks(self.source, self.reading, self.how, self.on_progress):
            if not len(block.codes):
                continue
            counts = np.bincount(block.codes)
            self.counts[: len(counts)] += counts
            fresh = np.flatnonzero((counts > 0) & (self.ids[: len(counts)] == 0))
            self.ids[fresh] = len(self.order) + 1 + np.arange(len(fresh))
            self.order += fresh.tolist()
            self.longest = max(self.longest, int(np.diff(block.ends, prepend=-1).max()) - 1)
            self.n_lines += len(block.ends)
            table = self.ids[: len(counts)].astype(np.min_scalar_type(len(self.order)))
            yield table[block.codes], block.ends

    def _vocabulary(self) -> tuple[Vocab, npt.NDArray[Any]]:
        """Return the vocabulary, and the id of each number."""
        where = self._where()
        if not self.n_lines:
            if self.reading.too_long:
                self._too_few(0)
            raise MakemoreError(
                f"{where}: {'only blank lines' if self.reading.blank else 'the file is empty'}; put one thing on each line"
            )
        codes = np.array(self.order)
        rare = self.counts[codes] < self.min_count
        rare[0] = False
        characters = "".join(map(chr, codes[1:][~rare[1:]]))
        if (n := int((~rare).sum()) - 1) > MOST_CHARACTERS:
            counts = np.sort(self.counts[codes[1:]])[::-1]
            raise MakemoreError(
                f"{where}: has {n:,} different characters, and {MOST_CHARACTERS:,} are the most; replace those that are rare by one with "
                f"--min-count {counts[MOST_CHARACTERS - 1] + 1}, if the file is text at all"
            )
        self.reading.rare = int(self.counts[codes[rare]].sum())
        vocab = Vocab(characters + (UNKNOWN if rare.any() else ""), unknown=bool(rare.any()))
        text = "".join(UNKNOWN if r else chr(c) for c, r in zip(codes.tolist(), rare.tolist(), strict=True))
        return vocab, np.append(np.zeros(1, vocab.dtype), vocab.encode(text))

    def _write(self, part: Path, blocks: Iterable[_Numbered], stamps: list[Stamp]) -> None:
        """Write the arrays, then facts.json."""
        kinds: list[tuple[int, np.dtype[Any]]] = []
        total = 0
        with open(part / "numbers", "wb") as numbers, open(part / "ends", "wb") as ends:
            for some, at in blocks:
                numbers.write(some.data)
                ends.write((at + 1 + total).data)  # the stream begins with a boundary of its own
                kinds.append((len(some), some.dtype))
                total += len(some)
                self._room(part, total)
        vocab, table = self._vocabulary()
        offsets = new_array(part / "offsets.npy", np.int64, self.n_lines + 1)
        raw = np.memmap(part / "ends", dtype=np.int64, mode="r")
        offsets[0] = 0
        for i in range(0, len(raw), PIECE):
            offsets[1 + i : 1 + i + PIECE] = raw[i : i + PIECE]
            release(offsets, raw)
        tokens = new_array(part / "tokens.npy", vocab.dtype, total + 1)
        tokens[0] = 0
        place = 1
        with open(part / "numbers", "rb") as file:
            for n, kind in kinds:
                tokens[place : place + n] = table[np.fromfile(file, dtype=kind, count=n)]
                place += n
                release(tokens)
        (part / "numbers").unlink()
        del raw
        (part / "ends").unlink()
        self._derive(part, vocab, tokens, offsets, stamps)

    def _room(self, part: Path, total: int) -> None:
        """Raise MakemoreError when the disk would soon be full; a stream may have no end. total: characters so far."""
        to_come = total * np.min_scalar_type(len(self.order)).itemsize + self.n_lines * _BYTES_A_LINE
        disk = shutil.disk_usage(part)
        if disk.free - to_come < min(SPARE, disk.total // 20):
            raise MakemoreError(
                f"{self._where()}: {self.n_lines:,} lines, {total / 1e9:,.2f} billion characters, were read, and for more the disk "
                f"with the cache in {part.parent} has too little room ({disk.free / 1e9:,.2f} GB); give fewer lines (head -n), make room "
                "with makemore cache clear, or name another place in the environment variable MAKEMORE_CACHE"
            )

    def _derive(
        self,
        part: Path,
        vocab: Vocab,
        tokens: np.memmap[Any, Any],
        offsets: np.memmap[Any, Any],
        stamps: list[Stamp],
    ) -> None:
        """Write what follows from tokens and offsets, and the facts."""
        n = self.n_lines
        chunks = chunk_rows(offsets)
        release(offsets)
        lengths, hashes, split, checks, rows = (
            new_array(part / f"{name}.npy", kind, size)
            for name, kind, size in (
                ("lengths", np.int32, n), ("hashes", np.uint64, n), ("split", np.uint8, n),
                ("checks", np.uint32, len(chunks) - 1), ("chunks", np.int64, len(chunks)),
            )
        )  # fmt: skip
        rows[:] = chunks
        lines, of_split = np.zeros(len(SPLITS), np.int64), np.zeros(len(SPLITS), np.int64)
        every, total = hashlib.sha256(), np.zeros(1, np.uint64)
        for k in range(0, len(chunks) - 1, PIECE // CHUNK):
            last = min(k + PIECE // CHUNK, len(chunks) - 1)
            a, b = int(chunks[k]), int(chunks[last])
            lengths[a:b] = np.diff(offsets[a : b + 1]) - 1
            hashes[a:b] = line_hashes(vocab.codes, tokens, offsets[a : b + 1])
            split[a:b] = sides = split_of(hashes[a:b], tiny=False)
            every.update(hashes[a:b].tobytes())
            total += hashes[a:b].sum()
            lines += np.bincount(sides, minlength=len(SPLITS))
            of_split += np.bincount(sides, lengths[a:b] + 1, minlength=len(SPLITS)).astype(np.int64)
            for i in range(k, last):
                first, end = int(chunks[i]), int(chunks[i + 1])
                stream = tokens[int(offsets[first]) : int(offsets[end]) + 1]
                own = (array[first:end] for array in (lengths, hashes, split))
                checks[i] = checksum(stream, offsets[first : end + 1], *own)
            release(tokens, offsets, lengths, hashes, split)
        for array in (tokens, offsets, lengths, hashes, split, checks, rows):
            array.flush()
        if not lines.all():
            different = len(
                np.unique(np.concatenate([np.unique(hashes[i : i + PIECE]) for i in range(0, n, PIECE)]))
            )
            raise MakemoreError(
                f"{self._where()}: only {different:,} of its {n:,} lines are different; leave each once (sort -u), or at least "
                "fewer copies"
            )
        digest = self.source.digest() if stamps else ""
        if self.source.stamps() != stamps:
            raise MakemoreError(
                f"{self._where()}: changed while it was read; run the command again when it is complete"
            )
        write_facts(
            part,
            {
                "format": FORMAT,
                "stamps": [list(stamp) for stamp in stamps],
                "digest": digest,
                "characters": list(vocab.characters),
                "reading": asdict(self.reading),
                "size": len(tokens),
                "longest": self.longest,
                "lines": dict(zip(SPLITS, lines.tolist(), strict=True)),
                "tokens": dict(zip(SPLITS, of_split.tolist(), strict=True)),
                "fingerprint": every.hexdigest(),
                "sum": int(total[0]),
                "chunks": zlib.crc32(chunks.tobytes()),
            },
        )

    def _where(self) -> str:
        return shown(self.source.name if len(self.source.paths) != 1 else name_of(self.source.paths[0]))

    def _too_few(self, different: int, line: str = "") -> None:
        """Raise MakemoreError for too few different lines; line: the longest of them."""
        where = self._where()
        dropped = f" of at most {self.how.max_length} characters" if self.reading.too_long else ""
        apart = ""
        if self.reading.lines - self.reading.blank < 3 and (found := on_one_line(line)):
            apart = "; " + for_file(found, name_of(self.source.paths[0]))
        raise MakemoreError(
            f"{where}: {different} different line{'s' * (different != 1)}{dropped}, and at least 3 are needed: "
            "one to train on, one to validate, one to test" + apart
        )
