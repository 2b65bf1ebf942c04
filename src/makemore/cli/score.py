"""The command `score`: how likely lines are."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from makemore.cli.options import STANDARD_INPUT, option, path, whole
from makemore.cli.output import json_of, print_lines
from makemore.cli.processes import Launch, several
from makemore.cli.terminal import visible_json
from makemore.distributed.devices import one_thread
from makemore.errors import MakemoreError, quoted, shown, visible

Scored = tuple[str, list[float] | None]
"""A line and the loss of each of its characters; None if the model does not know one of them."""


@dataclass
class Unknown:
    """The lines with a character that the model does not know."""

    count: int = 0
    first: str = ""


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
    _check(lines, input_file)
    if several(nproc):
        if input_file is None or STANDARD_INPUT in input_file:
            raise MakemoreError("--nproc is for files given with -i")
        return Launch(nproc)
    from makemore.corpus.lines import lines_of
    from makemore.corpus.reading import How
    from makemore.corpus.source import locate
    from makemore.distributed.group import ALONE, joined
    from makemore.runs.run import load

    source = None if input_file is None else locate(input_file)
    if lines:
        one_thread()
    run = load(where)
    if not lines and source is None and sys.stdin is not None and sys.stdin.isatty():
        print("reading lines from the terminal; Ctrl-D ends them", file=sys.stderr)
    dropped: list[int] = []
    how = How(encoding, drop_undecodable=drop_undecodable)
    some = lines or lines_of(source or locate("-"), how, dropped.append)
    unknown = Unknown()
    with joined() as group, closing(run.scored(some, ALONE if lines else group)) as scored:
        as_text = _as_json if json else _as_columns
        print_lines(
            as_text(_noting(scored, unknown), letters), visible_json if json else visible, group.first
        )
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


def _check(lines: Sequence[str], input_file: Sequence[str] | None) -> None:
    """Raise MakemoreError for lines, or files, that cannot be scored."""
    for line in lines:
        if not line.strip():
            raise MakemoreError(f"{quoted(line)}: is blank; give a line with characters in it")
        if "\n" in line.strip():
            raise MakemoreError(f"{quoted(line)}: is more than one line; give each line as its own argument")
    if input_file is not None and not input_file:
        raise MakemoreError("-i: name a file of lines to score")
    if lines and input_file is not None:
        raise MakemoreError(
            f"-i {shown(input_file[0])}: score the lines of files or those on the command line, not both"
        )


def _noting(scored: Iterable[Scored], unknown: Unknown) -> Iterator[Scored]:
    """Yield what was scored, and note the lines with a character that the model does not know."""
    for text, losses in scored:
        if losses is None:
            unknown.count, unknown.first = unknown.count + 1, unknown.first or text
        yield text, losses


def _as_json(scored: Iterable[Scored], letters: bool) -> Iterator[str]:
    for text, losses in scored:
        each = [{"character": c, "nll": x} for c, x in _letters(text, losses)]
        yield json_of({"text": text, "nll": _total(losses)} | ({"letters": each} if letters else {}))


def _as_columns(scored: Iterable[Scored], letters: bool) -> Iterator[str]:
    for text, losses in scored:
        yield f"{_total(losses):.4f}\t{text}"
        for character, loss in _letters(text, losses) if letters else []:
            name = "(end)" if character == "\n" else character
            yield f"{loss:.4f}\t  {name if name.isprintable() else repr(name)[1:-1]}"


def _letters(text: str, losses: list[float] | None) -> list[tuple[str, float]]:
    """Return each character of a line, and its end, with its loss; nothing for an impossible line."""
    return list(zip([*text, "\n"], losses or [], strict=False))


def _total(losses: list[float] | None) -> float:
    return math.inf if losses is None else sum(losses)
