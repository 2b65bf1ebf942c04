"""What is in a file, before anything is trained on it: what `makemore inspect` prints."""

from __future__ import annotations

import math
import re
import time
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import regex
import torch

from makemore.corpus.cache import read_corpus
from makemore.corpus.corpus import Corpus
from makemore.corpus.lines import texts
from makemore.corpus.reading import AS_USUAL, How
from makemore.corpus.source import locate
from makemore.corpus.splits import SPLITS
from makemore.distributed.devices import pick_device
from makemore.errors import with_flags
from makemore.files.results import Flag, Result
from makemore.metrics import advice, quality
from makemore.metrics.advice import Warned
from makemore.metrics.baselines import SCORED_TOKENS, fitted
from makemore.metrics.looks import FAR, Looks, Mark, copies, long_lines, look, warnings
from makemore.metrics.losses import evaluate
from makemore.models import build, configure
from makemore.models.base import Model
from makemore.runs.settings import DEFAULT_TYPE, recipe
from makemore.training.optimizer import schedule
from makemore.training.plan import settings_for
from makemore.training.state import TrainState
from makemore.training.step import batch_of, update
from makemore.training.teacher import TEACHER_ORDER, teacher_of

MANY_CHARACTERS, LONG = 1000, 300
"""Characters of an alphabet, and of a line, from which training is slow."""

NEAR_DUPLICATES = 0.05
"""Share of the lines above which they are worth a warning."""

SHOWN = 5
"""Examples of a thing, at most."""

BINS = 40
"""Rows of the histogram of lengths, at most."""

LOOKED_AT = 4_000_000
"""Tokens of the lines that are compared with each other, at most: of a larger file that lies on disk they are drawn."""

_SNIFFED = 1000
"""Lines looked at to tell the format."""

_NEIGHBOURS, _BESIDE = 500, 20_000
"""Lines whose nearest other line is looked for, and among how many; both fewer where lines are long."""

_WORK = 5e8
"""About how many character comparisons to spend on that: a second or so."""

_WARM_UP, _TIMED = 2, 5
"""Training steps done to get going, and then timed."""

_LATIN, _BESIDE_LATIN = regex.compile(r"\p{Latin}"), regex.compile(r"[\p{Cyrillic}\p{Greek}]")


@dataclass(frozen=True)
class Repeated(Result):
    """A line that the list holds more than once."""

    line: str
    count: int


@dataclass(frozen=True)
class Bar(Result):
    """A row of the histogram of lengths: lines with `low` to `high` characters."""

    low: int = field(metadata={"json": "from"})
    high: int = field(metadata={"json": "to"})
    count: int


@dataclass(frozen=True)
class Lengths(Result):
    """How long the lines are, in characters."""

    minimum: int
    median: float
    mean: float
    percentile_95: float
    maximum: int
    histogram: tuple[Bar, ...]


@dataclass(frozen=True)
class Character(Result):
    """A character and how often it occurs."""

    character: str
    count: int


@dataclass(frozen=True)
class Suspicious(Result):
    """A character that is probably a mistake."""

    character: str
    code_point: str
    name: str
    """In Unicode."""
    count: int
    line: int
    """The first line with it, from 1."""


@dataclass(frozen=True)
class Place(Result):
    """A line of the file."""

    line: int
    """Its number, from 1."""
    text: str


@dataclass(frozen=True)
class MixedScripts(Result):
    """Lines with a Latin letter right beside a Cyrillic or Greek one."""

    lines: int
    examples: tuple[Place, ...]


@dataclass(frozen=True)
class NearDuplicates(Result):
    """Different lines that differ only in case, white space or invisible characters."""

    lines: int
    share: float
    """Of all lines, from 0 to 1."""
    groups: int
    examples: tuple[tuple[str, ...], ...]
    """Lines of some groups."""


@dataclass(frozen=True)
class Neighbours(Result):
    """How near some of the different lines are to others."""

    lines: int
    """Lines whose nearest other line was looked for."""
    beside: int
    """Among how many."""
    share: float
    """Of those that are one edit from another, from 0 to 1."""
    median: float
    """Edits to the nearest other line."""


@dataclass(frozen=True)
class FormatFound(Result):
    """The form that most lines have."""

    name: str
    """A name of `looks.FORMATS`, or list."""
    share: float
    """Of the lines that have it."""
    header: str | None
    """The first line, if it looks like a header."""


@dataclass(frozen=True)
class SplitSize(Result):
    """Lines of a split, and different lines among them."""

    lines: int
    unique: int


@dataclass(frozen=True)
class Expected(Result):
    """What counting reaches on the test lines."""

    type: str
    test: float
    """Nats per token."""
    half_width: float | None
    """1.96 standard errors of that; None if there is a single different line."""


@dataclass(frozen=True)
class Recommendation(Result):
    """Which type and settings suit the list, and how long training takes on this machine."""

    type: str
    max_length: int | None
    """Longest line to keep; None keeps all."""
    reasons: tuple[str, ...]
    steps: int
    seconds_per_step: float
    seconds: float
    """For all steps, without evaluations."""

    def spelled(self, flag: Flag) -> tuple[str, ...]:
        """Return the reasons. flag: Spells the arguments that they name."""
        return tuple(with_flags(reason, ("type", "max_length"), flag) for reason in self.reasons)

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the fields. flag: Spells the arguments that the reasons name."""
        return super().to_json(flag) | {"reasons": list(self.spelled(flag))}


@dataclass(frozen=True)
class Inspection(Result):
    """What is in a file.

    Lines are counted as training would see them: stripped, in normal form C, none blank. Shares are from 0 to 1,
    places are line numbers of the file, from 1.
    """

    source: str
    """The path, or the name of the bundled list."""
    lines: int
    """Lines in the file."""
    blank: int
    """Lines dropped, as are those that are:"""
    too_long: int
    undecodable: int
    stripped: int
    """Lines that lost white space at their ends."""
    kept: int
    """Lines that remain."""
    unique: int
    """Different lines among those."""
    looked_at: int
    """Lines that `near_duplicates` and `neighbours` come from: all of them, or of a large file a sample, which holds with each
    line all that differ from it only in case and the like. The numbers of `near_duplicates` are then estimates for the whole
    file, and `expected` comes from a sample of the test lines."""
    duplicates: int
    """kept - unique."""
    most_frequent: tuple[Repeated, ...]
    lengths: Lengths
    alphabet: tuple[Character, ...]
    """Every character, the most frequent first."""
    rare: tuple[Character, ...]
    """Those that occur fewer than `advice.RARE` times."""
    suspicious: tuple[Suspicious, ...]
    not_nfc: int
    """Lines that are not in Unicode's normal form C."""
    mixed_scripts: MixedScripts
    near_duplicates: NearDuplicates
    neighbours: Neighbours
    format: FormatFound
    marks: tuple[Mark, ...]
    """What some of the lines contain that may not belong there."""
    splits: Mapping[str, SplitSize]
    expected: Expected
    recommendation: Recommendation
    warnings: tuple[Warned, ...]


def inspect(
    source: str | Path | Sequence[str | Path] | None, how: How = AS_USUAL, *, pace: float | None = None
) -> Inspection:
    """Look at a file, or at a bundled list, without training on it.

    Args:
        source: A path, the name of a bundled list, or None for names.
        how: How its lines are read.
        pace: Seconds of a training step; None measures a few steps.

    Raises:
        MakemoreError: If the file cannot be read.

    """
    corpus = read_corpus(source, how)
    reading = corpus.reading
    assert reading is not None
    seen = _seen(corpus)
    raw = _raw(source, corpus, how, [*seen.odd.values(), *seen.mixed])
    splits = {split: SplitSize(n, corpus.unique_of(split)) for split, n in corpus.counts().items()}
    unique = sum(each.unique for each in splits.values())
    ngram = fitted(corpus, "ngram", order=TEACHER_ORDER)
    loss = evaluate(ngram, corpus, corpus.at_most("test", SCORED_TOKENS))
    half_width = 1.96 * loss.error if splits["test"].unique > 1 else None
    lengths, looks = _lengths(seen.lengths), look(corpus)
    alphabet = _alphabet(corpus)
    pace = pace_of(corpus, DEFAULT_TYPE, ngram) if pace is None else pace
    found = Inspection(
        source=reading.source,
        lines=reading.lines,
        blank=reading.blank,
        too_long=reading.too_long,
        undecodable=reading.undecodable,
        stripped=reading.stripped,
        kept=len(corpus),
        unique=unique,
        looked_at=seen.times.total(),
        duplicates=len(corpus) - unique,
        most_frequent=_most_frequent(corpus, seen.times),
        lengths=lengths,
        alphabet=alphabet,
        rare=tuple(each for each in alphabet if each.count < advice.RARE),
        suspicious=_suspicious(corpus, alphabet, seen, raw),
        not_nfc=raw.not_nfc,
        mixed_scripts=MixedScripts(
            seen.n_mixed, tuple(Place(raw.numbers[i], corpus.lines([i])[0]) for i in seen.mixed)
        ),
        near_duplicates=_near_duplicates(seen.times, seen.part),
        neighbours=_neighbours(list(seen.times)),
        format=FormatFound(looks.name, looks.share, looks.header),
        marks=looks.marks,
        splits=splits,
        expected=Expected("ngram", loss.nll, half_width),
        recommendation=_recommendation(unique, len(alphabet), lengths, seen.lengths, pace),
        warnings=(),
    )
    held_out = sum(splits[split].lines for split in SPLITS[1:])
    warnings = advice.of_counts(raw.characters, raw.not_nfc, unique, held_out) + _warnings(found, looks)
    return replace(found, warnings=tuple(warnings))


@dataclass
class _Seen:
    """What one pass over the lines of a corpus finds."""

    lengths: npt.NDArray[np.int64]
    """(L + 1,) how many lines have 0, 1, ... characters."""
    part: int
    """One of so many texts that lines fold to was looked at."""
    times: Counter[str] = field(default_factory=Counter)
    """How often each of the lines looked at stands there, in the file's order."""
    odd: dict[int, int] = field(default_factory=dict)
    """The first row of each suspicious character, by its id."""
    n_mixed: int = 0
    """Lines with letters of two alphabets side by side, and the first rows of them:"""
    mixed: list[int] = field(default_factory=list)


def _seen(corpus: Corpus) -> _Seen:
    """Go through a corpus."""
    part = 1
    if corpus.on_disk:
        different = sum(map(corpus.unique_of, SPLITS)) * (corpus.mean_length + 1)
        part = math.ceil(different / LOOKED_AT)
    seen = _Seen(np.zeros(corpus.longest + 1, dtype=np.int64), part)
    odd, latin, beside = (
        np.array([False, *(bool(test(c)) for c in corpus.vocab.characters)])
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
        mixed = np.unique(
            np.searchsorted(ends, np.flatnonzero(a[:-1] & b[1:] | b[:-1] & a[1:]), side="right")
        )
        seen.n_mixed += len(mixed)
        seen.mixed += (rows.start + mixed[: SHOWN - len(seen.mixed)]).tolist()
        lines = corpus.vocab.decode(ids[:-1]).split("\n")
        seen.times.update(lines if part == 1 else _one_of(part, lines))
    if len(seen.times) < 3:  # as good as all lines fold to the same
        seen.times.update(corpus.lines(np.arange(min(_SNIFFED, len(corpus)))))
    return seen


def _one_of(part: int, lines: list[str]) -> list[str]:
    """Return the lines that fold to one of so many texts: all near duplicates of a line, or none."""
    return [
        line
        for line, key in zip(lines, _folded(lines), strict=True)
        if zlib.crc32((key or line).encode("utf-8", "surrogatepass")) % part == 0
    ]


@dataclass
class _Raw:
    """What there was in the file before lines were dropped and brought to normal form."""

    numbers: dict[int, int]
    """Of some rows: the line of the file, from 1 on."""
    not_nfc: int
    """Lines that were kept, and are not in normal form C."""
    characters: Counter[str]
    """How often each stands in the lines that were kept."""


def _raw(
    source: str | Path | Sequence[str | Path] | None, corpus: Corpus, how: How, rows: Iterable[int]
) -> _Raw:
    """Read the file again where that tells something."""
    reading = corpus.reading
    assert reading is not None
    counts = zip(corpus.vocab.characters, corpus.frequencies[1:].tolist(), strict=True)
    raw = _Raw({row: row + 1 for row in rows}, 0, Counter({c: n for c, n in counts if n}))
    dropped = reading.blank + reading.too_long + reading.undecodable
    if not reading.normalized and not (raw.numbers and dropped):
        return raw
    found = locate(source)
    if found.size is None:  # standard input, which is gone
        return raw
    before = row = 0
    raw.characters = Counter()
    for text in texts(found, how):
        is_nfc = unicodedata.is_normalized("NFC", text)
        kept: list[str] = []
        lines = text[:-1].split("\n")
        for number, line in enumerate(lines, before + 1):
            bare = line.strip()
            line = line if how.keep_spaces else bare
            if bare and len(line if is_nfc else unicodedata.normalize("NFC", line)) <= how.limit:
                if row + len(kept) in raw.numbers:
                    raw.numbers[row + len(kept)] = number
                kept.append(line)
        before, row = before + len(lines), row + len(kept)
        if not is_nfc:
            raw.not_nfc += sum(not unicodedata.is_normalized("NFC", line) for line in kept)
        raw.characters.update("".join(kept))
    return raw


def _most_frequent(corpus: Corpus, times: Counter[str]) -> tuple[Repeated, ...]:
    """The lines that stand there most often. times: of all lines, or of some, which do not tell."""
    most = times.most_common(SHOWN)
    if times.total() < len(corpus):
        most = [(corpus.lines([row])[0], n) for row, n in corpus.most_frequent(SHOWN)]
    return tuple(Repeated(line, n) for line, n in most if n > 1)


def _lengths(counts: npt.NDArray[np.int64]) -> Lengths:
    """Describe the lengths. counts: (L + 1,) how many lines have 0, 1, ... characters."""
    there, n = np.flatnonzero(counts), int(counts.sum())
    low, high = int(there[0]), int(there[-1])
    width = 1 if len(there) <= BINS else -(-(high - low + 1) // BINS)
    bins = np.add.reduceat(counts[low:], np.arange(0, high - low + 1, width)).tolist()
    return Lengths(
        minimum=low,
        median=_quantile(counts, 0.5),
        mean=int(np.arange(len(counts)) @ counts) / n,
        percentile_95=_quantile(counts, 0.95),
        maximum=high,
        histogram=tuple(
            Bar(low + i * width, low + (i + 1) * width - 1, count) for i, count in enumerate(bins) if count
        ),
    )


def _quantile(counts: npt.NDArray[np.int64], q: float) -> float:
    """The quantile that numpy gives of as many 0, 1, ... as the counts say."""
    before = np.cumsum(counts)
    place = q * (int(before[-1]) - 1)
    beside = np.searchsorted(before, [int(place), min(int(place) + 1, int(before[-1]) - 1)], side="right")
    return float(np.quantile(beside, place - int(place)))


def _alphabet(corpus: Corpus) -> tuple[Character, ...]:
    """The characters, the most frequent first."""
    counts = corpus.frequencies[1:].tolist()
    pairs = sorted(zip(counts, corpus.vocab.characters, strict=True), key=lambda pair: (-pair[0], pair[1]))
    return tuple(Character(c, n) for n, c in pairs)


def _suspicious(
    corpus: Corpus, alphabet: tuple[Character, ...], seen: _Seen, raw: _Raw
) -> tuple[Suspicious, ...]:
    """The characters that are probably mistakes."""
    found = []
    for each in alphabet:
        if advice.suspicious(c := each.character):
            line = raw.numbers[seen.odd[int(corpus.vocab.encode(c)[0])]]
            name = unicodedata.name(c, "no name")
            found.append(Suspicious(c, f"U+{ord(c):04X}", name, each.count, line))
    return tuple(found)


def _near_duplicates(times: Counter[str], part: int) -> NearDuplicates:
    """Find the groups of different lines that are equal once folded.

    times: how often each line stands there, of one of so many texts that lines are folded to.
    """
    groups: dict[str, list[str]] = {}
    for line, key in zip(times, _folded(list(times)), strict=True):
        groups.setdefault(key or line, []).append(line)  # of a line of signs alone nothing is left
    near = sorted((group for group in groups.values() if len(group) > 1), key=len, reverse=True)
    lines = sum(times[line] for group in near for line in group)
    return NearDuplicates(
        lines=lines * part,
        share=lines / times.total(),
        groups=len(near) * part,
        examples=tuple(tuple(group[:SHOWN]) for group in near[:SHOWN]),
    )


def _folded(lines: list[str]) -> list[str]:
    """Return lines without case, invisible characters, and white space beyond one blank.

    Nothing else: accents, tones, signs and punctuation are content in many lists, as in Vietnamese or in molecules.
    """
    text = "\n".join(lines).lower()  # casefold would take ß for ss
    # joiners make an emoji or a letter what it is
    gone = [c for c in set(text) if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t\u200c\u200d"]
    text = re.sub(r"[^\S\n]+", " ", text.translate({ord(c): None for c in gone}))
    return [line.strip() for line in text.split("\n")]


def _neighbours(different: list[str]) -> Neighbours:
    """Say how near some of the different lines are to others. None is compared with itself."""
    lengths = np.array([len(line) for line in different], dtype=np.float64)
    # the edit distance compares the 64 bits of a word at once
    pairs = _WORK / float(np.maximum(lengths, lengths**2 / 64).mean())
    some = max(1, int(min(_NEIGHBOURS, len(different) // 5, pairs**0.5)))
    others = int(min(_BESIDE, len(different) - some, max(1, pairs / some)))
    order = np.random.default_rng(0).permutation(len(different))[: some + others]
    chosen = [different[i] for i in order]
    distances = quality.nearest(chosen[:some], chosen[some:]).distances
    share, median = float((distances <= 1).mean()), float(np.median(distances))
    return Neighbours(some, others, share, median)


def _recommendation(
    unique: int, characters: int, lengths: Lengths, counts: npt.NDArray[np.int64], pace: float
) -> Recommendation:
    """Say which type and settings suit the list, why, and how long they take.

    Args:
        unique: Different lines.
        characters: Of the alphabet.
        lengths: Of the lines.
        counts: (L + 1,) how many lines have 0, 1, ... characters.
        pace: Seconds of a training step.

    """
    reasons = [advice.of_types(unique)]
    if characters >= MANY_CHARACTERS:
        reasons.append(
            f"an alphabet of {characters:,} characters is large: steps are slow, and many are rare"
        )
    if lengths.percentile_95 >= LONG:
        reasons.append("the lines are long: training takes a while, and long samples wander")
    max_length = None
    if lengths.maximum > FAR * lengths.percentile_95:
        max_length = 2 * round(lengths.percentile_95)
        dropped = int(counts[max_length + 1 :].sum())
        reasons.append(
            f"max_length={max_length} drops the longest lines, {dropped:,} in all, far longer than the rest"
        )
    steps = recipe(DEFAULT_TYPE).max_steps
    return Recommendation(DEFAULT_TYPE, max_length, tuple(reasons), steps, pace, steps * pace)


def pace_of(corpus: Corpus, type: str, ngram: Model, device: str = "auto") -> float:
    """Return the seconds that a training step takes here, measured by taking a few.

    Args:
        corpus: The lines.
        type: The type of model; it has its default size and settings.
        ngram: An n-gram fitted to the training lines, which teaches if the type is taught.
        device: Where to compute.

    """
    to = pick_device(device)
    settings = settings_for(type, corpus, {}, to)
    precision, teacher = getattr(torch, settings.precision), teacher_of(ngram, settings.teacher, to)
    with torch.random.fork_rng():
        model = build(type, len(corpus.vocab), configure(type, corpus.longest))
        state = TrainState(model, corpus, settings, to)
        batches, seconds = iter(state.batches), []
        for step in range(_WARM_UP + _TIMED):
            began = time.monotonic()
            rate = settings.learning_rate * schedule((step + 0.5) / settings.max_steps)
            batch = batch_of(corpus, next(batches), to)
            float(update(model, state.optimizers, rate, batch, teacher, precision))
            seconds.append(time.monotonic() - began)
    return float(np.median(seconds[_WARM_UP:]))  # the median, since the machine may hold up one of them


def _warnings(found: Inspection, looks: Looks) -> list[Warned]:
    """Judge what `advice.of_counts` does not look at."""
    lengths, near = found.lengths, found.near_duplicates
    warned = warnings(looks, found.source)
    if near.share > NEAR_DUPLICATES:
        said = (
            f"near-duplicates: {near.lines:,} lines ({near.share:.0%}) differ from another in case or "
            f"white space alone ({' / '.join(near.examples[0][:3])[:80]})"
        )
        remedy = "write those that mean the same in one way: with one trained on and another tested, losses flatter"
        warned.append(Warned("near_duplicates", said, remedy))
    warned += copies(found.kept, found.unique)
    if (characters := len(found.alphabet)) >= MANY_CHARACTERS:
        once = sum(each.count == 1 for each in found.alphabet)
        said = (
            f"a large alphabet: {characters:,} different characters, {once:,} of them only once; at every place each of them gets "
            "a probability, so training, drawing and measuring take time and memory with their number"
        )
        remedy = "replace rare characters with U+FFFD (min_count=2 or more), or use type=ngram"
        warned.append(Warned("large_alphabet", said, remedy, options=("min_count", "type")))
    if found.recommendation.max_length is not None:
        warned.append(long_lines(lengths.maximum, lengths.percentile_95))
    return warned
