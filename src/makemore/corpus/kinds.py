"""Which characters are of one kind: capitals, small letters, digits, and so on."""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt

from makemore.corpus.vocab import UNKNOWN, Vocab


def kinds_of(vocab: Vocab) -> npt.NDArray[np.int64]:
    """Return the kind of each id, (V,), numbered from 0, that of the boundary, which is alone in it.

    Characters of one Unicode category, that of the first code point, are of one kind, except that each punctuation mark, symbol and space is
    a kind of its own, and so is what stands for rare characters.
    """
    names = ["\n"]
    for character in vocab.names[1:]:
        category = unicodedata.category(character[0])
        alone = category[0] in "PSZ" or (vocab.unknown and character == UNKNOWN)
        names.append(character if alone else category)
    number = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names])
