"""How good the model in training is, and whether it is the best so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from makemore.corpus.corpus import Corpus
from makemore.metrics.advice import overfitted
from makemore.metrics.baselines import SCORED_TOKENS
from makemore.metrics.losses import Losses, losses
from makemore.runs.run import Run
from makemore.training.events import Evaluation, Overfitting
from makemore.training.state import TrainState

EVALUATED_TOKENS = {"train": 10_000, "validation": 30_000}
"""At most about this many predicted tokens of each split are scored at an evaluation."""


class Judge:
    """Evaluates a model in training, remembers the best loss, and says when patience runs out."""

    def __init__(self, run: Run, state: TrainState) -> None:
        """Choose the rows that every evaluation scores."""
        self._run, self._state, self._model = run, state, state.learner.model
        self._rows = evaluated_rows(run.corpus, run.settings.seed)
        self._curve = run.metrics()
        self._best: Losses | None = None  # of the validation lines, at the best step

    def evaluate(self, seconds: Callable[[], float]) -> Evaluation:
        """Score the model, and note in the progress whether it is the best so far."""
        progress = self._state.progress
        train, validation = self._losses("train").loss, self._losses("validation")
        loss = validation.loss
        self._state.check(loss.nll)
        # an untrained model is not worth keeping, even if it looks best on a few held-out lines
        best = progress.step > 0 and loss.nll < progress.best
        rise_error = None
        if best:
            progress.best, progress.best_step, progress.stale = loss.nll, progress.step, 0
            self._best = validation
        else:
            progress.stale += progress.step > 0
            if progress.best_step:
                rise_error = validation.difference(self._best_losses())
        progress.evaluated = progress.step
        batch = self._state.take_mean_loss()
        event = Evaluation(progress.step, train.nll, loss.nll, best, loss.error, rise_error, batch, seconds())
        self._curve.append(event.row())
        return event

    def overfitting(self) -> Iterator[Overfitting]:
        """Yield an event if the last evaluation, and none before it, shows overfitting."""
        since = overfitted(self._curve)
        if since is not None and overfitted(self._curve[:-1]) is None:
            yield Overfitting(self._state.step, since)

    def out_of_patience(self) -> bool:
        """Return whether too many evaluations in a row did not improve the validation loss."""
        patience = self._run.settings.patience
        return bool(patience) and self._state.progress.stale >= patience

    def _losses(self, split: str, model: nn.Module | None = None) -> Losses:
        model = self._model if model is None else model
        return losses(model, self._run.corpus, self._rows[split], self._run.disk.group)

    def _best_losses(self) -> Losses:
        """Return the losses of the best weights, which an earlier process may have found, before a resume."""
        if self._best is None:
            with torch.random.fork_rng(devices=[]):
                model = self._run.new_model()
            self._run.disk.read_best(model)
            device = next(self._model.parameters()).device
            self._best = self._losses("validation", model.to(device))
        return self._best


def evaluated_rows(corpus: Corpus, seed: int) -> dict[str, npt.NDArray[np.int64]]:
    """Return the rows of each split that are scored at every evaluation: always the same ones for a seed."""
    random = np.random.default_rng(seed)
    chosen = {}
    for split, most in EVALUATED_TOKENS.items():
        rows = random.permutation(corpus.at_most(split, SCORED_TOKENS))
        tokens = corpus.lengths_of(rows) + 1
        before = np.cumsum(tokens) - tokens
        chosen[split] = rows[before < most]
    return chosen
