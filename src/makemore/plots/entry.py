"""What goes into plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from makemore.metrics.assessment import Assessment
from makemore.runs.run import Run


class Entry(NamedTuple):
    """A run and what was measured about it."""

    name: str
    run: Run
    found: Assessment
    """The result of `makemore.assess`."""


def same_lines(entries: Sequence[Entry]) -> bool:
    """Say whether all runs were trained on the same lines, so that their losses can be compared."""
    return len({entry.run.corpus.fingerprint for entry in entries}) == 1
