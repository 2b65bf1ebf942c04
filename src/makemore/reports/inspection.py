"""What is in a file, before anything is trained on it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from makemore.corpus.cache import read_corpus
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import AS_USUAL, How
from makemore.corpus.splits import SPLITS
from makemore.metrics import advice
from makemore.metrics.advice import Warned
from makemore.metrics.baselines import SCORED_TOKENS, fitted
from makemore.metrics.looks import FAR, Looks, copies, long_lines, look, warnings
from makemore.metrics.losses import evaluate
from makemore.reports.inspected import (
    Bar,
    Character,
    Expected,
    FormatFound,
    Inspection,
    Lengths,
    MixedScripts,
    Place,
    Recommendation,
    Repeated,
    SplitSize,
    Suspicious,
)
from makemore.reports.pace import pace_of
from makemore.reports.scan import SHOWN, Paths, Raw, Seen, near_duplicates, neighbours, read_again, scan
from makemore.runs.settings import DEFAULT_TYPE, recipe
from makemore.training.teacher import TEACHER_ORDER

MANY_CHARACTERS, LONG = 1000, 300
"""Characters of an alphabet, and of a line, above which training is slow."""

NEAR_DUPLICATES = 0.05
"""The share of lines above which they are worth a warning."""

BINS = 40
"""The most rows of the histogram of lengths."""


def inspect(source: Paths | None, how: How = AS_USUAL, *, pace: float | None = None) -> Inspection:
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
    seen = scan(corpus)
    raw = read_again(source, corpus, how, [*seen.odd.values(), *seen.mixed])
    splits = {split: SplitSize(n, corpus.unique_of(split)) for split, n in corpus.counts().items()}
    unique = sum(each.unique for each in splits.values())
    ngram = fitted(corpus, "ngram", order=TEACHER_ORDER)
    loss = evaluate(ngram, corpus, corpus.at_most("test", SCORED_TOKENS))
    half_width = 1.96 * loss.error if splits["test"].unique > 1 else None
    lengths, looks = _lengths(seen.lengths), look(corpus)
    called = "things" if corpus.vocab.forms.line_breaks else "lines"
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
        near_duplicates=near_duplicates(seen.times, seen.part, corpus.vocab.forms),
        neighbours=neighbours(list(seen.times)),
        format=_format(looks),
        marks=looks.marks,
        labels=corpus.lines_by_label(),
        splits=splits,
        expected=Expected("ngram", loss.nll, half_width),
        recommendation=_recommendation(unique, len(alphabet), lengths, seen.lengths, pace, called),
        warnings=(),
    )
    held_out = sum(splits[split].lines for split in SPLITS[1:])
    warnings = advice.of_counts(raw.characters, raw.not_nfc, unique, held_out, called) + _warnings(
        found, looks
    )
    return replace(found, warnings=tuple(warnings))


def _most_frequent(corpus: Corpus, times: Counter[str]) -> tuple[Repeated, ...]:
    """Return the lines that occur most often. times: How often lines occur, unused if lines are missing."""
    most = times.most_common(SHOWN)
    if times.total() < len(corpus):
        most = [(corpus.inner_lines([row])[0], n) for row, n in corpus.most_frequent(SHOWN)]
    return tuple(Repeated(corpus.vocab.forms.outer(line), n) for line, n in most if n > 1)


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
    """Return a quantile, as numpy does, of the numbers 0, 1, ... repeated as often as the counts say."""
    before = np.cumsum(counts)
    place = q * (int(before[-1]) - 1)
    beside = np.searchsorted(before, [int(place), min(int(place) + 1, int(before[-1]) - 1)], side="right")
    return float(np.quantile(beside, place - int(place)))


def _alphabet(corpus: Corpus) -> tuple[Character, ...]:
    """Return the characters, the most frequent first."""
    counts = corpus.frequencies[1:].tolist()
    pairs = sorted(zip(counts, corpus.vocab.names[1:], strict=True), key=lambda pair: (-pair[0], pair[1]))
    return tuple(Character(c, n) for n, c in pairs)


def _suspicious(
    corpus: Corpus, alphabet: tuple[Character, ...], seen: Seen, raw: Raw
) -> tuple[Suspicious, ...]:
    """Return the characters that are probably mistakes."""
    found = []
    for each in alphabet:
        if advice.suspicious(c := each.character):
            line = raw.numbers[seen.odd[corpus.vocab.names.index(c)]]
            name = unicodedata.name(c, "no name")
            found.append(Suspicious(c, f"U+{ord(c):04X}", name, each.count, line))
    return tuple(found)


def _format(looks: Looks) -> FormatFound:
    table = looks.table
    columns, column = (dict(table.columns), table.choice) if table else ({}, None)
    return FormatFound(looks.name, looks.share, looks.header, columns, column)


def _recommendation(
    unique: int, characters: int, lengths: Lengths, counts: npt.NDArray[np.int64], pace: float, called: str
) -> Recommendation:
    """Say which type and settings suit the list, why, and how long they take.

    `unique` is the number of different lines, `counts` (L + 1,) that of lines with 0, 1, ... characters, and
    `pace` the seconds of a training step; `called` is what the list's lines are called.
    """
    reasons = [advice.of_types(unique, called)]
    if characters >= MANY_CHARACTERS:
        reasons.append(
            f"an alphabet of {characters:,} characters is large: steps are slow, and many characters are rare"
        )
    if lengths.percentile_95 >= LONG:
        reasons.append("the lines are long: training takes a while, and long samples wander")
    max_length = None
    if lengths.maximum > FAR * lengths.percentile_95:
        max_length = 2 * round(lengths.percentile_95)
        dropped = int(counts[max_length + 1 :].sum())
        reasons.append(f"max_length={max_length} drops {dropped:,} lines that are far longer than the rest")
    steps = recipe(DEFAULT_TYPE).max_steps
    type = "ngram" if unique < advice.FEW else DEFAULT_TYPE
    return Recommendation(type, max_length, tuple(reasons), steps, pace, steps * pace)


def _warnings(found: Inspection, looks: Looks) -> list[Warned]:
    """Return the warnings that `advice.of_counts` does not give."""
    lengths, near = found.lengths, found.near_duplicates
    warned = warnings(looks, found.source, found.undecodable)
    if near.share > NEAR_DUPLICATES:
        said = (
            f"near-duplicates: {near.lines:,} lines ({near.share:.0%}) differ from another line only in "
            f"case or white space ({' / '.join(near.examples[0][:3])[:80]})"
        )
        remedy = (
            "write the same thing the same way; otherwise one form is in the training lines and another in "
            "the test lines, and the loss looks too good"
        )
        warned.append(Warned("near_duplicates", said, remedy))
    warned += copies(found.kept, found.unique)
    if (characters := len(found.alphabet)) >= MANY_CHARACTERS:
        once = sum(each.count == 1 for each in found.alphabet)
        said = (
            f"a large alphabet: {characters:,} different characters, {once:,} of which occur only once; "
            "every prediction covers all of them, so time and memory grow with their number"
        )
        remedy = "replace rare characters with U+FFFD (min_count=2 or more), or use type=ngram"
        warned.append(Warned("large_alphabet", said, remedy, options=("min_count", "type")))
    if found.recommendation.max_length is not None:
        warned.append(long_lines(lengths.maximum, lengths.percentile_95))
    return warned
