"""What training shows before torch is loaded: the list, and lines sampled from a 6-gram of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from makemore.corpus.cache import read_corpus
from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.corpus.reading import How
from makemore.corpus.source import locate
from makemore.counting.tree import counted
from makemore.files.locks import held
from makemore.inference.counts import NGram
from makemore.metrics.rows import check_no_table
from makemore.runs.ownership import check_free
from makemore.sampling.draw import sample
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Sample

LARGEST = 20_000_000
"""Bytes of a file above which training starts without it: reading alone would take seconds."""

COUNTED_TOKENS = 300_000
"""About how many characters are counted, at most."""

ORDER, SAMPLES, LONGEST = 6, 5, 60
"""The length of the strings counted, how many lines are sampled, and where they are cut."""


def first_look(
    source: str | Sequence[str] | None, directory: Path, overwrite: bool, how: How, seed: int | None
) -> tuple[Corpus, list[Sample]] | None:
    """Read a list and sample from a 6-gram of its training lines; None if it is large, or a stream.

    Raises MakemoreError as training would: the directory is not free, or the file cannot be read.
    """
    size = locate(source).size
    if size is None or size > LARGEST:
        return None
    check_free(directory, overwrite)
    corpus = check_no_table(read_corpus(source, how), how)
    with held(directory):  # it can be written, and nobody else works in it
        pass
    rows = corpus.at_most("train", COUNTED_TOKENS)
    if not len(rows):
        return corpus, []
    V = len(corpus.vocab)
    weights = counted(corpus.stream(rows).astype(np.int64), V, ORDER, kinds_of(corpus.vocab))
    form = NGram(V, {"order": ORDER}, weights)
    options = SampleOptions(max_length=min(corpus.longest, LONGEST), cut=True, seed=seed)
    return corpus, list(sample(form, corpus.vocab, SAMPLES, options))
