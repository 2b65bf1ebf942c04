"""Processes beside the server: starting them, giving them jobs, and hearing what they tell."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from makemore.errors import MakemoreError

Event = dict[str, Any]
Hear = Callable[[Event], None]

LONGEST = 1 << 24
"""Bytes of an event, at most."""


class Process:
    """A process that does one job at a time. Its events go to `hear`; one of kind "gone" is the last."""

    def __init__(self, started: asyncio.subprocess.Process) -> None:
        self._process = started
        self.hear: Hear = lambda event: None
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls) -> Process:
        """Start a process."""
        # NumPy's threads spin while they wait: on a busy machine, an n-gram takes five times as long with two
        environment = {"OPENBLAS_NUM_THREADS": "1"} | os.environ
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "makemore.play.child"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LONGEST,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the server, which stops it in order
            )
        )

    def give(self, do: str, **job: object) -> None:
        """Give it a job, or tell it to "stop"."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):  # it is gone, and `hear` is told so
            self._process.stdin.write((json.dumps({"do": do, **job}) + "\n").encode())

    async def end(self) -> None:
        """Let it finish in order, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._listening

    async def _listen(self) -> None:
        lines = self._process.stdout
        assert lines is not None
        while True:
            try:
                if not (line := await lines.readline()):
                    break
                self.hear(json.loads(line))
            except Exception as error:  # one event is lost; those to come are not
                traceback.print_exception(error)
        self.hear({"kind": "gone", "status": await self._process.wait()})


class Processes:
    """The processes of a server: some are kept warm, with torch imported, for the next job."""

    def __init__(self) -> None:
        self._warm: list[Process] = []
        self._wanted = 1
        """How many to keep warm."""
        self._all: set[Process] = set()
        self._asking = asyncio.Lock()
        self._asked: Process | None = None

    async def take(self, n: int) -> list[Process]:
        """Return processes for jobs, warm ones if there are any."""
        if self._asked is not None:  # it is warm, and will soon be free
            self._asked.give("stop")
        async with self._asking:
            return [await self._one() for _ in range(n)]

    async def _one(self) -> Process:
        if self._warm:
            return self._warm.pop(0)
        process = await Process.start()
        self._all.add(process)
        return process

    async def keep_warm(self, n: int = 1) -> None:
        """See that this many processes wait for the next jobs."""
        self._wanted = n
        while len(self._warm) > n:
            self._let_go(self._warm.pop())
        while len(self._warm) < n:
            process = await Process.start()
            self._all.add(process)
            self.put_back(process)

    def put_back(self, process: Process) -> None:
        """Keep a process whose job is done, or end it if there are enough."""
        if len(self._warm) >= self._wanted:
            return self._let_go(process)

        def hear(event: Event) -> None:
            if event["kind"] == "gone" and process in self._warm:
                self._warm.remove(process)

        self._warm.append(process)
        process.hear = hear
        process.give("warm")

    def _let_go(self, process: Process) -> None:
        process.hear = lambda event: None
        asyncio.get_running_loop().create_task(self._end(process))

    async def _end(self, process: Process) -> None:
        await process.end()
        self._all.discard(process)

    async def ask(self, do: str, **job: object) -> Event:
        """Have a job done that has one answer, and return it.

        Raises:
            MakemoreError: What the job raised.

        """
        async with self._asking:
            process = self._asked = await self._one()
            answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

            def hear(event: Event) -> None:
                if not answer.done():
                    answer.set_result(event)

            process.hear = hear
            process.give(do, **job)
            try:
                event = await answer
            finally:
                self._asked = None
            if event["kind"] == "gone":
                self._all.discard(process)
                raise MakemoreError("the process that looked at the list has ended; try again")
            self.put_back(process)
        if event["kind"] == "failed":
            raise MakemoreError(event["message"], option=tuple(event["options"]))
        return event

    async def close(self) -> None:
        """End every process in order; trainings save everything first."""
        await asyncio.gather(*(process.end() for process in self._all), return_exceptions=True)
        self._all.clear()
