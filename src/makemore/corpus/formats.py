"""Files that are not lists: recognised by their first bytes, with advice on what to do."""

from __future__ import annotations

import codecs
import os
import re
import shlex

_TEXT = "save its text with one thing on each line"
_GIVE = "give a text file with one thing on each line"
_TABLE = "export the column you want as text, one thing on each line"
_UNPACK = "unpack it first, and give the file inside"
_UNZIP = "unzip it first, and give the file inside; for example unzip -p FILE > lines.txt"
_SQLITE = "export the column you want: sqlite3 FILE 'SELECT name FROM things' > list.txt"

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (rb"%PDF-\d", "a PDF", "save its text first, for example with pdftotext -layout"),
    (rb"\{\\rtf", "a rich text document (RTF)", _TEXT),
    (rb"%!PS", "a PostScript document", _TEXT),
    (rb"PK\x03\x04(?s:.){0,2000}word/", "a Word document (docx)", _TEXT),
    (rb"PK\x03\x04(?s:.){0,2000}xl/", "an Excel workbook (xlsx)", _TABLE),
    (rb"PK\x03\x04.{26}mimetypeapplication/vnd.oasis", "an OpenDocument file", _TEXT),
    (rb"PK\x03\x04.{26}mimetypeapplication/epub", "an e-book (EPUB)", _TEXT),
    (rb"PK[\x03\x05]", "a zip archive", _UNZIP),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word or Excel document", _TEXT),
    (rb"(?s:.){257}ustar", "a tar archive", "unpack it first (tar xf), and give the file inside"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (rb"\x04\x22\x4d\x18|\x1f[\x9d\xa0]|LZIP\x01", "compressed in an unknown way", "unpack it first"),
    (rb"\x1f\x8b|\xfd7zXZ\x00|\x28\xb5\x2f\xfd|BZh[1-9]1AY&SY", "compressed twice", "unpack it once"),
    (rb"SQLite format 3\0", "an SQLite database", _SQLITE),
    (rb"ARROW1\0|\xff\xff\xff\xff(?s:.){2}\0\0\x10\0", "an Arrow table", _TABLE),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file", _TABLE),
    (rb"\x93NUMPY", "a NumPy array", _TABLE),
    (rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|RIFF(?s:.){4}WEBP|II\*\0|MM\0\*", "a picture", _GIVE),
    (rb"(?s:.){4}ftyp|ID3[\x02-\x04]|RIFF(?s:.){4}WAVE|OggS\0|fLaC\0", "sound or video", _GIVE),
    (rb"\x7fELF|MZ(?s:.){57}\0", "a program (a binary file)", _GIVE),
)
"""Patterns of a file's first bytes, what it is, and what to do."""

_COMPILED = [(re.compile(pattern, re.DOTALL), called, remedy) for pattern, called, remedy in _MAGIC]

LOOKED_AT = 4096
"""Bytes at the start of a file that tell what it is."""


def no_text(start: bytes) -> str | None:
    """Return what a file is if its first bytes are not text, and what to do; None if it may be text."""
    return next(
        (f"is {called}; {remedy}" for pattern, called, remedy in _COMPILED if pattern.match(start)), None
    )


def wide(start: bytes) -> str | None:
    """Return the encoding of UTF-16 or UTF-32 without a mark, from its first bytes; None if it is neither."""
    little = start[1::2].count(0) >= start[::2].count(0)
    encodings = ["utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"] if little else ["utf-32-be", "utf-16-be"]
    for encoding in encodings:
        try:
            text: str = codecs.getincrementaldecoder(encoding)().decode(start)
        except UnicodeError:
            continue
        ends = "\n" in text or "\r" in text or start.count(0) > len(start) / 4
        if ends and all(c.isprintable() or c in "\t\r\n\f" for c in text):
            return encoding
    return None


LINE_ENDS = ("\u2028", "\u2029", "\x85", "\x0b", "\x0c")
"""Characters that end a line in Unicode but not here: separators, next line, vertical tab and form feed."""

_BETWEEN = {mark: f"U+{ord(mark):04X}" for mark in LINE_ENDS} | {
    "\t": "tabs",
    ";": "semicolons",
    "|": "vertical bars",
    ",": "commas",
    " ": "spaces",
}


def replaced(mark: str) -> str:
    """Return a command that replaces a character of FILE by newlines."""
    if mark == " ":
        return "tr -s ' ' '\\n' < FILE > lines.txt"
    if mark in "\t;|,":
        return f"tr {mark!r} '\\n' < FILE > lines.txt"
    return (
        'python3 -c "import sys; sys.stdout.write(sys.stdin.read().replace('
        f"'\\u{ord(mark):04x}', '\\n'))\" < FILE > lines.txt"
    )


def on_one_line(text: str) -> str | None:
    """Return what separates the items of a list on one line, and how to split it; None if nothing does."""
    if text[:1] in "[{" and text.count('"') >= 4:
        return "it is JSON on one line; put each item on its own, for example jq -r '.[]' FILE > lines.txt"
    if text.count("<") >= 4 and text.count(">") >= 4:
        return "it is HTML or XML on one line; remove the tags, and put each thing on its own line"
    for mark, called in _BETWEEN.items():
        pieces = text.count(mark) + 1
        sentences = mark in ", " and len(re.findall(r"[.!?] ", text)) * 25 > pieces
        if pieces >= 3 and len(text) <= 60 * pieces and not sentences:
            split = replaced(mark)
            return f"everything is on one line, separated by {called}; put each thing on its own: {split}"
    return None


def for_file(advice: str, name: str) -> str:
    """Replace FILE in advice by the quoted name of a file; for a stream, FILE remains."""
    return advice.replace("FILE", shlex.quote(name)) if os.path.isfile(name) else advice
