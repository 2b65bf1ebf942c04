"""What lies in the workshop: lists and runs, by name, in one directory."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from makemore.corpus.source import bundled_lists, locate
from makemore.errors import MakemoreError, shown
from makemore.play.processes import Event, Processes
from makemore.play.training import Trainer
from makemore.runs.run import Run, load

T = TypeVar("T")


@dataclass(frozen=True)
class Listed:
    """A list: its source, as `makemore.read` takes it, and how it is read."""

    source: str
    how: dict[str, object] = field(default_factory=dict)
    found: dict[str, object] | None = None
    """What `makemore.inspect` found in it."""


class Opened:
    """A run, used by one request at a time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._stale = False

    @property
    def run(self) -> Run:
        """The run, for what does not use its model."""
        return self._run

    def forget_model(self) -> None:
        """Read the model again when it is next used: training has changed it."""
        self._stale = True

    async def use(self, work: Callable[[Run], T]) -> T:
        """Return what a function makes of the run, without holding up other requests."""

        def alone() -> T:
            with self._lock:
                if self._stale:
                    self._stale = False
                    self._run.forget_model()
                return work(self._run)

        return await run_in_threadpool(alone)


class Workshop:
    """The lists and runs of a playground, and what trains.

    Args:
        directory: Where lists and runs are written. Runs that are there already are opened.

    Raises:
        MakemoreError: The directory cannot be read.

    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lists = {each.name: Listed(each.name) for each in bundled_lists()}
        self.chosen: str | None = None
        """The list that the page shows."""
        self.runs: dict[str, Opened] = {}
        self.processes = Processes()
        self.trainer = Trainer(self.processes, self._heard)
        self._inspecting = asyncio.Lock()
        if directory.is_dir():
            for path in sorted(directory.iterdir(), key=lambda path: path.stat().st_mtime):
                if (path / "config.json").is_file():
                    self.open(path)

    def bring(self, what: str) -> None:
        """Add a run directory, a file of lines, or a bundled list. Raises MakemoreError if it is none of these."""
        if (Path(what) / "config.json").exists():
            self.open(Path(what))
        elif what in self.lists:
            self.chosen = what
        else:
            self.add_list(locate(what).paths[0])

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
        """Add a file, choose it, and return the name that it has here."""
        name = self._free(source.stem, self.lists)
        self.lists[name] = Listed(str(source), how or {})
        self.chosen = name
        return name

    def new_file(self, name: str) -> Path:
        """Return the path of a file to write, named like one that somebody uploads."""
        folder = self.directory / "lists"
        folder.mkdir(parents=True, exist_ok=True)
        path = Path(name)
        suffix = "".join(path.suffixes[-2:]) if re.fullmatch(r"(\.\w{1,8}){0,2}", path.suffix) else ""
        stem = named(path.name.split(".")[0])
        return folder / (self._free(stem, [each.name.split(".")[0] for each in folder.iterdir()]) + suffix)

    def listed(self, name: object) -> Listed:
        """Return a list. Raises MakemoreError if there is none of that name."""
        if name not in self.lists:
            raise MakemoreError(f"{shown(str(name))}: no such list")
        return self.lists[str(name)]

    async def inspect(self, name: str, how: dict[str, object]) -> Listed:
        """Choose a list and how it is read, and return it with what was found in it."""
        listed = self.listed(name)
        self.chosen = name
        async with self._inspecting:
            if listed.found is None or listed.how != how:
                answer = await self.processes.ask("inspect", source=listed.source, how=how)
                listed = self.lists[name] = Listed(listed.source, how, answer["found"])
        return listed

    # runs

    def open(self, path: Path) -> str:
        """Open a run directory, and return the name that it has here."""
        for name, opened in self.runs.items():
            if opened.run.directory.resolve() == path.resolve():
                return name
        name = self._free(path.resolve().name, self.runs)
        self.runs[name] = Opened(load(path))
        return name

    def opened(self, name: object) -> Opened:
        """Return a run. Raises MakemoreError if there is none of that name."""
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
        if event["kind"] == "started":
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
