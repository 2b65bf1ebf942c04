"""The teacher: an n-gram of the training lines that predicts a share of the targets (soft labels).

The target of each position mixes the observed character with the n-gram's prediction: see
`models.loss.taught`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

from makemore.corpus.corpus import Corpus
from makemore.metrics.baselines import fitted

TEACHER_ORDER = 6
"""The teacher predicts each character from the five before it."""


class Teacher:
    """A model that is not trained itself, and its share of the targets; made when it is first asked."""

    def __init__(self, make: Callable[[], nn.Module], share: float, device: torch.device) -> None:
        """Keep how to make the model, which can take a while."""
        self.share, self._make, self._device = share, make, device

    @cached_property
    def _model(self) -> nn.Module:
        return self._make().to(self._device)

    @torch.no_grad()
    def expected(self, inputs: Tensor) -> Tensor:
        """Return the probability of every character at every position, (B, T, V), given ids (B, T)."""
        probabilities: Tensor = self._model(inputs)[0].softmax(-1)
        return probabilities


def fit_teacher(corpus: Corpus, share: float, device: torch.device) -> Teacher | None:
    """Return a teacher that will know the training lines; None if its share of the targets is 0."""
    return Teacher(lambda: fitted(corpus, "ngram", order=TEACHER_ORDER), share, device) if share else None


def teacher_of(model: nn.Module, share: float, device: torch.device) -> Teacher | None:
    """Return a model, which is not trained, as a teacher; None if its share of the targets is 0."""
    return Teacher(lambda: model, share, device) if share else None
