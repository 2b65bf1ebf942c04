"""Plain sentences about what was read."""

from __future__ import annotations

from makemore.corpus.corpus import Corpus
from makemore.corpus.labels import said_of
from makemore.corpus.reading import Reading
from makemore.errors import shown


def describe(corpus: Corpus) -> list[str]:
    """Return sentences about what was read and what was dropped."""
    counts = corpus.counts()
    thing = "line" if corpus.reading is None else corpus.reading.thing
    lines = [] if corpus.reading is None else _of_reading(corpus.reading)
    lines += [
        f"{len(corpus):,} {thing}s, {corpus.distinct:,} different, {len(corpus.vocab) - 1:,} characters, "
        f"longest {thing} {corpus.longest}",
        f"split by {thing}: {counts['train']:,} to train, {counts['validation']:,} to validate, "
        f"{counts['test']:,} to test",
    ]
    lines += describe_labels(corpus)
    if corpus.reading is not None and corpus.reading.normalized:
        lines.append("lines were normalised to Unicode normal form C")
    if counts["validation"] < 100:
        lines.append(
            f"few {thing}s are held out, so their losses and the choice of the best step are unreliable"
        )
    return lines


def describe_labels(corpus: Corpus) -> list[str]:
    """Return a sentence about which labels there are; none if lines have none."""
    labels = corpus.lines_by_label()
    several = "s" * (len(corpus.vocab.labels) != 1)
    return [f"{len(corpus.vocab.labels):,} label{several}: {said_of(labels)}"] if labels else []


def _of_reading(reading: Reading) -> list[str]:
    dropped = [
        f"{n:,} {what}"
        for n, what in (
            (reading.blank, "blank"),
            (reading.too_long, "too long"),
            (reading.undecodable, "undecodable"),
        )
        if n
    ]
    said = f", dropped {' and '.join(dropped)}" if dropped else ""
    column = f", column {shown(reading.column)}" * bool(reading.column)
    lines = [f"read {shown(reading.source)}{column}: {reading.lines:,} {reading.thing}s{said}"]
    if reading.skipped:
        lines.append(f"skipped in it: {reading.skipped}")
    if reading.stripped:
        lines.append(f"{reading.stripped:,} lines lost white space at their ends; --keep-spaces keeps it")
    return lines
