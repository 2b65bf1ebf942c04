"""The commands that measure: eval, compare, inspect, explain, report."""

# No `from __future__ import annotations` here: the command line library reads the annotations.

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from makemore.cli.options import one_of, option, path, switch, whole
from makemore.cli.streams import is_unicode, outlasting
from makemore.cli.terminal import for_stream, tell, visible_json, waiting
from makemore.errors import MakemoreError, command_line, shown, visible


def eval_(
    directory: Annotated[Path | None, path()] = None,
    *,
    work_dir: Annotated[Path | None, path(short="-o")] = None,
    number: Annotated[int | None, whole(short="-n")] = None,
    seed: Annotated[int, whole()] = 0,
    json: Annotated[bool, switch()] = False,
) -> int:
    """Measure a trained model: its losses, what its samples are like, and what to be warned of.

    Args:
        directory: The run directory that training wrote. [default: out]
        work_dir: The same.
        number: Samples to draw. [default: 10,000, fewer where lines are long]
        seed: Seed of the samples.
        json: One JSON object with every number; docs/evaluation.md explains the keys.

    """
    where = one_of(directory, work_dir, "-o") or Path("out")
    with _said(quiet=json) as said:
        from makemore.reports.assessment import assess
        from makemore.runs.run import load

        found = assess(load(where), number, seed, said)
    if json:
        _print_json(found.to_json())
        return 0
    from rich.console import Console

    from makemore.cli.tables import show_assessment

    show_assessment(Console(), found)
    return 0


def compare(
    *what: str,
    input_file: Annotated[str | None, option(short="-i")] = None,
    types: Annotated[str | None, option()] = None,
    time: Annotated[float | None, option()] = None,
    max_steps: Annotated[int | None, whole()] = None,
    seeds: Annotated[int, whole()] = 1,
    work_dir: Annotated[Path | None, path(short="-o")] = None,
    device: Annotated[str, option()] = "auto",
    encoding: Annotated[str, option()] = "utf-8",
    max_length: Annotated[int | None, whole()] = None,
    keep_spaces: Annotated[bool, switch()] = False,
    drop_undecodable: Annotated[bool, switch()] = False,
    json: Annotated[bool, switch()] = False,
) -> int:
    """Train several types on one file, or take runs that are there, and say which differences are real.

    Args:
        what: A file of lines or a bundled list; or two run directories or more; or what was compared before.
            [default: names]
        input_file: A file of lines, or a bundled list.
        types: Which types to train, with commas between. [default: all of them]
        time: Seconds to train each. [default: each its own number of steps]
        max_steps: Steps to train each. [default: each its own]
        seeds: How often to train each, with another seed every time.
        work_dir: Directory for the runs; what is there already is not trained again. [default: comparison]
        device: auto, cpu, cuda or mps.
        encoding: The file's encoding.
        max_length: Leave out lines with more characters than this.
        keep_spaces: Keep white space at the ends of lines, which is stripped otherwise.
        drop_undecodable: Leave out lines that are not in the file's encoding.
        json: One JSON object instead of tables.

    """
    with waiting("loading PyTorch ...", sys.stderr):
        from makemore.reports.comparison import compare as compared
        from makemore.reports.comparison import compare_runs, result_of

    named = (input_file,) if input_file is not None else ()
    what = one_of(what or None, named or None, "-i") or ()
    if input_file is None and len(what) == 1 and (there := result_of(what[0])) is not None:
        runs, result = True, there
    elif runs := len(what) > 1 or (
        input_file is None and len(what) == 1 and (Path(what[0]) / "config.json").exists()
    ):
        given = {"--types": types, "--time": time, "--max-steps": max_steps, "-o": work_dir,
                 "--max-length": max_length, "--keep-spaces": keep_spaces or None,
                 "--drop-undecodable": drop_undecodable or None}  # fmt: skip
        if unused := [name for name, value in given.items() if value is not None]:
            raise MakemoreError(f"{' and '.join(unused)}: only for training on a file of lines, not for runs")
        result = compare_runs(what)
    else:
        from rich.console import Console

        from makemore.cli.stopping import stop_signals
        from makemore.cli.tables import Leaderboard

        directory = Path("comparison") if work_dir is None else work_dir
        chosen = [t.strip() for t in types.split(",") if t.strip()] if types is not None else None
        console = Console(stderr=json)
        source = what[0] if what else None
        with outlasting("the comparison"), Leaderboard(console) as board, stop_signals() as stop:
            trained = compared(
                source, chosen, work_dir=directory, seeds=seeds, time=time, max_steps=max_steps,
                device=device, encoding=encoding, max_length=max_length, keep_spaces=keep_spaces,
                drop_undecodable=drop_undecodable, on_event=board.event, on_run=board.done,
                on_failure=board.failed, on_estimate=board.estimate, stop=stop,
            )  # fmt: skip
        if trained is None:
            tell(f"stopped; the same command goes on from there, in {directory}", stream=console.file)
            return 130
        result = trained
    if json:
        _print_json(result.to_json())
        return 0
    from rich.console import Console

    from makemore.cli.tables import show_comparison

    show_comparison(Console(), result)
    if not runs:
        tell("")
        tell(f"all of it is in {directory}; for a page with plots:")
        print(for_stream(sys.stdout)(f"  {command_line('report', directory)}"))
    return 0


def inspect_(
    file: str | None = None,
    *,
    input_file: Annotated[str | None, option(short="-i")] = None,
    encoding: Annotated[str, option()] = "utf-8",
    max_length: Annotated[int | None, whole()] = None,
    keep_spaces: Annotated[bool, switch()] = False,
    drop_undecodable: Annotated[bool, switch()] = False,
    json: Annotated[bool, switch()] = False,
) -> int:
    """Say what is in a file before any training, and which model and settings fit it.

    Args:
        file: A file of lines, or a bundled list. [default: names]
        input_file: The same.
        encoding: The file's encoding.
        max_length: Leave out lines with more characters than this.
        keep_spaces: Keep white space at the ends of lines, which is stripped otherwise.
        drop_undecodable: Leave out lines that are not in the file's encoding.
        json: One JSON object with every number.

    """
    source = one_of(file, input_file, "-i")
    with _said(quiet=json) as said:
        from makemore.reports.inspection import inspect

        said("reading, and timing a few steps")
        found = inspect(
            source,
            encoding=encoding,
            max_length=max_length,
            keep_spaces=keep_spaces,
            drop_undecodable=drop_undecodable,
        )
    if json:
        _print_json(found.to_json())
        return 0
    from rich.console import Console

    from makemore.cli.tables import show_inspection

    given = [f"--encoding {encoding}"] * (encoding != "utf-8")
    given += [f"--max-length {max_length}"] * (max_length is not None)
    given += ["--keep-spaces"] * keep_spaces + ["--drop-undecodable"] * drop_undecodable
    show_inspection(Console(), found, " ".join(given))
    return 0


def explain(
    *what: Annotated[str, option(allow_leading_hyphen=True)],
    work_dir: Annotated[Path | None, path(short="-o")] = None,
    top: Annotated[int, whole()] = 5,
    json: Annotated[bool, switch()] = False,
) -> int:
    """Show, character by character, what a model expected of a line and how surprised it was.

    Args:
        what: The line, and before it the run directory that training wrote, or several to show side by side.
            [default directory: out]
        work_dir: The run directory; what else is given is the line then.
        top: How many of the likeliest characters to show.
        json: One JSON object for each run.

    """
    if not what:
        raise MakemoreError("explain: give a run directory and a line, as in `makemore explain out emma`")
    if top < 1:
        raise MakemoreError(f"--top {top}: must be 1 or more")
    *directories, line = what
    if not directories and work_dir is None and (Path(line) / "config.json").is_file():
        raise MakemoreError(
            f"explain {shown(line)}: give a line after the run directory, as in `makemore explain out emma`"
        )
    if work_dir is not None:
        if directories:
            raise MakemoreError(
                f"-o {shown(work_dir)}: give the run directory with it, or before the line, not both"
            )
        directories = [str(work_dir)]
    with waiting("loading PyTorch ...", sys.stderr):
        from makemore.runs.run import load

    explained = {name: load(name).explain(line, top) for name in directories or ["out"]}
    if json:
        for name, each in explained.items():
            letters = [vars(e) | {"nll": e.nll} for e in each]
            _print_json({"run": name, "text": line, "nll": sum(e.nll for e in each), "letters": letters})
        return 0
    from rich.console import Console

    from makemore.cli.tables import show_explained

    show_explained(Console(), explained)
    return 0


def report(
    *directories: Annotated[Path, path()],
    output: Annotated[Path | None, path(short="-o")] = None,
    number: Annotated[int | None, whole(short="-n")] = None,
    seed: Annotated[int, whole()] = 0,
    open: Annotated[bool, switch()] = False,
) -> int:
    """Write one page with every number and plot of a run, of several, or of a comparison, and the plots as PNG.

    Args:
        directories: Run directories, or the directory that `makemore compare` wrote. [default: out]
        output: The HTML file; the pictures go beside it. [default: report.html in the first directory]
        number: Samples to draw from each. [default: 10,000, fewer where lines are long]
        seed: Seed of the samples.
        open: Show the page in your browser.

    """
    with outlasting("the report"), _said() as said:
        from makemore.reports.page import write_report

        page = write_report(list(directories or (Path("out"),)), output, number, seed, said)
    tell(f"written: {page}")
    if open:
        _open(page)
    return 0


def _open(page: Path) -> None:
    """Show a page in the browser, if there is one."""
    import webbrowser

    try:
        shown = webbrowser.open(page.resolve().as_uri())
    except (webbrowser.Error, OSError):
        shown = False
    if not shown:
        tell("no browser could be started here; open the page yourself", stream=sys.stderr)


def _print_json(value: Any) -> None:
    from makemore.files.atomic import to_json

    print(for_stream(sys.stdout, visible_json)(to_json(value, ascii=not is_unicode())))


@contextmanager
def _said(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Give a function that tells on a terminal what is being done, and takes it away at the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("loading PyTorch ...") as status:
        yield lambda text: status.update(Text(visible(text)))
