"""Make what README.md shows: a plot of a model learning names, and twenty new lines of each bundled list.

    uv run python scripts/build_readme.py            # trains three default models: some minutes
    uv run python scripts/build_readme.py --lengths  # only the lengths of the files in docs/design.md

Writes docs/_static/learning.svg, the samples between the markers in README.md, and the lengths of the files
to read in docs/design.md. Lines are sampled as at the end of training: novel, no line twice, at temperature
0.8.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from matplotlib.figure import Figure

import makemore
from makemore.plots.style import BLUE, GREY, INK, ORANGE, styled
from makemore.training.events import Evaluation, Event, Samples

ROOT = Path(__file__).parents[1]
LISTS = ("names", "words", "companies")
LABELLED = (20, 100, 500, 1500, 3000)
"""Steps whose first sample is written at its place on the curve."""


def main() -> None:
    """Write the lengths; train on each bundled list; write the plot and the samples."""
    lengths()
    if "--lengths" in sys.argv:
        return
    samples = {}
    for name in LISTS:
        events: list[Event] = []
        with tempfile.TemporaryDirectory() as directory:
            run = makemore.train(name, work_dir=Path(directory, name), on_event=events.append)
            samples[name] = run.sample(20, novel=True, unique=True, temperature=0.8, seed=1)
            if name == "names":
                plot(run, events)
    columns = [[f"**{name}**", *(f"`{line}`" for line in lines)] for name, lines in samples.items()]
    head, *rows = ["| " + " | ".join(row) + " |" for row in zip(*columns, strict=True)]
    table = "\n".join([head.replace("**", ""), "| --- | --- | --- |", *rows])
    readme = ROOT / "README.md"
    text = re.sub(
        r"(<!-- samples: .*?-->\n).*?(\n<!-- end of samples -->)",
        lambda found: found[1] + table + found[2],
        readme.read_text("utf-8"),
        flags=re.DOTALL,
    )
    readme.write_text(text, "utf-8")


def lengths() -> None:
    """Write the length of each file on the path to read into docs/design.md."""
    design = ROOT / "docs" / "design.md"

    def counted(found: re.Match[str]) -> str:
        lines = len((ROOT / "src" / "makemore" / found[1]).read_text("utf-8").splitlines())
        return f"| `{found[1]}` | {lines:,} |"

    text = re.sub(r"^\| `([\w/]+\.py)` \| [\d,]+ \|", counted, design.read_text("utf-8"), flags=re.MULTILINE)
    design.write_text(text, "utf-8")


def plot(run: makemore.Run, events: list[Event]) -> None:
    """Plot the validation loss over the steps, with the baselines, and a sample at some of the steps."""
    losses = {
        event.step: event.validation for event in events if isinstance(event, Evaluation) and event.step
    }
    said = {event.step: event.samples for event in events if isinstance(event, Samples)}
    summary = run.summary()
    assert summary is not None
    baselines = {
        "guessing": summary.baselines.uniform,
        "counting pairs": summary.baselines.bigram["validation"],
    }
    with styled():
        figure = Figure(figsize=(8.4, 3.6))
        axes = figure.subplots()
        axes.plot(list(losses), list(losses.values()), color=BLUE, linewidth=2.5)
        for name, loss in baselines.items():
            axes.axhline(loss, color=GREY, linewidth=1, linestyle="--")
            axes.annotate(name, (min(losses), loss), (0, 3), textcoords="offset points", color=GREY)
        axes.set(xscale="log", xlabel="steps", ylabel="validation loss, nats per token")
        for step, samples in said.items():
            if step in LABELLED:
                at = min(losses, key=lambda other: abs(other - step))
                text = "\n".join(sample.text[:12] for sample in samples[:3])
                axes.plot([at], [losses[at]], "o", color=ORANGE)
                axes.annotate(
                    text, (at, losses[at]), (0, 12), textcoords="offset points", color=INK, ha="center"
                )
        figure.suptitle("A model learns names")
        figure.savefig(ROOT / "docs" / "_static" / "learning.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
