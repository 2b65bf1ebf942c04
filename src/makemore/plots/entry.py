"""What goes into plots, and what comes out of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.figure import Figure

from makemore.metrics.assessment import Assessment
from makemore.runs.run import Run


class Entry(NamedTuple):
    """A run and what was measured about it."""

    name: str
    run: Run
    found: Assessment
    """The result of `makemore.assess`."""


@dataclass(frozen=True)
class Plot:
    """A figure and the words that go with it."""

    name: str
    """The name of its file, without an ending."""
    title: str
    note: str
    """What to look for."""
    figure: Figure

    def _repr_png_(self) -> bytes:
        """Show the plot in a notebook."""
        from makemore.plots.files import write_png

        file = io.BytesIO()
        write_png(file, self)
        return file.getvalue()


def same_lines(entries: Sequence[Entry]) -> bool:
    """Say whether all runs were trained on the same lines, so that their losses can be compared."""
    return len({entry.run.corpus.fingerprint for entry in entries}) == 1
