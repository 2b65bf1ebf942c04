"""What `compare` shows while it trains."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from makemore.cli.described import describe_labels
from makemore.cli.errors import spelled
from makemore.cli.layout import say
from makemore.cli.options import flag_of
from makemore.cli.tables import number
from makemore.cli.terminal import wrapped
from makemore.errors import MakemoreError, duration
from makemore.metrics.looks import before_training
from makemore.runs.summary import Summary
from makemore.training.events import Evaluation, Event, Overfitting, Started, Step


class Leaderboard:
    """Shows the trained runs, best first, and the one in training. A context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._done: list[tuple[str, Summary]] = []
        self._now = ""
        self._losses = ""
        self._described = False
        self._live = Live(console=console, transient=True, refresh_per_second=4)

    def __enter__(self) -> Leaderboard:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def estimate(self, runs: int, seconds: float) -> None:
        """Print about how long the comparison takes, and how to make it shorter."""
        if runs:
            long = f"at most about {duration(seconds)}" if seconds > 1 else "about a second"
            say(
                self._console,
                f"{runs} run{'s' * (runs != 1)} to train, {long}; --types trains fewer, --time makes each "
                "shorter; Ctrl-C stops, and the same command continues from there",
            )

    def event(self, name: str, event: Event) -> None:
        """Show an event of the training of a run."""
        match event:
            case Started():
                self._losses = ""
                if not self._described:  # once, since all runs are trained on the same list
                    self._described = True
                    for said in describe_labels(event.run.corpus):
                        say(self._console, f"{said}; every type is trained with them")
                    for warned in before_training(event.run.corpus):
                        say(self._console, f"{warned.message}; {warned.advice(flag_of)}", "yellow")
                if not self._console.is_terminal:
                    say(self._console, f"training {name}")
            case Step():
                done = "" if event.done is None else f"{event.done:4.0%}  "
                self._now = f"{name}  {done}step {event.step:,}  {self._losses}"
            case Evaluation():
                self._losses = f"train {event.train:.3f}  validation {event.validation:.3f}"
            case Overfitting():
                self._losses += "  overfitting"
            case _:
                return
        self._show()

    def done(self, name: str, summary: Summary) -> None:
        """Show a run that is trained."""
        self._done.append((name, summary))
        self._done.sort(key=lambda each: each[1].nll["test"])
        if not self._console.is_terminal:
            loss, time = number(summary.nll["test"]), duration(summary.seconds)
            say(self._console, f"  {name}: test {loss} after {time}")
        self._now = ""
        self._show()

    def failed(self, name: str, error: MakemoreError) -> None:
        """Say that a run cannot be trained."""
        say(self._console, f"{name} is left out: {spelled(error)}", "yellow")

    def _show(self) -> None:
        columns = [
            ("", [name for name, _ in self._done]),
            ("test", [number(each.nll["test"]) for _, each in self._done]),
            ("validation", [number(each.nll["validation"]) for _, each in self._done]),
            ("time", [duration(each.seconds) for _, each in self._done]),
            ("parameters", [f"{each.parameters:,}" for _, each in self._done]),
        ]
        grid, left = Table.grid(padding=(0, 2, 0, 0), pad_edge=False), self._console.width
        shown: list[list[Text]] = []
        for name, cells in columns:  # as many as fit, the most important first
            width = max(map(len, [name, *cells]))
            if shown and width > left:
                break
            grid.add_column(justify="right" if shown else "left", no_wrap=True)
            shown.append([Text(name, "bold"), *map(Text, cells)])
            left -= width + 2
        for row in zip(*shown, strict=True):
            grid.add_row(*row)
        now = Text("\n".join(wrapped(self._now, self._console.width, "  ")))
        self._live.update(Group(grid, now) if self._done else now)
