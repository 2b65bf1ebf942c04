"""The training of the playground, one at a time: of one type, or a race of several at equal time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from makemore.errors import MakemoreError
from makemore.play.asked import problem
from makemore.play.processes import Event, Process, Processes

OVER = ("done", "failed", "gone")
"""Kinds of the last event of a run."""

AT_ONCE = 2
"""Runs that train at the same time, at most: each takes a process with torch, up to 900 MB, and a core."""


@dataclass
class Training:
    """A training that runs or has ended, with all of its events so far.

    Every event has `id`, its number, and `run`, the name of the run that it is about.
    """

    runs: dict[str, dict[str, object]]
    """The arguments of `makemore.train` for each run, by its name."""
    events: list[Event] = field(default_factory=list)
    running: dict[str, Process] = field(default_factory=dict)
    """Those that have begun and not ended."""
    id: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        """Have every run wait, and say so."""
        self.waiting = [*self.runs]
        """Those that have not begun, in their order."""
        self._news = asyncio.Event()
        for i, name in enumerate(self.runs):
            self.note({"kind": "begun", "run": name, "waits": i >= AT_ONCE})

    @property
    def over(self) -> bool:
        """Whether every run has ended."""
        return not self.running and not self.waiting

    def note(self, event: Event) -> None:
        """Keep an event, and wake those who wait for it."""
        self.events.append({"id": len(self.events), **event})
        self._news.set()
        self._news = asyncio.Event()

    def drop_waiting(self, **why: object) -> None:
        """Have the runs that wait end before they begin; `why` is the event that says so."""
        for name in self.waiting:
            self.note({"run": name, **why})
        self.waiting.clear()

    async def follow(self, after: int) -> AsyncIterator[Event]:
        """Yield the events with a greater number than `after`, and those to come, until all has ended."""
        while True:
            news, over = self._news, self.over  # both before the events, of which more may come meanwhile
            for event in self.events[after + 1 :]:
                yield event
                after = event["id"]
            if over:
                return
            await news.wait()

    def stop(self) -> None:
        """Stop at the next step; everything is saved. What waits does not begin."""
        self.drop_waiting(kind="done", reason="not begun")
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
        self._begun = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Whether something trains."""
        return self._starting or (self.training is not None and not self.training.over)

    async def follow(self, last: str) -> AsyncIterator[tuple[str, Event | None]]:
        """Yield the events of the last training that began, then those of trainings to come.

        Each comes with its id, that of its training and its number; None for the end of a training.

        Args:
            last: The id of the last event that was received, and is not sent again; "" if there was none.

        """
        id, _, number = last.partition("-")
        while True:
            begun, training = self._begun, self.training
            if training is not None:
                after = int(number) if id == training.id and number.isdecimal() else -1
                async for event in training.follow(after):
                    yield f"{training.id}-{event['id']}", event
                yield "", None
            await begun.wait()

    async def start(
        self, runs: dict[str, dict[str, object]], baselines: dict[str, float] | None = None
    ) -> Training:
        """Start to train runs, a few at the same time, the others after them.

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
            taken = await self.processes.take(min(len(runs), AT_ONCE))
        finally:
            self._starting = False
        training = self.training = Training(runs)
        for name in runs:
            if baselines is not None:
                self._baselines[name] = baselines
            if (known := self._baselines.get(name)) is not None:
                training.note({"kind": "baselines", "run": name, "baselines": known})
        for process in taken:
            self._next(training, process)
        self._begun.set()
        self._begun = asyncio.Event()
        return training

    def _next(self, training: Training, process: Process) -> None:
        """Give a process the next run that waits, or put it back if none does."""
        if not training.waiting:
            self.processes.put_back(process)
            return
        name = training.waiting.pop(0)
        training.running[name] = process
        process.hear = self._listener(training, name, process)
        more = {"beside": len(training.runs) > 1, "baselines": name not in self._baselines}
        process.give("train", **more, **training.runs[name])

    def _listener(self, training: Training, name: str, process: Process) -> Callable[[Event], None]:
        def hear(event: Event) -> None:
            kind = event["kind"]
            if training.running.get(name) is not process:
                return
            if kind == "baselines":
                self._baselines[name] = event["baselines"]
            if kind in OVER:
                del training.running[name]
            if kind == "gone":
                event = {"kind": "failed", "error": "the process that trained has ended"}
            elif "message" in event:
                error = MakemoreError(event["message"], option=tuple(event["options"]))
                event = {"kind": "failed", **problem(error)}
            try:
                self.heard(name, event)
            finally:  # whatever that raises, the page is told, and the next run begins
                training.note({"run": name, **event})
                if kind == "gone" and not training.running:
                    training.drop_waiting(**event)
                elif kind in OVER and kind != "gone":
                    self._next(training, process)

        return hear
