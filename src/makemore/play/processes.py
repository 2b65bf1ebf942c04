"""Processes beside the server: starting them, giving them jobs, and hearing what they tell."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
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
    async def start(cls, threads: int | None = None) -> Process:
        """Start a process. threads: How many it computes with; None lets torch choose."""
        environment = os.environ | ({} if threads is None else {"OMP_NUM_THREADS": str(threads)})
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
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.hear(json.loads(line))
        status = await self._process.wait()
        self.hear({"kind": "gone", "status": status})


class Processes:
    """The processes of a server: one is kept warm, with torch imported, for the next job."""

    def __init__(self) -> None:
        self._warm: Process | None = None
        self._asking = asyncio.Lock()
        self._all: set[Process] = set()

    async def take(self, threads: int | None = None) -> Process:
        """Return a process for a job: the warm one, unless the number of threads matters."""
        if threads is None and self._warm is not None:
            process, self._warm = self._warm, None
            return process
        process = await Process.start(threads)
        self._all.add(process)
        return process

    async def keep_warm(self) -> None:
        """See that a process waits for the next job."""
        if self._warm is None:
            self.put_back(await self.take())

    def put_back(self, process: Process) -> None:
        """Keep a process whose job is done, or end it if there is one already."""
        if self._warm is None:
            self._warm = process
            process.hear = self._hear_of_the_warm_one
            process.give("warm")
        else:
            process.hear = lambda event: None
            asyncio.get_running_loop().create_task(self._end(process))

    def _hear_of_the_warm_one(self, event: Event) -> None:
        if event["kind"] == "gone":
            self._warm = None

    async def _end(self, process: Process) -> None:
        await process.end()
        self._all.discard(process)

    async def ask(self, do: str, **job: object) -> Event:
        """Have a job done that has one answer, and return it.

        Raises:
            MakemoreError: What the job raised.

        """
        async with self._asking:
            process = await self.take()
            answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

            def hear(event: Event) -> None:
                if event["kind"] != "warm" and not answer.done():
                    answer.set_result(event)

            process.hear = hear
            process.give(do, **job)
            event = await answer
            if event["kind"] == "gone":
                self._all.discard(process)
                raise MakemoreError("the process that looked at the list has ended; try again")
            self.put_back(process)
        if event["kind"] == "failed":
            raise MakemoreError(event["message"], option=tuple(event["options"]))
        return event

    async def close(self) -> None:
        """End every process in order; trainings save everything first."""
        await asyncio.gather(*(process.end() for process in self._all))
        self._all.clear()
