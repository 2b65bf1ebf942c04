"""Reading lists: small ones into memory, large ones through a cache on disk.

An entry of the cache is a directory, described in README.md in this folder. Its name is a hash of the paths
and of the reading options. It records the size, times and content of each file, and is not used if one has
changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import platformdirs

from makemore.corpus.corpus import Corpus
from makemore.corpus.disk import DiskCorpus
from makemore.corpus.facts import FORMAT, NAME, Facts, Stamp
from makemore.corpus.labels import Labels
from makemore.corpus.lines import Block, blocks
from makemore.corpus.numbering import Numbered, Numbering
from makemore.corpus.reading import How, OnProgress, Reading
from makemore.corpus.sizes import Sizes, usual
from makemore.corpus.source import Source, locate, name_of, said
from makemore.corpus.store import Store
from makemore.corpus.writing import recognised_entry, write
from makemore.errors import MakemoreError, shown
from makemore.files.locks import held
from makemore.files.manifest import Manifest
from makemore.files.paths import kind
from makemore.files.typed import check_arguments

_ENTRY = re.compile(r"[0-9a-f]{24}(\.lock|\.part)?")


def read(
    source: str | Path | Sequence[str | Path] | None = None,
    *,
    encoding: str = "utf-8",
    max_length: int | None = None,
    min_count: int = 1,
    keep_spaces: bool = False,
    drop_undecodable: bool = False,
    column: str | int | None = None,
    label: str | int | None = None,
    separator: str | None = None,
    graphemes: bool = False,
    on_progress: OnProgress | None = None,
) -> Corpus:
    """Read lines from files, check them, and return their corpus.

    Text is decoded (a byte order mark and Windows line ends are fine) and brought to Unicode normal form C.
    White space at the ends of lines is stripped; blank lines are dropped, duplicates are kept.

    Args:
        source: A file, "-" for standard input, a directory, a pattern like `data/*.txt`, the name of a
            bundled list, a list of these, or None for "names". Files may be compressed.
        encoding: The encoding of the files.
        max_length: Drop lines with more characters.
        min_count: Replace characters that occur less often by U+FFFD.
        keep_spaces: Keep white space at the ends of lines.
        drop_undecodable: Drop lines that are not in the encoding, instead of raising an error.
        column: Read tables (CSV, TSV, JSON lines or Parquet), and take this column's values as the lines: its
            name, or its number from 1.
        label: The column of these tables that says which kind each line is of, such as a name's country.
        separator: What is between things of several lines: "blank" for blank lines, "file" if each file is one
            thing, or a text on a line of its own; None makes each line a thing.
        graphemes: Take grapheme clusters as characters, so that an emoji or a letter with marks is one.
        on_progress: Called with the bytes read so far, and the bytes in total or None.

    Returns:
        The corpus: in memory, or on disk if the files are large.

    Raises:
        MakemoreError: The source cannot be read or trained on.

    """
    read_as = (encoding, max_length, min_count, keep_spaces, drop_undecodable, column, label)
    how = How(*read_as, separator=separator, graphemes=graphemes)
    return read_corpus(source, how, on_progress)


def read_corpus(
    source: str | Path | Sequence[str | Path] | None,
    how: How,
    on_progress: OnProgress | None = None,
    sizes: Sizes | None = None,
) -> Corpus:
    """Read lines from files as `read` does, with the options as one object."""
    check_arguments(read_corpus, {"how": how})
    sizes = usual() if sizes is None else sizes
    found = locate(source)
    directory = root() / _key(found, how)
    if found.size is not None and (corpus := _reused(directory, found, sizes)) is not None:
        return corpus
    reading = Reading.begun(found.name, how, found.bundled, said(found.skipped))
    labels = None if how.label is None else Labels()
    where = shown(found.name if len(found.paths) != 1 else name_of(found.paths[0]))
    numbering, stamps = Numbering(reading, how, where, labels), found.stamps()
    lines = blocks(found, reading, how, numbering.forms, on_progress, sizes, labels)
    return stored(lines, numbering, found, stamps, directory, sizes)


def stored(
    lines: Iterable[Block],
    numbering: Numbering,
    found: Source,
    stamps: list[Stamp],
    directory: Path,
    sizes: Sizes,
) -> Corpus:
    """Return the corpus of some lines: in memory, or in a directory of the cache if there are too many."""
    numbered = numbering.numbered(lines)
    start: list[Numbered] = []
    if (found.size or 0) < sizes.large:
        for block in numbered:
            start.append(block)
            if sum(len(block.numbers) for block in start) > sizes.large:
                break
        else:
            return Corpus.from_blocks(numbering, start, sizes)
    place = "name another place in the environment variable MAKEMORE_CACHE"
    with held(_lock_of(directory), wait=True, remedy=place):
        # another process may have read it meanwhile
        if found.size is not None and (corpus := _reused(directory, found, sizes)) is not None:
            return corpus
        return write(directory, chain(start, numbered), numbering, found, stamps, sizes)


def _key(source: Source, how: How) -> str:
    """Return the name of the entry for a source."""
    options = asdict(how)
    min_count, _ = options.pop("min_count"), options.pop("as_lines")
    # left out where they say nothing, as before they existed
    later = ("column", "label", "known", "graphemes", "separator")
    options = {name: value for name, value in options.items() if name not in later or value}
    what = [FORMAT, options, min_count, [str(path.resolve()) for path in source.paths]]
    return hashlib.blake2b(json.dumps(what).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _reused(directory: Path, source: Source, sizes: Sizes) -> DiskCorpus | None:
    """Return the corpus of an entry, or None if it is incomplete or its files have changed."""
    if not (directory / NAME).exists():
        return None
    try:
        store = Store(directory, sizes)
    except MakemoreError:  # incomplete, or of another version
        return None
    facts, stamps = store.facts, source.stamps()
    if facts.stamps != stamps:
        if [stamp[1] for stamp in stamps] != [stamp[1] for stamp in facts.stamps]:
            return None
        if facts.digest != source.digest():
            return None
        facts.stamps = stamps  # touched, but the same
        facts.write(directory)
    return DiskCorpus(store)


# the cache


def root() -> Path:
    """Return where the cache is: $MAKEMORE_CACHE, or the user's cache directory."""
    return Path(os.environ.get("MAKEMORE_CACHE") or platformdirs.user_cache_dir("makemore"))


@dataclass(frozen=True)
class Entry:
    """One corpus in the cache."""

    directory: Path
    source: str
    """The path that was read; empty if `lines` is None."""
    lines: int | None
    """None if it is incomplete or damaged."""
    size: int
    """Bytes on disk."""


def entries() -> list[Entry]:
    """Return what is in the cache."""
    found = []
    for path in _ours():
        source, lines = "", None
        if path.suffix != ".part":
            with contextlib.suppress(MakemoreError):
                facts = Facts.load(path)
                source, lines = facts.reading.source, sum(facts.lines.values())
        size = sum(os.lstat(file).st_size for file in path.iterdir())
        found.append(Entry(path, source, lines, size))
    return found


def clear_cache() -> int:
    """Remove from the cache what makemore wrote, except what is being written; return the bytes freed."""
    freed = 0
    for path in _ours():
        files = Manifest(path, recognised_entry(path))
        stats = {name: os.lstat(path / name) for name in files.names if kind(path / name) == "file"}
        # another process may use it
        with contextlib.suppress(MakemoreError), contextlib.ExitStack() as stack:
            for each in (_lock_of(path), path):
                if kind(each) == "directory":
                    stack.enter_context(held(each, made=False))
            files.clear()
        # a file that a run has a hard link to stays on the disk
        freed += sum(s.st_size for name, s in stats.items() if s.st_nlink == 1 and not kind(path / name))
    for lock in root().glob("*.lock"):
        if _ENTRY.fullmatch(lock.name) and kind(lock) == "directory":
            with contextlib.suppress(OSError, MakemoreError), held(lock, made=False):
                lock.rmdir()
    return freed


def _ours() -> list[Path]:
    """Return the entries, and the remains of interrupted writes."""
    paths = sorted(root().glob("*")) if root().is_dir() else []
    return [path for path in paths if path.suffix != ".lock" and _is_entry(path)]


def _is_entry(path: Path) -> bool:
    if not _ENTRY.fullmatch(path.name) or kind(path) != "directory":
        return False
    return Manifest(path).exists or bool(recognised_entry(path))


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}.lock")
