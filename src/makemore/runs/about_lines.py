"""What a run says about lines that people give it: how likely they are, why, and which label they have."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from makemore.corpus.lines import strings
from makemore.corpus.vocab import Vocab
from makemore.distributed.group import ALONE, Group
from makemore.errors import MakemoreError
from makemore.files.typed import checked
from makemore.inference.base import Inference
from makemore.inference.lines import Reader
from makemore.runs import forms, scoring
from makemore.runs.labels import Classified, LabelCounts, check_labels, check_prior, numbers
from makemore.runs.spelling import Spelling
from makemore.sampling.tree import Sample

if TYPE_CHECKING:
    from makemore.models.base import Model


class AboutLines(ABC):
    """The part of a run that scores, explains and classifies lines, built on the few members below."""

    vocab: Vocab
    directory: Path
    _last_reader: tuple[int | None, Reader] | None = None

    @cached_property
    @abstractmethod
    def spelling(self) -> Spelling:
        """How the run reads the lines that people give it."""

    @cached_property
    @abstractmethod
    def labels(self) -> LabelCounts | None:
        """How often the training lines have each label; None if they have none."""

    @abstractmethod
    def _used(self, small: bool) -> Model | Inference:
        """Return the form of the model to use."""

    def scored(
        self,
        lines: Iterable[str],
        letters: bool = False,
        group: Group = ALONE,
        label: str | None = None,
    ) -> Generator[scoring.Scored, None, None]:
        """Yield the score of each line that is not blank, normalised by `spelling`.

        Args:
            lines: The lines.
            letters: Whether to score each character too.
            group: Processes that share the work. All must pass the same lines; each gets every score.
            label: The label that the lines have; None: whatever it is.

        """
        number = self._number(label)

        def score(some: Sequence[str]) -> list[list[float]]:
            return self._letters(some, number)

        cleaned = map(self.spelling.cleaned, strings(lines))
        return scoring.scored(score, self.vocab, cleaned, letters, group)

    def letters(self, lines: Sequence[str], label: str | None = None) -> list[list[float]]:
        """Return -log p in nats of every character of some lines, each line's end last.

        Lines are taken as they are, so that a sample is scored as it was sampled.

        Args:
            lines: The lines.
            label: The label that they have; None: whatever it is.

        Raises:
            MakemoreError: A line has a character that the model does not know, or is not one line.

        """
        return self._letters(list(strings(lines)), self._number(label))

    def letters_of(self, samples: Sequence[Sample]) -> list[list[float]]:
        """Return `letters` of some samples, given the label of each."""
        number = {label: i for i, label in enumerate(("", *self.vocab.labels))}
        return self._given([sample.text for sample in samples], [number[sample.label] for sample in samples])

    def score(self, lines: Iterable[str], label: str | None = None) -> list[float]:
        """Return -log p(line and its end) of some lines, in nats. Lines are cleaned first, as for training.

        Args:
            lines: The lines, a pandas column for example.
            label: The label that the lines have; None: whatever it is.

        Returns:
            One number for each line: inf for a line with a character that the model does not know.

        Raises:
            MakemoreError: Something is not one line, or is too long, or there is no such label.

        """
        cleaned = [self.spelling.cleaned(line) for line in strings(lines)]
        known = [line for line in cleaned if self.vocab.knows(line) or "\n" in self.vocab.forms.inner(line)]
        scores = {line: sum(nlls) for line, nlls in zip(known, self.letters(known, label), strict=True)}
        return [scores.get(line, math.inf) for line in cleaned]

    def explain(self, line: str, top: int = 5, label: str | None = None) -> list[scoring.Explained]:
        """Return, for each character of a line and its end, how likely it was and what was likelier.

        Args:
            line: The line.
            top: How many of the most likely characters to list.
            label: The label that the line has; None: whatever it is.

        Raises:
            MakemoreError: The line is empty or has a character that is not known, top is less than 1, or there
                is no such label.

        """
        _check_top(top)
        line, number = self.spelling.cleaned(checked("line", line, str)), self._number(label)
        if not line:
            raise MakemoreError("the line is empty; give one with characters in it")
        self.letters([line], label)  # raises if something is wrong with it
        return scoring.explain(self.vocab, line, self._expected(line, number), top)

    def expects(self, text: str, top: int | None = None, label: str | None = None) -> list[tuple[str, float]]:
        """Return the characters that may follow a text, the end of the line among them, likeliest first.

        The text is taken as it was typed, with spaces at its end; only Unicode's normal form is restored. After
        one more character the answer costs one step of the model, however long the text is.

        Args:
            text: The beginning of a line; empty: what a line begins with.
            top: How many characters to list. None lists all.
            label: The label that the line has; None: whatever it is.

        Returns:
            Each character, as in `Letter`, with its probability. All V probabilities add up to 1.

        Raises:
            MakemoreError: The text has a character that is not known, is not one line or too long; top is less
                than 1; or there is no such label.

        """
        if top is not None:
            _check_top(top)
        text, number = self.spelling.normal(checked("text", text, str)), self._number(label)
        self.spelling.check_length(text)
        line = scoring.ids(self.vocab, text)
        if isinstance(model := self._used(len(text) <= forms.SHORT), Inference):
            p = self.reader(model, number).expected(line[:-1])
        else:
            *_, p = self._expected(text, number)
        return scoring.likeliest(self.vocab, p, top or len(p))

    def classify(self, lines: Iterable[str], prior: str = "counts") -> Iterator[Classified]:
        """Yield how probable each label is for each line that is not blank, by Bayes' rule.

        Args:
            lines: The lines. They are cleaned first, as for training.
            prior: "counts", as often as training lines have each label, or "uniform", all alike.

        Raises:
            MakemoreError: The run's lines have no labels, a line is too long, or there is no such prior.

        """
        check_labels(self.vocab, self.directory)
        check_prior(prior)
        assert self.labels is not None
        cleaned = (line for line in map(self.spelling.cleaned, strings(lines)) if line)
        for chunk in scoring.chunks(cleaned):
            known = [line for line in chunk if self.vocab.knows(line)]
            found = self.labels.classified(self._given, known, prior)
            for line in chunk:
                yield next(found) if self.vocab.knows(line) else Classified(line, ())

    def reader(self, form: Inference, number: int | None) -> Reader:
        """Return what reads lines that grow, with the number of a label or, if None, whatever label they have."""
        if self._last_reader is None or (self._last_reader[0], self._last_reader[1].form) != (number, form):
            labels, shares = np.array([number or 0]), np.ones(1)
            if number is None:
                assert self.labels is not None
                labels, shares = (all := self.labels.shares()).labels, all.shares
            self._last_reader = number, Reader(form, labels, shares)
        return self._last_reader[1]

    def _number(self, label: str | None) -> int | None:
        """Return the number of a label; None for whatever label a line has."""
        if label is None:
            return None if self.vocab.labels else 0
        found = numbers(self.vocab, [checked("label", label, str)], self.directory)
        if len(found) > 1:
            raise MakemoreError(f"label {label}: lines are scored given one label; name one", option="label")
        return found[0]

    def _letters(self, lines: Sequence[str], number: int | None) -> list[list[float]]:
        if (
            len(lines) == 1
            and len(lines[0]) < Reader.LONG
            and isinstance(form := self._used(True), Inference)
        ):
            self.spelling.check_length(lines[0])
            return [self.reader(form, number).nlls(scoring.ids(self.vocab, lines[0]))]
        if number is None:
            assert self.labels is not None
            return self.labels.letters(self._given, lines)
        return self._given(lines, [number] * len(lines))

    def _given(self, lines: Sequence[str], labels: Sequence[int]) -> list[list[float]]:
        """Return -log p of every character of some lines, given the label of each."""
        for line in lines:
            self.spelling.check_length(line)
        return scoring.letters(self._used(sum(map(len, lines)) <= forms.SHORT), self.vocab, lines, labels)

    def _expected(self, line: str, number: int | None) -> Iterator[scoring.Floats]:
        """Yield the probabilities of all characters at each position of a line, (V,)."""
        model = self._used(len(line) <= forms.SHORT)
        if number is not None:
            yield from scoring.expected(model, self.vocab, line, number)
            return
        assert self.labels is not None
        posterior = self.labels.posterior(self._given, line)  # (K, T)
        each = [scoring.expected(model, self.vocab, line, i) for i in self.labels.shares().labels.tolist()]
        for t, at_once in enumerate(zip(*each, strict=True)):
            yield sum(p * weight for p, weight in zip(at_once, posterior[:, t], strict=True))


def _check_top(top: int) -> None:
    """Raise MakemoreError if no characters would be listed."""
    if checked("top", top, int) < 1:
        raise MakemoreError(f"top must be 1 or more, not {top}", option="top")
