"""Wishes: what lines end with, contain and leave out, and how long they are."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from makemore.corpus.characters import Characters
from makemore.corpus.vocab import UNKNOWN, Vocab
from makemore.errors import MakemoreError, quoted, shown
from makemore.sampling.automaton import Automaton
from makemore.sampling.prefix import check_known, check_one_line

MOST_CHARACTERS = 1000
"""The most characters of all texts together."""

_TEXTS = ("ends_with", "contains", "without")


@dataclass(frozen=True)
class Wishes:
    """What lines are like.

    Raises:
        MakemoreError: A value is not valid.

    """

    ends_with: str
    contains: tuple[str, ...]
    """Texts, all of which a line contains."""
    without: tuple[str, ...]
    """Texts, none of which it contains."""
    length: str | None
    """How many characters it has: "5-8", "5" or "5-"; None for any number."""

    def __post_init__(self) -> None:
        """Check every value."""
        if "" in self.without:
            raise MakemoreError("without='' would leave out every line; give it a text", option="without")
        if sum(map(len, (self.ends_with, *self.contains, *self.without))) > MOST_CHARACTERS:
            raise self.error(f"are longer than {MOST_CHARACTERS:,} characters together; shorten them")
        least, most = self.span
        if least > most >= 0 and self.length is not None:
            raise MakemoreError(
                f"length={quoted(self.length)}: the shortest length comes first; write {most:.0f}-{least}",
                option="length",
            )
        if most < 1:
            raise MakemoreError(
                f"length must be a range such as 5-8, 5 or 5-, not {quoted(self.length)}", option="length"
            )

    @cached_property
    def span(self) -> tuple[int, float]:
        """How many characters a line has at least and at most, inf for any number; (0, 0) if `length` is no range."""
        found = re.fullmatch(
            r"([0-9]{1,9})(?:(-)([0-9]{1,9})?)?", "0-" if self.length is None else self.length
        )
        if not found:
            return 0, 0
        least, dash, most = found.groups()
        return int(least), int(most) if most else math.inf if dash else int(least)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.ends_with or self.contains or self.without or self.length is not None)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of "ends_with", "contains" or "without"."""
        return {"ends_with": (self.ends_with,), "contains": self.contains, "without": self.without}[name]

    def inner(self, forms: Characters) -> Wishes:
        """Return them with one code point for each character."""
        contains, without = (tuple(map(forms.inner, texts)) for texts in (self.contains, self.without))
        return Wishes(forms.inner(self.ends_with), contains, without, self.length)

    def does(self, line: str) -> bool:
        """Return whether a line satisfies them; both are in their inner forms."""
        least, most = self.span
        return (
            least <= len(line) <= most
            and line.endswith(self.ends_with)
            and all(text in line for text in self.contains)
            and not any(text in line for text in self.without)
        )

    def named(self) -> dict[str, str]:
        """Return how messages name each wish that there is, by argument."""
        given = {name: [text for text in self.texts(name) if text] for name in _TEXTS}
        given["length"] = [] if self.length is None else [self.length]
        return {name: f"{name}={' and '.join(map(quoted, texts))}" for name, texts in given.items() if texts}

    def error(self, problem: str, **more: str) -> MakemoreError:
        """Return an error about all wishes together, and more arguments."""
        named = {name: f"{name}={quoted(text)}" for name, text in more.items() if text} | self.named()
        return MakemoreError(f"{listed(list(named.values()), 'and')} {problem}", option=tuple(named))


def several(name: str, texts: object) -> tuple[str, ...]:
    """Return one text, or several, as a tuple; raise MakemoreError if they are something else."""
    found = (texts,) if isinstance(texts, str) else texts
    if not isinstance(found, Sequence) or not all(isinstance(text, str) for text in found):
        raise MakemoreError(f"{name} must be a string or strings, not {shown(repr(texts), 40)}", option=name)
    return tuple(dict.fromkeys(found))


def listed(words: Sequence[str], last: str) -> str:
    """Return words as a list: "a, b and c"; `last` comes before the last one."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


class Outlook:
    """Which beginnings of lines can still become lines that satisfy some wishes.

    Args:
        wishes: What the lines are like.
        vocab: Their characters.
        prefix: What every line begins with.
        max_length: The most characters of a line.

    Raises:
        MakemoreError: No line can satisfy the wishes, or they are too much for an automaton.

    """

    def __init__(self, wishes: Wishes, vocab: Vocab, prefix: str, max_length: int) -> None:
        least, most = wishes.span
        if least > max_length:
            raise MakemoreError(
                f"length={quoted(wishes.length)} asks for {least:,} characters or more, but lines have at most "
                f"max_length={max_length}; raise it",
                option=("length", "max_length"),
            )
        for name in _TEXTS:
            for text in wishes.texts(name):
                check_one_line(vocab, name, text)
                if name != "without":  # what no line has may be unknown
                    check_known(vocab, name, text)
        written = vocab.characters.replace(UNKNOWN, "") if vocab.unknown else vocab.characters
        inner, begins = wishes.inner(vocab.forms), vocab.forms.inner(prefix)
        self.wishes, self.longest = inner, min(max_length, most)
        try:
            self.automaton = Automaton(inner.ends_with, inner.contains, inner.without, written)
        except OverflowError:
            raise wishes.error("are too many or too long together; leave some out") from None
        missing = self.automaton.missing(begins) if prefix else self.automaton.first
        if missing == math.inf:
            raise wishes.error("cannot all hold for one line; leave one out", prefix=prefix)
        if (need := len(begins) + missing) > self.longest:
            raise wishes.error(
                f"need {need:.0f} characters, but lines have at most "
                f"max_length={max_length}; ask for less or raise it"
                if self.longest == max_length
                else f"need {need:.0f} characters; ask for less or raise the length",
                prefix=prefix,
            )

    def could(self, beginning: str) -> bool:
        """Return whether a beginning, in its inner form, can still become a line that satisfies the wishes."""
        return len(beginning) + self.automaton.missing(beginning) <= self.longest
