"""Training a model that counts: one pass over the training lines instead of the loop."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

import torch

from makemore.metrics.baselines import count_lines
from makemore.metrics.losses import evaluate
from makemore.models import count_parameters
from makemore.runs.run import Run
from makemore.training.checkpoint import Progress
from makemore.training.events import Done, Evaluation, Event, Started
from makemore.training.finish import summarize
from makemore.training.judge import evaluated_rows

COUNTED_TOKENS = 16_000_000
"""At most about this many tokens are counted; more training lines are subsampled."""


def count(run: Run) -> Iterator[Event]:
    """Fit a model that counts to the training lines of a run; yield what happens."""
    torch.manual_seed(run.settings.seed)
    model = run.new_model()
    yield Started(run, 0, count_parameters(model), "cpu")
    began = time.monotonic()
    count_lines(model, run.corpus, COUNTED_TOKENS)
    seconds = time.monotonic() - began

    rows = evaluated_rows(run.corpus, run.settings.seed)
    train, validation = (evaluate(model, run.corpus, rows[split]) for split in ("train", "validation"))
    evaluation = Evaluation(
        1, train.nll, validation.nll, True, validation.error, batch=train.nll, seconds=seconds
    )
    progress = Progress(step=1, best=validation.nll, best_step=1, evaluated=1, seconds=seconds)
    run.disk.save_best(model)
    tensors = {"model." + name: tensor for name, tensor in model.state_dict().items()}
    run.disk.save_checkpoint(tensors, dataclasses.asdict(progress))
    run.disk.rewind_metrics(-1)
    run.disk.add_metrics(evaluation.row())
    yield evaluation
    yield Done(1, "finished", summarize(run, progress, seconds))
