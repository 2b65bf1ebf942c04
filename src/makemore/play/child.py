"""The other process: it inspects lists and trains, and writes what happens as lines of JSON.

The server writes one line of JSON for each job to its standard input, and "stop" to end a training early. If
the server is gone, standard input ends: then training stops too, and saves everything, ready to be resumed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

from makemore.distributed.devices import own_process
from makemore.errors import MakemoreError
from makemore.files.results import plain
from makemore.play.wording import ending, spelled, warning

EVERY, SLOWER = 0.1, 1 / 500
"""Seconds between two steps that are reported, and, later in training, the share of its time so far."""

EXAMPLES, LONGEST = 12, 200
"""Lines of a list that are shown, and characters of each, at most."""

WARM = ("makemore.reports.inspection", "makemore.training.start", "torch._dynamo", "makemore.plots.losses")
"""What takes seconds to import and jobs need, the first needed first. torch imports `_dynamo` when it makes an
optimiser; loss.png, which ends a training, needs Matplotlib."""

Job = dict[str, Any]
Tell = Callable[..., None]


def main() -> None:
    """Do jobs until standard input ends."""
    own_process()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed is no event
    jobs: queue.Queue[Job | None] = queue.Queue()
    stop = threading.Event()
    threading.Thread(target=_listen, args=(sys.stdin, jobs, stop), daemon=True).start()

    def tell(kind: str, **fields: object) -> None:
        try:
            out.write(json.dumps(plain({"kind": kind, **fields})) + "\n")
            out.flush()
        except BrokenPipeError:  # the server is gone: what trains is stopped, and still saves everything
            stop.set()
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())

    while (job := jobs.get()) is not None:
        try:
            if job["do"] == "warm":
                warm(jobs)
            else:
                DO[job.pop("do")](job, tell, stop)
        except MakemoreError as error:
            tell("failed", message=str(error), options=list(error.options))
        except Exception as error:
            traceback.print_exc()
            tell("failed", message=f"{type(error).__name__}: {error}", options=[])


def _listen(lines: IO[str], jobs: queue.Queue[Job | None], stop: threading.Event) -> None:
    """Take jobs from standard input as they come."""
    for line in lines:
        job = json.loads(line)
        if job["do"] == "stop":
            stop.set()
        else:
            stop.clear()
            jobs.put(job)
    stop.set()
    jobs.put(None)


def warm(jobs: queue.Queue[Job | None]) -> None:
    """Import what jobs need, until there is one."""
    for name in WARM:
        if jobs.empty():
            importlib.import_module(name)


def inspect(job: Job, tell: Tell, stop: threading.Event) -> None:
    """Look at a list. job: `source` and `how`, the arguments of `makemore.How`.

    How long training takes is left out: see `measure`.
    """
    import numpy as np

    import makemore
    from makemore.corpus.cache import read_corpus

    how = makemore.How(**job["how"])
    found = makemore.inspect(job["source"], how, pace=0.0)
    corpus = read_corpus(job["source"], how)
    some = np.unique(np.linspace(0, len(corpus) - 1, EXAMPLES).astype(int))
    examples = [line[:LONGEST] for line in corpus.lines(some)]
    # the page lets people choose a column
    shown = [each for each in found.warnings if "column" not in each.options]
    said = found.to_json(spelled) | {"warnings": [warning(each) for each in shown]}
    tell("inspected", found=said, examples=examples)


def measure(job: Job, tell: Tell, stop: threading.Event) -> None:
    """Tell what to expect of training on a list. job: as above. If told to stop, the seconds are None."""
    import makemore
    from makemore.corpus.cache import read_corpus
    from makemore.reports import expected

    corpus = read_corpus(job["source"], makemore.How(**job["how"]))
    tell("measured", expected=expected.measure(corpus, stop.is_set))


def train(job: Job, tell: Tell, stop: threading.Event) -> None:
    """Train.

    job: The arguments of `makemore.train`, and `size`, how many times as wide as usual networks are; `beside`
        is true if others train at the same time, `baselines` if those of the list should be told too.
    """
    import makemore
    from makemore.distributed.devices import one_thread_meanwhile
    from makemore.inference.ladder import TYPES
    from makemore.models import knobs

    if "type" in job and job["type"] in TYPES and TYPES[job["type"]].counting:
        job.pop("time", None)  # counting takes the time that it takes
    if (size := job.pop("size", 1)) != 1:
        wide = [knob for knob in knobs(job["type"]) if knob.name in ("n_embd", "n_embd2")]
        job |= {knob.name: int(knob.default * size) for knob in wide}
    # beside others each computes with one thread, or they would wait for one another
    report = Reporter(tell, job.pop("baselines"))
    with one_thread_meanwhile() if job.pop("beside") else contextlib.nullcontext():
        makemore.train(**job, on_event=report, stop=stop.is_set)


DO: dict[str, Callable[[Job, Tell, threading.Event], None]] = {
    "inspect": inspect,
    "measure": measure,
    "train": train,
}


class Reporter:
    """Tells the events of a training; of its steps only some."""

    def __init__(self, tell: Tell, baselines: bool) -> None:
        self.tell, self.baselines = tell, baselines
        self.began = time.perf_counter()
        self.told = -EVERY
        self.ahead = 0.0
        """By how much the training's clock is ahead of this one."""

    def __call__(self, event: object) -> None:
        """Tell an event."""
        from makemore.reports import expected
        from makemore.training import events

        seconds = time.perf_counter() - self.began
        match event:
            case events.Started():
                self.tell(
                    "started",
                    type=event.run.type,
                    step=event.step,
                    parameters=event.parameters,
                    warning=event.warning,
                    earlier=[dataclasses.asdict(row) for row in event.run.metrics()],
                )
                self.run = event.run
                if earlier := event.run.metrics():
                    self.ahead = (earlier[-1].seconds or 0.0) - seconds
            case events.Step():
                if seconds - self.told >= max(EVERY, SLOWER * seconds):
                    self.told = seconds
                    at = seconds + self.ahead
                    self.tell("step", step=event.step, loss=event.loss, done=event.done, seconds=at)
            case events.Samples():
                samples = [
                    {"text": each.text, "label": each.label, "ended": each.ended, "seen": seen}
                    for each, seen in zip(event.samples, event.seen, strict=True)
                ]
                self.tell("samples", step=event.step, samples=samples)
            case events.Done():
                end = {} if event.summary is None else ending(self.run, event.summary)
                self.tell("done", step=event.step, reason=event.reason, **end)
            case events.Evaluation() | events.Overfitting() | events.Ended():
                self.tell(type(event).__name__.lower(), **dataclasses.asdict(event))
                if isinstance(event, events.Evaluation):
                    self.ahead = event.seconds - seconds
                if self.baselines:  # after the first point of the curve, since it takes a second
                    self.tell("baselines", baselines=expected.baselines(self.run.corpus))
                    self.baselines = False


if __name__ == "__main__":
    main()
