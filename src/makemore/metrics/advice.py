"""Warnings in plain words about a list, a training and its samples, each with what to do about it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from makemore.errors import with_flags
from makemore.files.results import Flag, Result
from makemore.metrics.verdict import ADVISED, COPIES_RED, MUCH, Verdict

AMBER, RED = "amber", "red"

LINES, HELD_OUT = 1000, 300
"""Different lines, and held-out lines, below which intervals are wide."""

FEW = 200
"""Different lines below which the 6-gram is usually a little better than the default type: on random lists of
50 lines, by 0.02 to 0.1 nats per fresh token; from 300 lines on the default is (benchmarks/NOTES.md)."""

RARE = 5
"""A character that occurs less often can hardly be learned."""

COLLAPSE = 0.8
"""Samples are too repetitive if their uniqueness is below this share of the uniqueness of training lines."""

CALIBRATION, VARIETY, DISTANCE = 0.05, (0.9, 1.1), 2.0
"""Rules of thumb by which the page marks numbers: a calibration error beyond chance, a Vendi ratio, and the
ratio of a distance. They cause no warning."""

VALID = 0.9
"""The share of samples that should end by themselves."""


@dataclass(frozen=True)
class Warned(Result):
    """Something a person should know."""

    code: str
    message: str
    remedy: str
    """What to do about it. Like errors, it names arguments of Python."""
    severity: str = AMBER
    options: tuple[str, ...] = ()
    """The arguments that the remedy names."""

    def advice(self, flag: Flag = str) -> str:
        """Return what to do about it. flag: Spells the arguments that it names."""
        return with_flags(self.remedy, self.options, flag)

    def to_json(self, flag: Flag = str) -> dict[str, object]:
        """Return the warning as the JSON of `makemore eval` has it."""
        advice = self.advice(flag)
        return {"code": self.code, "message": self.message, "advice": advice, "severity": self.severity}


# training


class Point(Protocol):
    """What advice needs to know about an evaluation during training."""

    @property
    def step(self) -> int:
        """The training step."""

    @property
    def validation(self) -> float:
        """The validation loss, in nats per token."""

    @property
    def validation_error(self) -> float | None:
        """The standard error of the validation loss."""

    @property
    def rise_error(self) -> float | None:
        """The standard error of the difference from the lowest loss before, on the same lines."""


def overfitted(curve: Sequence[Point]) -> int | None:
    """Return the step with the lowest validation loss if training has gone on for too long since, else None.

    It has if three evaluations in a row were above that loss by more than two standard errors.
    """
    best: Point | None = None
    above = 0
    since = None
    for point in curve:
        if best is None or not best.step or point.validation < best.validation:
            best, above, since = point, 0, None  # an untrained model, at step 0, does not count
            continue
        error = point.rise_error
        above = above + 1 if error and point.validation - best.validation > 2 * error else 0
        if above >= 3:
            since = best.step
    return since


def of_overfitting(curve: Sequence[Point]) -> list[Warned]:
    """Warn if training went on for too long."""
    step = overfitted(curve)
    if step is None:
        return []
    return [
        Warned(
            "overfitted",
            f"overfitting: since step {step:,} the validation loss has risen by more than chance explains; "
            "the weights of that step were kept",
            "this run needs nothing; for a better one raise dropout, weight_decay or teacher, or find more "
            "lines",
            RED,
            ("dropout", "weight_decay", "teacher"),
        )
    ]


def of_training(
    curve: Sequence[Point], nll: Mapping[str, float], counting: tuple[float, float] | None, held_out: int
) -> list[Warned]:
    """Judge the learning curve and the losses of a trained model, in nats per token.

    `counting` is the test loss of an n-gram, and the standard error of this model's difference from it; None
    for a counting model. `held_out` is the number of validation and test lines.
    """
    found = of_overfitting(curve)
    if not all(math.isfinite(loss) for loss in nll.values()):
        found.append(
            Warned(
                "impossible_lines",
                "impossible lines: the model gives some lines a probability of zero, so its loss is infinite",
                "raise smoothing, or use another type",
                RED,
                ("smoothing",),
            )
        )
    if not found:
        found += _still_improving(curve)
    if counting is not None and held_out >= HELD_OUT and math.isfinite(nll["test"]):  # few lines cannot tell
        ngram, error = counting
        if nll["test"] - ngram > 2 * error:
            found.append(
                Warned(
                    "worse_than_ngram",
                    f"worse than counting: a 6-gram has a test loss of {ngram:.3f} on this list, "
                    f"this model {nll['test']:.3f}",
                    "use type=ngram, train longer, or try another type",
                    options=("type",),
                )
            )
    return found


def _still_improving(curve: Sequence[Point]) -> list[Warned]:
    """Warn if the validation loss was still falling when training ended."""
    if len(curve) < 5:
        return []
    last = curve[-1]
    before = curve[-1 - max(1, len(curve) // 10)]  # a tenth of the training earlier
    fell = before.validation - last.validation
    lowest = last.validation == min(point.validation for point in curve)
    if not lowest or not last.validation_error or fell <= last.validation_error:
        return []
    return [
        Warned(
            "still_improving",
            f"still improving: the validation loss fell by {fell:.3f} in the last tenth of the training",
            "train longer, with a higher max_steps or time",
            options=("max_steps", "time"),
        )
    ]


# a list


def of_types(different: int, lines: str = "lines") -> str:
    """Return which type suits a list with this many different lines: the one rule for all advice.

    The sentence names the argument `type`; `lines` is what it calls lines.
    """
    if different < FEW:
        return (
            f"on lists as short as {different:,} different {lines}, type=ngram is usually a little better than the "
            "default; their losses hardly tell, so judge by the samples"
        )
    return f"{different:,} different {lines} suit the default; type=ngram takes only seconds, so try it too"


def of_counts(
    counts: Mapping[str, int], marks: int, different: int, held_out: int, lines: str = "lines"
) -> list[Warned]:
    """Judge a list: how small it is, and what is odd about its characters.

    `counts` says how often each character occurs, `marks` how many lines are not in normal form C,
    `different` how many different lines there are; `lines` is what messages call them.
    """
    found = []
    if different < LINES or held_out < HELD_OUT:
        found.append(
            Warned(
                "few_lines",
                f"few {lines}: {different:,} different, {held_out:,} held out, so losses on those are rough",
                f"look at the intervals, compare models by their samples too, or find more {lines}",
            )
        )
    rare = sorted(c for c, n in counts.items() if n < RARE)
    if rare:
        few = " ".join(readable(c) for c in rare[:10]) + (" ..." if len(rare) > 10 else "")
        found.append(
            Warned(
                "rare_characters",
                f"rare characters: {len(rare):,} of {len(counts):,} occur fewer than {RARE} times in the "
                f"list ({few})",
                "nothing can be learned about them; if they are mistakes, correct or remove those lines",
            )
        )
    odd = sorted(c for c in counts if suspicious(c))
    if odd:
        few = ", ".join(readable(c) for c in odd[:10])
        found.append(
            Warned(
                "suspicious_characters",
                f"suspicious characters: {few} in {sum(counts[c] for c in odd):,} places",
                "they are invisible, or the file was decoded wrongly; clean it, or set encoding",
                options=("encoding",),
            )
        )
    if marks:
        found.append(
            Warned(
                "mixed_normal_forms",
                f"mixed normal forms: {marks:,} lines are not in Unicode's normal form C",
                "nothing: makemore converts them; other programs may not recognise them as equal",
            )
        )
    return found


def suspicious(character: str) -> bool:
    """Say whether a character is unlikely to be meant: U+FFFD, a control character or an invisible one."""
    if len(character) > 1 or character in "\n\u200c\u200d":
        return False  # joiners, which emoji, Persian and Hindi are written with, and line breaks in things
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Co", "Cn", "Cs")


def readable(character: str) -> str:
    """Return a character in a readable form: itself, or its code point."""
    if character == "\n":  # inside a thing of several lines
        return "↵"
    if len(character) > 1 or (character.isprintable() and character != " "):
        return character
    return f"U+{ord(character):04X}"


# samples


def of_samples(
    verdict: Verdict | None, uniqueness: float, uniqueness_of_train: float, validity: float
) -> list[Warned]:
    """Judge samples by how many are different and end by themselves, and by the verdict on copies."""
    found = []
    if verdict is not None and verdict.level == MUCH:
        mild = verdict.ratio is not None and verdict.ratio <= COPIES_RED
        said = f"memorising: {verdict.sentence}"
        found.append(Warned("memorises", said, verdict.advice(), AMBER if mild else RED, ADVISED))
    if uniqueness < COLLAPSE * uniqueness_of_train:
        found.append(
            Warned(
                "collapse",
                f"too repetitive: {uniqueness:.0%} of the first thousand samples are different, but "
                f"{uniqueness_of_train:.0%} of as many training lines",
                "train longer, use another type, or sample with unique=True or a higher temperature",
                RED,
                ("unique",),
            )
        )
    if validity < VALID:
        found.append(
            Warned(
                "unended",
                f"samples without an end: {1 - validity:.1%} were cut at the length of the longest line",
                "train longer, or use a type or an order that remembers more",
            )
        )
    return found
