"""The command `classify`: which kind a line is of."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from makemore.cli.options import TABLE, TableOptions, flat, option, path, whole
from makemore.cli.output import json_of, print_lines, separator_of
from makemore.cli.score import check_lines
from makemore.cli.terminal import visible_json
from makemore.distributed.devices import one_thread
from makemore.errors import MakemoreError, visible

if TYPE_CHECKING:
    from makemore.runs.labels import Classified


def classify(
    directory: Annotated[
        str | None, option("The run directory that training wrote; with -o, the first line. [default: out]")
    ] = None,
    *lines: Annotated[
        str, option("Lines to classify; without lines and without -i, they are read from standard input.")
    ],
    work_dir: Annotated[Path | None, path("The run directory.", "-o")] = None,
    input_file: Annotated[
        list[str] | None,
        option("Files of lines to classify, of any kind that training accepts.", "-i", many=True),
    ] = None,
    table: Annotated[TableOptions, flat()] = TABLE,
    prior: Annotated[
        str, option("What is assumed before a line is read: counts, as in the list, or uniform, all alike.")
    ] = "counts",
    top: Annotated[
        int | None,
        whole("How many labels to print for each line. [default: all; 1 for lines that are read]"),
    ] = None,
    json: Annotated[
        bool, option("Print one JSON object per line: text, and labels with their probabilities.")
    ] = False,
) -> int:
    """Print how probable each label is for a line, by a run that was trained with --label."""
    if work_dir is not None and directory is not None:
        lines = (directory, *lines)
    where = work_dir or ("out" if directory is None else directory)
    check_lines(lines, input_file)
    if top is not None and top < 1:
        raise MakemoreError(f"--top must be 1 or more, not {top}")
    from makemore.corpus.lines import lines_of
    from makemore.corpus.reading import How
    from makemore.corpus.source import locate
    from makemore.metrics.rows import no_rows
    from makemore.runs.labels import check_labels
    from makemore.runs.run import load

    if lines:
        one_thread()
    run = load(where)
    check_labels(run.vocab, where)
    some: Iterable[str] = lines
    if not lines:
        source = locate(input_file or "-")
        how = How(separator=separator_of(run.reading), **vars(table))
        some = no_rows(lines_of(source, how), source.name, how, run.corpus)
        top = top or 1
    found = run.classify(some, prior)
    if json:
        print_lines((json_of(each.to_json()) for each in found), visible_json)
        return 0
    unknown: list[str] = []
    print_lines(_rows(found, top, unknown), visible)
    if unknown:
        try:
            run.letters(unknown[:1])
        except MakemoreError as error:
            more = f", nor have {len(unknown) - 1:,} more" * (len(unknown) > 1)
            raise MakemoreError(f"{error}; the line has no label{more}", option=error.options) from None
    return 0


def _rows(found: "Iterable[Classified]", top: int | None, unknown: list[str]) -> Iterator[str]:
    """Yield the rows to print, and note the lines with a character that the model does not know."""
    for line in found:
        if not line.labels:
            unknown.append(line.text)
        for label, p in line.labels[:top]:
            yield f"{p:.4f}\t{label}\t" + line.text.replace("\n", "\n\t\t")
