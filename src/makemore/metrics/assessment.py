"""What `assess` returns: everything that is measured on a trained run, as fields.

The keys of `Assessment.to_json` are explained in docs/evaluation.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from makemore.files.results import Flag, Result, plain
from makemore.metrics.advice import Warned
from makemore.metrics.calibration import Calibration
from makemore.metrics.classification import Classification
from makemore.metrics.intervals import Interval
from makemore.metrics.losses import Part
from makemore.metrics.quality import Distance
from makemore.metrics.verdict import Copying, Verdict

Splits = Mapping[str, float]
"""A number for each of train, validation and test."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95% interval."""

    value: float
    """Infinite for a loss if a line has no probability at all."""
    interval: Interval
    """NaN at both ends if there are too few lines for an interval."""


@dataclass(frozen=True)
class SplitLoss:
    """The loss on one split, in every unit."""

    nll: Estimate
    """Nats per token."""
    bits_per_character: Estimate
    """Bits per token."""
    perplexity: Estimate
    bits_per_line: Estimate


@dataclass(frozen=True)
class Baselines(Result):
    """Losses to compare with, in nats per token."""

    uniform: float
    """The loss of guessing evenly among all characters."""
    bigram: Splits
    """The loss of a bigram on validation and test lines."""
    ngram: Splits
    """The loss of a 6-gram on validation and test lines."""


@dataclass(frozen=True)
class NearestDistances(Result):
    """How far lines are from the nearest of some training lines."""

    lines: int
    """How many samples, and how many held-out lines, were compared."""
    of_train: int
    """How many different training lines they were compared with."""
    samples: tuple[int, ...]
    """How many samples are 0, 1, 2, ... edits away."""
    held_out: tuple[int, ...]
    """The same for held-out lines."""


@dataclass(frozen=True)
class Neighbour(Result):
    """A sample and the training line nearest to it."""

    text: str
    cut: bool
    """Whether the sample was cut at the longest line's length."""
    nll: float
    """-log p of the whole line, in nats."""
    seen: str
    """Where the sample is in the list: train, held-out, or new if it is not."""
    nearest: str
    distance: int
    """Edits between the two."""


@dataclass(frozen=True)
class Vendi(Result):
    """Vendi scores: how varied samples are, and how varied held-out lines are."""

    lines: int
    """How many samples, and how many held-out lines, were scored."""
    samples: float
    held_out: float

    @property
    def ratio(self) -> float:
        """The score of the samples over that of held-out lines."""
        return self.samples / self.held_out


@dataclass(frozen=True)
class Quality(Result):
    """What samples are like, compared with lines of the list."""

    samples: int
    """How many samples were taken."""
    validity: float
    """Share of samples that end by themselves."""
    uniqueness: float
    """Share of different samples among the first thousand."""
    uniqueness_of_train: float
    """The same for as many training lines, resampled with replacement."""
    novelty: float
    """Share of the different samples that are not training lines."""
    held_out_hits: float
    """Share of the different held-out lines that are among the samples."""
    train_mass: float
    """The probability that a sample is a training line."""
    held_out_mass: float
    """The probability that a sample is a held-out line."""
    c_t: float
    """Below 0 if samples are nearer to training lines than held-out lines are (a z-score)."""
    nearest_distances: NearestDistances
    nearest: tuple[Neighbour, ...]
    """The first samples, each with its nearest training line."""
    distances: Mapping[str, Distance]
    """The distances from the training lines in each feature of `quality.FEATURES`."""
    vendi: Vendi

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the fields and the Vendi ratio."""
        return super().to_json(flag) | {"vendi_ratio": plain(self.vendi.ratio)}


@dataclass(frozen=True, repr=False)
class Assessment(Result):
    """Everything that is measured on a trained run."""

    type: str
    parameters: int
    steps: int | None
    """Training steps taken."""
    seconds: float | None
    """How long training took."""
    lines: Mapping[str, int]
    """Lines of each split."""
    tokens: Mapping[str, int]
    """Predicted tokens of each split; the end of a line is a token."""
    scored_lines: Mapping[str, int]
    """Lines of each split that the losses come from: all of them, unless the file is large."""
    losses: Mapping[str, SplitLoss]
    """The loss on each split."""
    baselines: Baselines
    nll_by_position: Mapping[int, Part]
    """The loss of the first, second, ... token of the test lines."""
    nll_by_length: Mapping[int, Part]
    """The loss of the test lines of each length, in characters."""
    nll_by_character: Mapping[str, Part]
    r"""The loss of each character of the test lines; "\n" is the end of a line."""
    calibration: Calibration
    classification: Classification | None
    """How well labels are told apart; None if lines have none."""
    copying: Copying
    quality: Quality
    memorising: Verdict
    warnings: tuple[Warned, ...]

    @property
    def nll(self) -> Splits:
        """The loss on each split, in nats per token."""
        return {split: loss.nll.value for split, loss in self.losses.items()}

    def __repr__(self) -> str:
        """Show the numbers that matter most, in a few lines."""
        of, codes = self.quality, ", ".join(warned.code for warned in self.warnings)
        return (
            f"Assessment of {self.type}, {self.parameters:,} parameters\n"
            f"  nats per token  {', '.join(f'{split} {nll:.4f}' for split, nll in self.nll.items())}\n"
            f"  samples         {of.novelty:.1%} novel, {of.uniqueness:.1%} unique, {of.validity:.1%} ended\n"
            f"  copying         {self.memorising.sentence}\n"
            f"  warnings        {codes or 'none'}\n"
            "  every number    in its fields, and in to_json()"
        )

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return every number under its key in docs/evaluation.md; `flag` spells the arguments in advice."""
        found: dict[str, object] = {}
        for name, value in super().to_json(flag).items():
            match name:
                case "losses":
                    found |= _by_unit(self.losses)
                case "nll_by_position":
                    found[name] = _parts("position", self.nll_by_position)
                case "nll_by_length":
                    found[name] = _parts("length", self.nll_by_length)
                case "nll_by_character":
                    found[name] = _parts("character", self.nll_by_character)
                case "calibration":
                    of = self.calibration
                    found |= {"calibration_error": of.error, "calibration_error_by_chance": of.by_chance}
                    found[name] = plain(of.bins)
                case "copying":
                    ratio, interval = self.copying.ratio, self.copying.interval
                    found |= {"copy_ratio": plain(ratio), "copy_ratio_interval": plain(interval)}
                case "classification" if self.classification is None:
                    pass
                case "quality":
                    found |= self.quality.to_json()
                case _:
                    found[name] = value
        return found


def _by_unit(losses: Mapping[str, SplitLoss]) -> dict[str, object]:
    """Return the value and the interval on each split under the name of each unit."""
    found: dict[str, object] = {}
    for field in dataclasses.fields(SplitLoss):
        each: dict[str, Estimate] = {split: getattr(loss, field.name) for split, loss in losses.items()}
        found[field.name] = {split: plain(estimate.value) for split, estimate in each.items()}
        found[field.name + "_interval"] = {split: plain(e.interval) for split, e in each.items()}
    return found


def _parts(name: str, parts: Mapping[int, Part] | Mapping[str, Part]) -> list[object]:
    return [{name: of} | part.to_json() for of, part in parts.items()]
