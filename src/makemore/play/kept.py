"""The samples that people keep, in one file of the playground's directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from makemore.errors import MakemoreError
from makemore.files.json_io import read_json, write_json
from makemore.files.paths import kind, unwritable
from makemore.files.results import Result
from makemore.runs.run import Run

MOST = 10_000
"""Samples kept of a run, at most."""


@dataclass(frozen=True)
class KeptSample(Result):
    """A sample that is kept."""

    text: str
    label: str = ""
    seen: str = "new"
    """Where its line is in the list, as `Corpus.seen` says it."""


class Kept:
    """Samples that are kept, by the keys of runs (see `key_of`).

    Args:
        path: The file, which is written when there is something to keep.

    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, run: str) -> list[KeptSample]:
        """Return what is kept of the run with this key, in the order it was kept. Raises MakemoreError if the file is damaged."""
        return self._all().get(run, [])

    def change(self, run: str, keep: list[object], drop: list[object]) -> list[KeptSample]:
        """Keep samples of a run and drop others, and return what is kept then.

        Raises:
            MakemoreError: These are no samples, there are too many, or the file cannot be read or written.

        """
        every = self._all()
        dropped = _samples(drop)
        found = dict.fromkeys([*every.get(run, []), *_samples(keep)])
        every[run] = [each for each in found if each not in dropped]
        if len(every[run]) > MOST:
            raise MakemoreError(f"more than {MOST:,} samples of a run cannot be kept; remove some")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.path, error) from None
        write_json(self.path, {name: samples for name, samples in every.items() if samples})
        return every[run]

    def _all(self) -> dict[str, list[KeptSample]]:
        if not kind(self.path):
            return {}
        found = read_json(self.path)
        damaged = MakemoreError(f"{self.path}: is damaged; move it away, and keep samples anew")
        if not isinstance(found, dict):
            raise damaged
        try:
            return {name: _samples(samples) for name, samples in found.items()}
        except MakemoreError:
            raise damaged from None


def key_of(run: Run, home: Path) -> str:
    """Return under what the samples of a run are kept: its directory, its type and a hash of its list.

    So neither another run of the same name nor one that takes its place shows them. Directories in `home`, the
    playground's, are named from there, so that it can be moved.
    """
    directory = run.directory.resolve()
    if directory.is_relative_to(home.resolve()):
        directory = directory.relative_to(home.resolve())
    return f"{directory.as_posix()} ({run.type}, {run.corpus.fingerprint[:16]})"


def _samples(values: object) -> list[KeptSample]:
    """Return samples from JSON. Raises MakemoreError if they are none."""
    try:
        if not isinstance(values, list):
            raise ValueError
        return [KeptSample.from_json(each) for each in values]
    except ValueError:
        raise MakemoreError("these are not samples") from None
