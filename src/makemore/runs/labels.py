"""The labels of a run's lines: which are wanted, how often each is, and which one a line has, by Bayes' rule.

    p(label | line) = p(label) p(line | label) / sum over all labels of the same

p(label) is how often the training lines have it, or the same for all. Where no label is named, a line's
probability is that sum: its probability whatever its label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from makemore.corpus.corpus import Corpus
from makemore.corpus.splits import SPLITS
from makemore.corpus.vocab import NO_LABEL, Vocab
from makemore.errors import MakemoreError, alike, shown
from makemore.files.results import Flag, Result
from makemore.sampling.stepper import Shares

Floats = npt.NDArray[np.float64]
Letters = Callable[[Sequence[str], Sequence[int]], list[list[float]]]
"""Returns -log p of every character of some lines, each line's end last, given the label of each."""

AT_ONCE = 200_000
"""Characters to score at a time, about."""

PRIORS = ("counts", "uniform")
"""What is assumed of a line's label before the line is read."""


@dataclass(frozen=True)
class Classified(Result):
    """How probable each label is for a line."""

    text: str
    labels: tuple[tuple[str, float], ...]
    """The labels and their probabilities, the most probable first; none if the model does not know a
    character of the line."""

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the text, and the probability of each label."""
        return {"text": self.text, "labels": dict(self.labels)}


def check_labels(vocab: Vocab, where: object) -> None:
    """Raise MakemoreError if the lines of a run have no labels."""
    if not vocab.labels:
        raise MakemoreError(
            f"{shown(str(where))}: its lines have no labels; train on a table, with label naming the column "
            "that says which kind each line is of",
            option="label",
        )


def check_prior(prior: str) -> None:
    """Raise MakemoreError if there is no such prior."""
    if prior not in PRIORS:
        raise MakemoreError(f"prior must be counts or uniform, not {shown(prior)}", option="prior")


def numbers(vocab: Vocab, wanted: Sequence[str], where: object) -> list[int]:
    """Return the numbers of some labels; a name may also hold several, separated by commas.

    Raises MakemoreError if there is no such label.
    """
    if not wanted:
        return []
    check_labels(vocab, where)
    known = {name: number for number, name in enumerate(vocab.labels, 1)}
    names = [part for name in wanted for part in ([name] if name in known else name.split(","))]
    for name in map(str.strip, names):
        if name not in known:
            few = ", ".join(map(shown, vocab.labels[:10])) + ", ..." * (len(vocab.labels) > 10)
            guess = alike(name, vocab.labels) or f" there are {few}"
            raise MakemoreError(
                f"label {shown(name) or repr(name)}: no line has this label;{guess}", option="label"
            )
    return list(dict.fromkeys(known[name.strip()] for name in names))


class LabelCounts:
    """How often the training lines of a corpus have each label."""

    def __init__(self, corpus: Corpus) -> None:
        self.names = (NO_LABEL, *corpus.vocab.labels)
        self.counts: npt.NDArray[np.int64] = np.zeros(len(self.names), dtype=np.int64)
        """(L + 1,) training lines with each label, those without one first."""
        for rows in corpus.slices():
            train = corpus.split[rows] == SPLITS.index("train")
            if corpus.labels is not None:
                self.counts += np.bincount(corpus.labels[rows][train], minlength=len(self.names))

    def shares(self, wanted: Sequence[int] = ()) -> Shares:
        """Return some labels with how often each is among them; none wanted: all that training lines have."""
        some = np.array(wanted or np.flatnonzero(self.counts), dtype=np.intp)
        counts = np.maximum(self.counts[some], 0.5)  # a label that only held-out lines have is rare
        return Shares(some, counts / counts.sum())

    def letters(self, letters: Letters, lines: Sequence[str]) -> list[list[float]]:
        """Return -log p of every character of some lines, whatever their labels."""
        found = []
        for each in self._joint(letters, lines, self.shares()):
            # log p of the line's first 0, 1, 2, ... characters
            beginnings = np.append(0.0, np.logaddexp.reduce(each, 0))
            found.append((-np.diff(beginnings)).tolist())
        return found

    def posterior(self, letters: Letters, line: str) -> Floats:
        """Return how probable each label of `shares()` is before each character of a line, (K, T)."""
        shares = self.shares()
        (each,) = self._joint(letters, [line], shares)
        before = np.concatenate([np.log(shares.shares)[:, None], each[:, :-1]], 1)  # (K, T)
        posterior: Floats = np.exp(before - np.logaddexp.reduce(before, 0))
        return posterior

    def classified(self, letters: Letters, lines: Sequence[str], prior: str) -> Iterator[Classified]:
        """Yield how probable each label is for some lines."""
        shares = self.shares([i for i in range(1, len(self.names)) if self.counts[i]])
        if prior == "uniform":
            shares = Shares(shares.labels, np.full(len(shares.labels), 1 / len(shares.labels)))
        for line, each in zip(lines, self._joint(letters, lines, shares), strict=True):
            logp = each[:, -1]
            p = np.exp(logp - np.logaddexp.reduce(logp))
            order = np.argsort(-p, kind="stable")
            names = (self.names[number] for number in shares.labels[order].tolist())
            yield Classified(line, tuple(zip(names, p[order].tolist(), strict=True)))

    def _joint(self, letters: Letters, lines: Sequence[str], shares: Shares) -> Iterator[Floats]:
        """Yield for each line log p(label, its first 1, 2, ... characters), (K, T)."""
        start, K = np.log(shares.shares)[:, None], len(shares.labels)
        for some in _batches(lines, AT_ONCE // K):  # each line under every label
            each = letters([line for line in some for _ in range(K)], shares.labels.tolist() * len(some))
            for k in range(0, len(each), K):
                yield start - np.cumsum(np.array(each[k : k + K]), 1)


def _batches(lines: Sequence[str], most: int) -> Iterator[list[str]]:
    """Yield the lines in batches: in each the longest line, times how many they are, has `most` characters at most."""
    some, longest = list[str](), 0
    for line in lines:
        longest = max(longest, 1 + len(line))
        if some and (len(some) + 1) * longest > most:
            yield some
            some, longest = [], 1 + len(line)
        some.append(line)
    if some:
        yield some
