"""The training of the playground, one at a time: of one type, or a race of several at equal time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from makemore.errors import MakemoreError
from makemore.play.asked import problem
from makemore.play.processes import Event, Process, Processes

OVER = ("done", "failed", "gone")
"""Kinds of the last event of a run."""


@dataclass
class Training:
    """A training that runs or has ended, with all of its events so far.

    Every event has `id`, its number, and `run`, the name of the run that it is about.
    """

    runs: dict[str, dict[str, object]]
    """The arguments of `makemore.train` for each run, by its name."""
    events: list[Event] = field(default_factory=list)
    running: dict[str, Process] = field(default_factory=dict)
    """Those that have not ended."""

    def __post_init__(self) -> None:
        """Have something to wait for."""
        self._news = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether every run has ended."""
        return not self.running

    def note(self, event: Event) -> None:
        """Keep an event, and wake those who wait for it."""
        self.events.append({"id": len(self.events), **event})
        self._news.set()
        self._news = asyncio.Event()

    async def follow(self, after: int) -> AsyncIterator[Event]:
        """Yield the events with a greater number than `after`, and those to come, until all has ended."""
        while True:
            news = self._news
            for event in self.events[after + 1 :]:
                yield event
                after = event["id"]
            if self.over:
                return
            await news.wait()

    def stop(self) -> None:
        """Stop at the next step; everything is saved."""
        for process in self.running.values():
            process.give("stop")


class Trainer:
    """Starts trainings, one at a time.

    Args:
        processes: The server's.
        heard: Called with the name of a run and each event about it.

    """

    def __init__(self, processes: Processes, heard: Callable[[str, Event], None]) -> None:
        self.processes, self.heard = processes, heard
        self.training: Training | None = None
        self._baselines: dict[str, dict[str, float]] = {}
        """Those of runs, by their names."""
        self._starting = False

    @property
    def busy(self) -> bool:
        """Whether something trains."""
        return self._starting or (self.training is not None and not self.training.over)

    async def start(
        self, runs: dict[str, dict[str, object]], baselines: dict[str, float] | None = None
    ) -> Training:
        """Start to train runs, at the same time if there are several.

        Args:
            runs: For each run its name and the arguments of `makemore.train`.
            baselines: What the simplest models reach on their list; None has the runs find out.

        Raises:
            MakemoreError: Something trains already.

        """
        if self.busy:
            raise MakemoreError("one training at a time: stop the one that runs, or wait for its end")
        self._starting = True
        try:
            taken = await self.processes.take(len(runs))
        finally:
            self._starting = False
        # first all, so that `over` is true for none of them before it has begun
        training = self.training = Training(runs, running=dict(zip(runs, taken, strict=True)))
        for name, arguments in runs.items():
            process, known = training.running[name], baselines or self._baselines.get(name)
            process.hear = self._listener(training, name, process)
            training.note({"kind": "begun", "run": name})
            if known is not None:
                self._baselines[name] = known
                training.note({"kind": "baselines", "run": name, "baselines": known})
            process.give("train", beside=len(runs) > 1, baselines=known is None, **arguments)
        return training

    def _listener(self, training: Training, name: str, process: Process) -> Callable[[Event], None]:
        def hear(event: Event) -> None:
            if name not in training.running:
                return
            if event["kind"] == "baselines":
                self._baselines[name] = event["baselines"]
            if event["kind"] in OVER:
                del training.running[name]
            if event["kind"] == "gone":
                event = {"kind": "failed", "error": "the process that trained has ended"}
            elif event["kind"] in OVER:
                self.processes.put_back(process)
            if "message" in event:
                error = MakemoreError(event["message"], option=tuple(event["options"]))
                event = {"kind": "failed", **problem(error)}
            self.heard(name, event)
            training.note({"run": name, **event})

        return hear
