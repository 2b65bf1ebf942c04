"""The commands that measure: explain, eval, compare, report, inspect."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from makemore.cli.options import (
    READING,
    STANDARD_INPUT,
    ReadingOptions,
    changed,
    flag_of,
    flat,
    one_of,
    option,
    path,
    whole,
)
from makemore.cli.output import print_json, status
from makemore.cli.streams import outlasting
from makemore.cli.terminal import tell, waiting
from makemore.errors import MakemoreError, command_line, shown

if TYPE_CHECKING:
    from makemore.reports.compared import Comparison

_WIDE = 10_000
"""Columns of a table outside a terminal, so that nothing is cut."""


def explain(
    *what: Annotated[
        str,
        option(
            "The line, after the run directory that training wrote, or after several to show side by side. "
            "[default directory: out]",
            hyphen=True,
        ),
    ],
    work_dir: Annotated[
        Path | None, path("The run directory; the only other argument is then the line.", "-o")
    ] = None,
    top: Annotated[int, whole("How many of the likeliest characters to show.")] = 5,
    label: Annotated[
        str | None, option("Take the line for one of this kind. [default: whatever kind it is of]")
    ] = None,
    json: Annotated[bool, option("Print one JSON object per run.")] = False,
) -> int:
    """Show, character by character, what a model expected of a line and how surprised it was."""
    directories, line = _explained(what, work_dir)
    with waiting("loading PyTorch ...", sys.stderr):
        from makemore.runs.run import load
        from makemore.runs.scoring import Explanation

    runs = {name: load(name) for name in directories}
    explained = {name: run.explain(line, top, label) for name, run in runs.items()}
    asked = {name: run for name, run in runs.items() if run.vocab.labels and label is None}
    found = {name: next(run.classify([line])).labels for name, run in asked.items()}
    if json:
        for name, each in explained.items():
            of_labels = {"labels": dict(found[name])} if name in found else {}
            print_json(Explanation.of(name, line, each).to_json() | of_labels)
        return 0
    from rich.console import Console

    from makemore.cli.explained import show_explained
    from makemore.cli.layout import say

    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    show_explained(console, explained)
    for name, labels in found.items():
        of_run = f"{name}: " * (len(runs) > 1)
        say(console, f"{of_run}label: " + ", ".join(f"{label} {p:.1%}" for label, p in labels[:top]))
    return 0


def _explained(what: Sequence[str], work_dir: Path | None) -> tuple[list[str], str]:
    """Return the run directories and the line that were given to `explain`."""
    if not what:
        raise MakemoreError("explain: give a run directory and a line, as in `makemore explain out emma`")
    *directories, line = what
    if not directories and work_dir is None and (Path(line) / "config.json").is_file():
        raise MakemoreError(
            f"explain {shown(line)}: give a line after the run directory, as in `makemore explain out emma`"
        )
    if work_dir is not None and directories:
        raise MakemoreError(
            f"-o {shown(work_dir)}: give the run directory with it or before the line, not both"
        )
    return directories or [str(work_dir or "out")], line


def eval_(
    directory: Annotated[Path | None, path("The run directory that training wrote. [default: out]")] = None,
    *,
    work_dir: Annotated[Path | None, path("The same as DIRECTORY.", "-o")] = None,
    number: Annotated[
        int | None, whole("How many samples to measure. [default: 10,000, fewer if lines are long]", "-n")
    ] = None,
    seed: Annotated[int, whole("Seed of the samples.")] = 0,
    json: Annotated[
        bool, option("Print one JSON object with every number; docs/evaluation.md explains the keys.")
    ] = False,
) -> int:
    """Measure a trained model: its losses, what its samples are like, and warnings."""
    where = one_of(directory, work_dir, "-o") or Path("out")
    from makemore.runs.run import load

    run = load(where)  # what is wrong with it is said without waiting for torch
    with status(quiet=json) as said:
        from makemore.reports.assessment import assess

        found = assess(run, number, seed, said)
    if json:
        print_json(found.to_json(flag_of))
        return 0
    from rich.console import Console

    from makemore.cli.tables import show_assessment

    show_assessment(Console(), found)
    return 0


@dataclass(frozen=True)
class ComparisonOptions:
    """What to train for a comparison, and for how long."""

    types: Annotated[
        str | None, option("Which types to train, separated by commas. [default: all of them]")
    ] = None
    time: Annotated[float | None, option("Seconds to train each. [default: its own number of steps]")] = None
    max_steps: Annotated[int | None, whole("Steps to train each. [default: its own]")] = None
    seeds: Annotated[int, whole("How many times to train each, with a different seed each time.")] = 1
    work_dir: Annotated[
        Path | None,
        path("Directory for the runs; runs that are already there are kept. [default: comparison]", "-o"),
    ] = None
    device: Annotated[str, option("auto, cpu, cuda or mps.")] = "auto"


_COMPARISON = ComparisonOptions()


def compare(
    *what: Annotated[
        str,
        option(
            "A file of lines or a bundled list; or two or more run directories; or the directory of an "
            "earlier comparison. [default: names]"
        ),
    ],
    input_file: Annotated[str | None, option("A file of lines, or a bundled list.", "-i")] = None,
    how: Annotated[ComparisonOptions, flat()] = _COMPARISON,
    reading: Annotated[ReadingOptions, flat()] = READING,
    json: Annotated[bool, option("Print one JSON object instead of tables.")] = False,
) -> int:
    """Compare several types on one file, or runs that exist already, and say which differences are real."""
    if "" in what:
        raise MakemoreError("compare: a name is empty; give a file, or run directories")
    named = (input_file,) if input_file is not None else ()
    what = one_of(what or None, named or None, "-i") or ()
    _check_compared(what, input_file is None, how, reading)
    with waiting("loading PyTorch ...", sys.stderr):
        from makemore.reports.comparison import compare_runs, result_of

    trains = False
    if input_file is None and len(what) == 1 and (there := result_of(what[0])) is not None:
        result = there
    elif _are_runs(what, input_file is None):
        result = compare_runs(what)
    else:
        trains, done = True, _compared(what[0] if what else None, how, reading, json)
        if done is None:
            return 130
        result = done
    if json:
        print_json(result.to_json(flag_of))
        return 0
    from rich.console import Console

    from makemore.cli.layout import command, say
    from makemore.cli.tables import show_comparison

    console = Console()
    show_comparison(console, result)
    if trains:
        directory = how.work_dir or Path("comparison")
        say(console)
        lead = f"everything is in {directory}; for a page with plots:"
        command(console, lead, command_line("report", directory))
    return 0


def _are_runs(what: Sequence[str], may_be: bool) -> bool:
    """Return whether `what` names runs to compare rather than types; `may_be`: -i was not given."""
    return len(what) > 1 or (may_be and any((Path(each) / "config.json").exists() for each in what))


def _check_compared(
    what: Sequence[str], may_be_runs: bool, how: ComparisonOptions, reading: ReadingOptions
) -> None:
    """Raise MakemoreError, before torch is imported, if a run or a file to compare is missing."""
    from makemore.corpus.reading import How
    from makemore.corpus.source import locate
    from makemore.runs.run import load

    if _are_runs(what, may_be_runs):
        _check_runs(how, reading)
        for each in what:
            load(each)
        return
    How(**vars(reading))
    if what and not (may_be_runs and Path(what[0], "comparison.json").exists()):
        locate(what[0])


def _check_runs(how: ComparisonOptions, reading: ReadingOptions) -> None:
    """Raise MakemoreError for options that make no sense for existing runs."""
    given = [flag_of(name) for name in ("types", "time", "max_steps") if getattr(how, name) is not None]
    given += ["-o"] * (how.work_dir is not None) + [each.split()[0] for each in changed(reading)]
    if given:
        raise MakemoreError(f"{' and '.join(given)}: only for training on a file of lines, not for runs")


def _compared(
    source: str | None, how: ComparisonOptions, reading: ReadingOptions, json: bool
) -> "Comparison | None":
    """Train and compare types, and show the progress; return None if it was stopped."""
    from rich.console import Console

    from makemore.cli.leaderboard import Leaderboard
    from makemore.cli.stopping import stop_signals
    from makemore.corpus.reading import How
    from makemore.reports.comparison import Listener
    from makemore.reports.comparison import compare as compare_types

    directory = how.work_dir or Path("comparison")
    types = [t.strip() for t in how.types.split(",") if t.strip()] if how.types is not None else None
    console = Console(stderr=json)
    with outlasting("the comparison"), Leaderboard(console) as board, stop_signals() as stop:
        result = compare_types(
            source,
            types,
            work_dir=directory,
            seeds=how.seeds,
            time=how.time,
            max_steps=how.max_steps,
            device=how.device,
            how=How(**vars(reading)),
            listener=Listener(board.estimate, board.event, board.done, board.failed, stop),
        )
    if result is None:
        tell(f"stopped; the same command continues from there, in {directory}", stream=console.file)
    return result


def report(
    *directories: Annotated[
        Path,
        path("Run directories, or the directory that `makemore compare` wrote. [default: out]"),
    ],
    output: Annotated[
        Path | None,
        path("The HTML file; plots go beside it. [default: report.html in the first directory]", "-o"),
    ] = None,
    number: Annotated[
        int | None,
        whole("How many samples of each to measure. [default: 10,000, fewer if lines are long]", "-n"),
    ] = None,
    seed: Annotated[int, whole("Seed of the samples.")] = 0,
    open: Annotated[bool, option("Open the page in your browser.")] = False,
) -> int:
    """Write an HTML page with every number and plot of runs or a comparison, and the plots as PNG files."""
    given = list(directories or (Path("out"),))
    if len(given) > 1 or not (given[0] / "comparison.json").exists():
        from makemore.runs.run import load

        for each in given:
            load(each)  # what is wrong with it is said without waiting for torch
    with outlasting("the report"), status() as said:
        from makemore.reports.page import write_report

        page = write_report(given, output, number, seed, said, flag_of)
    tell(f"written: {page}")
    if open:
        open_page(page)
    return 0


def open_page(page: Path) -> None:
    """Open a page in the browser, or say that there is none."""
    import webbrowser

    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        tell("no browser could be started here; open the page yourself", stream=sys.stderr)


def inspect_(
    *files: Annotated[str, option("Files of lines, or a bundled list. [default: names]")],
    input_file: Annotated[list[str] | None, option("The same as FILES.", "-i", many=True)] = None,
    reading: Annotated[ReadingOptions, flat()] = READING,
    json: Annotated[bool, option("Print one JSON object with every number.")] = False,
) -> int:
    """Describe a file before training, and say which model and settings suit it."""
    sources = one_of(list(files) or None, input_file, "-i")
    source = sources[0] if sources is not None and len(sources) == 1 else sources
    from makemore.corpus.reading import How
    from makemore.corpus.source import locate

    how = How(**vars(reading))
    locate(source)  # a missing file is reported without waiting for torch
    with status(quiet=json) as said:
        from makemore.reports.inspection import inspect

        said("reading, and timing a few steps")
        found = inspect(source, how)
    if json:
        print_json(found.to_json(flag_of))
        return 0
    from rich.console import Console

    from makemore.cli.tables import show_inspection

    names = ["-" if source == STANDARD_INPUT else source for source in sources or ["names"]]
    show_inspection(Console(), found, names, " ".join(changed(reading)))
    return 0
