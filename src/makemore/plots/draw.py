"""Which plots there are of which runs, how to read each, and writing them all to a directory."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from makemore.errors import MakemoreError, alike, quoted
from makemore.files.locks import held
from makemore.files.manifest import Manifest
from makemore.files.paths import refuse_unless
from makemore.files.typed import check_arguments
from makemore.metrics.assessment import Assessment
from makemore.plots import inside, losses, samples
from makemore.plots.entry import Entry
from makemore.plots.files import Plot, write_png
from makemore.plots.style import styled
from makemore.runs.recognition import is_picture, is_report
from makemore.runs.run import Run

_TEMPERATURE = (
    "Samples at temperatures from 0.3 (safe) to 1.5 (wild). Further down is more like held-out lines, "
    "further right is more varied; the star marks training lines."
)
NOTES = {
    "curve": "Where validation loss rises while train loss falls, the model overfits. "
    "The dot marks the weights that were kept; the band is one standard error.",
    "curves": "Lower and further left is better. Dots mark the weights that were kept; "
    "bands are one standard error.",
    "position": "The loss of the first, second, ... character of a test line, with 95% intervals: "
    "how a line begins is hard to predict.",
    "positions": "No model can know how a line begins; better ones know sooner how it continues. "
    "Bands are 95% intervals.",
    "length": "The loss of test lines of each length, with 95% intervals.",
    "character": "The loss on the most frequent characters of the test lines, with 95% intervals. "
    "⏎ is the end of a line.",
    "calibration": "What the model gives 20% should come true in 20% of the cases: "
    "dots on the dashed line are honest, dots below it overconfident. The numbers count predictions.",
    "temperature": _TEMPERATURE,
    "temperatures": _TEMPERATURE,
    "nearest": "How many edits turn a line into a training line. Apart from copies (0 edits), "
    "which held-out lines never are, samples should be distributed as held-out lines are.",
    "lengths": "Samples should be as long as real lines.",
    "pairs": "How often each pair occurs in samples, minus how often in training lines. "
    "Orange pairs are too frequent, blue ones too rare. ⏎ ends a line and precedes the next.",
    "table": "The probability of each character (column) after each other (row).",
    "embedding": "The model's vectors of the most frequent characters, along the two directions in which "
    "they differ most (PCA). Characters that are used alike are close; "
    "labels were moved apart where they would overlap.",
    "attention": "Each square is a head. The row is the character that the model is at while it predicts "
    "the next, the column where it looks. Rows sum to 1.",
}
"""How to read each plot, by its name."""


Makers = dict[str, tuple[str, Callable[[], Figure | None]]]
"""For each plot, its title and the function that makes it, which returns None if the run has no such plot."""


def make_plots(entries: Sequence[Entry]) -> list[list[Plot]]:
    """Make all plots: those of all runs together (none for a single run), then those of each run."""
    with styled():
        points = [samples.over_temperature(entry.run) for entry in entries]
        each = [_plots(_of_run(*both)) for both in zip(entries, points, strict=True)]
        if len(entries) < 2:
            return [[], *each]
        names = [entry.name for entry in entries]
        together: Makers = {
            "curves": ("Validation loss over time", lambda: losses.learning_curves(entries)),
            "positions": ("Loss by position", lambda: losses.by_position(entries)),
            "temperatures": ("Quality and variety", lambda: samples.quality_and_variety(names, points)),
        }
        return [_plots(together), *each]


def plot(run: Run, name: str, found: Assessment) -> Plot:
    """Make one plot of a run.

    Args:
        run: The run.
        name: Which plot.
        found: What was measured about the run.

    Raises:
        MakemoreError: There is no plot of this name, or the run has none.

    """
    check_arguments(plot, {"run": run, "found": found})
    makers = _of_run(Entry(run.directory.name, run, found))
    if name not in makers:
        guess = alike(name, makers)
        raise MakemoreError(
            f"name must be one of {', '.join(makers)}, not {quoted(name)}{';' * bool(guess)}{guess}",
            option="name",
        )
    with styled():
        if plots := _plots({name: makers[name]}):
            return plots[0]
        there = [other for other in makers if other == "temperature" or makers[other][1]() is not None]
    raise MakemoreError(
        f"{run.directory}: this run has no plot {name}; it has {', '.join(there)}. The others need more "
        "held-out lines, or a model that learns by steps",
        option="name",
    )


def _of_run(entry: Entry, points: list[samples.Point] | None = None) -> Makers:
    """Return the plots of a run. points: those of `samples.over_temperature`, if they are known already."""
    run, found = entry.run, entry.found
    sampled = functools.cache(lambda: run.sample(samples.affordable(run, 10), cut=True, seed=0))

    def over_temperature() -> Figure | None:
        known = samples.over_temperature(run) if points is None else points
        return samples.quality_and_variety([entry.name], [known])

    return {
        "curve": ("Learning curve", lambda: losses.learning_curves([entry])),
        "temperature": ("Quality and variety", over_temperature),
        "position": ("Loss by position", lambda: losses.by_position([entry])),
        "length": ("Loss by line length", lambda: losses.by_length(found)),
        "character": ("Loss by character", lambda: losses.by_character(found)),
        "lengths": ("Line lengths", lambda: samples.line_lengths(run, sampled())),
        "nearest": ("Distance to the nearest training line", lambda: samples.nearest_distances(found)),
        "calibration": ("Reliability", lambda: losses.reliability(found)),
        "pairs": ("Pairs of characters", lambda: samples.pairs(run, sampled())),
        "table": ("What the bigram has learned", lambda: inside.table(run)),
        "embedding": ("Embedding", lambda: inside.embedding(run)),
        "attention": ("Attention", lambda: inside.attention(run)),
    }


def _plots(makers: Makers) -> list[Plot]:
    made = [(name, title, make()) for name, (title, make) in makers.items()]
    return [Plot(name, title, NOTES[name], figure) for name, title, figure in made if figure is not None]


# files


def write_plots(
    directory: Path, entries: Sequence[Entry], plots: list[list[Plot]] | None = None
) -> list[Path]:
    """Write all plots as PNG files to a directory, which is created if it is missing; return their paths.

    `plots` is what `make_plots` returns, if the plots exist already. Raises MakemoreError if a file that
    makemore did not write has the name of a plot.
    """
    plots = plots or make_plots(entries)
    names = picture_names(entries, plots)
    refuse_unless(directory, "directory")
    with held(directory, wait=True):
        files = picture_files(directory, names)
        files.claim(*names)
        for name, plot in zip(names, itertools.chain(*plots), strict=True):
            with files.writing(name) as beside:
                write_png(beside, plot)
    return [directory / name for name in names]


def picture_names(entries: Sequence[Entry], plots: list[list[Plot]]) -> list[str]:
    """Return the file names of all plots, in their order."""
    names = []
    for i, of_run in enumerate(plots):
        # runs can have equal names, or names that no file can have
        safe = re.sub(r"[^\w.-]+", "_", entries[i - 1].name)[-40:]
        before = "" if len(plots) < 3 or not i else f"{i}-{safe}-"
        names += [f"{before}{plot.name}.png" for plot in of_run]
    return names


def picture_files(directory: Path, names: Sequence[str] = ()) -> Manifest:
    """Return the manifest of a directory of plots, which need not exist; `names` are about to be written.

    Without a manifest, plots count as those of an older makemore if the page beside the directory does.
    Raises MakemoreError if a file that makemore did not write has the name of a plot.
    """
    exists = refuse_unless(directory, "directory")
    page = directory.with_name(directory.name.removesuffix("-plots") + ".html")
    old = [path.name for path in directory.glob("*.png") if is_picture(path)] if exists else []
    files = Manifest(directory, old if is_report(page) else [])
    files.check(*names)
    return files
