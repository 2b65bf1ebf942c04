"""What happens during training. Listeners print, plot, log or count it."""

from __future__ import annotations

from dataclasses import dataclass

from makemore.metrics.advice import Warned
from makemore.runs.run import Run
from makemore.runs.summary import Metrics, Summary
from makemore.sampling.tree import Sample


@dataclass(frozen=True)
class Started:
    """Training starts or resumes."""

    run: Run
    step: int
    """Steps done before."""
    parameters: int
    device: str
    warning: str = ""
    """Why the results may differ from an uninterrupted run, why nothing is left to do, or why there was
    little to learn from another run; else empty."""


@dataclass(frozen=True)
class Step:
    """One update of the weights."""

    step: int
    """Updates so far."""
    loss: float
    """Loss of the batch before the update, in nats per token, dropout included."""
    learning_rate: float
    tokens: int
    """Predicted tokens in the batch."""
    done: float | None
    """The share of training that is done; None if training has no end."""


@dataclass(frozen=True)
class Evaluation:
    """Losses in nats per token, without dropout; the fields are as in `Metrics`."""

    step: int
    train: float
    validation: float
    best: bool
    """Whether every earlier validation loss was higher."""
    validation_error: float = 0.0
    rise_error: float | None = None
    batch: float = 0.0
    seconds: float = 0.0

    def row(self) -> Metrics:
        """Return the evaluation as a row of metrics.jsonl."""
        return Metrics(
            step=self.step,
            batch=self.batch,
            train=self.train,
            validation=self.validation,
            validation_error=self.validation_error,
            rise_error=self.rise_error,
            seconds=round(self.seconds, 3),
        )


@dataclass(frozen=True)
class Overfitting:
    """The validation loss has risen by more than chance explains (`advice.overfitted`)."""

    step: int
    since: int
    """The step where it was lowest."""


@dataclass(frozen=True)
class Samples:
    """Lines sampled from the model as it is; those that did not end were cut at the longest length."""

    step: int
    samples: list[Sample]
    seen: list[str]
    """For each sample, "train", "held-out" or "new"."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything needed to resume from here is on disk."""

    step: int


@dataclass(frozen=True)
class Ended:
    """There are no more steps; next, the best weights are scored on every split."""

    step: int


@dataclass(frozen=True)
class Diagnosed:
    """The recorded statistics of the model have been judged, and plotted to diagnostics.png."""

    step: int
    warned: list[Warned]


@dataclass(frozen=True)
class Done:
    """Training has ended, or was stopped."""

    step: int
    reason: str
    """"finished", "no better" (patience ran out) or "stopped"."""
    summary: Summary | None
    """The contents of summary.json; None if training was stopped."""


Event = Started | Step | Evaluation | Overfitting | Samples | Checkpoint | Ended | Diagnosed | Done
