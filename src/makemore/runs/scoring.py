"""How likely a model finds lines, character by character, and what it expected instead."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from torch import nn

from makemore.corpus.corpus import Corpus
from makemore.corpus.vocab import Vocab
from makemore.distributed.group import Group
from makemore.errors import MakemoreError, quoted
from makemore.metrics import losses
from makemore.sampling.tree import Sample

Item = TypeVar("Item")
Scored = tuple[str, list[float] | None]
"""A line, and -log p in nats of each of its characters and its end, or None if a character is unknown."""


@dataclass(frozen=True)
class Explained:
    """What a model expected at one position of a line."""

    character: str
    """The character there; a newline is the end of the line."""
    probability: float
    choices: list[tuple[str, float]]
    """The most likely characters and their probabilities, most likely first."""

    @property
    def nll(self) -> float:
        """The surprise: -log p, in nats."""
        return -math.log(self.probability) if self.probability > 0 else math.inf


def letters(model: nn.Module, vocab: Vocab, lines: Sequence[str]) -> list[list[float]]:
    """Return -log p in nats of every character of some lines, each line's end last.

    Raises:
        MakemoreError: A line has a character that is not in the vocabulary, or is not one line.

    """
    if isinstance(lines, str):
        raise MakemoreError(f"lines must be a list of lines, not the text {quoted(lines)}", option="lines")
    for line in lines:
        if "\n" in line:
            raise MakemoreError(f"{quoted(line)}: is more than one line")
        try:
            vocab.encode(line)
        except MakemoreError as error:
            raise MakemoreError(f"{quoted(line)}: {error}") from None
    return losses.score(model, _corpus(vocab, lines))


def scored(
    letters: Callable[[list[str]], list[list[float]]], vocab: Vocab, lines: Iterable[str], group: Group
) -> Generator[Scored, None, None]:
    """Yield each line that is not empty with its score by `letters`; the group shares the work."""

    def work(chunk: list[str]) -> list[Scored]:
        scores = iter(letters([line for line in chunk if vocab.knows(line)]))
        return [(line, next(scores) if vocab.knows(line) else None) for line in chunk]

    some = chunks(line for line in lines if line)
    with contextlib.closing(group.shared(some, work)) as found:
        for each in found:
            yield from each


def chunks(items: Iterable[Item], size: int = 1000) -> Iterator[list[Item]]:
    """Yield items in lists of a size; if an item raises MakemoreError, those before it come first."""
    chunk: list[Item] = []
    try:
        for item in items:
            chunk.append(item)
            if len(chunk) == size:
                yield chunk
                chunk = []
    except MakemoreError:
        yield chunk
        raise
    yield chunk


def explain(model: nn.Module, vocab: Vocab, line: str, top: int) -> list[Explained]:
    """Return what a model expected at each character of a line and at its end: the `top` likeliest ones."""
    explained = []
    expected = losses.expected(model, _corpus(vocab, [line]), 0)
    for character, p in zip([*line, "\n"], expected, strict=True):
        least = np.partition(p, -top)[-top] if top < len(p) else 0.0
        some = np.flatnonzero(p >= least)  # sorting all would be slow with thousands of characters
        likeliest = some[np.argsort(-p[some], kind="stable")[:top]]
        choices = list(zip(vocab.decode(likeliest), p[likeliest].tolist(), strict=True))
        explained.append(Explained(character, float(p[vocab.encode(character)[0]]), choices))
    return explained


def cut(model: nn.Module, vocab: Vocab, samples: Sequence[Sample]) -> list[bool]:
    """Return for each sample whether it was cut at max_length although the model would have continued.

    A line of this length may be complete: if all lines of a list have one length, so has every sample.
    """
    unended = [sample.text for sample in samples if not sample.ended]
    if not unended:
        return [False] * len(samples)
    ends = iter([nlls[-1] for nlls in losses.score(model, _corpus(vocab, unended))])
    return [not sample.ended and next(ends) > math.log(2) for sample in samples]


def _corpus(vocab: Vocab, lines: Sequence[str]) -> Corpus:
    return Corpus(vocab, vocab.encode("\n" + "".join(line + "\n" for line in lines)))
