"""Numbers for characters in the order in which they appear, and the vocabulary once all are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from makemore.corpus.characters import LINE_BREAK, Characters
from makemore.corpus.formats import for_file, on_one_line
from makemore.corpus.labels import Labels, parted
from makemore.corpus.lines import Block
from makemore.corpus.reading import FILE, How, Reading
from makemore.corpus.vocab import UNKNOWN, Ids, Vocab
from makemore.errors import MakemoreError, shown

MOST_CHARACTERS = 65_000
"""How many different characters a list may have: a model predicts a number for each at each position."""


@dataclass(frozen=True)
class Numbered:
    """Some lines, as numbers of characters."""

    numbers: Ids
    """(M,) the number of each character; 1 for the end of a line."""
    ends: npt.NDArray[np.int64]
    """(N,) positions of the line ends."""
    labels: Ids | None = None
    """(N,) the numbers of the lines' labels, as they were first given."""


class Numbering:
    """Numbers characters in the order in which they are first seen, and counts them.

    Lines can thus be stored compactly before the vocabulary is known; at the end, the numbers are replaced by
    ids. `where` is the source as messages call it; None takes the name in `reading`. `labels` are those of the
    lines, which then come with them.
    """

    def __init__(
        self, reading: Reading, how: How, where: str | None = None, labels: Labels | None = None
    ) -> None:
        """Start with the end of a line, which has the number 1."""
        self.reading, self.how, self.labels = reading, how, labels
        self.where = reading.source if where is None else where
        self._numbers = np.zeros(0x110000, dtype=np.int32)  # of each code point; 0 if it was not seen yet
        self._numbers[ord("\n")] = 1
        self._order = [ord("\n")]  # the code points by their numbers, which start with 1
        self._counts = np.zeros(0x110000, dtype=np.int64)
        self.forms = Characters(line_breaks=how.separator is not None)
        """The clusters so far, which get their code points in the order in which they are first seen."""
        for number, character in enumerate(how.known, 2):
            character = LINE_BREAK if character == "\n" else character
            code = ord(self.forms.learn(character) if len(character) > 1 else character)
            self._numbers[code] = number
            self._order.append(code)
        self.longest = 0
        """Characters of the longest line so far."""
        self.n_lines = 0
        """Lines so far."""

    @property
    def bytes_per_token(self) -> int:
        """Bytes that a number takes so far."""
        return np.min_scalar_type(len(self._order)).itemsize

    def numbered(self, blocks: Iterable[Block]) -> Iterator[Numbered]:
        """Yield the blocks with their characters numbered."""
        for block in blocks:
            if not len(block.codes):
                continue
            codes, ends, labels = block.codes, block.ends, None
            if self.labels is not None:
                codes, ends, labels = parted(codes, ends)
                self.labels.note(labels)
            counts = np.bincount(codes)
            self._counts[: len(counts)] += counts
            fresh = np.flatnonzero((counts > 0) & (self._numbers[: len(counts)] == 0))
            self._numbers[fresh] = len(self._order) + 1 + np.arange(len(fresh))
            self._order += fresh.tolist()
            self.longest = max(self.longest, int(np.diff(ends, prepend=-1).max()) - 1)
            self.n_lines += len(ends)
            table = self._numbers[: len(counts)].astype(np.min_scalar_type(len(self._order)))
            yield Numbered(table[codes], ends, labels)

    def vocabulary(self) -> tuple[Vocab, Ids, int]:
        """Return the vocabulary, the id of each number, and how many characters are too rare for it.

        Raises MakemoreError if there is no line, or there are too many different characters.
        """
        if not self.n_lines:
            if self.reading.too_long:
                self.too_few(0)
            nothing = "only blank lines" if self.reading.blank else "the list is empty"
            raise MakemoreError(f"{self.where}: {nothing}; put one thing on each line")
        codes = np.array(self._order)
        rare = self._counts[codes] < self.how.min_count
        rare[: 1 + len(self.how.known)] = False
        names = [self.forms.outer(chr(code)) for code in codes.tolist()]
        characters = [name for name, r in zip(names[1:], rare[1:].tolist(), strict=True) if not r]
        if (n := int((~rare).sum()) - 1) > MOST_CHARACTERS:
            counts = np.sort(self._counts[codes[1:]])[::-1]
            raise MakemoreError(
                f"{self.where}: has {n:,} different characters, but {MOST_CHARACTERS:,} is the limit; "
                f"if it is text, replace rare ones with min_count={counts[MOST_CHARACTERS - 1] + 1}",
                option="min_count",
            )
        labels = () if self.labels is None else self.labels.names
        if self.labels is not None and not labels:
            raise MakemoreError(
                f"{self.where}: label={shown(self.how.label)}: no line has a label; choose another column",
                option="label",
            )
        unknown = bool(rare.any()) or self.reading.rare > 0
        vocab = Vocab(characters + [UNKNOWN] * unknown, unknown, labels)
        known = (UNKNOWN if r else name for name, r in zip(names[1:], rare[1:].tolist(), strict=True))
        text = "\n" + "".join(map(vocab.forms.inner, known))
        ids = np.append(np.zeros(1, vocab.dtype), vocab.encode(text))
        return vocab, ids, self.reading.rare + int(self._counts[codes[rare]].sum())

    def too_few(self, different: int, line: str = "") -> NoReturn:
        """Raise MakemoreError for too few different lines; `line`, the longest, may hold the whole list."""
        dropped = f" of at most {self.how.max_length} characters" if self.reading.too_long else ""
        apart = ""
        if self.how.separator == FILE:
            apart = "; with separator=file each file is one thing: give several files or a directory"
        elif self.reading.lines - self.reading.blank < 3 and (found := on_one_line(line)):
            apart = "; " + for_file(found, self.where)
        raise MakemoreError(
            f"{self.where}: {different} different {self.reading.thing}{'s' * (different != 1)}{dropped}, but at least 3 are "
            "needed: one to train on, one to validate, one to test" + (apart or "; add some")
        )
