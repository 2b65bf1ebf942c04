"""The lines to learn from: one stream of ids, and the split that each line belongs to."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from makemore.corpus.lines import Reading
from makemore.corpus.store import Store, release
from makemore.corpus.vocab import BOUNDARY, Vocab, code_points
from makemore.errors import shown

SPLITS = ("train", "validation", "test")
"""The splits; a line's split number is its place here."""

PIECE = 1 << 22
"""Tokens of the file that are gone through at a time."""

EXACT_LINES = 1 << 22
"""Lines that are compared with each other to count the different ones; of more it is estimated."""

DRAWN = 2_000_000
"""Tokens of the lines that stand for a split, at most, where they are looked at one by one."""

SPREAD = 2048
"""Chunks of a large file that lines are drawn from: enough for neighbours, alike where a list is sorted, to be few."""

CHUNK = 1 << 16
"""Tokens of neighbouring lines that lie on disk, are checked and are shuffled together."""

_SHARES = (0.90, 0.05, 0.05)
_KEY = int.from_bytes(hashlib.blake2b(b"makemore splits 1", digest_size=8).digest(), "little")


class Corpus:
    """The lines of a file as ids, and the split that each of them belongs to.

    The whole is one stream of ids: a boundary, the characters of line 0, a boundary, the characters of
    line 1, and so on to a last boundary. Row i means line i. A line's split depends on nothing but its
    own text, so equal lines fall together and a line stays where it is when the file grows.

    The arrays lie in memory, or of a large file on disk (`store`). Whoever goes through all lines does so in `pieces`:
    what is done with is let go of, so that memory does not grow with the file.
    """

    def __init__(self, vocab: Vocab, tokens: npt.NDArray[Any], reading: Reading | None = None) -> None:
        """Take the vocabulary and the stream (M,) of ids, boundaries at both ends."""
        self.vocab = vocab
        self.tokens = tokens
        self.reading = reading
        self.store: Store | None = None
        """The files that the arrays are mapped from, if they are."""

    @classmethod
    def stored(cls, store: Store) -> Corpus:
        """Return the corpus whose arrays are files."""
        corpus = cls(store.vocab, store.array("tokens"), store.reading)
        corpus.store = store
        for name in ("offsets", "lengths", "hashes", "split", "chunks"):
            setattr(corpus, name, store.array(name))
        return corpus

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """(N + 1,) where the boundary before each line stands; the last one ends the last line."""
        return np.flatnonzero(self.tokens == BOUNDARY)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(N,) characters of each line."""
        return np.diff(self.offsets) - 1

    @cached_property
    def chunks(self) -> npt.NDArray[np.int64]:
        """(K + 1,) the first row of each chunk, and N: neighbouring lines of about CHUNK tokens."""
        return chunk_rows(self.offsets)

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
        return int(self.store.facts["longest"] if self.store else self.lengths.max())

    def tokens_of(self, split: str) -> int:
        """Predicted tokens of a split: its characters and the ends of its lines."""
        if self.store:
            return int(self.store.facts["tokens"][split])
        return int((self.lengths[self.rows(split)] + 1).sum())

    @cached_property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """(N,) uint64: a hash of every line's text."""
        return line_hashes(self.vocab.codes, self.tokens, self.offsets)

    @cached_property
    def split(self) -> npt.NDArray[np.uint8]:
        """(N,) uint8: the number of each line's split in SPLITS."""
        return split_of(self.hashes)

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Return the numbers of the lines of a split, in the file's order: 8 bytes for each."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def rows_of(self, chunks: npt.ArrayLike, split: str) -> npt.NDArray[np.int64]:
        """Return the numbers of the lines of a split in some chunks, which are checked if they lie on disk."""
        every = np.atleast_1d(np.asarray(chunks, dtype=np.int64))
        number = SPLITS.index(split)
        parts = [np.zeros(0, dtype=np.int64)]
        if self.store:
            self.store.check(every)
        for a, b in zip(self.chunks[every].tolist(), self.chunks[every + 1].tolist(), strict=True):
            sides = self.store.read("split", a, b) if self.store else self.split[a:b]
            parts.append(a + np.flatnonzero(sides == number))
        return np.concatenate(parts)

    def pieces(self, split: str, tokens: int = PIECE) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the rows of a split in the file's order, those of about so many tokens of the file at a time."""
        at_once = max(1, tokens // CHUNK)
        for k in range(0, len(self.chunks) - 1, at_once):
            rows = self.rows_of(np.arange(k, min(k + at_once, len(self.chunks) - 1)), split)
            if len(rows):
                yield rows
            self.release()

    def at_most(self, split: str, tokens: int, seed: int = 0) -> npt.NDArray[np.int64]:
        """Return the rows of a split if they have no more than so many tokens, else some drawn at random, in order.

        They are drawn from SPREAD chunks, which have to be read, or from as many as are needed.
        """
        n = len(self.chunks) - 1
        if self.tokens_of(split) <= tokens:
            return self.rows_of(np.arange(n), split)
        share = tokens / self.tokens_of(split)
        k = min(n, max(SPREAD, math.ceil(share * n)))
        random = np.random.default_rng(seed)
        chunks = np.sort(random.choice(n, k, replace=False, shuffle=False))
        parts = []
        for chunk in chunks:
            rows = self.rows_of(chunk, split)
            parts.append(rows[random.random(len(rows)) < share * n / k])
        return np.concatenate(parts)

    def drawn(self, split: str, tokens: int | None = None, together: bool = False) -> Corpus:
        """Return the lines of a split in memory or, of more than so many tokens, a share of them from all over the file.

        tokens: None takes DRAWN. together: whether equal lines are drawn together, and so the same ones wherever they stand in a file. Unlike the
        chunks of `at_most` they are no neighbours, which in a list that is sorted are alike.
        """
        share = (DRAWN if tokens is None else tokens) / max(1, self.tokens_of(split))
        number, found = SPLITS.index(split), []
        at_once = 1 << 18
        for i in range(0, len(self), at_once):
            end = min(i + at_once, len(self))
            bits = self.hashes[i:end] if together else np.arange(i, end, dtype=np.uint64)
            taken = self.split[i:end] == number
            if share < 1:
                taken &= _mix(bits ^ np.uint64(_KEY)) < np.uint64(share * 2.0**64)
            found.append(i + np.flatnonzero(taken))
            self.release()
        rows = np.concatenate(found)
        if self.store:
            chunks = np.unique(np.searchsorted(self.chunks, rows, side="right") - 1)
            self.store.check(chunks)
        return self.some(rows)

    def stretches(self, tokens: int = PIECE) -> Iterator[slice]:
        """Yield all rows in order, as slices with about so many tokens; they are checked if they lie on disk."""
        at_once = max(1, tokens // CHUNK)
        for k in range(0, len(self.chunks) - 1, at_once):
            end = min(k + at_once, len(self.chunks) - 1)
            if self.store:
                self.store.check(np.arange(k, end))
            yield slice(int(self.chunks[k]), int(self.chunks[end]))
            self.release()

    def release(self) -> None:
        """Let go of the memory that parts of files take which were looked at."""
        if self.store:
            self.store.release()

    def counts(self) -> dict[str, int]:
        """Return how many lines each split has."""
        if self.store:
            return dict(self.store.facts["lines"])
        return {name: int((self.split == i).sum()) for i, name in enumerate(SPLITS)}

    @cached_property
    def different(self) -> int:
        """How many different lines there are; of many, estimated from a million or so of the possible hashes, to some thousandths."""
        if len(self) <= EXACT_LINES:
            return len(np.unique(self.hashes))
        found, of = [], max(4, len(self) >> 20)
        for i in range(0, len(self), EXACT_LINES):
            part = self.hashes[i : i + EXACT_LINES]
            found.append(np.unique(part[part % np.uint64(of) == 0]))
            self.release()
        return of * len(np.unique(np.concatenate(found)))

    @cached_property
    def _unique(self) -> npt.NDArray[np.int64]:
        counts = np.zeros(len(SPLITS), dtype=np.int64)
        for _, _, sides in self._runs():
            counts += np.bincount(sides, minlength=len(SPLITS))
        return counts

    def unique_of(self, split: str) -> int:
        """How many different lines a split has, by their hashes."""
        return int(self._unique[SPLITS.index(split)])

    def content(self, split: str) -> tuple[int, int]:
        """Return the same for two corpora if a split has the same lines in both, in whatever order: their number, and a hash."""
        total = np.uint64(0)
        for rows in self.pieces(split):
            total = np.add(total, _mix(self.hashes[rows]).sum(dtype=np.uint64), dtype=np.uint64)
        return self.counts()[split], int(total)

    def most_frequent(self, n: int) -> list[tuple[int, int]]:
        """Return the n lines that stand there most often, more than once: the first row and how many there are of each."""
        best: list[tuple[int, int]] = []
        for hashes, counts, _ in self._runs():
            some = np.argsort(-counts)[:n]
            best += zip(counts[some].tolist(), hashes[some].tolist(), strict=True)
            best = sorted(best, reverse=True)[:n]
        times = {known: count for count, known in best if count > 1}
        first: dict[int, int] = {}
        for rows in self.stretches():
            for known in times.keys() - first.keys():
                if len(at := np.flatnonzero(self.hashes[rows] == np.uint64(known))):
                    first[known] = rows.start + int(at[0])
            if len(first) == len(times):
                break
        return sorted(((first[known], n) for known, n in times.items()), key=lambda pair: (-pair[1], pair[0]))

    def _runs(
        self,
    ) -> Iterator[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
        """Yield the hash of each different line, how often it stands there, and its split; some at a time."""
        known, split = self._index
        begin = 0
        while begin < len(known):
            last = known[min(begin + PIECE // 4, len(known)) - 1]
            end = int(np.searchsorted(known, last, side="right"))
            hashes, first, counts = np.unique(known[begin:end], return_index=True, return_counts=True)
            yield hashes, counts, split_of(hashes, tiny=False) if split is None else split[begin:end][first]
            begin = end
            self.release()

    @cached_property
    def times(self) -> npt.NDArray[np.int64]:
        """(V,) how often each character stands there, by its id, and at 0 how many lines end."""
        counts = np.zeros(len(self.vocab), dtype=np.int64)
        for rows in self.stretches():
            counts += np.bincount(self.ends(rows), minlength=len(self.vocab))
        return counts

    @property
    def mean_length(self) -> float:
        """Characters of a line, on average."""
        return (len(self.tokens) - 1 - len(self)) / len(self)

    def ends(self, rows: slice) -> npt.NDArray[Any]:
        """Return the ids of neighbouring lines, each with its end."""
        return self.tokens[int(self.offsets[rows.start]) + 1 : int(self.offsets[rows.stop]) + 1]

    def lines(self, rows: npt.ArrayLike) -> list[str]:
        """Return the text of the given rows."""
        stream = self.stream(np.asarray(rows, dtype=np.int64))
        return self.vocab.decode(stream).split("\n")[1:-1]

    def lengths_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the characters of each of the given rows (B,)."""
        if not self.store:
            return self.lengths[rows]
        parts = [np.zeros(0, np.int64)]
        chunk = np.searchsorted(self.chunks, rows, side="right")
        for some in np.split(rows, np.flatnonzero(np.diff(chunk)) + 1) if len(rows) else []:
            begin = int(some.min())
            parts.append(self.store.read("lengths", begin, int(some.max()) + 1)[some - begin])
        return np.concatenate(parts)

    def some(self, rows: npt.NDArray[np.int64]) -> Corpus:
        """Return the corpus of the given rows alone, in memory."""
        return Corpus(self.vocab, self.stream(rows))

    def stream(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return the stream of the given rows alone: a boundary, and each line with its end."""
        parts = [np.zeros(1, self.tokens.dtype)]
        if self.store:
            for i in rows.tolist():
                begin, end = self.store.read("offsets", i, i + 2).tolist()
                parts.append(self.store.read("tokens", begin + 1, end + 1))
            return np.concatenate(parts)
        if not len(rows):
            return parts[0]
        n = self.lengths[rows] + 1
        # within each line the places count up by one; at its start they jump to where the line lies
        steps = np.ones(int(n.sum()), dtype=np.int64)
        starts = self.offsets[rows] + 1
        ends = starts + n - 1
        steps[0] = starts[0]
        steps[np.cumsum(n)[:-1]] = starts[1:] - ends[:-1]
        return np.concatenate([*parts, self.tokens[np.cumsum(steps)]])

    def batch(
        self, rows: npt.NDArray[np.int64], longest: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return inputs and targets of the given rows, each (B, T) int64, T one more than the longest.

        Inputs begin with the boundary and end in padding of 0; targets end with the boundary, and are -1
        at padding, where the loss ignores them. longest: T - 1, where it is to be more.
        """
        if self.store:
            return self.some(rows).batch(np.arange(len(rows)), longest)
        n = self.lengths[rows][:, None]  # (B, 1)
        t = np.arange((int(n.max()) if longest is None else longest) + 1)  # (T,)
        at = np.minimum(self.offsets[rows][:, None] + t, len(self.tokens) - 2)  # (B, T)
        inputs = np.where(t <= n, self.tokens[at], 0).astype(np.int64)
        targets = np.where(t <= n, self.tokens[at + 1].astype(np.int64), -1)
        return inputs, targets

    def seen(self, lines: list[str]) -> list[str]:
        """Return for each line whether it stands in the file: "train", "held-out" or "new".

        Lines are compared by 64-bit hashes: of N lines in the file, a new one is mistaken for one with a chance of N / 2^64.
        """
        text = "\n" + "".join(line + "\n" for line in lines)
        codes = code_points(text)
        offsets = np.flatnonzero(codes == ord("\n"))
        hashes = line_hashes(None, codes, offsets)
        if self.store:
            there, sides = self.store.has(hashes), split_of(hashes, tiny=False)
        else:
            known, split = self._index
            at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            there, sides = known[at] == hashes, split[at]  # type: ignore[index]
        kinds = np.where(sides == SPLITS.index("train"), "train", "held-out")
        return np.where(there, kinds, "new").tolist()  # type: ignore[no-any-return]

    @cached_property
    def _index(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8] | None]:
        """The hashes in order, and the split of each; None where the hash alone decides it."""
        if self.store:
            return self.store.sorted_hashes(), None
        order = np.argsort(self.hashes)
        return self.hashes[order], self.split[order]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the lines and their order: equal for two corpora that train alike."""
        if self.store:
            return str(self.store.facts["fingerprint"])
        return hashlib.sha256(self.hashes.tobytes()).hexdigest()


def chunk_rows(offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the first row of each chunk, and N, from the offsets (N + 1,)."""
    n = len(offsets) - 1
    starts = np.arange(0, int(offsets[-1]), CHUNK)
    cuts, done = [], 0
    for i in range(0, n + 1, PIECE):
        some = offsets[i : i + PIECE]
        upto = int(np.searchsorted(starts, some[-1], side="right"))
        cuts.append(i + np.searchsorted(some, starts[done:upto]))
        done = upto
        release(some)
    return np.unique(np.append(np.minimum(np.concatenate(cuts), n), n))


def line_hashes(
    codes: npt.NDArray[np.uint32] | None, tokens: npt.NDArray[Any], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Return a keyed 64-bit hash (N,) of every line's text.

    codes: (V,) the code point of each id, so that the hash does not depend on the vocabulary, or None where
    `tokens` are code points already; tokens: (M,) the stream; offsets: (N + 1,) its boundaries. Each (character, place) pair is mixed to 64 random bits
    and a line's bits are summed and mixed again (Zobrist hashing): all lines at once, no order of work.
    """
    hashes = np.empty(len(offsets) - 1, dtype=np.uint64)
    step = 1 << 11  # lines at a time: what is worked on stays in the processor
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


def split_of(hashes: npt.NDArray[np.uint64], tiny: bool = True) -> npt.NDArray[np.uint8]:
    """Return the split (N,) of lines from their hashes: 90 % train, 5 % validation, 5 % test.

    Where that leaves a split empty, the different lines are ranked by their hash and shared out: at least
    one to test, one to validation and one to train. Only there can a line move when the file grows. tiny: whether that
    may be so; not with some lines out of many.
    """
    bounds = np.array([share * 2.0**64 for share in np.cumsum(_SHARES)[:-1]], dtype=np.uint64)
    split = np.searchsorted(bounds, hashes, side="right").astype(np.uint8)
    if not tiny or len(np.unique(split)) == len(SPLITS):
        return split
    ranked, inverse = np.unique(hashes, return_inverse=True)
    each = max(1, round(_SHARES[2] * len(ranked)))
    by_rank = np.zeros(len(ranked), dtype=np.uint8)
    by_rank[-2 * each :] = SPLITS.index("validation")
    by_rank[-each:] = SPLITS.index("test")
    return by_rank[inverse]


def describe(corpus: Corpus) -> list[str]:
    """Return in plain sentences what was read and what was dropped."""
    different = corpus.different
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
        if reading.undecodable:
            dropped.append(f"{reading.undecodable:,} undecodable")
        lines.insert(
            0,
            f"read {shown(reading.source)}: {reading.lines:,} lines"
            + (f", dropped {' and '.join(dropped)}" if dropped else ""),
        )
        if reading.stripped:
            lines.insert(
                1,
                f"{reading.stripped:,} lines lost white space at their ends; --keep-spaces keeps it",
            )
        if reading.skipped:
            lines.insert(1, f"skipped in it: {reading.skipped}")
        if reading.normalized:
            lines.append("characters were brought to Unicode normal form C")
    if counts["validation"] < 100:
        lines.append("with so few held-out lines their losses, and the choice of the best step, are rough")
    return lines
