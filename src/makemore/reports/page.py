"""The report on one run or several: one HTML file that needs nothing else, in light and dark, on paper and telephones."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from makemore import __version__
from makemore.errors import MakemoreError
from makemore.files.atomic import atomic, check_writable, held, kind, refuse_unless, unwritable
from makemore.files.manifest import Manifest
from makemore.plots.draw import draw, picture_files, picture_names, write_plots
from makemore.plots.entry import Entry, Plot, same_lines
from makemore.reports.assessment import assess
from makemore.reports.comparison import Compared, Comparison, Pair, compare_runs, result_of
from makemore.reports.markup import around, folded, integer, number, seconds, spelled, table
from makemore.reports.portrait import SHADES, figures, name_of, portrait, samples, verdict
from makemore.runs.ownership import RESERVED, is_report, owned
from makemore.runs.run import Run

FEW = 8
"""Samples of each run where there are several."""


def write_page(
    path: Path,
    entries: Sequence[Entry],
    comparison: Comparison | None = None,
    drawn: list[list[Plot]] | None = None,
) -> None:
    """Write the report on some runs to an HTML file.

    entries: each run's name, the run and what `assessment.assess` says of it. comparison: of `comparison`, for several.
    drawn: of `plots.draw`, if there already. Raises MakemoreError if the file cannot be written.
    """
    together, *each = drawn or draw(entries)
    of = list(dict.fromkeys(name_of(run, name) for name, run, _ in entries))
    title = of[0] if len(of) == 1 else f"{len(entries)} runs compared"
    body = f"<h1>{spelled(title)}</h1>"
    if len(entries) == 1:
        body += portrait(*entries[0], each[0], "r1")
    else:
        body += _together(entries, comparison, together) + "<h2>Each run</h2>"
        for i, ((name, run, found), plots) in enumerate(zip(entries, each, strict=True), 1):
            body += folded(spelled(name), portrait(name, run, found, plots, f"r{i}"))
    template = Template(files("makemore.reports").joinpath("page.html").read_text("utf-8"))
    page = template.substitute(
        title=spelled(title), body=body, version=__version__, date=datetime.date.today(), shades=_shades()
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
            if kind(path):  # its content says that it is makemore's
                noted.adopt(path.name)
            beside = stack.enter_context(noted.writing(path.name))
        beside.write_text(page, "utf-8", "replace")  # a file name that is not UTF-8 holds lone surrogates


def write_report(
    directories: Sequence[Path],
    output: Path | None = None,
    n: int | None = None,
    seed: int = 0,
    said: Callable[[str], None] = lambda text: None,
) -> Path:
    """Measure runs, or those of what `makemore compare` wrote; write the page, and the plots to a directory beside it.

    Returns the page's path; output: None takes report.html in the first directory. n, seed, said: as of `assess`.
    """
    first, result = directories[0], None
    page = output or first / "report.html"
    pictures = page.with_name(page.stem + "-plots")
    if os.path.isdir(first):  # else the sentence is about the run
        _manifest_of(page)
        picture_files(pictures)
        check_writable(page)
    named = {str(directory): directory for directory in directories}
    if len(named) == 1 and (result := result_of(first)) is not None:
        named = {each.name: first / Path(each.runs[0]).name for each in result.entries}
    entries = []
    for name, directory in named.items():
        run = Run.load(directory)
        found = assess(run, n, seed, lambda text, name=name: said(f"{name}: {text}"))  # type: ignore[misc]
        entries.append(Entry(name, run, found))
    if result is None and len(entries) > 1 and same_lines(entries):
        said("comparing")
        result = compare_runs(directories)
    said("drawing")
    drawn = draw(entries)
    picture_files(pictures, picture_names(entries, drawn))
    write_page(page, entries, result, drawn)
    if (noted := _manifest_of(page)) is not None:
        noted.claim(pictures.name, wanted="directory")
    write_plots(pictures, entries, drawn)
    return page


def _manifest_of(path: Path) -> Manifest | None:
    """Return the manifest that a page is to be noted in; None outside the directories that makemore fills.

    Raises MakemoreError if something is in its place that is not a page that makemore wrote.
    """
    if refuse_unless(path, "file") and not is_report(path):
        raise MakemoreError(
            f"{path}: is not a page that makemore wrote, and was left alone; choose another name with -o"
        )
    noted = Manifest(path.parent)
    filled = noted.exists or "config.json" in owned(path.parent)
    if filled and path.name in RESERVED:
        raise MakemoreError(f"{path}: makemore writes something else there; choose another name with -o")
    if not noted.exists or path.name != "report.html":
        return None
    if not kind(path):
        noted.check(path.name)
    noted.check(f"{path.stem}-plots", wanted="directory")
    return noted


# several runs


def _together(entries: Sequence[Entry], comparison: Comparison | None, plots: list[Plot]) -> str:
    """The runs beside each other, the best first."""
    compared: dict[str, Compared] = {}
    for each in comparison.entries if comparison else ():
        compared |= dict.fromkeys([each.name, *each.runs], each)
    with_more = [
        (entry, compared.get(entry.name) or compared.get(str(entry.run.directory))) for entry in entries
    ]
    # of several runs with other seeds the page shows the first, and here their mean
    ranked = sorted(with_more, key=lambda each: (each[1] or each[0].found).nll["test"])
    text = ""
    if not same_lines(entries):
        text += (
            "<p class=warning>These runs did not learn the same lines: their losses cannot be compared.</p>"
        )
    elif compared:
        text += f"<p class=verdict>{_best(ranked)}</p>"
    text += "<h2>Samples of each</h2>"
    for (name, run, found), _ in ranked:
        said = verdict(found)
        text += f"<p><b>{spelled(name)}</b> <small>{said}</small></p>{samples(run, FEW, explained=False)}"
    text += "<h2>Numbers</h2>" + _numbers(ranked)
    text += _pairs(comparison.pairs, len(entries)) if comparison else ""
    return text + figures(plots, "all")


Ranked = Sequence[tuple[Entry, Compared | None]]
"""Runs, the best first, each with what the comparison says of it."""


def _numbers(ranked: Ranked) -> str:
    """A table of the numbers of each run."""
    rows: list[list[str]] = []
    for (name, run, found), more in ranked:
        loss, interval = found.nll["test"], found.losses["test"].nll.interval
        if more is not None:
            loss, interval = more.nll["test"], more.interval
        tied = " <small>no worse than the best</small>" if more and more.tie_with_best and rows else ""
        of = found.quality
        speed = number(more.samples_per_second, ",.0f") if more else "–"
        rows.append([
            f"<b>{spelled(name)}</b>", run.type, around(loss, interval) + tied,
            integer(found.parameters), seconds(found.seconds), speed,
            number(of.train_mass, ".1%"), number(found.copying.ratio, ".2f"), number(of.uniqueness, ".1%"),
            number(of.novelty, ".1%"), number(of.vendi.ratio, ".2f"),
        ])  # fmt: skip
    head = ["run", "type", "test loss, nats per token", "parameters", "trained for", "samples a second", "copies",
            "copy ratio R", "unique", "novel", "Vendi ratio"]  # fmt: skip
    if not any(more for _, more in ranked):
        head, *rows = ([*row[:5], *row[6:]] for row in (head, *rows))
    return table(head, rows)


def _pairs(pairs: Sequence[Pair], runs: int) -> str:
    """Which differences between runs are real."""
    rows = []
    for pair in pairs:
        a, b = spelled(pair.a), spelled(pair.b)
        says = f"{a if pair.difference > 0 else b} is better"
        if pair.tie:
            says = "a tie: chance alone could do it"
        rows.append([f"{b} less {a}", around(pair.difference, pair.interval, "+.4f"), says])
    if not rows:
        return ""
    head, best = ["runs", "difference", ""], runs - 1  # those with the best run come first
    text = (
        "<h2>Which is better?</h2><p>Differences of the test losses on the same lines, in nats per token.</p>"
    )
    text += table(head, rows[:best])
    return text + (folded(f"{len(rows)} pairs in all", table(head, rows[best:])) if rows[best:] else "")


def _best(ranked: Ranked) -> str:
    """Say which run is best, and which are level with it."""
    (best, _), *others = [(entry.name, more) for entry, more in ranked]
    level = [spelled(name) for name, more in others if more and more.tie_with_best]
    if not level:
        return f"{spelled(best)} is best, and its lead over every other is real."
    return f"{spelled(best)} has the lowest test loss; {', '.join(level)} may be as good: chance alone explains the difference."


def _shades() -> str:
    """The shades of surprise, as CSS."""
    return "\n".join(
        f".s{i} {{ background: rgba(var(--shade), {i / (SHADES - 1) * 0.8:.2f}) }}" for i in range(SHADES)
    )
