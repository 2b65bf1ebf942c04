"""Labels: which kind each line of a table is of, such as a name's country.

While a table is read, a line's label is one more character at its start, from a plane of Unicode that is for
private use. So a label goes wherever its line goes, until the characters are numbered; then the labels become
an array of their own, and the lines are what they would be without them. A line without a label has number 0.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from makemore.corpus.vocab import NO_LABEL, Ids
from makemore.errors import MakemoreError, shown

FIRST = 0x100000
"""The code point of label 0 while lines are read: the first of plane 16."""

MOST = 60_000
"""How many labels a list may have."""

MISSING = ("none", "nan", "<na>", "nat")
"""What missing values of a table's column in memory are printed as, in small letters."""

_END = object()


class Labels:
    """Numbers labels in the order in which they are first seen."""

    def __init__(self) -> None:
        self._numbers = {NO_LABEL: 0}
        self._used: set[int] = set()

    def marked(self, label: str | None, line: str, keep_spaces: bool) -> str:
        """Return a line with its label as a character before it; a blank line stays blank.

        Raises MakemoreError if there are too many labels.
        """
        bare = line if keep_spaces else line.strip()
        if not bare.strip():
            return ""
        name = " ".join(unicodedata.normalize("NFC", label or NO_LABEL).split())
        number = self._numbers.setdefault(name, len(self._numbers))
        if number > MOST:
            raise MakemoreError(
                f"there are more than {MOST:,} labels; choose a column with fewer different values",
                option="label",
            )
        return chr(FIRST + number) + bare

    def lines(self, lines: Iterable[str], labels: Iterable[object], keep_spaces: bool) -> Iterator[str]:
        """Yield lines with their labels, one for each. Raises MakemoreError if there are not as many."""
        each = iter(labels)
        for number, line in enumerate(lines, 1):
            label = next(each, _END)
            if label is _END:
                raise MakemoreError(
                    f"labels: line {number:,} has none; give one for each line", option="labels"
                )
            missing = not isinstance(label, str) and str(label).lower() in MISSING
            yield self.marked(None if missing else str(label), line, keep_spaces)
        if next(each, _END) is not _END:
            raise MakemoreError(
                "labels: there are more labels than lines; give one for each", option="labels"
            )

    def note(self, labels: Ids) -> None:
        """Note which labels lines have that were not dropped."""
        self._used.update(np.unique(labels).tolist())

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that lines have, from number 1 on, once all are known: in alphabetical order."""
        return tuple(
            sorted(name for name, number in self._numbers.items() if number and number in self._used)
        )

    @property
    def order(self) -> npt.NDArray[np.int64]:
        """(L + 1,) of each number as it was given first, the final one."""
        final = {name: number for number, name in enumerate(self.names, 1)} | {NO_LABEL: 0}
        return np.array([final.get(name, 0) for name in self._numbers])

    def of(self, blocks: Iterable[Ids | None]) -> Ids:
        """Return the final numbers, (N,) uint16, of labels that were numbered block by block."""
        given = np.concatenate([block for block in blocks if block is not None])
        final: Ids = self.order.astype(np.uint16)[given]
        return final


def parted(
    codes: npt.NDArray[np.uint32], ends: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], Ids]:
    """Return lines without the labels at their starts, their new ends, and the labels, (N,) uint16.

    Args:
        codes: Lines as code points, each followed by a newline.
        ends: (N,) the places of the newlines.

    """
    starts = np.append(0, ends[:-1] + 1)[: len(ends)]
    labels = (codes[starts] - FIRST).astype(np.uint16)
    return np.delete(codes, starts), ends - np.arange(1, len(ends) + 1), labels


def said_of(labels: Mapping[str, int], most: int = 6) -> str:
    """Return in words which labels there are: "girl 18,029, boy 14,004"."""
    named = [(name, n) for name, n in labels.items() if name]
    said = [f"{shown(name)} {n:,}" for name, n in named[:most]]
    if len(named) > most:
        said.append(f"{len(named) - most:,} more, the rarest {named[-1][1]:,}")
    if none := labels.get(NO_LABEL):
        said.append(f"{none:,} lines have none")
    return ", ".join(said)
