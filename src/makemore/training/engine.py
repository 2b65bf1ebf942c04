"""What training runs on: a device, one process or several, torch's compiler, and what watches or stops it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch

from makemore.corpus.corpus import Corpus
from makemore.distributed.environment import orphaned
from makemore.distributed.group import ALONE, Forward, Group
from makemore.models.base import Model
from makemore.models.loss import IGNORE
from makemore.training.failures import explained
from makemore.training.step import Batch, batch_of
from makemore.training.watch import Watch


class Engine:
    """Runs the steps of training; with one process on a CPU, each method does next to nothing."""

    def __init__(
        self,
        device: torch.device,
        *,
        group: Group = ALONE,
        stop: Callable[[], bool] = lambda: False,
        compile: bool = False,
        watch: Watch | None = None,
    ) -> None:
        """Keep what training runs on. `stop` is called after every step; training stops if it returns True.

        torch.compile takes a minute or more, without any gain on a CPU (benchmarks/NOTES.md).
        """
        self.device, self._group = device, group
        self._stop, self._compile, self._watch = stop, compile, watch
        self._compiling = 0.0  # seconds, which are not training time

    def prepare(self, model: Model) -> Forward:
        """Return what to call instead of the model: compiled, or averaging gradients over the processes."""
        forward: Forward = torch.compile(model, dynamic=True) if self._compile else model
        return self._group.spread(model, forward)

    def share(self, corpus: Corpus, rows: npt.NDArray[np.int64]) -> Batch:
        """Return this process's part of the batch that has these rows of a corpus."""
        if self._group.size == 1:
            return batch_of(corpus, rows, self.device)
        lengths = corpus.lengths_of(rows)
        own = self._group.share(rows)
        arrays = corpus.batch(own if len(own) else rows[:1], int(lengths.max()))
        inputs, targets = (torch.from_numpy(array).to(self.device) for array in arrays)
        if not len(own):  # fewer lines than processes: this one has nothing to learn from
            targets = torch.full_like(targets, IGNORE)
        tokens = int((lengths + 1).sum())
        # the processes average their gradients; dividing by less turns the average into a sum
        return Batch(inputs, targets, tokens, torch.tensor(tokens / self._group.size, device=self.device))

    @contextlib.contextmanager
    def step(self, number: int, batch: Batch, model: Model, forward: Forward) -> Iterator[Forward]:
        """Yield what to call in a step, counted from 1: `forward`, or a watched version of it."""
        began = time.monotonic()
        watched = self._watch.step(number, model, forward, batch.targets) if self._watch else None
        with explained(self._compile), watched or contextlib.nullcontext(forward) as call:
            yield call
        if self._compile and not self._compiling:  # the first step compiles
            self._compiling = time.monotonic() - began

    def mean(self, loss: float) -> float:
        """Return the mean of a loss over the processes."""
        return self._group.mean(loss)

    def now(self) -> float:
        """Return the time in seconds, by the clock of the first process, without the time spent compiling."""
        return self._group.told(time.monotonic() - self._compiling)

    def stop(self) -> bool:
        """Return whether to stop: `stop` says so, or the process that started this one is gone."""
        return self._group.anybody(self._stop() or orphaned())

    def wait(self) -> None:
        """Wait for the other processes."""
        self._group.wait()
