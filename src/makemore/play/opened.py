"""Runs that the page uses: read again whenever their files change, each model used by one request at a time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from makemore.runs.run import Run, load

T = TypeVar("T")
Stamp = tuple[int, int] | None
"""The inode of a file and when it was written; None if there is none. A file that is replaced has another one."""


class Opened:
    """A run directory.

    Sampling, which may search for minutes, has a `Run` of its own, so that it holds up nothing else.
    """

    def __init__(self, run: Run) -> None:
        self.directory = run.directory
        self._quick, self._long = _Copy(self.directory, run), _Copy(self.directory)

    @property
    def run(self) -> Run:
        """The run as it is on disk, for what does not use its model.

        Raises MakemoreError if its directory is missing or damaged by now.
        """
        return self._quick.current()

    async def use(self, work: Callable[[Run], T], long: bool = False) -> T:
        """Return what a function makes of the run, without holding up other requests.

        Args:
            work: The function. If this is cancelled, what it makes is thrown away.
            long: Whether it may take long: then only others that may take long wait for it.

        Raises:
            MakemoreError: The run is missing or damaged by now, or what the function raises.

        """
        return await (self._long if long else self._quick).use(work)


class _Copy:
    """A `Run` that one request at a time uses."""

    def __init__(self, directory: Path, run: Run | None = None) -> None:
        self.directory = directory
        self._run, self._config = run, _stamp(directory / "config.json")
        self._weights: list[Stamp] = []
        self._free = asyncio.Lock()

    def current(self) -> Run:
        """Return the run, read again if another one has taken its place."""
        config = _stamp(self.directory / "config.json")
        if self._run is None or config != self._config:
            self._run, self._config = load(self.directory), config
        return self._run

    async def use(self, work: Callable[[Run], T]) -> T:
        async with self._free:
            run = self.current()
            weights = [_stamp(self.directory / f"{name}.safetensors") for name in ("best", "last")]
            if weights[0]:
                weights.pop()  # as soon as there are best weights, they are the model
            if weights != self._weights:  # training has changed the model
                run.forget_model()
                self._weights = weights
            try:
                return await _aside(work, run)
            except asyncio.CancelledError:
                self._run = None  # some work may still go on with it
                raise


def _stamp(path: Path) -> Stamp:
    """Return what tells whether a file is still the same."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


async def _aside(work: Callable[[Run], T], run: Run) -> T:
    """Have work done in a thread, which does not hold up the end of the server."""
    loop = asyncio.get_running_loop()
    made: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if made.done():  # cancelled
            return
        if error is not None:
            made.set_exception(error)
        else:
            made.set_result(cast(T, result))

    def do() -> None:
        result, error = None, None
        try:
            result = work(run)
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=do, daemon=True).start()
    return await made
