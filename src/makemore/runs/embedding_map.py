"""The vectors that a model has learned for characters, on a map: those used alike lie close together."""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt

from makemore.corpus.corpus import Corpus

Floats = npt.NDArray[np.float64]


def frequent(corpus: Corpus, most: int) -> npt.NDArray[np.int64]:
    """Return the ids of the most frequent characters and of the boundary, in ascending order."""
    return np.sort(np.argsort(-corpus.frequencies, kind="stable")[:most])


def principal(vectors: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Return vectors (K, C) on their first two principal components, (K, 2), and the variance of all, (C,)."""
    vectors = vectors.astype(np.float64)
    u, size, _ = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    return (u * size)[:, :2], size**2 / (size**2).sum()


def apart(places: Floats, room: tuple[float, float], size: float) -> Floats:
    """Move letters at places (K, 2) as little as possible, until none covers another.

    Args:
        places: Where they are.
        room: The width and height of the map.
        size: The size of a letter, in the same unit.

    """
    scale = np.array(room) / np.maximum(np.ptp(places, axis=0), 1e-9)
    at = places * scale  # (K, 2)
    for _ in range(200):
        away = at[:, None] - at[None]  # (K, K, 2)
        far = np.hypot(*away.T).T
        np.fill_diagonal(far, np.inf)
        close = far < size
        if not close.any():
            break
        push = np.where(close, (size - far) / 2, 0.0)[..., None] * away / np.maximum(far, 1e-6)[..., None]
        at = at + push.sum(1)
    return np.asarray(at / scale, np.float64)


def kind(text: str, end: str) -> str:
    """Return the kind of a character, by which it is coloured. end: What the end of the line is called."""
    if text in (end, "\n"):
        return "end of line" if text == end else "line break"
    if unicodedata.normalize("NFD", text)[0] in "aeiouAEIOU":
        return "vowel"
    kinds = {"Ll": "other lower case", "Lu": "upper case", "L": "letter", "N": "digit"}
    category = unicodedata.category(text[0])
    return kinds.get(category) or kinds.get(category[0]) or "other"
