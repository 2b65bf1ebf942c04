"""What a run says about its training: one row for each evaluation, and a summary once it has ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from makemore.corpus.splits import SPLITS
from makemore.files.results import Result
from makemore.metrics.verdict import Verdict, judge_older


def finite(x: float) -> float | None:
    """Return a number, or None if it is infinite or NaN."""
    return x if math.isfinite(x) else None


@dataclass(frozen=True, kw_only=True)
class Metrics(Result):
    """One evaluation during training: a row of metrics.jsonl. Losses are in nats per token."""

    step: int
    batch: float | None = None
    """Mean loss of the batches since the last evaluation; like the errors, not in runs of early versions."""
    train: float
    """On a subsample of the training lines."""
    validation: float
    validation_error: float | None = None
    """Standard error of the validation loss."""
    rise_error: float | None = None
    """Standard error of its difference from the lowest one before; None if it is the lowest."""
    seconds: float | None = None
    """Training time so far."""


@dataclass(frozen=True)
class SummaryBaselines(Result):
    """Losses of the simplest models, in nats per token."""

    uniform: float
    """If every character were equally likely."""
    bigram: Mapping[str, float] = field(metadata={"null": math.inf})
    """Of the bigram model, on each split."""


@dataclass(frozen=True, kw_only=True)
class Summary(Result):
    """The results of a finished run: the content of summary.json."""

    type: str
    parameters: int
    steps: int
    best_step: int
    """The step with the lowest validation loss, whose weights were kept."""
    seconds: float
    """Training time."""
    lines: Mapping[str, int]
    """Lines of each split."""
    tokens: Mapping[str, int]
    """Predicted tokens of each split that were scored."""
    nll: Mapping[str, float] = field(metadata={"null": math.inf})
    """Loss on each split, in nats per token."""
    copy_ratio: float | None = None
    """How many times as likely training lines are as held-out lines; None if that cannot be estimated."""
    copy_ratio_interval: tuple[float | None, float | None] = (None, None)
    """Its 95% interval."""
    train_mass: float | None = None
    """The probability that a sample is a training line."""
    memorising: Verdict | None = None
    """The verdict on these three numbers; None in runs of early versions, which lack them."""
    baselines: SummaryBaselines

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Return the summary that `to_json` turned into these values, in this version or an earlier one.

        Raises ValueError if a value is missing or of another type.
        """
        if isinstance(values, dict) and isinstance(said := values.get("memorising"), dict):
            values = {**values, "memorising": None if said.get("share") is None else said}
        found = super().from_json(values)
        for each in (found.lines, found.tokens, found.nll, found.baselines.bigram):
            if missing := set(SPLITS) - each.keys():
                raise ValueError(f"{', '.join(sorted(missing))} is missing")
        if found.memorising is None and found.train_mass is not None:
            ratio, low, high = (
                math.nan if x is None else x for x in (found.copy_ratio, *found.copy_ratio_interval)
            )
            held_out = sum(found.lines[split] for split in SPLITS[1:])
            verdict = judge_older(found.train_mass, ratio, (low, high), held_out)
            found = replace(found, memorising=verdict)
        return found
