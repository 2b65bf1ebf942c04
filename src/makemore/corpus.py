"""A file of lines: read and checked, split, and held as one stream of ids."""

from __future__ import annotations

import codecs
import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from makemore.errors import MakemoreError
from makemore.vocab import BOUNDARY, Vocab, code_points

SPLITS = ("train", "validation", "test")
"""The splits; a line's split number is its place here."""

LONGEST = 10_000
"""Characters a line may have unless `max_length` says otherwise: past that a file is hardly a list."""

_SHARES = (0.90, 0.05, 0.05)
_KEY = int.from_bytes(hashlib.blake2b(b"makemore splits 1", digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Reading:
    """What reading a file found, and what was left out."""

    source: str
    """The path read, or the name of the bundled list."""
    bundled: bool
    lines: int
    """Lines in the file."""
    blank: int
    """Lines dropped because nothing but white space was on them."""
    too_long: int
    """Lines dropped because of `max_length`."""
    normalized: bool
    """Whether the text had to be brought to Unicode's normal form C."""


class Corpus:
    """The lines of a file as ids, and the split that each of them belongs to.

    The whole is one stream of ids: a boundary, the characters of line 0, a boundary, the characters of
    line 1, and so on to a last boundary. Row i means line i. A line's split depends on nothing but its
    own text, so equal lines fall together and a line stays where it is when the file grows.
    """

    def __init__(self, vocab: Vocab, tokens: npt.NDArray[Any], reading: Reading | None = None) -> None:
        """Take the vocabulary and the stream (M,) of ids, boundaries at both ends."""
        self.vocab = vocab
        self.tokens = tokens
        self.reading = reading
        self.offsets = np.flatnonzero(tokens == BOUNDARY)
        """(N + 1,) int64: where the boundary before each line stands; the last one ends the last line."""
        self.lengths = np.diff(self.offsets) - 1
        """(N,) int64: characters of each line."""

    @classmethod
    def from_lines(cls, lines: Iterable[str], reading: Reading | None = None) -> Corpus:
        """Build a corpus of clean lines (none empty, no newlines in them)."""
        text = "\n" + "\n".join(lines) + "\n"
        present = np.flatnonzero(np.bincount(code_points(text)))
        vocab = Vocab("".join(map(chr, present)))
        return cls(vocab, vocab.encode(text), reading)

    def __len__(self) -> int:
        """N, the number of lines."""
        return len(self.lengths)

    @property
    def longest(self) -> int:
        """Characters of the longest line."""
        return int(self.lengths.max())

    @cached_property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """(N,) uint64: a hash of every line's text."""
        return line_hashes(self.vocab.codes, self.tokens, self.offsets)

    @cached_property
    def split(self) -> npt.NDArray[np.uint8]:
        """(N,) uint8: the number of each line's split in SPLITS."""
        return split_of(self.hashes)

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Return the numbers of the lines of a split, in the file's order."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def counts(self) -> dict[str, int]:
        """Return how many lines each split has."""
        return {name: int((self.split == i).sum()) for i, name in enumerate(SPLITS)}

    def lines(self, rows: npt.ArrayLike) -> list[str]:
        """Return the text of the given rows."""
        stream = self.stream(np.asarray(rows, dtype=np.int64))
        return self.vocab.decode(stream).split("\n")[1:-1]

    def stream(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return the stream of the given rows alone: a boundary, and each line with its end."""
        n = self.lengths[rows] + 1
        # within each line the places count up by one; at its start they jump to where the line lies
        steps = np.ones(int(n.sum()), dtype=np.int64)
        starts = self.offsets[rows] + 1
        if len(rows):
            ends = starts + n - 1
            steps[0] = starts[0]
            steps[np.cumsum(n)[:-1]] = starts[1:] - ends[:-1]
        return np.concatenate([np.zeros(1, self.tokens.dtype), self.tokens[np.cumsum(steps)]])

    def batch(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return inputs and targets of the given rows, each (B, T) int64, T one more than the longest.

        Inputs begin with the boundary and end in padding of 0; targets end with the boundary, and are -1
        at padding, where the loss ignores them.
        """
        n = self.lengths[rows][:, None]  # (B, 1)
        t = np.arange(int(n.max()) + 1)  # (T,)
        at = np.minimum(self.offsets[rows][:, None] + t, len(self.tokens) - 2)  # (B, T)
        inputs = np.where(t <= n, self.tokens[at], 0).astype(np.int64)
        targets = np.where(t <= n, self.tokens[at + 1].astype(np.int64), -1)
        return inputs, targets

    def seen(self, lines: list[str]) -> list[str]:
        """Return for each line whether it stands in the file: "train", "held-out" or "new".

        Lines are compared by 64-bit hashes, so a new one is mistaken with a chance of 1 in 10^14 or so.
        """
        text = "\n" + "".join(line + "\n" for line in lines)
        codes = code_points(text)
        offsets = np.flatnonzero(codes == ord("\n"))
        hashes = line_hashes(None, codes, offsets)
        known, split = self._index
        at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        train = split[at] == SPLITS.index("train")
        return np.where(known[at] != hashes, "new", np.where(train, "train", "held-out")).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _index(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
        order = np.argsort(self.hashes)
        return self.hashes[order], self.split[order]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the lines and their order: equal for two corpora that train alike."""
        return hashlib.sha256(self.hashes.tobytes()).hexdigest()


def read(source: str | Path, *, encoding: str = "utf-8", max_length: int | None = None) -> Corpus:
    """Read a file of lines, or a bundled list by name, check it, and return its corpus.

    Text is decoded (a byte order mark and Windows line ends are tolerated) and brought to Unicode's normal
    form C; lines are stripped of white space at their ends, blank lines dropped, duplicates kept.
    max_length drops the lines with more characters. Raises MakemoreError for what cannot be trained on.
    """
    if max_length is not None and max_length < 1:
        raise MakemoreError(f"--max-length {max_length}: must be 1 or more")
    path, bundled = locate(source)
    text = decode(path, encoding)
    normalized = not unicodedata.is_normalized("NFC", text)
    if normalized:
        text = unicodedata.normalize("NFC", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    all_lines = text.split("\n")
    if all_lines[-1] == "":
        all_lines.pop()  # the file ends with a newline, which ends its last line
    stripped = [line.strip() for line in all_lines]
    lines = [line for line in stripped if line]
    blank = len(stripped) - len(lines)
    if not lines:
        raise MakemoreError(
            f"{path}: {'only blank lines' if blank else 'the file is empty'}; put one thing on each line"
        )
    limit = LONGEST if max_length is None else max_length
    too_long = sum(len(line) > limit for line in lines)
    if too_long and max_length is None:
        number, line = next((i, line) for i, line in enumerate(stripped, 1) if len(line) > limit)
        raise MakemoreError(
            f"{path}: line {number} has {len(line):,} characters; drop lines over a length with "
            f"--max-length, for example --max-length {LONGEST}"
        )
    lines = [line for line in lines if len(line) <= limit]
    name = f"{path.stem} (bundled)" if bundled else str(path)
    different = len(set(lines))
    if different < 3:
        dropped = f" of at most {max_length} characters" if too_long else ""
        raise MakemoreError(
            f"{path}: {different} different line{'s' * (different != 1)}{dropped}, and at least 3 are needed: "
            "one to train on, one to validate, one to test"
        )
    return Corpus.from_lines(lines, Reading(name, bundled, len(all_lines), blank, too_long, normalized))


def bundled_lists() -> list[dict[str, Any]]:
    """Return what is known of each bundled list: name, file, lines, source, licence and so on."""
    sources: list[dict[str, Any]] = json.loads(_data().joinpath("SOURCES.json").read_text("utf-8"))
    return sources


def locate(source: str | Path) -> tuple[Path, bool]:
    """Return the path of a file, or of the bundled list of that name, and whether it is the latter."""
    path = Path(source)
    try:
        if path.is_dir():
            raise MakemoreError(f"{path}: is a directory; give a file with one thing on each line")
        if path.exists():
            return path, False
    except OSError as error:  # a name too long, say
        raise MakemoreError(f"{path}: {error.strerror}") from None
    names = [entry["name"] for entry in bundled_lists()]
    if str(source).removesuffix(".txt") in names:
        return Path(str(_data().joinpath(str(source).removesuffix(".txt") + ".txt"))), True
    raise MakemoreError(
        f"{path}: no such file, and no bundled list of that name (there are {', '.join(names)})"
    )


def _data() -> Any:
    return resources.files("makemore").joinpath("data")


def decode(path: Path, encoding: str) -> str:
    """Return the text of a file without a byte order mark, or raise MakemoreError for what is no such text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MakemoreError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise MakemoreError(
            f"--encoding {encoding}: no such encoding; utf-8, latin-1 and utf-16 are some"
        ) from None
    if name == "utf-8":
        name = "utf-8-sig"
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise MakemoreError(f"{path}: looks like UTF-16, not UTF-8; add --encoding utf-16")
        if (nul := data.find(b"\0")) >= 0:
            raise MakemoreError(
                f"{path}: looks like a binary file (a zero byte at offset {nul:,}); give a text file with one thing on each line"
            )
    try:
        return data.decode(name).removeprefix("\ufeff")
    except LookupError:
        raise MakemoreError(
            f"--encoding {encoding}: not an encoding of text; utf-8, latin-1 and utf-16 are some"
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MakemoreError(
            f"{path}: not {encoding}: byte 0x{data[error.start]:02x} at offset {error.start:,} (line {line:,}); "
            "name the file's encoding with --encoding, for example --encoding latin-1"
        ) from None
    except UnicodeError:
        raise MakemoreError(f"{path}: not {encoding}; name the file's encoding with --encoding") from None


def line_hashes(
    codes: npt.NDArray[np.uint32] | None, tokens: npt.NDArray[Any], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Return a keyed 64-bit hash (N,) of every line's text.

    codes: (V,) the code point of each id, so that the hash does not depend on the vocabulary, or None where
    `tokens` are code points already; tokens: (M,) the stream; offsets: (N + 1,) its boundaries. Each (character, place) pair is mixed to 64 random bits
    and a line's bits are summed and mixed again (Zobrist hashing): all lines at once, no order of work.
    """
    hashes = np.empty(len(offsets) - 1, dtype=np.uint64)
    step = 1 << 16  # lines at a time, to bound the memory
    for i in range(0, len(hashes), step):
        starts = offsets[i : i + step + 1]
        stretch = slice(int(starts[0]), int(starts[-1]))
        place = np.arange(stretch.start, stretch.stop) - np.repeat(starts[:-1], np.diff(starts))
        characters = tokens[stretch] if codes is None else codes[tokens[stretch]]
        pair = (place.astype(np.uint64) << np.uint64(32)) | characters
        sums = np.add.reduceat(_mix(pair ^ np.uint64(_KEY)), starts[:-1] - starts[0])
        hashes[i : i + step] = _mix(sums)
    return hashes


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spread every bit of x over all 64 (the finaliser of SplitMix64, Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def split_of(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Return the split (N,) of lines from their hashes: 90 % train, 5 % validation, 5 % test.

    Where that leaves a split empty, the different lines are ranked by their hash and shared out: at least
    one to test, one to validation and one to train. Only there can a line move when the file grows.
    """
    bounds = np.array([share * 2.0**64 for share in np.cumsum(_SHARES)[:-1]], dtype=np.uint64)
    split = np.searchsorted(bounds, hashes, side="right").astype(np.uint8)
    if len(np.unique(split)) == len(SPLITS):
        return split
    ranked, inverse = np.unique(hashes, return_inverse=True)
    each = max(1, round(_SHARES[2] * len(ranked)))
    by_rank = np.zeros(len(ranked), dtype=np.uint8)
    by_rank[-2 * each :] = SPLITS.index("validation")
    by_rank[-each:] = SPLITS.index("test")
    return by_rank[inverse]


def describe(corpus: Corpus, counting: bool = False) -> list[str]:
    """Return in plain sentences what was read and what was dropped. counting: whether the model counts."""
    different = len(np.unique(corpus.hashes))
    counts = corpus.counts()
    lines = [
        f"{len(corpus):,} lines, {different:,} different, {len(corpus.vocab) - 1:,} characters, longest line {corpus.longest}",
        f"split by line: {counts['train']:,} to train, {counts['validation']:,} to validate, {counts['test']:,} to test",
    ]
    if (reading := corpus.reading) is not None:
        dropped = []
        if reading.blank:
            dropped.append(f"{reading.blank:,} blank")
        if reading.too_long:
            dropped.append(f"{reading.too_long:,} too long")
        lines.insert(
            0,
            f"read {reading.source}: {reading.lines:,} lines"
            + (f", dropped {' and '.join(dropped)}" if dropped else ""),
        )
        if reading.normalized:
            lines.append("characters were brought to Unicode normal form C")
    if counts["validation"] < 100:
        lines.append("so few held-out lines make the losses on them, and the choice of the best step, rough")
    if different < 300 and not counting:
        lines.append(
            "for so short a list --type ngram is worth a try: it needs no validation and takes no time"
        )
    return lines
