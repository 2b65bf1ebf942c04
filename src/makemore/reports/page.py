"""The report on one or several runs: one self-contained HTML file for screens, phones and paper."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from makemore.errors import MakemoreError
from makemore.files.atomic import atomic, check_writable
from makemore.files.locks import held
from makemore.files.manifest import Manifest
from makemore.files.paths import kind, refuse_unless, unwritable
from makemore.files.results import Flag
from makemore.files.typed import checked_path, checked_paths
from makemore.plots.draw import make_plots, picture_files, picture_names, write_plots
from makemore.plots.entry import Entry, same_lines
from makemore.plots.files import Plot
from makemore.reports.assessment import assess
from makemore.reports.compared import Comparison
from makemore.reports.comparison import compare_runs, result_of
from makemore.reports.portrait import name_of, portrait
from makemore.reports.render import render
from makemore.reports.together import together
from makemore.runs.recognition import RESERVED, is_report, owned
from makemore.runs.run import Run


def write_page(
    path: Path,
    entries: Sequence[Entry],
    comparison: Comparison | None = None,
    plots: list[list[Plot]] | None = None,
    flag: Flag = str,
) -> None:
    """Write the report on some runs to an HTML file.

    Args:
        path: The file.
        entries: The runs, and what was measured about each.
        comparison: How they compare, for several runs on the same lines.
        plots: What `make_plots` returns, if the plots exist already.
        flag: Spells the arguments that warnings name.

    Raises:
        MakemoreError: The file cannot be written.

    """
    of_all, *each = plots or make_plots(entries)
    several = len(entries) > 1
    source, *others = dict.fromkeys(map(name_of, entries))
    title = "" if others else source
    if several:
        title = f"{title}: {len(entries)} runs compared".removeprefix(": ")
    page = render(
        "page.html",
        title=title,
        together=together(entries, comparison, of_all) if several else None,
        runs=[
            portrait(entry, of_run, f"r{i}", flag)
            for i, (entry, of_run) in enumerate(zip(entries, each, strict=True), 1)
        ],
        date=datetime.date.today(),
    )
    noted = _manifest_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    with contextlib.ExitStack() as stack:
        if noted is None:
            beside = stack.enter_context(atomic(path))
        else:
            stack.enter_context(held(noted.path, wait=True, made=False))
            if kind(path):  # its content shows that makemore wrote it
                noted.adopt(path.name)
            beside = stack.enter_context(noted.writing(path.name))
        beside.write_text(page, "utf-8", "replace")  # a file name that is not UTF-8 holds lone surrogates


def write_report(
    directories: str | Path | Sequence[str | Path],
    output: str | Path | None = None,
    n: int | None = None,
    seed: int = 0,
    said: Callable[[str], None] = lambda text: None,
    flag: Flag = str,
) -> Path:
    """Measure runs, write the page about them, and write the plots to a directory beside it.

    Args:
        directories: Run directories, or the one directory of a comparison.
        output: The HTML file; None takes report.html in the first directory.
        n: Samples to measure of each run, as in `assess`.
        seed: The seed of the samples.
        said: Called with each step, in words.
        flag: Spells the arguments that warnings name.

    Returns:
        The path of the page.

    Raises:
        MakemoreError: A run cannot be loaded, or something cannot be written.

    """
    paths = checked_paths("directories", directories)
    first, result = paths[0], None
    page = first / "report.html" if output is None else checked_path("output", output)
    pictures = page.with_name(page.stem + "-plots")
    if os.path.isdir(first):  # otherwise loading the run says what is wrong
        _manifest_of(page)
        picture_files(pictures)
        check_writable(page)
    named = {str(path): path for path in paths}
    if len(named) == 1 and (result := result_of(first)) is not None:
        named = {each.name: first / Path(each.runs[0]).name for each in result.entries}
    entries = []
    for name, directory in named.items():
        run = Run.load(directory)
        found = assess(run, n, seed, lambda text, name=name: said(f"{name}: {text}"))  # type: ignore[misc]
        entries.append(Entry(name, run, found))
    if result is None and len(entries) > 1 and same_lines(entries):
        said("comparing")
        result = compare_runs(paths)
    said("plotting")
    plots = make_plots(entries)
    picture_files(pictures, picture_names(entries, plots))
    write_page(page, entries, result, plots, flag)
    if (noted := _manifest_of(page)) is not None:
        noted.claim(pictures.name, wanted="directory")
    write_plots(pictures, entries, plots)
    return page


def _manifest_of(path: Path) -> Manifest | None:
    """Return the manifest that lists a page; None if makemore does not manage the directory.

    Raises MakemoreError if the path holds something that is not a page that makemore wrote.
    """
    if refuse_unless(path, "file") and not is_report(path):
        raise MakemoreError(
            f"{path}: is not a page that makemore wrote, and was left alone; choose another path for output",
            option="output",
        )
    noted = Manifest(path.parent)
    filled = noted.exists or "config.json" in owned(path.parent)
    if filled and path.name in RESERVED:
        raise MakemoreError(
            f"{path}: makemore writes something else there; choose another path for output", option="output"
        )
    if not noted.exists or path.name != "report.html":
        return None
    if not kind(path):
        noted.check(path.name)
    noted.check(f"{path.stem}-plots", wanted="directory")
    return noted
