"""Make what README.md shows: the picture of a model learning names, and new lines of each bundled list.

    uv run python scripts/build_readme.py            # trains four models: some minutes
    uv run python scripts/build_readme.py --lengths  # only the lengths of the files in docs/design.md

Writes docs/_static/learning.svg, the samples between the markers in README.md, and the lengths of the files
to read in docs/design.md. Samples are taken as at the end of training: novel, no line twice, at temperature
0.8.
"""

from __future__ import annotations

import re
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import makemore
from makemore.plots.palette import BLUE, GREY, INK, ORANGE
from makemore.plots.style import styled
from makemore.runs.settings import recipe
from makemore.training.events import Evaluation, Event, Samples, Step

ROOT = Path(__file__).parents[1]
LISTS = ("names", "words", "companies")
PICTURED = "lstm"
"""The type in the picture: it starts from noise, which the default does not."""
LABELLED = (20, 100, 500, recipe(PICTURED).max_steps)
"""Steps whose first samples are written beside the curve."""


def main() -> None:
    """Write the lengths; train on each bundled list; write the picture and the samples."""
    lengths()
    if "--lengths" in sys.argv:
        return
    samples = {}
    for name in LISTS:
        with tempfile.TemporaryDirectory() as directory:
            run = makemore.train(name, work_dir=Path(directory, name), progress=False)
            samples[name] = new(run)
    events: list[Event] = []
    with tempfile.TemporaryDirectory() as directory:
        run = makemore.train("names", type=PICTURED, work_dir=Path(directory, "run"), on_event=events.append)
        plot(run, events, new(run))
    table = "\n".join(
        textwrap.fill(
            f"- **{name}**: " + ", ".join(f"`{line}`" for line in lines),
            110,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, lines in samples.items()
    )
    readme = ROOT / "README.md"
    text = re.sub(
        r"(<!-- samples: .*?-->\n).*?(<!-- end of samples -->)",
        lambda found: found[1] + table + "\n" + found[2],
        readme.read_text("utf-8"),
        flags=re.DOTALL,
    )
    readme.write_text(text, "utf-8")


def new(run: makemore.Run) -> list[str]:
    """Return twenty new lines."""
    return run.sample(20, novel=True, unique=True, temperature=0.8, seed=1)


def lengths() -> None:
    """Write the length of each file on the path to read into docs/design.md."""
    design = ROOT / "docs" / "design.md"

    def counted(found: re.Match[str]) -> str:
        lines = len((ROOT / "src" / "makemore" / found[1]).read_text("utf-8").splitlines())
        return f"| `{found[1]}` | {lines:,} |"

    text = re.sub(r"^\| `([\w/]+\.py)` \| [\d,]+ \|", counted, design.read_text("utf-8"), flags=re.MULTILINE)
    design.write_text(text, "utf-8")


def plot(run: makemore.Run, events: list[Event], last: list[str]) -> None:
    """Plot the loss over the steps, with the two baselines, and a few samples beside the curve.

    Args:
        run: The run, trained.
        events: What happened while it was trained.
        last: Samples from the finished model.

    """
    losses = [event.loss for event in events if isinstance(event, Step)]
    steps = np.unique(np.geomspace(1, len(losses), 60).astype(int))
    means = [float(np.mean(losses[max(0, step - 1 - step // 6) : step])) for step in steps]
    evaluations = [event for event in events if isinstance(event, Evaluation) and event.step]
    said = {
        event.step: [each.text for each in event.samples] for event in events if isinstance(event, Samples)
    }
    said[len(losses)] = last
    baselines = run.summary().baselines
    with styled():
        figure = Figure(figsize=(9, 4.2))
        axes = figure.subplots()
        for name, loss in (
            ("guessing evenly", baselines.uniform),
            ("counting pairs", baselines.bigram["validation"]),
        ):
            axes.axhline(loss, color=GREY, linewidth=1, linestyle="--")
            axes.annotate(name, (1, loss), (0, 4), textcoords="offset points", color=GREY)
        axes.plot(steps, means, color=BLUE, linewidth=2, label="training")
        validation = [event.validation for event in evaluations]
        axes.plot([e.step for e in evaluations], validation, color=ORANGE, linewidth=2, label="validation")
        for step in LABELLED:
            loss = float(np.interp(step, steps, means))
            axes.plot([step], [loss], "o", color=BLUE, markersize=5)
            text = f"step {step:,}\n" + "\n".join(line[:12] for line in said[step][:3])
            axes.annotate(
                text, (step, loss), (6, 10), textcoords="offset points", color=INK, va="bottom", fontsize=9
            )
        axes.set(
            xscale="log", xlabel="steps", ylabel="loss in nats per token", xlim=(1, 12_000), ylim=(1.6, 3.9)
        )
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.legend(loc="lower left")
        axes.set_title("What the model samples while it learns names")
        figure.savefig(ROOT / "docs" / "_static" / "learning.svg", metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main()
