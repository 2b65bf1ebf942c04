"""The command `sample`: new lines from a trained model."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

import sys
from contextlib import closing
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from makemore.cli.options import flag_of, flat, one_of, option, path, whole
from makemore.cli.output import apart, between, json_of, print_lines
from makemore.cli.processes import Launch, several
from makemore.cli.terminal import for_stream, visible_json
from makemore.distributed.devices import one_thread
from makemore.errors import CUT, MakemoreError, visible

if TYPE_CHECKING:
    from makemore.runs.scoring import SeenSample

FEW = 1000
"""The most lines for which one thread is fastest."""


@dataclass(frozen=True)
class LineOptions:
    """Which lines to sample."""

    prefix: Annotated[str, option("What every line begins with.", "--starts-with", hyphen=True)] = ""
    ends_with: Annotated[str, option("What every line ends with.", hyphen=True)] = ""
    contains: Annotated[
        list[str], option("What every line contains; give it several times for several texts.", hyphen=True)
    ] = field(default_factory=list)
    without: Annotated[
        list[str], option("What no line contains; give it several times for several texts.", hyphen=True)
    ] = field(default_factory=list)
    length: Annotated[
        str | None, option("How many characters a line has: 5-8, 5, or 5- for 5 or more.", hyphen=True)
    ] = None
    pattern: Annotated[
        str | None, option("A regular expression that the whole line must match.", hyphen=True)
    ] = None
    max_length: Annotated[
        int | None,
        whole(
            "The most characters of a line. [default: as many after the prefix as the longest training line has]"
        ),
    ] = None
    novel: Annotated[bool, option("Only lines that are not in the file.")] = False
    label: Annotated[
        list[str],
        option("Only lines of this kind, or of these: Greek,Irish; for a run trained with --label."),
    ] = field(default_factory=list)


@dataclass(frozen=True)
class ChanceOptions:
    """How to sample lines; these options only make sense if something is random."""

    temperature: Annotated[
        float,
        option(
            "Below 1, lines are more typical; above 1, more adventurous; 0 takes the likeliest character."
        ),
    ] = 1.0
    top_k: Annotated[int | None, whole("Sample from the k most likely characters only.")] = None
    top_p: Annotated[
        float,
        option("Sample only from the most likely characters that together have this probability."),
    ] = 1.0
    unique: Annotated[bool, option("No line twice: sample without replacement.")] = False
    cut: Annotated[bool, option("Also lines that would go on after --max-length characters, cut there.")] = (
        False
    )
    best: Annotated[
        bool,
        option(
            "Of many lines drawn, the best: new, unlike one another, shaped like lines of the list, and likely."
        ),
    ] = False
    seed: Annotated[int | None, whole("The same seed gives the same lines. [default: a fresh one]")] = None


_LINES, _CHANCE = LineOptions(), ChanceOptions()


def sample(
    directory: Annotated[Path | None, path("The run directory that training wrote. [default: out]")] = None,
    *,
    work_dir: Annotated[Path | None, path("The same as DIRECTORY.", "-o")] = None,
    number: Annotated[int | None, whole("How many lines. [default: 20]", "-n")] = None,
    most_likely: Annotated[
        int | None,
        whole("Instead of sampling, print this many of the most likely lines, the likeliest first."),
    ] = None,
    lines: Annotated[LineOptions, flat()] = _LINES,
    chance: Annotated[ChanceOptions, flat()] = _CHANCE,
    json: Annotated[
        bool,
        option(
            "Print one JSON object per line: text, nll (in nats, of the line and its end), seen (train, "
            "held-out or new), label if lines have labels and, with --cut, ended (false if the line was cut)."
        ),
    ] = False,
    nproc: Annotated[int, whole("Processes that sample together; the lines do not depend on it.")] = 1,
) -> int | Launch:
    """Print new lines from a trained model, one per line and nothing else.

    Things of several lines have between them what is between them in the list. Where that is nothing (each file
    is a thing), it is a rule of a character that the list does not have.
    """
    directory = one_of(directory, work_dir, "-o") or Path("out")
    if most_likely is not None:
        _check_most_likely(number, chance)
    number = 20 if number is None else number
    if several(nproc):
        if most_likely is not None or chance.unique or chance.best:
            name = "--unique" if chance.unique else "--best" if chance.best else "--most-likely"
            raise MakemoreError(f"{name} looks at all lines together, in one process; leave out --nproc")
        return Launch(nproc)
    from makemore.distributed.group import ALONE, joined
    from makemore.runs.run import load
    from makemore.sampling.options import SampleOptions

    if (most_likely or number) <= FEW:
        one_thread()
    run = load(directory)
    with joined() as group:
        if most_likely is not None:
            samples = run.most_likely(most_likely, **vars(lines))
        else:
            options = SampleOptions(**vars(lines), **vars(chance))
            samples = run.stream(number, options, group=ALONE if chance.unique or chance.best else group)
        with closing(samples):  # tells the other processes when nobody reads any more
            if json:
                rows = (json_of(_as_json(each, chance.cut)) for each in run.with_seen(samples))
                print_lines(rows, visible_json, group.first)
            else:
                marked = for_stream(sys.stdout) is visible
                texts = (s.text + CUT * (marked and not s.ended) for s in samples)
                print_lines(apart(texts, between(run)), first=group.first)
    return 0


def _as_json(sample: "SeenSample", cut: bool) -> dict[str, object]:
    """Return a sample as JSON; with its label if it has one, and with whether it ended if it may be cut."""
    found = sample.to_json()
    if not cut:
        del found["ended"]
    if not sample.label:
        del found["label"]
    return found


def _check_most_likely(number: int | None, chance: ChanceOptions) -> None:
    """Raise MakemoreError for options that only make sense if something is random."""
    given = ["-n"] * (number is not None)
    given += [flag_of(f.name) for f in fields(chance) if getattr(chance, f.name) != f.default]
    if given:
        raise MakemoreError(
            f"--most-likely is deterministic and cannot be combined with {' and '.join(given)}"
        )
