"""The command `blend`: a run made of several."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from makemore.cli.options import option, path
from makemore.cli.terminal import waiting
from makemore.errors import MakemoreError, quoted

if TYPE_CHECKING:
    from makemore.runs.blends import Blend


def blend(
    *runs: Annotated[str, option("The run directories that training wrote, two or more.")],
    weights: Annotated[
        str | None,
        option(
            "How much each run counts, separated by commas, as in 0.7,0.3. [default: all the same]",
            hyphen=True,
        ),
    ] = None,
    how: Annotated[
        Literal["mixture", "product"],
        option(
            "mixture takes the mean of the probabilities that the runs predict; product multiplies them, so "
            "that only what all find likely is likely."
        ),
    ] = "mixture",
    work_dir: Annotated[Path, path("Directory for the run that is made.", "-o")] = Path("out"),
    overwrite: Annotated[bool, option("Replace the run in the work directory.")] = False,
) -> int:
    """Make a run of several trained runs, whose models predict each character together."""
    if "" in runs:
        raise MakemoreError("blend: a name is empty; give the directories of runs")
    shares = None if weights is None else [_number(each) for each in weights.split(",")]
    from makemore.runs.run import load

    sources = [load(run) for run in runs]  # what is wrong with one is said without waiting for torch
    with waiting("loading PyTorch ..."):
        from rich.console import Console

        from makemore.cli.described import describe
        from makemore.cli.display import Display
        from makemore.cli.layout import table
        from makemore.cli.tables import number
        from makemore.corpus.joined import shared
        from makemore.training.blend import beside
        from makemore.training.blend import blend as blended
        from makemore.training.events import Done

    console = Console()
    with Display(console) as display:
        display.waiting("blending, and scoring the lists")
        made = blended(sources, shares, how, work_dir, overwrite)
        found = beside(made, sources)
    display.run = made
    display.say(f"made {made.setup.blend}")
    lists = list({each.corpus.fingerprint: each.corpus for each in sources}.values())
    thing = made.reading.thing if made.reading else "line"
    if both := shared(lists):
        display.say(f"counted {both:,} {thing}{'s' * (both != 1)} once that several lists have")
    if left := sum(map(len, lists)) - both - len(made.corpus):
        display.say(
            f"left out {left:,} {thing}{'s' * (left != 1)}, with characters that not all of them know"
        )
    for line in [*describe(made.corpus)[1:], *_left_out(made.setup.blend)]:
        display.say(line)
    rows = [[each.name, f"{each.lines:,}", number(each.alone), number(each.blended)] for each in found]
    display.say()
    table(console, ["nats per token of the test lines of", "lines", "it alone", "the blend"], rows)
    display(Done(0, "finished", made.summary()))
    return 0


def _left_out(blend: "Blend | None") -> list[str]:
    """Return sentences about the parts of a mixture that do not know all of its characters."""
    if blend is None:
        return []
    n = len(blend.vocab.characters)
    return [
        f"{part.name} knows {len(part.characters):,} of these characters, and is left out of a line once it has "
        "another"
        for part in blend.parts
        if len(part.characters) < n and not part.unknown
    ]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise MakemoreError(f"weights: {quoted(text)} is not a number", option="weights") from None
