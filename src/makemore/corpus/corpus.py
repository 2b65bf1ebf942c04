"""The lines to learn from: one stream of ids, and the split that each line belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from makemore.corpus.labels import Labels
from makemore.corpus.lines import blocks_of, strings
from makemore.corpus.numbering import Numbered, Numbering
from makemore.corpus.passes import Passes
from makemore.corpus.reading import AS_USUAL, How, Reading
from makemore.corpus.sizes import Sizes, chunk_rows, usual
from makemore.corpus.splits import SPLITS, hashes_of, line_hashes, split_of
from makemore.corpus.things import thing_of
from makemore.corpus.vocab import BOUNDARY, Ids, Vocab
from makemore.files.typed import check_arguments


class Corpus(Passes):
    """Lines as ids, and the split of each line.

    All lines together are one stream of ids: a boundary, the characters of line 0, a boundary, the characters
    of line 1, and so on to a last boundary. Row i means line i. A line's split depends only on its text.

    The arrays are in memory. `DiskCorpus` has the same methods for arrays in files.
    """

    on_disk: ClassVar[bool] = False
    """Whether the arrays are in files, because there are too many lines to keep in memory."""

    def __init__(
        self,
        vocab: Vocab,
        tokens: Ids,
        reading: Reading | None = None,
        sizes: Sizes | None = None,
        labels: Ids | None = None,
    ) -> None:
        """Keep the stream (M,), with boundaries at both ends, what was read, and the lines' labels (N,), if any."""
        self.vocab, self.tokens, self.reading, self.labels = vocab, tokens, reading, labels
        self.sizes = usual() if sizes is None else sizes

    @classmethod
    def from_lines(
        cls, lines: Iterable[str], how: How = AS_USUAL, labels: Iterable[object] | None = None
    ) -> Corpus:
        """Make a corpus of strings: a list, a column of a table, an open file, anything that yields strings.

        They are treated like the lines of a file: brought to Unicode normal form C, stripped of white space
        at their ends, blank ones dropped, duplicates kept. A line break at the end of a string is ignored;
        others need `how.separator`, whatever it is, and each string is a thing.

        Args:
            lines: The strings, one for each line.
            how: How lines are read. Its `encoding` and `drop_undecodable` do not matter here.
            labels: Which kind each line is of, as text or as numbers; missing ones are allowed.

        Raises:
            MakemoreError: An item is not a string, has a line break in it or is too long, or there are fewer
                than 3 different lines.

        """
        check_arguments(Corpus.from_lines, {"how": how})
        reading, known = Reading.begun("lines", how), None
        if labels is not None:
            known, reading.label, how = Labels(), "labels", replace(how, column="lines", label="labels")
            if how.separator is not None:
                lines = (thing_of(line, how.keep_spaces) for line in strings(lines))
            tidy = how.keep_spaces or how.separator is not None
            lines = known.lines(strings(lines), labels, tidy)
        numbering = Numbering(reading, how, labels=known)
        found = blocks_of(lines, reading, how, numbering.forms)
        return cls.from_blocks(numbering, list(numbering.numbered(found)))

    @classmethod
    def from_blocks(
        cls, numbering: Numbering, blocks: Iterable[Numbered], sizes: Sizes | None = None
    ) -> Corpus:
        """Make a corpus of blocks whose characters were numbered. Raises MakemoreError if it is too small."""
        each = list(blocks)
        vocab, table, numbering.reading.rare = numbering.vocabulary()
        tokens = np.concatenate([np.zeros(1, vocab.dtype), *(table[block.numbers] for block in each)])
        labels = None if numbering.labels is None else numbering.labels.of([block.labels for block in each])
        corpus = Corpus(vocab, tokens, numbering.reading, sizes, labels)
        different = len(np.unique(corpus.hashes))
        if different < 3:
            numbering.too_few(different, corpus.lines([int(corpus.lengths.argmax())])[0])
        return corpus

    def __repr__(self) -> str:
        lines = ", ".join(f"{n:,} {split}" for split, n in self.counts().items())
        return f"{type(self).__name__}({len(self):,} lines: {lines}; {self.vocab.summary})"

    def __len__(self) -> int:
        """N, the number of lines."""
        return len(self.lengths)

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """(N + 1,) position of the boundary before each line, and of the last boundary."""
        return np.flatnonzero(self.tokens == BOUNDARY)

    @cached_property
    def lengths(self) -> npt.NDArray[np.signedinteger]:
        """(N,) characters of each line."""
        return np.diff(self.offsets) - 1

    @cached_property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """(N,) uint64: a hash of every line's text."""
        codes, begins = self.vocab.spelling
        return line_hashes(codes, self.tokens, self.offsets, begins)

    @cached_property
    def split(self) -> npt.NDArray[np.uint8]:
        """(N,) uint8: the split of each line, as an index into SPLITS."""
        return split_of(self.hashes)

    @cached_property
    def chunks(self) -> npt.NDArray[np.int64]:
        """(K + 1,) the first row of each chunk of about `sizes.chunk` tokens, and N."""
        return chunk_rows(self.offsets, self.sizes)

    @property
    def longest(self) -> int:
        """Characters of the longest line."""
        return int(self.lengths.max())

    def counts(self) -> dict[str, int]:
        """Return the number of lines in each split."""
        return {name: int((self.split == i).sum()) for i, name in enumerate(SPLITS)}

    def tokens_of(self, split: str) -> int:
        """Return the number of predicted tokens of a split: its characters and the ends of its lines."""
        return int((self.lengths[self.rows(split)] + 1).sum())

    # rows of a split

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Return the row numbers of a split, in file order: 8 bytes for each."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def rows_of(self, chunks: npt.ArrayLike, split: str) -> npt.NDArray[np.int64]:
        """Return the row numbers of a split within some chunks, which are checked first."""
        every = np.atleast_1d(np.asarray(chunks, dtype=np.int64))
        number = SPLITS.index(split)
        parts = [np.zeros(0, dtype=np.int64)]
        self.check(every)
        for a, b in zip(self.chunks[every].tolist(), self.chunks[every + 1].tolist(), strict=True):
            parts.append(a + np.flatnonzero(self.splits_between(a, b) == number))
        return np.concatenate(parts)

    def splits_between(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """Return the splits of the rows from `start` to `stop`."""
        return self.split[start:stop]

    # lines

    def lines(self, rows: npt.ArrayLike) -> list[str]:
        """Return the text of the given rows, as people see it."""
        return list(map(self.vocab.forms.outer, self.inner_lines(rows)))

    def inner_lines(self, rows: npt.ArrayLike) -> list[str]:
        """Return the text of the given rows, one code point for each character."""
        stream = self.stream(np.asarray(rows, dtype=np.int64))
        return self.vocab.decode(stream).split("\n")[1:-1]

    def lengths_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.signedinteger]:
        """Return the characters of each of the given rows (B,)."""
        return self.lengths[rows]

    def subset(self, rows: npt.NDArray[np.int64]) -> Corpus:
        """Return the given rows as a corpus in memory."""
        return Corpus(self.vocab, self.stream(rows), sizes=self.sizes, labels=self.labels_of(rows))

    def subsample(self, split: str, tokens: int | None = None, together: bool = False) -> Corpus:
        """Return lines of a split in memory, from all over the file: see `Passes.spread`."""
        return self.subset(self.spread(split, tokens, together))

    def stream(self, rows: npt.NDArray[np.int64]) -> Ids:
        """Return the stream of the given rows alone: a boundary, and each line with its end."""
        start = np.zeros(1, self.tokens.dtype)
        if not len(rows):
            return start
        n = self.lengths[rows] + 1
        # within a line positions count up by one; where a line starts they jump to where it is in the stream
        steps = np.ones(int(n.sum()), dtype=np.int64)
        starts = self.offsets[rows] + 1
        ends = starts + n - 1
        steps[0] = starts[0]
        steps[np.cumsum(n)[:-1]] = starts[1:] - ends[:-1]
        return np.concatenate([start, self.tokens[np.cumsum(steps)]])

    def batch(
        self, rows: npt.NDArray[np.int64], longest: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return inputs and targets, each (B, T) int64, of the given rows (B,).

        Inputs start with the boundary and are padded with 0; targets end with the boundary and are padded
        with -1, which the loss ignores. `longest` is T - 1; None takes the length of the longest of these
        lines. If lines have labels, V times the label is added to each of their inputs.
        """
        n = self.lengths[rows][:, None]  # (B, 1)
        t = np.arange((int(n.max()) if longest is None else longest) + 1)  # (T,)
        at = np.minimum(self.offsets[rows][:, None] + t, len(self.tokens) - 2)  # (B, T)
        inputs = np.where(t <= n, self.tokens[at], 0).astype(np.int64)
        targets = np.where(t <= n, self.tokens[at + 1].astype(np.int64), -1)
        if self.labels is not None:
            inputs += len(self.vocab) * self.labels[rows].astype(np.int64)[:, None]
        return inputs, targets

    # which lines the corpus has

    def seen(self, lines: list[str]) -> list[str]:
        """Return for each line whether the corpus has it: "train", "held-out" or "new".

        Lines are compared by 64-bit hashes: with N lines in the corpus, a new line is mistaken for a known
        one with probability N / 2^64.
        """
        there, sides = self.find(hashes_of(lines))
        kinds = np.where(sides == SPLITS.index("train"), "train", "held-out")
        found: list[str] = np.where(there, kinds, "new").tolist()
        return found
