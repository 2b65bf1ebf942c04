"""Characters and their ids."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from makemore.errors import MakemoreError
from makemore.files.typed import checked

Ids: TypeAlias = npt.NDArray[np.unsignedinteger]
"""An array of ids, in the smallest unsigned integer type that holds the vocabulary."""

BOUNDARY = 0
"""The id of the line boundary: it comes before the first character of a line and after the last."""

UNKNOWN = "\ufffd"
"""Unicode's replacement character, which can stand for every character that is not in a vocabulary."""

_SHOWN = 40
"""How many characters `repr` shows."""


class Vocab:
    """The characters of a corpus and their ids.

    A character is a Unicode code point. Id 0 is the line boundary, written as a newline, so a whole file of
    lines encodes to one stream of ids in which every line is between two zeros. The characters have the ids
    from 1 on, in code point order.

    Args:
        characters: Every character once, in any order, without the newline.
        unknown: Whether UNKNOWN, one of `characters`, stands for every character that is not among them.

    """

    def __init__(self, characters: str, unknown: bool = False) -> None:
        """Number the characters."""
        self.unknown = unknown
        checked("characters", characters, str)
        self.characters = "".join(sorted(set(characters) - {"\n"}))
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
        return f"{len(self.characters):,} characters: {self.characters[:_SHOWN]!r}{more}"

    def __len__(self) -> int:
        """V, the number of ids, the boundary included."""
        return len(self.codes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocab) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def encode(self, text: str) -> Ids:
        """Return the ids of a text, one per character, in the smallest integer type; a newline is id 0.

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
            character = chr(codes[unknown.argmax()])
            raise MakemoreError(
                f"the character {character!r} (U+{ord(character):04X}) is not among the "
                f"{len(self.characters)} characters of the training file"
            )
        return ids.astype(self.dtype)

    def knows(self, text: str) -> bool:
        """Return whether `encode` accepts a text."""
        return self.unknown or not set(text) - set(self.characters) - {"\n"}

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the text of a sequence of ids; id 0 becomes a newline."""
        codes: npt.NDArray[np.uint32] = self.codes[np.asarray(ids, dtype=np.intp)]
        return codes.tobytes().decode("utf-32-le", "surrogatepass")


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the code points of a text as an array, in one step for the whole text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
