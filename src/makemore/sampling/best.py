"""What a person would choose: many lines are drawn, and the best of them kept.

Left out are lines of the list, lines one edit away from one, and lines of a shape that no line of the list has
(a capital in the middle, a digit where there never is one, fewer characters than any line); things of several lines, which hardly ever have the
same shape, are compared by three neighbouring kinds and by how many lines they have. The others are ranked by their likelihood per
character, given its label if a line has one, and chosen one after another so that they do not resemble those before: each character pair that a
line shares with one already chosen counts against it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

import numpy as np

from makemore.corpus.characters import LINE_BREAK
from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.sampling.tree import Sample

DRAWN, LEAST, MOST, ROUNDS = 20, 400, 20_000, 3
"""Lines drawn for each line wanted; the fewest and the most drawn, unless more are wanted; how often to draw, four
times as many each time, if too few are left."""

COMPARED_TOKENS = 2_000_000
"""Characters of the list, at most, that lines and their shapes are compared with."""

NEAR = 3
"""Characters of the shortest lines that are left out for being one edit away from another."""

SPREAD = 3.0
"""How many standard deviations of the likelihood it costs to be like a line that was chosen."""


def best(draw: Callable[[int, int], Iterable[Sample]], corpus: Corpus, n: int) -> list[Sample]:
    """Return up to n lines, best first; fewer if not enough are left of those drawn.

    `draw(n, k)` yields n samples, the k-th time that it is called.
    """
    judge, inner = _Judge(corpus), corpus.vocab.forms.inner
    found: dict[str, Sample] = {}
    chosen: list[Sample] = []
    for k in range(ROUNDS):
        drawn = {each.text: each for each in draw(max(LEAST, 2 * n, min(DRAWN * n, MOST)) * 4**k, k)}
        texts = [text for text in drawn if text not in found]
        new = [text for text, seen in zip(texts, corpus.seen(texts), strict=True) if seen == "new"]
        found |= {text: drawn[text] for text in new if judge.has_shape(inner(text))}
        chosen = _chosen({inner(text): each for text, each in found.items()}, judge, n)
        if len(chosen) == n:
            break
    return chosen


def _chosen(samples: dict[str, Sample], judge: _Judge, n: int) -> list[Sample]:
    """Choose up to n of some different lines, given by their inner forms, one after another."""
    if not samples:
        return []
    texts = list(samples)
    rate = np.array([each.nll / (len(text) + 1) for text, each in samples.items()])
    cost = (rate - rate.mean()) / (rate.std() or 1.0)
    pairs = [_pairs(text) for text in texts]
    likeness, left = np.zeros(len(samples)), np.ones(len(samples), dtype=bool)
    chosen: list[str] = []
    while len(chosen) < n and left.any():
        i = int(np.where(left, cost + SPREAD * likeness, np.inf).argmin())
        left[i] = False
        long = len(texts[i]) >= NEAR  # of two characters, hardly any line is far from all
        if long and (judge.is_near(texts[i]) or judge.are_near(texts[i], chosen)):
            continue
        chosen.append(texts[i])
        shared = [len(pairs[i] & each) / len(pairs[i] | each) for each in pairs]
        likeness = np.maximum(likeness, shared)
    return [samples[text] for text in chosen]


def _pairs(text: str) -> set[str]:
    """The pairs of neighbouring characters, the ends of the line included."""
    line = f"\n{text}\n"
    return {line[i : i + 2] for i in range(len(line) - 1)}


class _Judge:
    """Compares lines with those of a list, all in their inner forms."""

    def __init__(self, corpus: Corpus) -> None:
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import extractOne

        rows = [corpus.at_most(split, COMPARED_TOKENS) for split in corpus.counts()]
        self._lines = corpus.inner_lines(np.concatenate(rows))
        kinds = dict(zip(corpus.vocab.characters, kinds_of(corpus.vocab)[1:].tolist(), strict=True))
        # signs such as emoji are what a line is about, not its shape: here they are of one kind
        self._kind = kinds | {c: -2 for c in kinds if unicodedata.category(c) in ("So", "Sk", "Co")}
        self._shortest = min(map(len, self._lines))
        self._several = corpus.vocab.forms.line_breaks
        self._shapes = set[tuple[int, ...]]().union(*map(self._shapes_of, self._lines))
        self._distance, self._nearest = Levenshtein.distance, extractOne

    def _shapes_of(self, line: str) -> set[tuple[int, ...]]:
        """The kinds of a line's characters, equal neighbours once.

        Of a thing of several lines, each three of them, and the number of lines.
        """
        kinds = [self._kind.get(character, -1) for character in line]
        shape = tuple(kind for i, kind in enumerate(kinds) if not i or kind != kinds[i - 1])
        if not self._several:
            return {shape}
        return {(-1, line.count(LINE_BREAK)), *(shape[i : i + 3] for i in range(max(1, len(shape) - 2)))}

    def has_shape(self, line: str) -> bool:
        """Return whether lines of the list have the same shape, or all that a thing's is made of."""
        return len(line) >= self._shortest and self._shapes_of(line) <= self._shapes

    def is_near(self, line: str) -> bool:
        """Return whether a line of the list is at most one edit away."""
        return self._nearest(line, self._lines, scorer=self._distance, score_cutoff=1) is not None

    def are_near(self, line: str, others: list[str]) -> bool:
        """Return whether one of some others is at most one edit away."""
        return self._nearest(line, others, scorer=self._distance, score_cutoff=1) is not None
