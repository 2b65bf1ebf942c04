"""Characters as people see them, each as one code point inside.

What counts, samples and compares works on strings in which one code point is one character and a newline is
the boundary of a thing. Two kinds of characters are something else outside: a grapheme cluster of several code
points (an emoji with a skin tone, a letter with its marks), and a line break inside a thing of several lines.
Inside, each is one code point that text does not need. `inner` and `outer` lead from one form to the other.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from makemore.errors import MakemoreError

if TYPE_CHECKING:
    import regex

LINE_BREAK = "\U000e0fff"
"""Is a line break inside a thing: a code point that Unicode has not assigned, and that joins no cluster."""

FIRST, LAST = 0xF0000, 0xFFFFD
"""The code points that are clusters: one of Unicode's planes for private use."""

FOREIGN = "\U000ffffe"
"""Is every cluster that has no code point: Unicode never assigns it, so no vocabulary has it."""


class Characters:
    """Which code points are characters that people see as something else.

    Args:
        clusters: Clusters of several code points.
        line_breaks: Whether a newline in outer text is a line break inside a thing.

    """

    def __init__(self, clusters: Iterable[str] = (), line_breaks: bool = False) -> None:
        self._codes: dict[str, str] = {}
        self._clusters: dict[int, str] = {}
        for cluster in clusters:
            self._number(cluster)
        self.line_breaks = line_breaks

    def __bool__(self) -> bool:
        """Whether inner and outer text differ at all."""
        return bool(self._codes) or self.line_breaks

    @property
    def clusters(self) -> bool:
        """Whether there are clusters."""
        return bool(self._codes)

    def split(self, text: str) -> list[str]:
        """Return the characters of an outer text."""
        return clusters_of(text) if self._codes else list(text)

    def inner(self, text: str) -> str:
        """Return an outer text with one code point for each character."""
        if self._codes and not text.isascii():
            text = "".join([self._code(each) for each in clusters_of(text)])
        return text.replace("\n", LINE_BREAK) if self.line_breaks else text

    def outer(self, text: str) -> str:
        """Return an inner text as people see it."""
        if self._codes and not text.isascii():
            text = text.translate(self._clusters)
        return text.replace(LINE_BREAK, "\n") if self.line_breaks else text

    def is_read_back(self, text: str) -> bool:
        """Return whether an inner text has the same characters once it was written and read again.

        Written side by side, two flags, or a letter and a mark, may become one character.
        """
        if not self._codes or text.isascii():
            return True
        outer = self.outer(text)
        return unicodedata.is_normalized("NFC", outer) and self.inner(outer) == text

    def learn(self, text: str) -> str:
        """Return a text in which each cluster is its code point; new ones get one.

        Raises MakemoreError if the text has such code points itself, or there are too many clusters.
        """
        if text.isascii():
            return text
        if found := _patterns().private.search(text):
            raise MakemoreError(
                f"the character U+{ord(found[0]):04X} is one of those that graphemes uses for itself; replace it",
                option="graphemes",
            )
        if not _patterns().joining.search(text):
            return text
        return "".join(
            [c if len(c) == 1 else self._codes.get(c) or self._number(c) for c in clusters_of(text)]
        )

    def _code(self, character: str) -> str:
        if len(character) > 1:
            return self._codes.get(character, FOREIGN)
        return FOREIGN if FIRST <= ord(character) <= LAST else character

    def _number(self, cluster: str) -> str:
        code = FIRST + len(self._codes)
        if code > LAST:
            raise MakemoreError(
                f"more than {LAST - FIRST + 1:,} different characters of several code points; read code points, "
                "without graphemes",
                option="graphemes",
            )
        self._codes[cluster], self._clusters[code] = chr(code), cluster
        return chr(code)


def clusters_of(text: str) -> list[str]:
    """Return the grapheme clusters of a text: characters as people see them (Unicode's annex 29)."""
    if text.isascii():
        return list(text)
    found: list[str] = _patterns().cluster.findall(text)
    return found


def named(character: str) -> str:
    """Return a character as messages name it: in quotes, with its code points."""
    shown = f"'{character}'" if len(character) > 1 else repr(character)
    return f"{shown} ({' '.join(f'U+{ord(each):04X}' for each in character)})"


def in_clusters(lines: Sequence[str]) -> tuple[float, str]:
    """Return the share of code points in characters of several, and the most frequent of these characters."""
    some = (line for line in lines if not line.isascii() and _patterns().joining.search(line))
    found = Counter(each for line in some for each in clusters_of(line) if len(each) > 1)
    parts = sum(len(each) * n for each, n in found.items())
    return parts / max(1, sum(map(len, lines))), "".join(each for each, _ in found.most_common(1))


class _Patterns:
    """Regular expressions, from a library that is loaded only for text that needs it."""

    def __init__(self) -> None:
        import regex

        self.cluster: regex.Pattern[str] = regex.compile(r"[\U00100000-\U0010FFFD]|\X")
        self.private: regex.Pattern[str] = regex.compile(f"[{chr(FIRST)}-{chr(LAST)}]")
        # a cluster of several code points has one of a class that joins others
        alone = "".join(rf"\p{{GCB={name}}}" for name in ("Other", "CN", "CR", "LF", "LV", "LVT"))
        self.joining: regex.Pattern[str] = regex.compile(f"[^{alone}]")


@functools.cache
def _patterns() -> _Patterns:
    return _Patterns()
