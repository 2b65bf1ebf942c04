"""Clean lines from files, or from strings in memory, block by block."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from makemore.corpus.characters import LINE_BREAK, Characters
from makemore.corpus.decode import BYTE_ORDER_MARK, Piece, decoded
from makemore.corpus.formats import for_file, on_one_line
from makemore.corpus.labels import Labels
from makemore.corpus.reading import FILE, LONGEST, How, OnProgress, Reading
from makemore.corpus.sizes import SIZES, Sizes, usual
from makemore.corpus.source import Source, is_stream, name_of
from makemore.corpus.tables import check_not_parquet, values
from makemore.corpus.things import Things, never, thing_of
from makemore.corpus.vocab import code_points
from makemore.errors import MakemoreError, shown

_SPACE = np.array([chr(i).isspace() for i in range(0x3002)])  # no white space follows U+3000


@dataclass(frozen=True)
class Block:
    """Some clean lines as code points, each followed by a newline."""

    codes: npt.NDArray[np.uint32]
    """(M,)"""
    ends: npt.NDArray[np.int64]
    """(N,) positions of the newlines."""


def blocks(
    source: Source,
    reading: Reading,
    how: How,
    forms: Characters,
    on_progress: OnProgress | None = None,
    sizes: Sizes = SIZES,
    labels: Labels | None = None,
) -> Iterator[Block]:
    """Yield the clean lines of a source block by block; `forms` gets the clusters that are characters.

    With `labels`, each line comes after its label's character.

    Text is decoded (a byte order mark and Windows line ends are fine) and brought to Unicode normal form C.
    White space at the ends of lines is stripped; blank lines and those longer than max_length are dropped.
    Raises MakemoreError if a file cannot be decoded, or changes while it is read.
    """
    done, things = 0, Things(how)
    for path in source.paths:
        lines, position = reading.lines, 0
        for piece in _pieces(path, how, sizes, things, labels):
            if path is source.paths[-1] and not things.occurs:
                raise never(how, shown(source.name))
            position = piece.position
            before = reading.lines - lines
            yield clean_and_count(_Text(piece.text, name_of(path), before), reading, how, forms)
            reading.undecodable += piece.undecodable
            reading.blank -= piece.undecodable  # they were made blank
            if on_progress is not None:
                on_progress(done + position, source.size)
        done += position
    reading.stripped += things.stripped


def blocks_of(lines: Iterable[str], reading: Reading, how: How, forms: Characters) -> Iterator[Block]:
    """Yield the clean lines of strings in memory, as `blocks` does. A string may end with a line break.

    Raises MakemoreError if an item is not such a string, or is too long.
    """

    def block() -> Block:
        text = _Text("\n".join([*some, ""]), reading.source, number - len(some))
        return clean_and_count(text, reading, how, forms)

    some, waiting, number, most = [], 0, 0, usual().block
    for number, line in enumerate(strings(lines), 1):
        some.append(_checked(line, number, how))
        waiting += len(some[-1]) + 1
        if waiting >= most:
            yield block()
            some, waiting = [], 0
    if some:
        yield block()


def strings(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines that a caller gave, or raise MakemoreError for anything but strings."""
    if isinstance(lines, str) or not isinstance(lines, Iterable):
        kind = type(lines).__name__
        raise MakemoreError(f"lines must be strings, one for each line, not one {kind}", option="lines")
    if getattr(lines, "ndim", 1) != 1:  # iterating over a table would give the names of its columns
        raise MakemoreError("lines must be one column, not a whole table", option="lines")
    for number, line in enumerate(lines, 1):
        if not isinstance(line, str):
            missing = str(line).lower() in ("none", "nan", "<na>", "nat")
            remedy = "drop missing values" if missing else "convert it with str"
            raise MakemoreError(
                f"lines: item {number:,} is {shown(repr(line))}, not a string; {remedy}", option="lines"
            )
        yield line


def _checked(line: str, number: int, how: How) -> str:
    """Return a line without a line break at its end. Raises MakemoreError if it is not one line of text."""
    text = line.removesuffix("\n").removesuffix("\r")
    if how.separator is not None:
        text = thing_of(line, how.keep_spaces)
    if "\n" in text or "\r" in text:
        what = "has a line break in it; make it several items, or allow line breaks with separator"
    elif "\0" in text:
        what = "has a zero character in it; remove it"
    elif not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        what = "has half of a surrogate pair in it; decode it properly, or remove it"
    else:
        return BYTE_ORDER_MARK.sub("", text) if text.startswith("\ufeff") else text
    raise MakemoreError(f"lines: item {number:,} {what}", option=("lines", "separator"))


def texts(
    source: Source, how: How, on_bad: Callable[[int], None] = lambda bad: None, sizes: Sizes = SIZES
) -> Iterator[str]:
    """Yield the unprocessed text of all files, in pieces of whole lines, each followed by a newline.

    Things of several lines are on one line, with LINE_BREAK in it.

    `on_bad` is called with the number of lines in each piece that could not be decoded; they are blank.
    """
    for path in source.paths:
        for piece in _pieces(path, how, sizes, Things(how)):
            on_bad(piece.undecodable)
            yield piece.text


def lines_of(source: Source, how: How, on_bad: Callable[[int], None] = lambda bad: None) -> Iterator[str]:
    """Yield the unprocessed lines, or things of several, of all files. The arguments are those of `texts`."""
    for text in texts(source, how, on_bad):
        for line in text[:-1].split("\n"):
            yield line if how.separator is None else line.replace(LINE_BREAK, "\n")


def _pieces(
    path: Path, how: How, sizes: Sizes, things: Things, labels: Labels | None = None
) -> Iterator[Piece]:
    pieces = _unchanged(path, how, sizes, labels)
    if how.separator is None or how.column is not None:
        return pieces
    return things.of(pieces, name_of(path), sizes.endless)


def _unchanged(path: Path, how: How, sizes: Sizes, labels: Labels | None = None) -> Iterator[Piece]:
    """Yield the pieces of a file. Raises MakemoreError if it changes meanwhile."""
    before = _stamp(path)
    if how.column is None:
        check_not_parquet(path)
    for piece in decoded(path, how, sizes) if how.column is None else values(path, how, sizes, labels):
        if before is not None and piece.position > before[0]:  # a file that keeps growing has no end
            break
        yield piece
    if _stamp(path) != before:
        raise MakemoreError(
            f"{name_of(path)}: changed while it was read; run the command again when it is complete"
        )


def _stamp(path: Path) -> tuple[int, int] | None:
    if is_stream(path):
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True)
class _Text:
    """Whole lines of a file."""

    lines: str
    """The lines, each followed by a newline."""
    name: str
    """What messages call the file."""
    before: int
    """Lines of the file before these."""


def clean_and_count(some: _Text, reading: Reading, how: How, forms: Characters) -> Block:
    """Bring lines to normal form, strip them, and drop the blank and the long ones, counted in `reading`."""
    text = some.lines
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text, reading.normalized = unicodedata.normalize("NFC", text), True
    if how.graphemes:
        try:
            text = forms.learn(text)
        except MakemoreError as error:
            raise MakemoreError(f"{some.name}: {error}", option=error.options) from None
    codes = code_points(text)
    ends = np.flatnonzero(codes == ord("\n"))
    reading.lines += len(ends)
    edges = np.concatenate([codes[np.append(0, ends[:-1] + 1)], codes[np.maximum(ends - 1, 0)]])
    if _SPACE[np.minimum(edges, len(_SPACE) - 1)].any():  # also for an empty line: its edge is a newline
        codes, numbers = _stripped(text, reading, how)
        ends = np.flatnonzero(codes == ord("\n"))
    else:
        numbers = np.arange(len(ends))
    lengths = np.diff(ends, prepend=-1) - 1
    long = lengths > how.limit + (how.label is not None)  # the label comes first
    if not long.any():
        return Block(codes, ends)
    if how.max_length is None:
        first = int(long.argmax())
        start = int(ends[first] - lengths[first]) + (how.label is not None)
        line = codes[start : int(ends[first])].tobytes().decode("utf-32-le")
        if how.separator is not None:
            raise _too_long_thing(len(line), some.name, how)
        raise _too_long(forms.outer(line), some.name, some.before + int(numbers[first]) + 1)
    reading.too_long += int(long.sum())
    codes = codes[~np.repeat(long, lengths + 1)]
    return Block(codes, np.flatnonzero(codes == ord("\n")))


def _stripped(text: str, reading: Reading, how: How) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Return the code points of the lines that are not blank, stripped if wanted, and their indices."""
    lines = text[:-1].split("\n")
    stripped = [line.strip() for line in lines]
    kept = [line for line in stripped if line]
    reading.blank += len(stripped) - len(kept)
    numbers = np.flatnonzero([bool(line) for line in stripped])
    reading.gaps += int((np.diff(numbers) > 1).sum())
    if how.keep_spaces or how.separator is not None:  # things have been tidied
        kept = [line for line, bare in zip(lines, stripped, strict=True) if bare]
    else:
        reading.stripped += sum(len(a) > len(b) > 0 for a, b in zip(lines, stripped, strict=True))
    return code_points("".join(line + "\n" for line in kept)), numbers


def _too_long_thing(length: int, name: str, how: How) -> MakemoreError:
    where = "it" if how.separator == FILE else "a thing in it"
    return MakemoreError(
        f"{name}: {where} has {length:,} characters; drop long things, for example with max_length={LONGEST}, or "
        "choose another separator",
        option=("max_length", "separator"),
    )


def _too_long(line: str, name: str, number: int) -> MakemoreError:
    said = f"{name}: line {number:,} has {len(line):,} characters; "
    if number == 1 and (apart := on_one_line(line)):
        return MakemoreError(said + for_file(apart, name))
    return MakemoreError(
        f"{said}drop long lines, for example with max_length={LONGEST}",
        option="max_length",
    )
