"""One pass over the lines of a list: what `inspect` counts, and which lines resemble each other."""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import regex

from makemore.corpus.characters import Characters
from makemore.corpus.corpus import Corpus
from makemore.corpus.lines import texts
from makemore.corpus.reading import How
from makemore.corpus.source import locate
from makemore.corpus.splits import SPLITS
from makemore.metrics import advice, quality
from makemore.reports.inspected import NearDuplicates, Neighbours

Paths = str | Path | Sequence[str | Path]
"""A path, several, or the name of a bundled list."""

SHOWN = 5
"""The most examples of anything."""

LOOKED_AT = 4_000_000
"""The most tokens of the lines that are compared with each other; a larger file on disk is subsampled."""

_AT_LEAST = 1000
"""How many lines are compared if almost all lines fold to the same text."""

_NEIGHBOURS, _BESIDE = 500, 20_000
"""Lines whose nearest other line is looked for, and among how many; fewer if lines are long."""

_WORK = 5e8
"""About how many character comparisons that may take: a second or so."""

_LATIN, _BESIDE_LATIN = regex.compile(r"\p{Latin}"), regex.compile(r"[\p{Cyrillic}\p{Greek}]")


@dataclass
class Seen:
    """What one pass over the lines of a corpus finds."""

    lengths: npt.NDArray[np.int64]
    """(L + 1,) how many lines have 0, 1, ... characters."""
    part: int
    """1 if all lines are compared with each other; k if only one in k of the folded texts is."""
    times: Counter[str] = field(default_factory=Counter)
    """How often each line that is compared occurs, in the file's order; lines are in their inner form."""
    odd: dict[int, int] = field(default_factory=dict)
    """The first row of each suspicious character, by its id."""
    n_mixed: int = 0
    """Lines with letters of two alphabets side by side."""
    mixed: list[int] = field(default_factory=list)
    """The first rows of those."""


def scan(corpus: Corpus) -> Seen:
    """Go through all lines of a corpus once."""
    part = 1
    if corpus.on_disk:
        different = sum(map(corpus.unique_of, SPLITS)) * (corpus.mean_length + 1)
        part = math.ceil(different / LOOKED_AT)
    seen = Seen(np.zeros(corpus.longest + 1, dtype=np.int64), part)
    odd, latin, beside = (
        np.array([False, *(bool(test(c)) for c in corpus.vocab.names[1:])])
        for test in (advice.suspicious, _LATIN.match, _BESIDE_LATIN.match)
    )
    for rows in corpus.slices(corpus.sizes.piece // 4):
        ids = corpus.ends(rows)
        lengths = corpus.lengths[rows]
        seen.lengths += np.bincount(lengths, minlength=len(seen.lengths))
        ends = np.cumsum(lengths.astype(np.int64) + 1)
        places = np.flatnonzero(odd[ids])
        for id, first in zip(*np.unique(ids[places], return_index=True), strict=True):
            row = rows.start + int(np.searchsorted(ends, places[first], side="right"))
            seen.odd.setdefault(int(id), row)
        a, b = latin[ids], beside[ids]
        side_by_side = np.flatnonzero(a[:-1] & b[1:] | b[:-1] & a[1:])
        mixed = np.unique(np.searchsorted(ends, side_by_side, side="right"))
        seen.n_mixed += len(mixed)
        seen.mixed += (rows.start + mixed[: SHOWN - len(seen.mixed)]).tolist()
        lines = corpus.vocab.decode(ids[:-1]).split("\n")
        seen.times.update(lines if part == 1 else _one_of(part, lines))
    if len(seen.times) < 3:  # almost all lines fold to the same text
        seen.times.update(corpus.inner_lines(np.arange(min(_AT_LEAST, len(corpus)))))
    return seen


def _one_of(part: int, lines: list[str]) -> list[str]:
    """Return the lines of one in `part` folded texts, so that near-duplicates stay together."""
    return [
        line
        for line, key in zip(lines, folded(lines), strict=True)
        if zlib.crc32((key or line).encode("utf-8", "surrogatepass")) % part == 0
    ]


@dataclass
class Raw:
    """What was in the file before lines were dropped and normalised."""

    numbers: dict[int, int]
    """The line numbers in the file, from 1, of some rows."""
    not_nfc: int
    """Lines that were kept and were not in normal form C."""
    characters: Counter[str]
    """How often each occurs in the lines that were kept."""


def read_again(source: Paths | None, corpus: Corpus, how: How, rows: Iterable[int]) -> Raw:
    """Return what was in a file before it became a corpus; read it again only if that makes a difference.

    `rows` are the rows of the corpus whose line numbers are wanted.
    """
    reading = corpus.reading
    assert reading is not None
    forms = corpus.vocab.forms
    counts = zip(corpus.vocab.names[1:], corpus.frequencies[1:].tolist(), strict=True)
    raw = Raw({row: row + 1 for row in rows}, 0, Counter({c: n for c, n in counts if n}))
    dropped = reading.blank + reading.too_long + reading.undecodable
    if not reading.normalized and not (raw.numbers and dropped):
        return raw
    found = locate(source)
    if found.size is None:  # standard input, which cannot be read twice
        return raw
    before = row = 0
    raw.characters = Counter()
    for text in texts(found, how):
        is_nfc = unicodedata.is_normalized("NFC", text)
        kept: list[str] = []
        lines = text[:-1].split("\n")
        for number, line in enumerate(lines, before + 1):
            bare = line.strip()
            line = line if how.keep_spaces or how.separator is not None else bare
            normal = line if is_nfc else unicodedata.normalize("NFC", line)
            if bare and len(forms.inner(normal)) <= how.limit:
                if row + len(kept) in raw.numbers:
                    raw.numbers[row + len(kept)] = number
                kept.append(line)
        before, row = before + len(lines), row + len(kept)
        if not is_nfc:
            raw.not_nfc += sum(not unicodedata.is_normalized("NFC", line) for line in kept)
        raw.characters.update(forms.split(forms.outer("".join(kept))))
    return raw


# lines that resemble each other


def near_duplicates(times: Counter[str], part: int, forms: Characters) -> NearDuplicates:
    """Return the groups of different lines that are equal once folded.

    `times` says how often each line occurs. The lines are those of one in `part` folded texts, in their inner
    form, which `forms` undoes.
    """
    groups: dict[str, list[str]] = {}
    for line, key in zip(times, folded(list(times)), strict=True):
        groups.setdefault(key or line, []).append(line)  # a line of invisible characters folds to nothing
    near = sorted((group for group in groups.values() if len(group) > 1), key=len, reverse=True)
    lines = sum(times[line] for group in near for line in group)
    return NearDuplicates(
        lines=lines * part,
        share=lines / times.total(),
        groups=len(near) * part,
        examples=tuple(tuple(map(forms.outer, group[:SHOWN])) for group in near[:SHOWN]),
    )


def folded(lines: list[str]) -> list[str]:
    """Return lines in lower case, without invisible characters, and with single spaces.

    Nothing else is folded: in many lists, such as Vietnamese words or molecules, accents, signs and
    punctuation are content.
    """
    text = "\n".join(lines).lower()  # casefold would turn ß into ss
    # joiners are part of emoji and of letters
    gone = [c for c in set(text) if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t\u200c\u200d"]
    text = re.sub(r"[^\S\n]+", " ", text.translate({ord(c): None for c in gone}))
    return [line.strip() for line in text.split("\n")]


def neighbours(different: list[str]) -> Neighbours:
    """Return how near some of the different lines are to others. No line is compared with itself."""
    lengths = np.array([len(line) for line in different], dtype=np.float64)
    # the edit distance compares 64 bits, a word, at once
    pairs = _WORK / float(np.maximum(lengths, lengths**2 / 64).mean())
    some = max(1, int(min(_NEIGHBOURS, len(different) // 5, pairs**0.5)))
    others = int(min(_BESIDE, len(different) - some, max(1, pairs / some)))
    order = np.random.default_rng(0).permutation(len(different))[: some + others]
    chosen = [different[i] for i in order]
    distances = quality.nearest(chosen[:some], chosen[some:]).distances
    share, median = float((distances <= 1).mean()), float(np.median(distances))
    return Neighbours(some, others, share, median)
