"""A model and what it learns with. Training, `reports.pace` and the benchmarks take the same steps."""

from __future__ import annotations

import torch

from makemore.corpus.batches import WINDOW, Batches
from makemore.corpus.corpus import Corpus
from makemore.metrics.baselines import TAUGHT_TOKENS, count_lines
from makemore.models.base import Model
from makemore.runs.settings import Settings
from makemore.training.engine import Engine
from makemore.training.optimizer import optimizers, schedule
from makemore.training.step import update
from makemore.training.teacher import Teacher


class Learner:
    """A model, its optimisers, its batches and its teacher: everything that a step needs."""

    def __init__(
        self, model: Model, corpus: Corpus, settings: Settings, engine: Engine, teacher: Teacher | None
    ) -> None:
        """Prepare the first step of an untrained model, which is moved to the engine's device."""
        if model.counts_first:
            count_lines(model, corpus, TAUGHT_TOKENS)
        self.model = model.to(engine.device)
        self.optimizers = optimizers(model, settings.learning_rate, settings.weight_decay, settings.muon)
        tokens_per_line = corpus.tokens_of("train") / corpus.counts()["train"]
        tokens = round(settings.batch_size * tokens_per_line)
        # batch normalisation needs batches of lines of all lengths
        self.batches = Batches(corpus, "train", tokens, settings.seed, 1 if model.mixes_lines else WINDOW)
        self._corpus, self._settings, self._engine, self._teacher = corpus, settings, engine, teacher
        self._rows = iter(self.batches)
        self._forward = engine.prepare(model)  # compiled, or spread over several processes, if asked for
        self._precision = getattr(torch, settings.precision)

    def step(self, done: float | None, step: int) -> tuple[float, float, int]:
        """Learn from one batch, with one update of the weights, at the learning rate that `schedule` says.

        `done` is the share of training that is done, `step` the number of steps before this one.
        Return the loss of the batch before the update, the learning rate, and the tokens of the batch.
        """
        batch = self._engine.share(self._corpus, next(self._rows))
        rate = self._settings.learning_rate * schedule(done, step)
        with self._engine.step(step + 1, batch, self.model, self._forward) as forward:
            loss = float(update(forward, self.optimizers, rate, batch, self._teacher, self._precision))
        return self._engine.mean(loss), rate, batch.tokens
