"""The lists and runs of a playground, by name, in one directory."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from makemore.corpus.source import bundled_lists, is_stream, locate
from makemore.corpus.source import opened as opened_file
from makemore.errors import MakemoreError, shown
from makemore.files.atomic import atomic
from makemore.files.paths import refuse_unless, unreadable, unwritable
from makemore.play.held_out import imported
from makemore.play.opened import Opened
from makemore.play.processes import Event, Processes
from makemore.play.training import Trainer
from makemore.reports.expected import Expected
from makemore.runs.run import load

T = TypeVar("T")


@dataclass(frozen=True)
class Listed:
    """A list: its source, as `makemore.read` takes it, and how it is read."""

    source: str
    how: dict[str, object] = field(default_factory=dict)
    found: dict[str, Any] | None = None
    """What `makemore.inspect` found in it."""
    examples: list[str] = field(default_factory=list)
    """Some of its lines."""
    columns: dict[str, str] = field(default_factory=dict)
    """If it is a table, its columns, and an example of each; numbers, if no header was recognised."""
    header: bool = False
    """Whether the first row is a header, though it was not recognised."""
    expected: Expected | None = None

    @property
    def choices(self) -> dict[str, str]:
        """The columns that can be chosen, and an example of each; "" for those that the first row names."""
        return dict.fromkeys(self.columns.values(), "") if self.header else self.columns

    @property
    def asked(self) -> dict[str, object]:
        """How it is read, as the page says it."""
        return self.how | ({"header": True} if self.header else {})

    def spelled(self, how: dict[str, object], header: bool) -> dict[str, object]:
        """Return how to read it, columns by the names in the first row if that is a header, else by their numbers."""
        names = self.columns if header else {name: number for number, name in self.columns.items()}
        if not self.unnamed:
            return how
        return how | {key: names.get(str(how[key]), how[key]) for key in ("column", "label") if key in how}

    @property
    def recommended(self) -> str | None:
        """The type that suits it; None if it was not inspected."""
        return self.found["recommendation"]["type"] if self.found else None

    @property
    def unnamed(self) -> bool:
        """Whether it is a table whose columns have only numbers."""
        return bool(self.columns) and all(name == str(i) for i, name in enumerate(self.columns, 1))


class Workshop:
    """The lists and runs of a playground, and what trains.

    Args:
        directory: Where lists and runs are written. Those that are there already are offered again.

    Raises:
        MakemoreError: The directory cannot be read.

    """

    damaged: list[str]
    """What is wrong with those runs in the directory that cannot be opened."""
    ended: list[str]
    """After `close`, a sentence about each run that trained."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.way = directory.resolve() / "open.html"
        """A page that leads to the playground while it is open."""
        self.lists = {each.name: Listed(each.name) for each in bundled_lists()}
        self.chosen: str | None = None
        """The list that the page shows."""
        self.runs: dict[str, Opened] = {}
        self.processes = Processes()
        self.trainer = Trainer(self.processes, self._heard)
        self._inspecting = asyncio.Lock()
        self._given: set[str] = set()
        """Names of new files, without their endings."""
        self.damaged, self.ended = [], []
        if not refuse_unless(directory, "directory"):
            return
        for path in _oldest_first(directory):
            if (path / "config.json").exists():
                try:
                    self.open(path)
                except MakemoreError as error:
                    self.damaged.append(str(error))
        for path in _oldest_first(self._uploads):
            if path.is_file() and not path.name.startswith("."):
                self.add_list(str(path))

    def bring(self, what: str) -> None:
        """Add a run directory, or a list: files, as `read` finds them. Raises MakemoreError if it is neither."""
        if (Path(what) / "config.json").exists():
            self.open(Path(what))
            return
        source = locate(what)
        if source.bundled:
            self.chosen = source.name.removesuffix(" (bundled)")
        elif is_stream(source.paths[0]):  # it can be read only once
            path = self.new_file(f"{source.name}.txt")
            with opened_file(source.paths[0]) as file, atomic(path) as made, made.open("wb") as copy:
                shutil.copyfileobj(file, copy)
            self.chosen = self.add_list(str(path))
        else:
            self.chosen = self.add_list(what)

    def state(self) -> dict[str, object]:
        """Return what the page must know to show everything, as JSON."""
        training = self.trainer.training
        return {
            "lists": [
                {"name": name, "how": listed.asked, "recommended": listed.recommended}
                for name, listed in self.lists.items()
            ],
            "chosen": self.chosen,
            "runs": [about(name, opened) for name, opened in self.runs.items()],
            "damaged": self.damaged,
            "training": training and {"runs": [*training.runs], "running": [*training.running]},
        }

    async def close(self) -> None:
        """Stop what trains, which saves it, and end the other processes."""
        training = self.trainer.training
        stopped = [*training.running] if training else []
        if training is not None:
            training.stop()
        await self.processes.close()
        for event in training.events if training else ():
            if event["run"] in stopped and event["kind"] == "done":
                self.ended.append(f"{self.directory / event['run']}: saved at step {event['step']:,}")
            elif event["run"] in stopped and event["kind"] == "failed":
                self.ended.append(f"{self.directory / event['run']}: {event['error']}")

    # lists

    @property
    def _uploads(self) -> Path:
        return self.directory / "lists"

    def add_list(self, source: str) -> str:
        """Add a source of lines, and return the name that it has here."""
        name = _free(Path(source).resolve().stem, self.lists)
        self.lists[name] = Listed(source)
        return name

    def new_file(self, name: str) -> Path:
        """Return the path of a file to write, named like one that somebody uploads."""
        folder = self._uploads
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from None
        path = Path(name)
        ending = re.search(r"(\.\w{1,8}){1,2}$", path.name, re.ASCII)
        taken = self._given.union(each.name.split(".")[0] for each in folder.iterdir())
        stem = _free(named(path.name.split(".")[0]), taken)
        self._given.add(stem)
        return folder / (stem + (ending[0] if ending else ""))

    def listed(self, name: object) -> Listed:
        """Return a list. Raises MakemoreError if there is none of that name."""
        return _found(self.lists, name, "list")

    async def inspect(self, name: str, how: dict[str, object], header: bool = False) -> Listed:
        """Choose a list and how it is read, and return it with what was found in it.

        `header` says that the first row of a table is one, where columns have only numbers.
        """
        async with self._inspecting:
            listed = self.listed(name)
            how = listed.spelled(how, header)
            if listed.found is None or listed.how != how:
                try:
                    answer = await self.processes.ask("inspect", source=listed.source, how=how)
                except MakemoreError as error:  # which names the file here, not the one that was given
                    message = str(error).replace(listed.source, name)
                    raise MakemoreError(message, option=error.options) from None
                found, examples = answer["found"], answer["examples"]
                columns = found["format"]["columns"] or listed.columns  # once one is chosen, none is found
                listed = Listed(listed.source, how, found, examples, columns)
            listed = self.lists[name] = replace(listed, header=header and listed.unnamed)
            self.chosen = name  # only one that can be read
        return listed

    async def measure(self, name: str) -> Expected:
        """Return what to expect of training on a list."""
        listed = self.listed(name)
        if listed.expected is None or listed.expected.seconds is None:
            answer = await self.processes.ask("measure", source=listed.source, how=listed.how)
            expected = Expected.from_json(answer["expected"])
            if self.lists[name].how != listed.how:  # meanwhile it was read in another way
                return expected
            self.lists[name] = listed = replace(self.lists[name], expected=expected)
        assert listed.expected is not None
        return listed.expected

    # runs

    def open(self, path: Path) -> str:
        """Open a run directory, and return the name that it has here."""
        for name, opened in self.runs.items():
            if opened.directory.resolve() == path.resolve():
                return name
        name = _free(path.resolve().name, self.runs)
        self.runs[name] = Opened(load(path))
        return name

    def opened(self, name: object) -> Opened:
        """Return a run. Raises MakemoreError if there is none of that name."""
        return _found(self.runs, name, "run")

    def new_runs(self, list: str, types: Iterable[str]) -> dict[str, str]:
        """Return the types by names of runs to train, those of their directories too."""
        training, found = self.trainer.training, dict[str, str]()
        taken = {path.name for path in self.directory.iterdir()} if self.directory.is_dir() else set()
        taken |= self.runs.keys() | (training.runs if training else {}).keys()
        for type in types:
            found[_free(f"{named(list)}-{named(type)}", taken | found.keys())] = type
        return found

    def _heard(self, name: str, event: Event) -> None:
        """Keep up with the training of a run."""
        if event["kind"] == "started" and name not in self.runs:
            self.open(self.directory / name)


def _found(known: Mapping[str, T], name: object, what: str) -> T:
    """Return what has a name. Raises MakemoreError if nothing has."""
    if name is None:
        raise MakemoreError(f"the name of the {what} is missing")
    if name not in known:
        raise MakemoreError(f"{shown(str(name))}: no such {what}")
    return known[str(name)]


def _free(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken: names, names-2, names-3 and so on."""
    number, free, taken = 1, name, set(taken)
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _oldest_first(directory: Path) -> list[Path]:
    """Return what lies in a directory, the oldest first; nothing if there is none."""
    try:
        found = [(path.stat().st_mtime, path) for path in directory.iterdir()] if directory.is_dir() else []
    except OSError as error:
        raise unreadable(directory, error) from None
    return [path for _, path in sorted(found)]


def about(name: str, opened: Opened) -> dict[str, object]:
    """Return what the page says about a run, as JSON; `error` is a sentence if the run is damaged."""
    said = {"name": name, "type": "", "list": "", "labels": [], "imported": False}
    said |= {"ended": False, "test": None, "error": None}
    try:
        run = opened.run
        said |= {"type": run.type, "list": run.reading.source if run.reading else ""}
        said |= {"labels": list(run.vocab.labels)}
        if (summary := run.summary()) is not None:
            said |= {"ended": True, "test": summary.nll.get("test"), "imported": imported(run)}
    except MakemoreError as error:
        said |= {"error": str(error)}
    return said


def named(text: str) -> str:
    """Return a text as the name of a file: letters, digits and hyphens."""
    return re.sub(r"[^\w]+", "-", text).strip("-_")[:40] or "list"
