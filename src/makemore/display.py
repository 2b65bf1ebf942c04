"""What training looks like to a person: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from makemore import parallel
from makemore.advice import memorises
from makemore.cache import LARGE
from makemore.corpus import describe
from makemore.errors import MakemoreError
from makemore.events import Diagnosed, Done, Ended, Evaluation, Event, Overfitting, Samples, Started, Step
from makemore.models import model_class
from makemore.run import Run

KINDS = {"train": "in train", "held-out": "held out", "new": "new"}
"""How the three kinds of samples are called."""


class Display:
    """Prints the events of training. Use it as a context, so that the bar is taken down at the end."""

    def __init__(self, console: Console, top_k: int | None = None) -> None:
        """top_k: for the samples shown at the end."""
        self.console = console
        self.stopped = False
        """Whether training was stopped before its end."""
        self._top_k = top_k
        self.run: Run | None = None
        self._bar: Progress | None = None
        self._read: Progress | None = None
        self._task: Any = None
        self._losses = ""
        self._shown = 0
        self._tokens, self._since = 0, time.monotonic()
        self._speed = ""
        self._handlers: dict[type, Callable[[Any], None]] = {
            Started: self._started,
            Step: self._step,
            Evaluation: self._evaluation,
            Overfitting: self._overfitting,
            Samples: self._samples,
            Ended: self._ended,
            Diagnosed: self._diagnosed,
            Done: self._done,
        }

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        for bar in (self._bar, self._read):
            if bar is not None:
                bar.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if (handler := self._handlers.get(type(event))) is not None:
            handler(event)
        if not isinstance(event, Step):  # the speed is that of the steps alone
            self._tokens, self._since = 0, time.monotonic()

    def say(self, text: str = "", style: str | None = None) -> None:
        """Print a line as it is: what people's files hold is not markup, and is not to be wrapped."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def reading(self, done: int, total: int | None) -> None:
        """Show how far reading is, and how fast, where it takes a while."""
        if not self.console.is_terminal or (total is not None and total < LARGE):
            return
        if self._read is None:
            self._read = Progress(
                TextColumn("reading"), BarColumn(20), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
                console=self.console, transient=True,
            )  # fmt: skip
            self._read.start()
            self._read.add_task("reading", total=total)
        self._read.update(self._read.task_ids[0], completed=done)

    def _started(self, event: Started) -> None:
        if self._read is not None:
            self._read.stop()
        self.run = event.run
        for line in describe(event.run.corpus, hasattr(model_class(event.run.type), "fit")):
            self.say(line)
        going_on = f", going on from step {event.step:,}" if event.step else ""
        size = f", {event.parameters:,} parameters" if event.parameters else ""
        several = f", {parallel.size()} processes" if parallel.size() > 1 else ""
        self.say(f"training {event.run.type}{size}, on {event.device}{several}{going_on}")
        if event.warning:
            self.say(event.warning)
        settings = event.run.settings
        if self.console.is_terminal and (settings.max_steps or settings.time):
            endless = settings.max_steps < 0 and not settings.time
            self._bar = Progress(
                BarColumn(6),
                TextColumn("{task.description}", markup=False),
                *([] if endless else [TimeRemainingColumn(), TextColumn("left")]),
                console=self.console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("starting", total=None if endless else 1.0)

    def _step(self, event: Step) -> None:
        self._tokens += event.tokens
        seconds = time.monotonic() - self._since
        if seconds > 0.2:
            self._speed = f"{self._tokens / seconds / 1000:,.1f}k/s"
        if self._bar is not None and self.run is not None:
            most = self.run.settings.max_steps
            steps = f"{event.step:,}" + (f"/{most:,}" if most > 0 else "")
            losses = self._losses.replace("validation", "val")  # 80 columns are few
            parts = [steps, f"loss {event.loss:.3f}", losses, self._speed]
            self._bar.update(self._task, completed=event.done, description="  ".join(filter(None, parts)))

    def _evaluation(self, event: Evaluation) -> None:
        self._losses = f"train {event.train:.3f}  validation {event.validation:.3f}"
        assert self.run is not None
        settings = self.run.settings
        often = event.step - self._shown < settings.max_steps / 20  # as short epochs make it
        last = event.step == settings.max_steps
        if self._bar is None and (last or not event.step or not often):
            self._shown = event.step
            speed = f"  {self._speed.removesuffix('k/s')} thousand characters/s" if self._speed else ""
            best = "  best" if event.best else ""
            self.say(f"step {event.step:>6,}  {self._losses}{speed}{best}")

    def _overfitting(self, event: Overfitting) -> None:
        self.say(
            f"overfitting: since step {event.since:,} the validation loss has risen by more than chance explains; "
            "the best weights are kept",
            "yellow",
        )

    def _samples(self, event: Samples) -> None:
        self.say(f"samples at step {event.step:,}  ({self._losses})")
        show_sorted(self.say, [s.text for s in event.samples], event.seen, inline=True)

    def _ended(self, event: Ended) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description="scoring with the best weights")
        elif self.run is not None and self.run.corpus.store:
            self.say("scoring some of the lines with the best weights, which takes a while")

    def _diagnosed(self, event: Diagnosed) -> None:
        assert self.run is not None
        found = "nothing wrong" if not event.warned else f"{len(event.warned)} warnings"
        self.say(f"diagnostics: {found}; see {self.run.directory / 'diagnostics.png'}")
        for warned in event.warned:
            self.say(f"  {warned.message}", "yellow")
            self.say(f"    what to do: {warned.advice}")

    def _done(self, event: Done) -> None:
        if self._bar is not None:
            self._bar.stop()
        if event.summary is not None and self.run is not None:
            self._summary(event, self.run, event.summary)
        elif self.run is not None:
            self.stopped = True
            where = self.run.directory
            self.say(f"stopped at step {event.step:,}; everything so far is kept in {where}")
            self.say(f"go on with:   makemore --resume -o {where}")
            if event.step:
                self.say(f"sample with:  makemore sample {where}")

    def _summary(self, event: Done, run: Run, summary: dict[str, Any]) -> None:
        if event.reason == "no better":
            self.say(
                f"stopped at step {event.step:,}: validation has not improved since step {summary['best_step']:,}"
            )
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("nats per token")
        splits = list(summary["nll"])
        for split in splits:
            table.add_column(split, justify="right")
        rows = {run.type: summary["nll"], "bigram": summary["baselines"]["bigram"]}
        rows["log V"] = dict.fromkeys(splits, summary["baselines"]["uniform"])
        for name, losses in rows.items():
            table.add_row(name, *(f"{losses[split]:.4f}" for split in splits))
        self.say()
        self.console.print(table)
        self.say()
        self.say("20 new ones:")
        try:
            for sample in run.stream(20, novel=True, unique=True, top_k=self._top_k, seed=run.settings.seed):
                self.say("  " + sample.text)
        except MakemoreError as error:
            self.say(f"  ({error})")
        if (ratio := summary["copy_ratio"]) is not None:
            says = "little is memorised"
            if memorises(summary):
                says = "much is memorised; leave copies out with --novel, or regularise more"
            self.say()
            self.say(
                f"{summary['train_mass']:.0%} of what it says is in train, whose lines are {ratio:.1f} times as likely as "
                f"those held out: {says}"
            )
        steps = f"best step {summary['best_step']:,} of {summary['steps']:,}, " if event.step > 1 else ""
        self.say()
        self.say(f"{summary['parameters']:,} parameters, {steps}{duration(summary['seconds'])}")
        self.say(f"all of it is in {run.directory}; for more:  makemore sample {run.directory} -n 100")


def show_sorted(say: Callable[[str], None], lines: list[str], seen: list[str], inline: bool = False) -> None:
    """Print samples by kind: in train, held out, new. inline: those of a kind on one line."""
    for kind, name in KINDS.items():
        chosen = [line for line, where in zip(lines, seen, strict=True) if where == kind]
        if inline:
            # words stand side by side, what is longer on lines of its own
            apart = any(" " in line or "\t" in line for line in chosen) or sum(map(len, chosen)) > 100
            if chosen:
                say(f"  {name}:" + "".join(f"\n    {line}" if apart else f" {line}" for line in chosen))
        else:
            say(f"{len(chosen)} samples that are {name}:")
            for line in chosen:
                say(line)
            say("-" * 80)


def duration(seconds: float) -> str:
    """Return a number of seconds as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(math.floor(seconds), 60)
    return f"{minutes} min {rest} s"
