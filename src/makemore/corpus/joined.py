"""Several corpora as one, for a blend of runs: all their lines, none of which leaks from one list to another."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from makemore.corpus.cache import root, stored
from makemore.corpus.corpus import Corpus
from makemore.corpus.facts import FORMAT
from makemore.corpus.lines import Block
from makemore.corpus.numbering import Numbering
from makemore.corpus.reading import How, Reading
from makemore.corpus.source import Source
from makemore.corpus.splits import SPLITS
from makemore.corpus.vocab import Vocab, code_points
from makemore.errors import MakemoreError

Hashes = npt.NDArray[np.uint64]


def joined(corpora: Sequence[Corpus], vocab: Vocab) -> Corpus:
    """Return the lines of several corpora as one, in their order; what an earlier one has counts once.

    How often a line occurs within one corpus stays. Lines with characters that are not in `vocab` are left out. So is a line that one of the corpora has for
    training and the whole would hold out, which happens only if a list is so small that the hash alone leaves
    one of its splits empty.

    Raises:
        MakemoreError: Fewer than 3 different lines are left.

    """
    every = list({corpus.fingerprint: corpus for corpus in corpora}.values())
    without = np.zeros(0, dtype=np.uint64)
    while True:
        whole = _joined(every, vocab, without)
        leaks = [_trained(corpus, whole) for corpus in every]
        if not any(map(len, leaks)):
            return whole
        without = np.concatenate([without, *leaks])


def shared(corpora: Sequence[Corpus]) -> int:
    """Return how many lines of some corpora an earlier one has."""
    return sum(
        int(_again(corpora[:i], corpus.hashes[rows]).sum())
        for i, corpus in enumerate(corpora)
        for rows in corpus.slices()
    )


def _again(earlier: Sequence[Corpus], hashes: Hashes) -> npt.NDArray[np.bool_]:
    """Return for each hash whether a line of the earlier corpora has it."""
    there = np.zeros(len(hashes), dtype=bool)
    for corpus in earlier:
        there |= corpus.find(hashes)[0]
    return there


def _trained(corpus: Corpus, whole: Corpus) -> Hashes:
    """Return the hashes of lines that a corpus has for training and the whole holds out."""
    if corpus.on_disk and whole.on_disk:  # of large lists the hash alone decides
        return np.zeros(0, dtype=np.uint64)
    hashes = corpus.hashes[corpus.split == SPLITS.index("train")]
    there, split = whole.find(hashes)
    return np.unique(hashes[there & (split != SPLITS.index("train"))])


def _joined(corpora: Sequence[Corpus], vocab: Vocab, without: Hashes) -> Corpus:
    reading = _reading([corpus.reading for corpus in corpora if corpus.reading is not None])
    reading.rare = max(1, reading.rare) if vocab.unknown else 0
    what = [
        FORMAT,
        "shared once",
        *vocab.names,
        without.tobytes().hex(),
        *(corpus.fingerprint for corpus in corpora),
    ]
    name = hashlib.blake2b("\n".join(what).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    sizes, nowhere = corpora[0].sizes, Source(reading.source, [])
    how = How(
        keep_spaces=reading.keep_spaces,
        separator=reading.separator or None,
        graphemes=vocab.forms.clusters,
        known=tuple(vocab.names[1:]),
    )
    numbering = Numbering(reading, how)
    lines = _blocks(corpora, numbering, without)
    return stored(lines, numbering, nowhere, [], root() / name, sizes)


def _reading(readings: Sequence[Reading]) -> Reading:
    """Return what reading found in all lists together."""
    whole = Reading("lines", bundled=False)
    for field in dataclasses.fields(Reading):
        each = [getattr(reading, field.name) for reading in readings]
        if field.name == "source":
            each = [Path(source.removesuffix(" (bundled)")).name for source in each]
        if field.name != "bundled" and each:
            different = [value for value in dict.fromkeys(each) if value]
            texts = isinstance(each[0], str)
            if field.name == "separator":  # one of them is printed between samples
                different = different[:1]
            setattr(whole, field.name, " and ".join(different) if texts else type(each[0])(sum(each)))
    return whole


def _blocks(corpora: Sequence[Corpus], numbering: Numbering, without: Hashes) -> Iterator[Block]:
    """Yield the lines of known characters; at the end, raise MakemoreError if too few different ones are left."""
    different: set[int] = set()
    for i, corpus in enumerate(corpora):
        names = corpus.vocab.names[1:]
        wanted = set(numbering.how.known)
        known = np.array([True, *(name in wanted for name in names)])  # (V,)
        inner = code_points("\n" + "".join(map(numbering.forms.inner, names)))  # (V,)
        for rows in corpus.slices():
            offsets = corpus.offsets[rows.start : rows.stop + 1]
            stream = corpus.tokens[offsets[0] + 1 : offsets[-1] + 1]
            starts, hashes = offsets[:-1] - offsets[0], corpus.hashes[rows]
            kept = np.logical_and.reduceat(known[stream], starts) & ~np.isin(hashes, without)
            kept &= ~_again(corpora[:i], hashes)
            lengths = np.diff(offsets)
            codes = inner[stream[np.repeat(kept, lengths)]]
            if len(different) < 3:
                different.update(np.unique(hashes[kept])[:3].tolist())
            yield Block(codes, np.cumsum(lengths[kept]) - 1)
    if len(different) < 3:
        raise MakemoreError(
            f"{numbering.reading.source}: only {len(different)} different lines consist of characters that all of these "
            "lists have, and a product needs at least 3; blend them as a mixture"
        )
