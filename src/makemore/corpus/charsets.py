"""Files in another encoding than expected: which lines are wrong, and which encoding they may be in."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from makemore.errors import quoted

SURVEYED = 1 << 26
"""How many bytes of a file are searched for lines that are not UTF-8, at most."""

_NAMED = 3  # lines that the message names
_GUESSED = 200  # lines that the encoding is guessed from
_LONGEST = 1 << 20  # bytes of a line that are searched

_TYPOGRAPHY = frozenset("‘’“”„‚–—…«»°·¿¡ºª€")


@dataclass
class Survey:
    """Counts the lines of a file that are not UTF-8. Takes its bytes piece by piece."""

    lines: int = 0
    """Lines so far."""
    utf8: int = 0
    """Lines that are UTF-8 but not ASCII."""
    bad: int = 0
    """Lines that are not UTF-8."""
    whole: bool = True
    """Whether the survey reached the end of the file."""
    numbers: list[int] = field(default_factory=list)
    examples: list[bytes] = field(default_factory=list)
    _left: bytes = b""

    def feed(self, data: bytes, last: bool) -> None:
        """Take the next bytes; last: whether these are the last ones."""
        data = self._left + data
        cut = len(data) if last else data.rfind(b"\n") + 1
        data, self._left = data[:cut], data[cut:][:_LONGEST]
        if data.isascii():
            self.lines += len(data.splitlines())
            return
        for line in data.splitlines():
            self.lines += 1
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
                self.utf8 += 1
            except UnicodeDecodeError:
                self.bad += 1
                if self.bad <= _NAMED:
                    self.numbers.append(self.lines)
                if self.bad <= _GUESSED:
                    self.examples.append(line[:1000])

    def advice(self) -> str:
        """Return how many lines are not UTF-8, and what to do about it."""
        of = f"{self.bad:,} of {'its' if self.whole else 'the first'} {self.lines:,} lines"
        are = "is" if self.bad == 1 else "are"
        numbers = ", ".join(f"{n:,}" for n in self.numbers) + ", ..." * (self.bad > _NAMED)
        which = f"line{'s' * (self.bad != 1)} {numbers}"
        if self.utf8 >= self.bad:  # the file is UTF-8, and a few lines are foreign
            return f"{of} {are} not UTF-8 ({which}); fix them, or drop them with drop_undecodable"
        encoding = guess(self.examples)
        reads = next((text for text in _decoded(self.examples, encoding) if text), "")
        return (
            f"{of} {are} not UTF-8 ({which}); as {encoding} the first reads {quoted(reads.strip())}: if "
            f"that is right, read the file with encoding {encoding}, otherwise drop such lines "
            "with drop_undecodable"
        )


def guess(lines: list[bytes]) -> str:
    """Return the most likely encoding of lines that are not UTF-8."""
    text = b"".join(lines)
    high = sum(byte >= 0x80 for byte in text)
    letters = high + sum(chr(byte).isalpha() for byte in text if byte < 0x80)
    if high > letters / 2:  # not an alphabet of Latin letters
        scores = {encoding: _share(_decoded(lines, encoding), common) for encoding, common in _OTHERS.items()}
        best = max(scores, key=lambda encoding: scores[encoding])
        if scores[best] >= 0.4:
            return best
        if any(_decoded(lines, "gb18030")):
            # Chinese: many second bytes of Big5 are below 0x80, those of GB 2312 never are
            pairs = [b for a, b in _pairs(lines) if a >= 0x80]
            return "big5" if sum(b < 0x80 for b in pairs) > len(pairs) / 10 else "gb18030"
    return max(_LATIN, key=lambda encoding: _plausible(_decoded(lines, encoding)))


_CYRILLIC = frozenset("оеаинтсрвлк").__contains__


def _kana(c: str) -> bool:
    return "\u3041" <= c <= "\u30fe"


_OTHERS: dict[str, Callable[[str], bool]] = {
    "shift_jis": _kana,
    "euc_jp": _kana,
    "euc_kr": lambda c: "\uac00" <= c <= "\ud7a3",
    "cp1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "cp1253": frozenset("αοιετσνηυρά").__contains__,
    "cp1255": frozenset("יוהלארתבשמן").__contains__,
    "cp1256": frozenset("اليمونرتبةد").__contains__,
}
"""Encodings of other alphabets, and the characters that are common in text in them."""

_LATIN = ("latin-1", "cp1252", "cp1250", "iso8859-2", "mac-roman", "cp850")
"""Encodings of Latin letters. If several read equally well, the first is chosen."""


def _decoded(lines: list[bytes], encoding: str) -> list[str]:
    """Decode lines with an encoding; return no lines if one cannot be decoded."""
    try:
        return [line.decode(encoding) for line in lines]
    except UnicodeDecodeError:
        return []


def _pairs(lines: Iterable[bytes]) -> Iterable[tuple[int, int]]:
    """Yield the bytes of two-byte characters."""
    for line in lines:
        i = 0
        while i + 1 < len(line):
            wide = line[i] >= 0x80
            if wide:
                yield line[i], line[i + 1]
            i += 1 + wide


def _share(lines: list[str], common: Callable[[str], bool]) -> float:
    """Return the share of common letters among those that are not ASCII."""
    letters = [c for line in lines for c in line if c > "\x7f"]
    return sum(map(common, letters)) / len(letters) if letters else 0.0


def _plausible(lines: list[str]) -> float:
    """Return how plausible lines are as text in Latin letters; 0 is best."""
    if not lines:
        return -1e9
    faults = 0.0
    for line in lines:
        for before, c in zip(" " + line, line, strict=False):
            if c > "\x7f" and c not in _TYPOGRAPHY:
                if unicodedata.category(c) == "Cc":
                    faults += 10
                elif not c.isalpha() or (c.isupper() and before.islower()):
                    faults += 1
    return -faults


# text that was encoded twice: its UTF-8 bytes were read as cp1252, and encoded again

_BYTES = {ord(bytes([b]).decode("cp1252", "ignore") or chr(b)): b for b in range(0x80, 0x100)}


def encoded_twice(line: str) -> str | None:
    """Return the text of a line whose UTF-8 was read as cp1252 and encoded again; None if it was not."""
    if line.isascii():
        return None
    try:
        meant = line.translate(_BYTES).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None
    return meant if len(meant) < len(line) and meant.isprintable() else None
