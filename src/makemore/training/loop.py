"""The training loop, for every model that learns by gradient descent: a generator of events.

Read it top to bottom. Each part has a file of its own beside this one; `training/__init__.py` lists them.
Listeners print, plot, log or count the events; nothing here depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from makemore.models import count_parameters
from makemore.runs.run import Run
from makemore.training.babble import Babble
from makemore.training.clock import Clock
from makemore.training.engine import Engine
from makemore.training.events import Done, Ended, Event, Started, Step
from makemore.training.finish import summarize
from makemore.training.judge import Judge
from makemore.training.learner import Learner
from makemore.training.state import TrainState
from makemore.training.teacher import fit_teacher


def steps(run: Run, engine: Engine, top_k: int | None = None) -> Iterator[Event]:
    """Train a run from its last checkpoint, or from scratch, to its end; yield what happens.

    All randomness comes from the run's seed through torch's global generator, whose state is part of the
    checkpoint: on one CPU with the same number of threads, an interrupted run ends in the same weights, bit
    for bit, as an uninterrupted one, unless training is limited by time.
    """
    settings, corpus = run.settings, run.corpus
    torch.manual_seed(settings.seed)
    teacher = fit_teacher(corpus, settings.teacher, engine.device)  # at its first step
    learner = Learner(run.new_model(), corpus, settings, engine, teacher)
    state = TrainState(run, learner, engine)  # at the last checkpoint, if there is one
    yield Started(run, state.step, count_parameters(learner.model), str(engine.device), state.warning)
    clock = Clock(settings, state.progress, engine.now)
    judge, babble = Judge(run, state), Babble(run, state, top_k)

    while True:
        # judge: is this the best so far? then keep it; save everything; show some samples
        over = clock.over()
        if clock.evaluation_due(over):
            began = clock.seconds()
            evaluation = judge.evaluate(clock.seconds)
            state.record(evaluation)  # on disk before anyone hears of it
            yield evaluation
            yield from judge.overfitting()
            yield state.save(clock.seconds())
            if not over and clock.samples_due():
                yield babble.samples()
            if not over and state.step == 0 and clock.early_samples_due():
                yield from babble.early_samples()
            clock.count_evaluation(began)

        # stop?
        if over or judge.out_of_patience():
            break
        if engine.stop():
            yield state.save(clock.seconds())
            yield Done(state.step, "stopped", None)
            return

        # learn: one batch, one update
        loss, rate, tokens = learner.step(clock.share(ahead=0.5), state.step)  # the rate at mid-step
        state.count(loss)
        yield Step(state.step, loss, rate, tokens, clock.share())
        state.check(loss)  # raises MakemoreError if the loss diverged, once the listeners have seen it
        if clock.early_samples_due():
            yield from babble.early_samples()
        if clock.checkpoint_due():
            yield state.save(clock.seconds())

    yield Ended(state.step)
    progress = state.progress
    del learner, state, judge, babble, teacher  # scoring needs their memory
    reason = "finished" if over else "no better"
    yield Done(progress.step, reason, summarize(run, progress, clock.seconds()))
