"""The teacher: an n-gram of the training lines that predicts a share of the targets (soft labels).

The target of each position mixes the observed character with the n-gram's prediction: see
`models.loss.taught`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from makemore.corpus.corpus import Corpus
from makemore.metrics.baselines import fitted

TEACHER_ORDER = 6
"""The teacher predicts each character from the five before it."""


@dataclass(frozen=True)
class Teacher:
    """A model that is not trained itself, and its share of the targets."""

    model: nn.Module
    share: float

    @torch.no_grad()
    def expected(self, inputs: Tensor) -> Tensor:
        """Return the probability of every character at every position, (B, T, V), given ids (B, T)."""
        device = next(self.model.parameters()).device
        probabilities: Tensor = self.model(inputs.to(device))[0].softmax(-1)
        return probabilities.to(inputs.device)


def fit_teacher(corpus: Corpus, share: float, device: torch.device) -> Teacher | None:
    """Return a teacher that knows the training lines of a corpus; None if its share of the targets is 0."""
    return teacher_of(fitted(corpus, "ngram", order=TEACHER_ORDER), share, device) if share else None


def teacher_of(model: nn.Module, share: float, device: torch.device) -> Teacher | None:
    """Return a model, which is not trained, as a teacher; None if its share of the targets is 0."""
    if device.type == "cuda":  # an n-gram needs 64-bit floats, which Apple's GPUs do not have
        model.to(device)
    return Teacher(model, share) if share else None
