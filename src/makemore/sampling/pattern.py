"""Regular expressions that whole lines must match, in bounded time and memory."""

from __future__ import annotations

import time

import regex

from makemore.errors import MakemoreError, quoted

LONGEST_PATTERN = 1000
"""The longest pattern allowed, in characters: `regex` takes cubic time for a long literal text."""

COPIES = 100_000
"""The most parts of a pattern once `regex` has expanded its repetitions: about 30 MB."""

BUDGET = 10.0
"""Seconds of matching without a matching line, after which none is expected."""

_TOKEN = regex.compile(
    r"(?P<atom>\\.|\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<calls>\(\?(?:R\)|[+-]?\d+\)|&|P>|P&))|(?P<open>\()|(?P<close>\))"
    r"|\{(?P<least>\d+)(?:,\d*)?\}|.",
    regex.DOTALL,
)


class Matcher:
    """A regular expression that the whole line must match, for checking lines and their beginnings.

    Raises MakemoreError if it is not one, or would take too much time or memory.
    """

    # Where `regex` can wrongly refuse a partial match (its issues 553 and 589): lookbehinds, negative
    # lookaheads, word boundaries, \\G, \\K and reversed search. With one of these no line is given up early.
    _UNSURE = regex.compile(r"\\[bBmMGK]|\(\?<?!|\(\?<=|\(\?[a-zA-Z]*r")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        if len(pattern) > LONGEST_PATTERN:
            raise self._error(f"is longer than {LONGEST_PATTERN:,} characters; shorten it")
        self._check(pattern)
        try:
            self._regex = regex.compile(pattern)
        except (regex.error, ValueError, RecursionError, MemoryError) as error:
            raise self._error(f"is not a regular expression: {error}") from None
        self._unsure = self._UNSURE.search(pattern) is not None
        self._spent = 0.0  # seconds since a line matched

    def could(self, beginning: str) -> bool:
        """Return whether a line with this beginning can still match."""
        return self._unsure or self._matches(beginning, partial=True)

    def does(self, line: str) -> bool:
        """Return whether a line matches."""
        found = self._matches(line, partial=False)
        if found:
            self._spent = 0.0
        return found

    def _check(self, pattern: str) -> None:
        """Raise MakemoreError for a pattern that calls itself, or has too many parts once expanded."""
        parts, last = [0], 0  # of each open group, and of what precedes a repetition
        for token in _TOKEN.finditer(pattern):
            if token["calls"]:
                raise self._error(f"calls a part of itself, {token['calls']}; write that part out")
            if token["open"]:
                parts.append(0)
            elif token["close"] and len(parts) > 1:
                last = parts.pop() + 1
                parts[-1] += last
            elif token["least"]:
                more = last * max(0, int(token["least"]) - 1)
                parts[-1], last = parts[-1] + more, last + more
            else:
                parts[-1], last = parts[-1] + 1, 1
            if max(parts) > COPIES:
                raise self._error("repeats too much; use smaller numbers inside braces")

    def _matches(self, text: str, partial: bool) -> bool:
        began = time.perf_counter()
        try:
            left = max(0.01, BUDGET - self._spent)
            found = self._regex.fullmatch(text, partial=partial, timeout=left) is not None
        except (TimeoutError, MemoryError, RecursionError):
            raise self._too_long(text) from None
        self._spent += time.perf_counter() - began
        if self._spent > BUDGET:
            raise self._too_long(text)
        return found

    def _too_long(self, text: str) -> MakemoreError:
        return self._error(f"takes too long to match {quoted(text)}; avoid repetitions inside repetitions")

    def _error(self, problem: str) -> MakemoreError:
        return MakemoreError(f"pattern {quoted(self._pattern)} {problem}", option="pattern")
