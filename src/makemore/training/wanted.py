"""The arguments of `train` in two groups: the run that it trains, and the way that it trains it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from makemore.corpus.cache import read_corpus
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import How, OnProgress
from makemore.corpus.source import locate
from makemore.distributed.group import Group
from makemore.metrics.rows import check_no_table
from makemore.runs.settings import Given
from makemore.training.events import Event

Source = str | Path | Sequence[str | Path] | Corpus
"""A file, a bundled list's name, or several: what `makemore.read` takes; or what it returns."""


@dataclass(frozen=True)
class Wanted:
    """The run to train: the arguments of `train` that describe it."""

    source: Source | None
    lines: Iterable[str] | None
    labels: Iterable[object] | None
    how: How
    """How lines are read."""
    on_progress: OnProgress | None
    directory: Path
    overwrite: bool
    type: str | None
    knobs: dict[str, float]
    given: Given
    from_run: str | Path | None

    @property
    def from_stream(self) -> bool:
        """Whether the lines come from a stream, which can be read once only."""
        source = self.source
        return source is not None and not isinstance(source, Corpus) and locate(source).size is None

    def read(self, group: Group) -> Corpus:
        """Read the lines; one of several processes goes first and fills the cache for the others."""
        if isinstance(self.source, Corpus):
            return self.source
        if self.lines is not None:
            return Corpus.from_lines(self.lines, self.how, self.labels)
        with group.one_first():
            return check_no_table(read_corpus(self.source, self.how, self.on_progress), self.how)


@dataclass(frozen=True)
class Running:
    """How to train it; this may change when it is resumed."""

    device: torch.device
    on_event: Callable[[Event], None] | None
    progress: bool
    tensorboard: bool
    stop: Callable[[], bool]
    top_k: int | None
    compile: bool
    diagnostics: bool
