"""What happens while a model is trained. Whoever runs the loop prints it, plots it, or stops."""

from __future__ import annotations

import dataclasses

from makemore.metrics.advice import Warned
from makemore.runs.run import Run
from makemore.runs.summary import Summary
from makemore.sampling.tree import Sample


@dataclasses.dataclass(frozen=True)
class Started:
    """Training begins or goes on."""

    run: Run
    step: int
    """Steps done before."""
    parameters: int
    device: str
    warning: str = ""
    """Why what follows may differ from what an undisturbed run would have done; empty if nothing says so."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One update of the weights."""

    step: int
    """Updates done."""
    loss: float
    """Loss of the batch before the update, in nats per token, dropout included."""
    learning_rate: float
    tokens: int
    """Predicted tokens of the batch."""
    done: float | None
    """The share of the training that is done; None where it has no end."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Losses in nats per token, without dropout."""

    step: int
    train: float
    """On a sample of the training lines."""
    validation: float
    best: bool
    """Whether no earlier validation loss was as low."""


@dataclasses.dataclass(frozen=True)
class Overfitting:
    """The validation loss has risen by more than chance explains (`advice.overfitted`)."""

    step: int
    since: int
    """The step where it was lowest."""


@dataclasses.dataclass(frozen=True)
class Samples:
    """Lines drawn from the model as it is."""

    step: int
    samples: list[Sample]
    seen: list[str]
    """For each sample, "train", "held-out" or "new"."""
    cut: list[bool]
    """For each sample, whether the longest allowed length cut it where the model would have gone on."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """All that is needed to go on from here is on disk."""

    step: int


@dataclasses.dataclass(frozen=True)
class Ended:
    """There will be no more steps; the best weights are being scored on every line."""

    step: int


@dataclasses.dataclass(frozen=True)
class Diagnosed:
    """What was noted inside the model has been judged, and drawn to diagnostics.png."""

    step: int
    warned: list[Warned]


@dataclasses.dataclass(frozen=True)
class Done:
    """Training has ended, or was stopped."""

    step: int
    reason: str
    """"finished", "no better" (patience ran out) or "stopped"."""
    summary: Summary | None
    """What summary.json holds; None where training was stopped."""


Event = Started | Step | Evaluation | Overfitting | Samples | Checkpoint | Ended | Diagnosed | Done
