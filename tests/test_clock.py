"""How far along training is and what is due, without training anything."""

from __future__ import annotations

from typing import Any

import pytest

from makemore.runs.settings import Settings
from makemore.training.checkpoint import Progress
from makemore.training.clock import CHECKPOINT_SECONDS, EARLY, REST, Clock


class Training:
    """Steps that take no work, and a clock that only moves when told to."""

    def __init__(self, seconds: float = 0.0, step: int = 0, **settings: Any) -> None:
        given: dict[str, Any] = {
            "max_steps": 100, "batch_size": 10, "learning_rate": 0.1, "weight_decay": 0.0, "muon": False,
            "eval_every": 5, "patience": 0, "seed": 0,
        }  # fmt: skip
        self.progress = Progress(step=step, seconds=seconds, evaluated=step if step else -1)
        self.time = 1000.0
        self.clock = Clock(Settings(**(given | settings)), self.progress, lambda: self.time)

    def steps(self, seconds: float = 0.0, evaluation: float = 0.0) -> tuple[list[int], list[int], list[int]]:
        """Go to the end, and return the steps of evaluations, samples and early samples.

        Args:
            seconds: How long a step takes.
            evaluation: How long an evaluation takes.

        """
        evaluated, sampled, early = [], [], []
        while True:
            over = self.clock.over()
            if self.clock.evaluation_due(over):
                began = self.clock.seconds()
                evaluated.append(self.progress.step)
                self.progress.evaluated = self.progress.step
                self.time += evaluation
                if not over and self.clock.samples_due():
                    sampled.append(self.progress.step)
                self.clock.count_evaluation(began)
            if over:
                return evaluated, sampled, early
            self.progress.step += 1
            self.time += seconds
            if self.clock.early_samples_due():
                early.append(self.progress.step)


def test_steps_measure_training():
    training = Training()
    assert training.clock.share() == 0
    assert training.clock.share(ahead=0.5) == 0.005
    training.progress.step = 25
    assert training.clock.share() == 0.25
    training.time += 1e6  # of no account
    assert training.clock.share() == 0.25
    assert not training.clock.over()
    training.progress.step = 100
    assert training.clock.over()
    assert training.clock.share(ahead=0.5) == 1


def test_seconds_measure_training():
    training = Training(max_steps=-1, time=10.0)
    training.progress.step = 10**6  # of no account
    assert training.clock.share() == training.clock.share(ahead=0.5) == 0
    training.time += 2.5
    assert training.clock.seconds() == 2.5
    assert training.clock.share() == 0.25
    training.time += 10
    assert training.clock.share() == 1
    assert training.clock.over()


def test_a_resumed_clock_goes_on_where_the_checkpoint_was():
    training = Training(seconds=4.0, step=7, max_steps=-1, time=10.0)
    assert training.clock.seconds() == 4
    assert training.clock.share() == 0.4
    assert not training.clock.evaluation_due(over=False)  # step 7 was evaluated
    assert not training.clock.samples_due()  # those of the second quarter were shown in it


def test_training_without_an_end():
    training = Training(max_steps=-1)
    assert training.clock.share() is None
    assert not training.clock.over()
    training.progress.step = 10**9
    assert training.clock.share(ahead=0.5) is None
    assert not training.clock.over()


@pytest.mark.parametrize("eval_every", [1, 5, 7, 100])
def test_evaluations_come_regularly_and_at_both_ends(eval_every):
    evaluated, sampled, early = Training(eval_every=eval_every).steps()
    assert evaluated == sorted({*range(0, 101, eval_every), 100})
    quarters = (25, 50, 75) if eval_every < 100 else ()
    assert sampled == [min(step for step in evaluated if step >= quarter) for quarter in quarters]
    assert early == [20]  # 50 and 100 are not in the first quarter


def test_evaluations_by_seconds_come_in_each_twentieth():
    evaluated, sampled, early = Training(max_steps=-1, time=10.0, eval_every=1).steps(seconds=0.0625)
    assert evaluated == list(range(0, 161, 8))  # 8 steps take half a second
    assert sampled == [40, 80, 120]
    assert early == [20]


@pytest.mark.parametrize("evaluation", [0.125, 0.5, 3.0])
def test_slow_evaluations_leave_most_of_the_time_to_training(evaluation):
    evaluated, _, _ = Training(max_steps=-1, time=30.0).steps(0.0625, evaluation)
    between = evaluation * (len(evaluated) - 1)  # without the last, which comes when the time is up
    assert between <= 30 / (1 + REST) + evaluation
    assert len(evaluated) == (21 if evaluation == 0.125 else 30 // (5 * evaluation) + 1)
    assert Training(eval_every=5).steps(0.0625, evaluation)[0] == list(range(0, 101, 5))


def test_each_step_is_evaluated_once():
    training = Training()
    assert training.clock.evaluation_due(over=False)  # asking changes nothing
    assert training.clock.evaluation_due(over=False)
    training.progress.evaluated = 0
    assert not training.clock.evaluation_due(over=False)
    assert not training.clock.evaluation_due(over=True)
    training.progress.step = 3
    assert not training.clock.evaluation_due(over=False)
    assert training.clock.evaluation_due(over=True)


def test_early_samples_of_a_long_training():
    training = Training(max_steps=10_000, eval_every=500)
    assert (0, *training.steps()[2]) == EARLY


def test_samples_without_an_end_come_with_every_fifth_evaluation():
    training, due = Training(max_steps=-1), []
    for step in range(0, 101, 5):
        training.progress.step = step
        if training.clock.samples_due():
            due.append(step)
        training.clock.count_evaluation(training.clock.seconds())
    assert due == [25, 50, 75, 100]


def test_a_checkpoint_is_due_when_the_last_one_is_old():
    training = Training(seconds=500.0, step=9)
    assert not training.clock.checkpoint_due()
    training.time += CHECKPOINT_SECONDS + 1
    assert training.clock.checkpoint_due()
    training.progress.seconds = training.clock.seconds()  # saved
    assert not training.clock.checkpoint_due()
