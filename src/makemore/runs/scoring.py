"""How likely a model finds lines, character by character, and what it expected instead."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np
import numpy.typing as npt

from makemore.corpus.corpus import Corpus
from makemore.corpus.vocab import Ids, Vocab
from makemore.distributed.group import Group
from makemore.errors import MakemoreError, quoted
from makemore.files.results import Flag, Result
from makemore.inference import lines as inference
from makemore.inference.base import Inference

if TYPE_CHECKING:
    from makemore.models.base import Model

Item = TypeVar("Item")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Letter(Result):
    """How likely a character is."""

    character: str
    """The character; the end of the line is a newline, or empty if lines have line breaks in them."""
    nll: float
    """-log p, in nats."""


@dataclass(frozen=True)
class Scored(Result):
    """How likely a line is."""

    text: str
    nll: float
    """-log p of the line and its end, in nats; inf if the model does not know one of its characters."""
    letters: tuple[Letter, ...] | None = None
    """Its characters and its end, if they were asked for; none if one is unknown."""

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the fields; `letters` only if they were asked for."""
        found = super().to_json(flag)
        if self.letters is None:
            del found["letters"]
        return found


@dataclass(frozen=True)
class Explained(Result):
    """What a model expected at one position of a line."""

    character: str
    """The character there, as in `Letter`."""
    probability: float
    choices: tuple[tuple[str, float], ...]
    """The most likely characters and their probabilities, most likely first."""
    nll: float
    """The surprise: -log p, in nats."""
    rank: int
    """At which guess the model is right, if it guesses in the order of `choices`."""


@dataclass(frozen=True)
class Explanation(Result):
    """What a run expected of a whole line."""

    run: str
    text: str
    nll: float
    """-log p of the line and its end, in nats."""
    letters: tuple[Explained, ...]

    @classmethod
    def of(cls, run: str, text: str, letters: Sequence[Explained]) -> Self:
        """Return the explanation of a line, from what `Run.explain` returned for it."""
        return cls(run, text, sum(each.nll for each in letters), tuple(letters))


@dataclass(frozen=True)
class SeenSample(Result):
    """A sample, and whether the corpus has it; the other fields are those of `Sample`."""

    text: str
    nll: float
    ended: bool
    seen: str
    """"train", "held-out" (in another split) or "new"."""
    label: str = ""
    """Which kind of line it is, if the run's lines have labels."""


def letters(
    model: Model | Inference, vocab: Vocab, lines: Sequence[str], labels: Sequence[int]
) -> list[list[float]]:
    """Return -log p in nats of every character of some lines, each line's end last, given the label of each.

    Raises MakemoreError if a line has a character that is not in the vocabulary, or is not one line.
    """
    for line in lines:
        ids(vocab, line)
    return _nlls(model, vocab, lines, labels)


def ids(vocab: Vocab, line: str) -> Ids:
    """Return the ids of a line between two boundaries, as it is.

    Raises MakemoreError if it has a character that is not in the vocabulary, or is not one line.
    """
    if "\n" in vocab.forms.inner(line):
        raise MakemoreError(f"{quoted(line)}: is more than one line")
    try:
        return vocab.stream([line])
    except MakemoreError as error:
        raise MakemoreError(f"{quoted(line)}: {error}") from None


def scored(
    score: Callable[[list[str]], list[list[float]]],
    vocab: Vocab,
    lines: Iterable[str],
    letters: bool,
    group: Group,
) -> Generator[Scored, None, None]:
    """Yield each line that is not empty with its score, and that of its letters."""

    def work(chunk: list[str]) -> list[Scored]:
        scores = iter(score([line for line in chunk if vocab.knows(line)]))
        return [made(line, next(scores) if vocab.knows(line) else None) for line in chunk]

    def made(line: str, nlls: list[float] | None) -> Scored:
        each = tuple(map(Letter, [*vocab.forms.split(line), vocab.end], nlls or [])) if letters else None
        return Scored(line, math.inf if nlls is None else sum(nlls), each)

    some = chunks(line for line in lines if line)
    with contextlib.closing(group.shared(some, work)) as found:
        for each in found:
            yield from each


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items in lists of 1,000; if an item raises MakemoreError, those before it come first."""
    chunk: list[Item] = []
    try:
        for item in items:
            chunk.append(item)
            if len(chunk) == 1000:
                yield chunk
                chunk = []
    except MakemoreError:
        yield chunk
        raise
    yield chunk


def expected(model: Model | Inference, vocab: Vocab, line: str, label: int = 0) -> Iterator[Floats]:
    """Yield the probabilities of all characters, (V,), at each position of a line with a label."""
    if isinstance(model, Inference):
        return inference.expected(model, vocab.stream([line]), label)
    from makemore.metrics import losses

    return losses.expected(model, _corpus(vocab, [line], [label]), 0)


def explain(vocab: Vocab, line: str, expected: Iterable[Floats], top: int) -> list[Explained]:
    """Return what was expected at each character of a line and at its end: the `top` likeliest ones.

    `expected` are the probabilities of all characters there, (V,) each.
    """
    explained = []
    for id, p in zip(vocab.stream([line])[1:].tolist(), expected, strict=True):
        choices = tuple(likeliest(vocab, p, top))
        probability = float(p[id])
        nll = -math.log(probability) if probability > 0 else math.inf
        rank = 1 + int((p > p[id]).sum() + (p[:id] == p[id]).sum())
        explained.append(Explained(vocab.names[id], probability, choices, nll, rank))
    return explained


def likeliest(vocab: Vocab, p: Floats, top: int) -> list[tuple[str, float]]:
    """Return the `top` likeliest characters and their probabilities, of those of all (V,), likeliest first."""
    least = np.partition(p, -top)[-top] if top < len(p) else 0.0
    some = np.flatnonzero(p >= least)  # sorting all would be slow with thousands of characters
    order = some[np.argsort(-p[some], kind="stable")[:top]]
    return [(vocab.names[i], float(p[i])) for i in order.tolist()]


def _nlls(
    model: Model | Inference, vocab: Vocab, lines: Sequence[str], labels: Sequence[int]
) -> list[list[float]]:
    """Return -log p in nats of every character of some lines, each line's end last."""
    if isinstance(model, Inference):
        return inference.score(model, [vocab.stream([line]) for line in lines], labels)
    from makemore.metrics import losses

    return losses.score(model, _corpus(vocab, lines, labels))


def _corpus(vocab: Vocab, lines: Sequence[str], labels: Sequence[int]) -> Corpus:
    numbers = np.array(labels, dtype=np.uint16) if vocab.labels else None
    return Corpus(vocab, vocab.stream(lines), labels=numbers)
