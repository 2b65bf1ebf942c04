"""How far along training is, by steps or by seconds, and what is due. Arithmetic only."""

from __future__ import annotations

import time
from collections.abc import Callable

from makemore.runs.settings import Settings
from makemore.training.checkpoint import Progress

EVALUATIONS, SAMPLES = 20, 4
"""How often a training of known duration is evaluated, and how often it shows samples."""

REST = 4
"""After an evaluation, a timed training goes on for at least this many times as long as that took."""

EARLY = (0, 20, 50, 100, 200, 500, 1000)
"""Steps after which a few samples are shown in the first quarter of training, to watch the model learn."""

CHECKPOINT_SECONDS = 60.0
"""A checkpoint is saved at every evaluation, and whenever the last one is this old."""


class Clock:
    """Measures training in steps, or in seconds if the settings give a time."""

    def __init__(
        self, settings: Settings, progress: Progress, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Start the clock where training was at its last checkpoint.

        Training changes `progress` as it goes on. `now` returns the time in seconds, from any start.
        """
        self._settings, self._progress, self._now = settings, progress, now
        self._began = now() - progress.seconds
        self.count_evaluation(self.seconds())

    def seconds(self) -> float:
        """Return the training time so far, evaluations included."""
        return self._now() - self._began

    def share(self, ahead: float = 0.0) -> float | None:
        """Return the share of training that is done, from 0 to 1; None if training has no end.

        If training is measured in steps, it is the share after `ahead` more of them.
        """
        if self._settings.time:
            return min(1.0, self.seconds() / self._settings.time)
        most = self._settings.max_steps
        return min(1.0, (self._progress.step + ahead) / most) if most > 0 else None

    def over(self) -> bool:
        """Return whether training has reached its end."""
        return self.share() == 1

    def evaluation_due(self, over: bool) -> bool:
        """Return whether to evaluate this step: at the start, regularly, and at the end, but never twice."""
        step = self._progress.step
        if step <= self._progress.evaluated:
            return False
        if self._settings.time:
            regular = self._part(EVALUATIONS) > self._evaluated_in and self.seconds() >= self._resting_until
            return over or step == 0 or regular
        return over or step % self._settings.eval_every == 0

    def samples_due(self) -> bool:
        """Return whether to show samples after this evaluation: once in each quarter of training."""
        return self._part(SAMPLES) > self._sampled_in

    def count_evaluation(self, began: float) -> None:
        """Note that this step was evaluated, from that time on, and samples shown if they were due."""
        self._evaluated_in, self._sampled_in = self._part(EVALUATIONS), self._part(SAMPLES)
        now = self.seconds()
        self._resting_until = now + REST * (now - began)

    def early_samples_due(self) -> bool:
        """Return whether to show a few samples at this step, early in training."""
        return self._progress.step in EARLY and (self.share() or 0.0) < 0.25

    def checkpoint_due(self) -> bool:
        """Return whether the last checkpoint is old enough to save another."""
        return self.seconds() - self._progress.seconds > CHECKPOINT_SECONDS

    def _part(self, parts: int) -> int:
        """Return which of `parts` equal parts of training the last step was in."""
        share = self.share()
        if share is None:
            return self._progress.step // (self._settings.eval_every * EVALUATIONS // parts)
        return int(share * parts)
