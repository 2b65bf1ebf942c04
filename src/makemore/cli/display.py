"""What training prints: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TextColumn
from rich.status import Status

from makemore.cli.described import describe
from makemore.cli.errors import spelled
from makemore.cli.layout import command, on_a_screen, say, table, things, with_labels
from makemore.cli.options import flag_of
from makemore.cli.output import apart
from makemore.cli.terminal import width_of
from makemore.corpus.corpus import Corpus
from makemore.corpus.sizes import SIZES
from makemore.errors import CUT, MakemoreError, command_line, duration
from makemore.metrics.looks import before_training
from makemore.runs.run import Run
from makemore.runs.summary import Summary
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Sample
from makemore.training.events import (
    Diagnosed,
    Done,
    Ended,
    Evaluation,
    Event,
    Overfitting,
    Samples,
    Started,
    Step,
)

KINDS = {"train": "in train", "held-out": "held out", "new": "new"}
"""Names of the three kinds of samples."""

BAR = 12
"""The fewest columns of a bar; the text beside it is shortened first."""

NEW = 20
"""How many new lines are shown at the end; of things of several lines fewer, see `on_a_screen`."""


class Display:
    """Prints the events of training; as a context manager, it removes the bar at the end.

    `top_k` is for the samples shown at the end.
    """

    def __init__(self, console: Console, top_k: int | None = None) -> None:
        """Print nothing yet."""
        self.console = console
        self.stopped = False
        """Whether training stopped before its end."""
        self._top_k = top_k
        self.run: Run | None = None
        self._status: Status | None = None
        self._described = False
        self.bar: Progress | None = None
        """The bar of training, in a terminal."""
        self._read: Progress | None = None
        self._losses, self._at = "", -1
        self._loss = ""
        self._shown = 0
        self._tokens, self._since = 0, time.monotonic()
        self._speed = ""

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self._status = self.console.status("reading the file")
            self._status.start()
        return self

    def waiting(self, what: str) -> None:
        """Say on a terminal what it waits for, until the first event."""
        if self._status is not None:
            self._status.update(what)

    def first(self, corpus: Corpus, samples: list[Sample]) -> None:
        """Show, before there is a model, what was read, and lines sampled from its counts."""
        self._describe(corpus)
        if samples:
            self.say("samples by counting (a 6-gram)")
            self._list(samples, corpus.seen([each.text for each in samples]))

    def __exit__(self, *_: object) -> None:
        self._begun()
        for bar in (self.bar, self._read):
            if bar is not None:
                bar.stop()

    def _begun(self) -> None:
        """Remove the status, which is shown until the first event."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self._begun()
        match event:
            case Started():
                self._started(event)
            case Step():
                self._step(event)
            case Evaluation():
                self._evaluation(event)
            case Overfitting():
                self._overfitting(event)
            case Samples():
                self._samples(event)
            case Ended():
                self._ended()
            case Diagnosed():
                self._diagnosed(event)
            case Done():
                self._done(event)
        if not isinstance(event, Step):  # the speed counts the time of steps only
            self._tokens, self._since = 0, time.monotonic()

    def say(self, text: str = "", style: str | None = None, hang: str = "") -> None:
        """Print a line, as `layout.say` does."""
        say(self.console, text, style, hang)

    def reading(self, done: int, total: int | None) -> None:
        """Show how much of a large file has been read, in bytes; the total is None if unknown."""
        if not self.console.is_terminal or (total is not None and total < SIZES.large):
            return
        if self._read is None:
            self._begun()
            self._read = self._progress()
            self._read.start()
            self._read.add_task("", total=total)
        task = self._read.tasks[0]
        speed = f"{decimal(int(task.speed))}/s" if task.speed else ""
        size = decimal(done) + (f" of {decimal(total)}" if total else "")
        text = self._fitting([f"reading {size}", speed, _left(task.time_remaining)], [0, 2, 1])
        self._read.update(task.id, completed=done, description=text)

    def _progress(self) -> Progress:
        """Return a bar that fills the rest of the line beside its text."""
        text = TextColumn("{task.description}", markup=False)
        return Progress(BarColumn(None), text, console=self.console, transient=True, expand=True)

    def _fitting(self, parts: list[str], order: list[int]) -> str:
        """Join the parts that fit beside a bar; order: their indices, the most important first."""
        left, chosen = self.console.width - BAR - 1, []
        for i in order:
            if parts[i] and (room := width_of(parts[i]) + 2) <= left + 2:
                chosen.append(i)
                left -= room
        return "  ".join(parts[i] for i in sorted(chosen))

    def _started(self, event: Started) -> None:
        if self._read is not None:
            self._read.stop()
        self.run = event.run
        self._describe(event.run.corpus)
        if not event.step:
            for warned in before_training(event.run.corpus):
                self.say(f"{warned.message}; {warned.advice(flag_of)}", "yellow")
        resumed = f", continuing from step {event.step:,}" if event.step else ""
        size = f", {event.parameters:,} parameters" if event.parameters else ""
        processes = event.run.disk.group.size
        several = f", {processes} processes" if processes > 1 else ""
        self.say(f"training {event.run.type}{size}, on {event.device}{several}{resumed}")
        if event.warning:
            self.say(event.warning)
        settings = event.run.settings
        if self.console.is_terminal and (settings.max_steps or settings.time):
            endless = settings.max_steps < 0 and not settings.time
            self.say("Ctrl-C stops and keeps everything learned so far", "dim")
            self.bar = self._progress()
            self.bar.start()
            self.bar.add_task("starting", total=None if endless else 1.0)

    def _step(self, event: Step) -> None:
        self._tokens += event.tokens
        self._loss = f"loss {event.loss:.3f}"
        seconds = time.monotonic() - self._since
        if seconds > 0.2:
            self._speed = f"{self._tokens / seconds / 1000:,.1f}k/s"
        if self.bar is not None and self.run is not None:
            most = self.run.settings.max_steps
            steps = f"{event.step:,}" + (f"/{most:,}" if most > 0 else "")
            train, _, validation = self._losses.partition("  ")
            left = _left(self.bar.tasks[0].time_remaining)
            parts = [steps, self._loss, train, validation.replace("validation", "val"), self._speed, left]
            text = self._fitting([*parts, "Ctrl-C stops"], [0, 5, 3, 1, 2, 4, 6])
            self.bar.update(self.bar.tasks[0].id, completed=event.done, description=text)

    def _evaluation(self, event: Evaluation) -> None:
        self._losses, self._at = f"train {event.train:.3f}  validation {event.validation:.3f}", event.step
        assert self.run is not None
        settings = self.run.settings
        often = event.step - self._shown < settings.max_steps / 20  # with short epochs
        last = event.step == settings.max_steps
        if self.bar is None and (last or not event.step or not often):
            self._shown = event.step
            speed = f"  {self._speed.removesuffix('k/s')} thousand characters/s" if self._speed else ""
            best = "  best" if event.best else ""
            of = f"/{settings.max_steps:,}" if settings.max_steps > 0 else ""
            if settings.time:
                of = f"  {event.seconds:.0f}/{settings.time:g} s"
            self.say(f"step {event.step:>6,}{of}  {self._losses}{speed}{best}")

    def _overfitting(self, event: Overfitting) -> None:
        self.say(
            f"overfitting: since step {event.since:,} the validation loss has risen by more than chance "
            "explains; the best weights are kept",
            "yellow",
        )

    def _samples(self, event: Samples) -> None:
        losses = self._losses if event.step == self._at else self._loss
        self.say(f"samples at step {event.step:,}  ({losses})")
        self._list(event.samples, event.seen)

    def _describe(self, corpus: Corpus) -> None:
        """Say once what was read."""
        for line in describe(corpus) if not self._described else ():
            self.say(line)
        self._described = True

    def _list(self, samples: list[Sample], seen: list[str]) -> None:
        """Show samples, with their labels, by whether they are in the list."""
        lines = on_a_screen([s.text + CUT * (not s.ended) for s in samples])
        labelled = with_labels(self.console, lines, [s.label for s in samples])
        each = (by_kind(texts, seen[: len(lines)]) for texts in (lines, labelled))
        for (name, bare), chosen in zip(next(each).items(), next(each).values(), strict=True):
            # words go side by side, longer samples on lines of their own
            apart = any(set(" \t\n") & set(line) for line in bare) or sum(map(len, bare)) > 100
            if chosen:
                self.say(f"  {name}:" + "".join(f" {line}" for line in chosen if not apart), hang="    ")
            things(self.console, chosen if apart else [], "    ")

    def _ended(self) -> None:
        if self.bar is not None:
            text = self._fitting(["scoring the best weights"], [0])
            self.bar.update(self.bar.tasks[0].id, description=text)
        elif self.run is not None and self.run.corpus.on_disk:
            self.say("scoring a subsample of the lines with the best weights, which takes a while")

    def _diagnosed(self, event: Diagnosed) -> None:
        assert self.run is not None
        found = "nothing wrong" if not event.warned else f"{len(event.warned)} warnings"
        self.say(f"diagnostics: {found}; see {self.run.directory / 'diagnostics.png'}")
        for warned in event.warned:
            self.say(f"  {warned.message}", "yellow", hang="  ")
            self.say(f"    what to do: {warned.advice(flag_of)}", hang="    ")

    def _done(self, event: Done) -> None:
        if self.bar is not None:
            self.bar.stop()
        if event.summary is not None and self.run is not None:
            self._summary(event, self.run, event.summary)
        elif self.run is not None:
            self.stopped = True
            where = self.run.directory
            self.say(f"stopped at step {event.step:,}; everything so far is saved in {where}")
            command(self.console, "continue with:", command_line("--resume", "-o", where))
            if event.step:
                command(self.console, "sample with:", command_line("sample", where))

    def _summary(self, event: Done, run: Run, summary: Summary) -> None:
        if event.reason == "no better":
            self.say(
                f"stopped at step {event.step:,}: validation has not improved since step "
                f"{summary.best_step:,} (a higher --patience trains longer)"
            )
        splits = list(summary.nll)
        losses = {run.type: summary.nll, "bigram": summary.baselines.bigram}
        losses["log V"] = dict.fromkeys(splits, summary.baselines.uniform)
        rows = [[name, *(_loss(of[split]) for split in splits)] for name, of in losses.items()]
        self.say()
        given = ", given the label" * bool(run.vocab.labels)
        table(self.console, [f"nats per token{given}", *splits], rows)
        self.say()
        self._new(run)
        if (verdict := summary.memorising) is not None:
            self.say()
            self.say(verdict.sentence)
            if advice := verdict.advice(flag_of):
                self.say(f"  what to do: {advice}")
        steps = f", best step {summary.best_step:,} of {summary.steps:,}" if event.step > 1 else ""
        took = f", {duration(summary.seconds)}" if summary.steps else ""  # a blend takes none
        self.say()
        self.say(f"{summary.parameters:,} parameters{steps}{took}")
        self.say(f"everything is in {run.directory}")
        top_k = () if self._top_k is None else ("--top-k", self._top_k)
        more = ("-n", 100, "--best", *top_k)
        command(self.console, "for more like these:", command_line("sample", run.directory, *more))

    def _new(self, run: Run) -> None:
        """Show the best of many samples."""
        found: list[Sample] = []
        problem = ""
        options = SampleOptions(top_k=self._top_k, best=True, seed=run.settings.seed)
        try:
            for sample in run.stream(NEW, options):
                found.append(sample)
        except MakemoreError as error:
            problem = f"  ({spelled(error)})"
        chosen = on_a_screen([sample.text for sample in found])
        self.say(
            f"{len(chosen)} new ones (the best of many; none is in the file or close to a line that is):"
        )
        if problem:
            self.say(problem, hang="  ")
        things(self.console, with_labels(self.console, chosen, [s.label for s in found]), "  ")


def by_kind(lines: list[str], seen: list[str]) -> dict[str, list[str]]:
    """Return samples grouped by whether they are in train, held out or new."""
    return {
        name: [line for line, where in zip(lines, seen, strict=True) if where == kind]
        for kind, name in KINDS.items()
    }


def show_sorted(say: Callable[[str], None], lines: list[str], seen: list[str], between: str | None) -> None:
    """Print samples by kind: in train, held out, new, with a line between two of them if it is not None."""
    for name, chosen in by_kind(lines, seen).items():
        say(f"{len(chosen)} samples that are {name}:")
        for line in apart(chosen, between):
            say(line)
        say("-" * 80)


def _loss(x: float) -> str:
    return "infinite" if math.isinf(x) else f"{x:.4f}"


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"{duration(seconds) if seconds >= 1 else '1 s'} left"
