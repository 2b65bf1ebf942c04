"""How far training has come: what it counts, checks and keeps on disk."""

from __future__ import annotations

import torch

from makemore.errors import MakemoreError
from makemore.metrics.layers import DIVERGED
from makemore.runs.run import Run
from makemore.training import checkpoint
from makemore.training.engine import Engine
from makemore.training.events import Checkpoint, Evaluation
from makemore.training.learner import Learner


class TrainState:
    """A learner and its progress, from the first step or from the last checkpoint."""

    def __init__(self, run: Run, learner: Learner, engine: Engine) -> None:
        """Bring a learner to the run's last checkpoint, if any; else training starts from scratch."""
        self.learner = learner
        self.progress = checkpoint.restored(run, learner)
        engine.wait()
        self.warning = checkpoint.warning_of(self.progress, run.settings, engine.device)
        """Why the results may differ from those of an uninterrupted run, or why nothing is left to do."""
        self.progress.threads = torch.get_num_threads()
        self._settings, self._disk = run.settings, run.disk
        self._first = self.step  # the step that this process started from

    @property
    def step(self) -> int:
        """Steps done."""
        return self.progress.step

    def count(self, loss: float) -> None:
        """Count a step, with the loss of its batch."""
        if self.step == self._first:
            self._disk.forget_end()  # what a finished run wrote at its end is no longer true
        self.progress.step += 1
        self.progress.loss += loss
        self.progress.losses += 1

    def take_mean_loss(self) -> float:
        """Return the mean loss of the batches since this was last called, and start over."""
        mean = self.progress.loss / max(1, self.progress.losses)
        self.progress.loss, self.progress.losses = 0.0, 0
        return mean

    def check(self, loss: float) -> None:
        """Raise MakemoreError if a loss is not a number, or huge: the weights are lost."""
        if not loss < DIVERGED:
            raise MakemoreError(
                f"the loss diverged ({loss:g} at step {self.step}): rerun with overwrite and a learning_rate "
                f"below {self._settings.learning_rate:g}",
                option=("overwrite", "learning_rate"),
            )

    def record(self, evaluation: Evaluation) -> None:
        """Add an evaluation to the metrics, and keep the weights if they are the best so far."""
        if evaluation.best:
            self._disk.save_best(self.learner.model)
        self._disk.add_metrics(evaluation.row())

    def save(self, seconds: float) -> Checkpoint:
        """Save a checkpoint, with the training time so far in seconds."""
        self.progress.seconds = seconds
        checkpoint.save(self._disk, self.learner, self.progress)
        return Checkpoint(self.step)
