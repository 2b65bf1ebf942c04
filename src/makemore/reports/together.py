"""What the page says about several runs side by side, as data for its template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from makemore.metrics.assessment import Assessment
from makemore.metrics.intervals import Interval
from makemore.plots.entry import Entry, same_lines
from makemore.plots.files import Plot
from makemore.reports.compared import Compared, Comparison, Pair
from makemore.reports.portrait import Figure, Samples, figure, samples, sentence

FEW = 8
"""Samples of each run."""


@dataclass(frozen=True)
class Beside:
    """One of several runs; if runs differ only in their seed, the first stands for all of them."""

    name: str
    found: Assessment
    samples: Samples
    compared: Compared | None
    """What the comparison says about it."""
    tied: bool
    """Whether it is not the best, but chance could explain its distance from the best."""

    @property
    def verdict(self) -> str:
        """Whether the model copies its training lines, in a sentence."""
        return sentence(self.found.memorising.sentence)

    @property
    def loss(self) -> float:
        """The test loss; if there are several seeds, their mean."""
        return (self.compared or self.found).nll["test"]

    @property
    def interval(self) -> Interval:
        """The interval of the test loss."""
        return self.compared.interval if self.compared else self.found.losses["test"].nll.interval

    @property
    def seconds(self) -> float | None:
        """How long training took."""
        return self.found.seconds

    @property
    def samples_per_second(self) -> float | None:
        """How fast it samples."""
        return self.compared.samples_per_second if self.compared else None


@dataclass(frozen=True)
class Together:
    """Several runs, the best first if they can be compared."""

    runs: tuple[Beside, ...]
    same_lines: bool
    """Whether they were trained on the same lines."""
    pairs: tuple[Pair, ...]
    """Every pair of runs, those with the best run first."""
    failed: tuple[tuple[str, str], ...]
    """Names of the runs that could not be trained, and why."""
    plots: tuple[Figure, ...]

    @property
    def compared(self) -> bool:
        """Whether any run was compared."""
        return any(run.compared for run in self.runs)

    @property
    def verdict(self) -> str:
        """Which run is best, and whether chance could explain that; "" if the runs were not compared."""
        if not (self.same_lines and self.compared):
            return ""
        best, *others = self.runs
        tied = [run.name for run in others if run.tied]
        if not tied:
            return f"{best.name} has the lowest test loss, and chance does not explain its lead."
        *first, last = tied
        over = f"{', '.join(first)} and {last}" if first else last
        return f"{best.name} has the lowest test loss, but chance could explain its lead over {over}."


def together(entries: Sequence[Entry], comparison: Comparison | None, plots: list[Plot]) -> Together:
    """Return what the page says about several runs, and how they compare, if that is known."""
    compared: dict[str, Compared] = {}
    for each in comparison.entries if comparison else ():
        compared |= dict.fromkeys([each.name, *each.runs], each)
    found = [(entry, compared.get(entry.name) or compared.get(str(entry.run.directory))) for entry in entries]
    if alike := same_lines(entries):
        found.sort(key=lambda pair: (pair[1] or pair[0].found).nll["test"])
    runs = [
        Beside(name, assessment, samples(run, FEW), more, i > 0 and more is not None and more.tie_with_best)
        for i, ((name, run, assessment), more) in enumerate(found)
    ]
    return Together(
        tuple(runs),
        alike,
        comparison.pairs if comparison else (),
        tuple((comparison.failed or {}).items()) if comparison else (),
        tuple(figure(plot, "all") for plot in plots),
    )
