"""Characters and their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from makemore.corpus.characters import Characters, named
from makemore.errors import MakemoreError
from makemore.files.typed import checked

Ids: TypeAlias = npt.NDArray[np.unsignedinteger]
"""An array of ids, in the smallest unsigned integer type that holds the vocabulary."""

BOUNDARY = 0
"""The id of the line boundary: it comes before the first character of a line and after the last."""

NO_LABEL = ""
"""The label, with number 0, of a line that has none."""

UNKNOWN = "\ufffd"
"""Unicode's replacement character, which can stand for every character that is not in a vocabulary."""

_SHOWN = 40
"""How many characters `repr` shows."""


class Vocab:
    """The characters of a corpus and their ids.

    A character is a Unicode code point, or what people see as one (`characters.py`); inside, each is one code
    point. Id 0 is the line boundary, written as a newline, so a whole file of lines encodes to one stream of
    ids in which every line is between two zeros. The characters have the ids from 1 on, in code point order.

    Args:
        characters: Every character once, in any order: a string without the newline, or strings, of which
            those of several code points are grapheme clusters, and a newline is a line break inside a thing.
        unknown: Whether UNKNOWN, one of `characters`, stands for every character that is not among them.
        labels: The names of the lines' labels, which have the numbers from 1 on; none if lines have none.

    """

    def __init__(
        self, characters: str | Sequence[str], unknown: bool = False, labels: Sequence[str] = ()
    ) -> None:
        """Number the characters."""
        self.unknown, self.labels = unknown, tuple(labels)
        strings = isinstance(characters, Sequence) and all(isinstance(each, str) for each in characters)
        different = set(characters if strings else checked("characters", characters, str))
        clusters = sorted(each for each in different if len(each) > 1)
        self.forms = Characters(clusters, "\n" in different and not isinstance(characters, str))
        """Their two forms, inside and outside."""
        if isinstance(characters, str):
            different.discard("\n")
        self.characters = "".join(sorted(map(self.forms.inner, different)))
        """One code point for each."""
        self.names = [self.end, *map(self.forms.outer, self.characters)]
        """(V,) what people see for each id."""
        self.codes = code_points("\n" + self.characters)
        """(V,) uint32: the code point of each id."""
        self._ids = np.full(int(self.codes.max()) + 2, -1, dtype=np.int32)
        self._ids[self.codes] = np.arange(len(self.codes))
        self.dtype = np.min_scalar_type(len(self.codes) - 1)
        """The smallest unsigned integer type that holds every id."""

    def __repr__(self) -> str:
        return f"Vocab({self.summary})"

    @property
    def summary(self) -> str:
        """How many characters there are, and the first ones."""
        more = "..." if len(self.characters) > _SHOWN else ""
        return f"{len(self.characters):,} characters: {''.join(self.names[1 : 1 + _SHOWN])!r}{more}"

    def __len__(self) -> int:
        """V, the number of ids, the boundary included."""
        return len(self.codes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocab):
            return NotImplemented
        return (self.names, self.labels) == (other.names, other.labels)

    def __hash__(self) -> int:
        return hash(self.characters)

    @property
    def end(self) -> str:
        """What the end of a line is called: a newline, or nothing where newlines are line breaks in it."""
        return "" if self.forms.line_breaks else "\n"

    @cached_property
    def spelling(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64] | None]:
        """The code points that people see, and where those of each id begin (V + 1,); None if each is one."""
        written = code_points("\n" + "".join(self.names[1:]))
        if not self.forms.clusters:
            return written, None
        return written, np.cumsum([0, 1, *map(len, self.names[1:])])

    def encode(self, text: str) -> Ids:
        """Return the ids of a text, one per character, in the smallest integer type; a newline is id 0.

        The text is in its inner form; `stream` takes lines as people write them.

        Raises:
            MakemoreError: The text has a character that is not in the vocabulary; the message names the first
                one.

        """
        codes = code_points(text)
        ids = self._ids[np.minimum(codes, len(self._ids) - 1)]
        unknown = ids < 0
        if unknown.any() and self.unknown:
            ids = np.where(unknown, self._ids[ord(UNKNOWN)], ids)
        elif unknown.any():
            raise self._not_known(self.forms.outer(chr(codes[unknown.argmax()])))
        return ids.astype(self.dtype)

    def stream(self, lines: Iterable[str]) -> Ids:
        """Return a stream of lines as people write them: a boundary, and each line with its end.

        Raises:
            MakemoreError: A line has a character that is not in the vocabulary.

        """
        lines = list(lines)
        try:
            return self.encode("\n" + "".join(self.forms.inner(line) + "\n" for line in lines))
        except MakemoreError:
            unknown = (c for line in lines for c in self.forms.split(line) if not self.knows(c))
            raise self._not_known(next(unknown)) from None

    def knows(self, text: str) -> bool:
        """Return whether a line as people write it can be encoded."""
        return self.unknown or not set(self.forms.inner(text)) - set(self.characters) - {"\n"}

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the text of a sequence of ids, in its inner form; id 0 becomes a newline."""
        codes: npt.NDArray[np.uint32] = self.codes[np.asarray(ids, dtype=np.intp)]
        return codes.tobytes().decode("utf-32-le", "surrogatepass")

    def _not_known(self, character: str) -> MakemoreError:
        return MakemoreError(
            f"the character {named(character)} is not among the "
            f"{len(self.characters)} characters of the training file; leave it out, or train on a list that has it"
        )


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the code points of a text as an array, in one step for the whole text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
