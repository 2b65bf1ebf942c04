"""Characters and their ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from makemore.errors import MakemoreError

BOUNDARY = 0
"""The id of the line boundary: it stands before the first character and after the last."""

UNKNOWN = "\ufffd"
"""Unicode's replacement character, which can stand for every character that is not in a vocabulary."""


class Vocab:
    """The characters of a corpus and their ids.

    A character is a Unicode code point. Id 0 is the line boundary, written as a newline, so that a whole
    file of lines encodes to one stream of ids in which every line stands between two zeros. The
    characters follow from id 1 on in code point order.
    """

    def __init__(self, characters: str, unknown: bool = False) -> None:
        """Take the characters (each once, no newline); their order in ids is by code point.

        unknown: whether UNKNOWN, which is one of them then, stands for all others.
        """
        self.unknown = unknown
        self.characters = "".join(sorted(set(characters) - {"\n"}))
        self.codes = code_points("\n" + self.characters)
        """(V,) uint32: the code point of each id."""
        self._ids = np.full(int(self.codes.max()) + 2, -1, dtype=np.int32)
        self._ids[self.codes] = np.arange(len(self.codes))
        self.dtype = np.min_scalar_type(len(self.codes) - 1)
        """The smallest unsigned integer type that holds every id."""

    def __len__(self) -> int:
        """V, the number of ids, the boundary included."""
        return len(self.codes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocab) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def encode(self, text: str) -> npt.NDArray[Any]:
        """Return the ids of `text`, one a character, in the smallest integer type; a newline is id 0.

        Raises MakemoreError naming the first character that is not in the vocabulary.
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
        """Say whether `encode` would accept `text`."""
        return self.unknown or not set(text) - set(self.characters) - {"\n"}

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the text of a sequence of ids; id 0 becomes a newline."""
        codes: npt.NDArray[np.uint32] = self.codes[np.asarray(ids, dtype=np.intp)]
        return codes.tobytes().decode("utf-32-le", "surrogatepass")


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the code points of `text` as an array, in one step for the whole text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
