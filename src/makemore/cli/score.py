"""The command `score`: how likely lines are."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from makemore.cli.options import STANDARD_INPUT, TABLE, TableOptions, flat, option, path, whole
from makemore.cli.output import json_of, print_lines, separator_of
from makemore.cli.processes import Launch, several
from makemore.cli.terminal import visible_json
from makemore.distributed.devices import one_thread
from makemore.errors import MakemoreError, quoted, shown, visible

if TYPE_CHECKING:
    from makemore.corpus.vocab import Vocab
    from makemore.runs.scoring import Scored


@dataclass
class Unknown:
    """The lines with a character that the model does not know."""

    count: int = 0
    first: str = ""

    def note(self, scored: "Scored", vocab: "Vocab") -> "Scored":
        """Return what was scored, and note the line if it is such a line."""
        if scored.nll == math.inf and not vocab.knows(scored.text):
            self.count, self.first = self.count + 1, self.first or scored.text
        return scored


def score(
    directory: Annotated[
        str | None, option("The run directory that training wrote; with -o, the first line. [default: out]")
    ] = None,
    *lines: Annotated[
        str, option("Lines to score; without lines and without -i, they are read from standard input.")
    ],
    work_dir: Annotated[Path | None, path("The run directory.", "-o")] = None,
    input_file: Annotated[
        list[str] | None,
        option("Files of lines to score, of any size and any kind that training accepts.", "-i", many=True),
    ] = None,
    encoding: Annotated[str, option("Encoding of these files.")] = "utf-8",
    drop_undecodable: Annotated[bool, option("Drop lines that are not valid in this encoding.")] = False,
    table: Annotated[TableOptions, flat()] = TABLE,
    label: Annotated[
        str | None, option("Score the lines as lines of this kind. [default: whatever kind they are of]")
    ] = None,
    letters: Annotated[bool, option("Also print the part of each character.")] = False,
    json: Annotated[
        bool, option("Print one JSON object per line: text, nll, and with --letters also letters.")
    ] = False,
    nproc: Annotated[int, whole("Processes that score the files together.")] = 1,
) -> int | Launch:
    """Print the negative log-likelihood of lines, in nats: the lower, the more like the list."""
    if work_dir is not None and directory is not None:
        lines = (directory, *lines)
    where = work_dir or ("out" if directory is None else directory)
    check_lines(lines, input_file)
    if several(nproc):
        if input_file is None or STANDARD_INPUT in input_file:
            raise MakemoreError("--nproc is for files given with -i")
        return Launch(nproc)
    from makemore.corpus.lines import lines_of
    from makemore.corpus.reading import How
    from makemore.corpus.source import locate
    from makemore.distributed.group import ALONE, joined
    from makemore.metrics.rows import no_rows
    from makemore.runs.run import load

    source = None if input_file is None else locate(input_file)
    if lines:
        one_thread()
    run = load(where)
    if not lines and source is None and sys.stdin is not None and sys.stdin.isatty():
        print("reading lines from the terminal; Ctrl-D ends them", file=sys.stderr)
    dropped: list[int] = []
    between = separator_of(run.reading)
    how = How(
        encoding, None, 1, True, drop_undecodable, separator=between, **vars(table)
    )  # True keeps spaces
    source = source or locate("-")
    some = lines or no_rows(lines_of(source, how, dropped.append), source.name, how, run.corpus)
    unknown = Unknown()
    with joined() as group, closing(run.scored(some, letters, ALONE if lines else group, label)) as scored:
        noted = (unknown.note(each, run.vocab) for each in scored)
        if json:
            print_lines((json_of(each.to_json()) for each in noted), visible_json, group.first)
        else:
            print_lines(_as_columns(noted), visible, group.first)
    if sum(dropped) and group.first:
        print(f"makemore: dropped {sum(dropped):,} lines that are not {encoding}", file=sys.stderr)
    if unknown.count:
        try:
            run.letters([unknown.first])
        except MakemoreError as error:
            more = f", as is that of {unknown.count - 1:,} more" if unknown.count > 1 else ""
            sentence = f"{error}; the score of that line is inf{more}"
            raise MakemoreError(sentence, option=error.options) from None
    return 0


def check_lines(lines: Sequence[str], input_file: Sequence[str] | None) -> None:
    """Raise MakemoreError for lines, or files, that are not one line each, or both."""
    for line in lines:
        if not line.strip():
            raise MakemoreError(f"{quoted(line)}: is blank; give a line with characters in it")
    if input_file is not None and not input_file:
        raise MakemoreError("-i: name a file of lines")
    if lines and input_file is not None:
        raise MakemoreError(
            f"-i {shown(input_file[0])}: give lines in files or on the command line, not both"
        )


def _as_columns(scored: "Iterable[Scored]") -> Iterator[str]:
    for line in scored:
        yield f"{line.nll:.4f}\t" + line.text.replace(
            "\n", "\n\t"
        )  # things of several lines stay one below the other
        for i, letter in enumerate(line.letters or (), 1):
            name = "(end)" if i == len(line.letters or ()) else letter.character
            yield f"{letter.nll:.4f}\t  {name if name.isprintable() else repr(name)[1:-1]}"
