"""What lies in the workshop: lists and runs, by name, in one directory."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar, cast

from makemore.corpus.source import bundled_lists, locate
from makemore.errors import MakemoreError, shown
from makemore.files.paths import refuse_unless, unreadable, unwritable
from makemore.play.processes import Event, Processes
from makemore.play.training import Trainer
from makemore.runs.run import Run, load

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """What takes seconds to find out about a list."""

    baselines: dict[str, float]
    """What the simplest models reach on its validation lines, in nats per token."""
    seconds: float | None
    """Seconds that training takes here; None if there was no time to measure them."""


@dataclass(frozen=True)
class Listed:
    """A list: its source, as `makemore.read` takes it, and how it is read."""

    source: str
    how: dict[str, object] = field(default_factory=dict)
    found: dict[str, object] | None = None
    """What `makemore.inspect` found in it."""
    examples: list[str] = field(default_factory=list)
    """Some of its lines."""
    columns: dict[str, str] = field(default_factory=dict)
    """If it is a table, its columns, and an example of each."""
    measured: Measured | None = None


class Opened:
    """A run, used by one request at a time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._free = asyncio.Lock()
        self._stale = self._left = False

    @property
    def run(self) -> Run:
        """The run, for what does not use its model."""
        return self._run

    def forget_model(self) -> None:
        """Read the model again when it is next used: training has changed it."""
        self._stale = True

    async def use(self, work: Callable[[Run], T]) -> T:
        """Return what a function makes of the run, without holding up other requests.

        If this is cancelled, what the function makes is thrown away, and others use the run anew.
        """
        async with self._free:
            if self._left:  # some work may still go on with it
                self._run, self._left = load(self._run.directory), False
            if self._stale:
                self._stale = False
                self._run.forget_model()
            try:
                return await _aside(work, self._run)
            except asyncio.CancelledError:
                self._left = True
                raise


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


class Workshop:
    """The lists and runs of a playground, and what trains.

    Args:
        directory: Where lists and runs are written. Runs that are there already are opened.

    Raises:
        MakemoreError: The directory cannot be read.

    """

    damaged: list[str]
    """What is wrong with those runs in the directory that cannot be opened."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lists = {each.name: Listed(each.name) for each in bundled_lists()}
        self.chosen: str | None = None
        """The list that the page shows."""
        self.runs: dict[str, Opened] = {}
        self.processes = Processes()
        self.trainer = Trainer(self.processes, self._heard)
        self._inspecting = asyncio.Lock()
        self.damaged = []
        if refuse_unless(directory, "directory"):
            for path in _runs(directory):
                try:
                    self.open(path)
                except MakemoreError as error:
                    self.damaged.append(str(error))

    def bring(self, what: str) -> None:
        """Add a run directory, a file of lines, or a bundled list. Raises MakemoreError if it is none of these."""
        if (Path(what) / "config.json").exists():
            self.open(Path(what))
        elif what in self.lists:
            self.chosen = what
        else:
            self.chosen = self.add_list(locate(what).paths[0])

    def state(self) -> dict[str, object]:
        """Return what the page must know to show everything, as JSON."""
        training = self.trainer.training
        return {
            "lists": [
                {"name": name, "how": listed.how, "inspected": listed.found is not None}
                for name, listed in self.lists.items()
            ],
            "chosen": self.chosen,
            "runs": [about(name, opened.run) for name, opened in self.runs.items()],
            "training": training and {"runs": [*training.runs], "running": [*training.running]},
        }

    async def close(self) -> None:
        """Stop what trains, which saves it, and end the other processes."""
        if self.trainer.training is not None:
            self.trainer.training.stop()
        await self.processes.close()

    # lists

    def add_list(self, source: Path, how: dict[str, object] | None = None) -> str:
        """Add a file, and return the name that it has here."""
        name = self._free(source.stem, self.lists)
        self.lists[name] = Listed(str(source), how or {})
        return name

    def new_file(self, name: str) -> Path:
        """Return the path of a file to write, named like one that somebody uploads."""
        folder = self.directory / "lists"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from None
        path = Path(name)
        ending = re.search(r"(\.\w{1,8}){1,2}$", path.name, re.ASCII)
        suffix = ending[0] if ending else ""
        stem = named(path.name.split(".")[0])
        return folder / (self._free(stem, [each.name.split(".")[0] for each in folder.iterdir()]) + suffix)

    def listed(self, name: object) -> Listed:
        """Return a list. Raises MakemoreError if there is none of that name."""
        if name is None:
            raise MakemoreError("the name of the list is missing")
        if name not in self.lists:
            raise MakemoreError(f"{shown(str(name))}: no such list")
        return self.lists[str(name)]

    async def inspect(self, name: str, how: dict[str, object]) -> Listed:
        """Choose a list and how it is read, and return it with what was found in it."""
        async with self._inspecting:
            listed = self.listed(name)
            if listed.found is None or listed.how != how:
                try:
                    answer = await self.processes.ask("inspect", source=listed.source, how=how)
                except MakemoreError as error:  # which names the file here, not the one that was given
                    message = str(error).replace(listed.source, name)
                    raise MakemoreError(message, option=error.options) from None
                found, examples = answer["found"], answer["examples"]
                columns = found["format"]["columns"] or listed.columns  # once one is chosen, none is found
                listed = self.lists[name] = Listed(listed.source, how, found, examples, columns)
            self.chosen = name  # only one that can be read
        return listed

    async def measure(self, name: str) -> Measured:
        """Return what takes seconds to find out about a list."""
        listed = self.listed(name)
        if listed.measured is None or listed.measured.seconds is None:
            answer = await self.processes.ask("measure", source=listed.source, how=listed.how)
            measured = Measured(answer["baselines"], answer["seconds"])
            if self.lists[name].how != listed.how:  # meanwhile it was read in another way
                return measured
            self.lists[name] = listed = replace(self.lists[name], measured=measured)
        assert listed.measured is not None
        return listed.measured

    # runs

    def open(self, path: Path) -> str:
        """Open a run directory, and return the name that it has here."""
        for name, opened in self.runs.items():
            if opened.run.directory.resolve() == path.resolve():
                return name
        name, run = self._free(path.resolve().name, self.runs), load(path)
        about(name, run)  # it can be shown
        self.runs[name] = Opened(run)
        return name

    def opened(self, name: object) -> Opened:
        """Return a run. Raises MakemoreError if there is none of that name."""
        if name is None:
            raise MakemoreError("the name of the run is missing")
        if name not in self.runs:
            raise MakemoreError(f"{shown(str(name))}: no such run")
        return self.runs[str(name)]

    def new_run(self, list: str, type: str) -> str:
        """Return a name for a run to train, that of its directory too."""
        taken = {path.name for path in self.directory.iterdir()} if self.directory.is_dir() else set()
        training = self.trainer.training
        return self._free(
            named(f"{list}-{type}"), taken | self.runs.keys() | set(training.runs if training else ())
        )

    def _heard(self, name: str, event: Event) -> None:
        """Keep up with the training of a run."""
        if event["kind"] == "started" and name not in self.runs:
            self.open(self.directory / name)
        elif name in self.runs and event["kind"] in ("evaluation", "done", "failed"):
            self.runs[name].forget_model()

    def _free(self, name: str, taken: Iterable[str]) -> str:
        """Return a name that is not taken: names, names-2, names-3 and so on."""
        number, free, taken = 1, name, set(taken)
        while free in taken:
            number += 1
            free = f"{name}-{number}"
        return free


def _runs(directory: Path) -> list[Path]:
    """Return the run directories in a directory, the oldest first."""
    try:
        found = [
            (path.stat().st_mtime, path) for path in directory.iterdir() if (path / "config.json").exists()
        ]
    except OSError as error:
        raise unreadable(directory, error) from None
    return [path for _, path in sorted(found)]


def about(name: str, run: Run) -> dict[str, object]:
    """Return what the page says about a run, as JSON."""
    summary = run.summary()
    return {
        "name": name,
        "type": run.type,
        "list": run.reading.source if run.reading else "",
        "labels": list(run.vocab.labels),
        "ended": summary is not None,
        "test": summary and summary.nll.get("test"),
    }


def named(text: str) -> str:
    """Return a text as the name of a file: letters, digits and hyphens."""
    return re.sub(r"[^\w]+", "-", text).strip("-_")[:40] or "list"
