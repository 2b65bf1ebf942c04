"""Warnings in plain words about a list, a training and what came of it, each with what to do."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from makemore.files.results import Result
from makemore.metrics.copying import COPIES_RED, MUCH, Verdict

AMBER, RED = "amber", "red"

LINES, HELD_OUT = 1000, 300
"""Different lines, and held-out lines, below which intervals are wide."""

FEW = 500
"""Different lines below which neither type is reliably the better one: on fresh lines the 6-gram was ahead on 6 of 10 random lists of 50
and 150, the default type, trained for 300 steps, on 4 of 5 of 500 and 1,300 (benchmarks/small_lists.py, one list of each size)."""

RARE = 5
"""A character seen fewer times can hardly be learned."""

COLLAPSE = 0.8
"""Share of the uniqueness of training lines below which samples repeat themselves."""

CALIBRATION, VARIETY, DISTANCE = 0.05, (0.9, 1.1), 2.0
"""Rules of thumb that the page marks numbers by: a calibration error, beyond what is chance; a Vendi ratio; a distance's
ratio. No warning comes of them."""

VALID = 0.9
"""Share of the samples that should end by themselves."""


@dataclass(frozen=True)
class Warned(Result):
    """Something a person should know."""

    code: str
    message: str
    remedy: str = field(metadata={"json": "advice"})
    """What to do about it."""
    severity: str = AMBER


class Evaluated(Protocol):
    """What a row of metrics.jsonl says of the validation loss, as `runs.summary.Metrics` does."""

    @property
    def step(self) -> int: ...

    @property
    def validation(self) -> float: ...

    @property
    def validation_error(self) -> float | None: ...

    @property
    def rise_error(self) -> float | None: ...


def overfitted(metrics: Sequence[Evaluated]) -> int | None:
    """Return the step of the lowest validation loss if training has continued for too long since, else None.

    The rule: in three evaluations in a row the loss was higher by more than two standard errors of the difference.
    """
    best: Evaluated | None = None
    above = 0
    since = None
    for row in metrics:
        if best is None or not best.step or row.validation < best.validation:
            best, above, since = row, 0, None  # an untrained model, step 0, is never the best
            continue
        error = row.rise_error
        above = above + 1 if error and row.validation - best.validation > 2 * error else 0
        if above >= 3:
            since = best.step
    return since


def of_overfitting(metrics: Sequence[Evaluated]) -> list[Warned]:
    """Say whether training went on for too long."""
    step = overfitted(metrics)
    if step is None:
        return []
    return [
        Warned(
            "overfitted",
            f"overfitting: since step {step:,} the validation loss has risen by more than chance explains; "
            "the weights kept are those of the step where it was lowest",
            "nothing for this run, whose best weights were kept; for a better one raise --dropout, --weight-decay or --teacher, or find more lines",
            RED,
        )
    ]


def of_types(different: int) -> str:
    """Say which type suits a list with so many different lines: the one rule, for all who advise."""
    if different < FEW:
        return (
            f"{different:,} different lines are too few for their losses to choose a type: "
            "try --type ngram beside the default, and judge by the samples"
        )
    return f"{different:,} different lines suit the default type; --type ngram takes seconds, so try that too"


def of_training(
    metrics: Sequence[Evaluated],
    nll: Mapping[str, float],
    counting: tuple[float, float] | None,
    held_out: int,
) -> list[Warned]:
    """Judge the curve and the losses of a training.

    Args:
        metrics: The evaluations, as `overfitted` takes them.
        nll: The loss of each split, in nats per token.
        counting: The test loss of an n-gram, and the standard error of this model's difference from it; None for
            a model that counts itself.
        held_out: Lines of validation and test together.

    """
    found = of_overfitting(metrics)
    if not all(math.isfinite(loss) for loss in nll.values()):
        found.append(
            Warned(
                "impossible_lines",
                "impossible lines: the model gives some of the lines no probability at all, so its loss is infinite",
                "smooth the counts (--smoothing), or use another --type",
                RED,
            )
        )
    if len(metrics) >= 5 and not found:
        last = metrics[-1]
        before = metrics[-1 - max(1, len(metrics) // 10)]  # a tenth of the training ago
        best = min(row.validation for row in metrics)
        fell = before.validation - last.validation
        if last.validation == best and last.validation_error and fell > last.validation_error:
            found.append(
                Warned(
                    "still_improving",
                    f"still improving: the validation loss fell by {fell:.3f} in the last tenth of the training",
                    "train longer: a higher --max-steps, or --time",
                )
            )
    enough = held_out >= HELD_OUT  # a handful of lines says nothing of two types
    if (
        enough
        and counting is not None
        and math.isfinite(nll["test"])
        and nll["test"] - counting[0] > 2 * counting[1]
    ):
        found.append(
            Warned(
                "worse_than_ngram",
                f"worse than counting: a 6-gram has a test loss of {counting[0]:.3f} on this list, this model {nll['test']:.3f}",
                "use --type ngram, or train longer or with another --type",
            )
        )
    return found


def of_counts(counts: Mapping[str, int], marks: int, different: int, held_out: int) -> list[Warned]:
    """Judge a list: how small it is, and what is odd about its characters.

    counts: how often each character stands in it. marks: lines that are not in normal form C.
    """
    found = []
    if different < LINES or held_out < HELD_OUT:
        found.append(
            Warned(
                "few_lines",
                f"few lines: {different:,} different ones, {held_out:,} held out, so the losses on those are rough; "
                "look at the intervals",
                "compare models by more than their losses, or find more lines",
            )
        )
    rare = sorted(c for c, n in counts.items() if n < RARE)
    if rare:
        few = " ".join(shown(c) for c in rare[:10]) + (" ..." if len(rare) > 10 else "")
        found.append(
            Warned(
                "rare_characters",
                f"rare characters: {len(rare):,} of {len(counts):,} stand fewer than {RARE} times in the list ({few})",
                "nothing can be learned about them; leave out or rewrite their lines if they are mistakes",
            )
        )
    odd = sorted(c for c in counts if suspicious(c))
    if odd:
        few = ", ".join(shown(c) for c in odd[:10])
        found.append(
            Warned(
                "suspicious_characters",
                f"suspicious characters: {few} in {sum(counts[c] for c in odd):,} places",
                "they are invisible or left over from a wrong encoding; clean the file, or name its --encoding",
            )
        )
    if marks:
        found.append(
            Warned(
                "mixed_normal_forms",
                f"mixed normal forms: {marks:,} lines are not in Unicode's normal form C",
                "nothing: makemore brings them to it; other programs may not find them equal",
            )
        )
    return found


def suspicious(character: str) -> bool:
    """Say whether a character is a leftover rather than text: U+FFFD, a control or an invisible one."""
    if character in "\u200c\u200d":  # joiners, which emoji, Persian and Hindi are written with
        return False
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Co", "Cn", "Cs")


def shown(character: str) -> str:
    """Return a character as it can be read: itself, or its code point."""
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"


def of_samples(
    verdict: Verdict | None, uniqueness: float, uniqueness_of_train: float, validity: float
) -> list[Warned]:
    """Judge what samples are like.

    Args:
        verdict: Whether the model memorises its training lines; None if that is not known.
        uniqueness: Share of different samples.
        uniqueness_of_train: The same of as many training lines.
        validity: Share of samples that end by themselves.

    """
    found = []
    if verdict is not None and verdict.level == MUCH:
        mild = verdict.ratio is not None and verdict.ratio <= COPIES_RED
        found.append(
            Warned("memorises", f"memorising: {verdict.sentence}", verdict.advice, AMBER if mild else RED)
        )
    if uniqueness < COLLAPSE * uniqueness_of_train:
        found.append(
            Warned(
                "collapse",
                f"too much alike: {uniqueness:.0%} of the first thousand samples are different, and "
                f"{uniqueness_of_train:.0%} of as many lines drawn from the list",
                "train longer, use another --type, or sample with --unique or a higher --temperature",
                RED,
            )
        )
    if validity < VALID:
        found.append(
            Warned(
                "unended",
                f"lines without an end: {1 - validity:.1%} of the samples were cut at the longest line's length",
                "train longer, or use a --type or an --order that remembers more",
            )
        )
    return found
