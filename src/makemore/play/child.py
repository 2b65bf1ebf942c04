"""The other process: it inspects lists and trains, and writes what happens as lines of JSON.

The server writes one line of JSON for each job to its standard input, and "stop" to end a training early. If
the server is gone, standard input ends: then training stops too, and saves everything, ready to be resumed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

from makemore.errors import MakemoreError
from makemore.files.results import plain

EVERY = 0.1
"""Seconds between two steps that are reported."""

EXAMPLES, LONGEST = 12, 200
"""Lines of a list that are shown, and characters of each, at most."""

Job = dict[str, Any]
Tell = Callable[..., None]


def main() -> None:
    """Do jobs until standard input ends."""
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


def warm(job: Job, tell: Tell, stop: threading.Event) -> None:
    """Import what every job needs, before there is one."""
    import makemore.reports.inspection
    import makemore.training.start  # noqa: F401

    tell("warm")


def inspect(job: Job, tell: Tell, stop: threading.Event) -> None:
    """Look at a list. job: `source` and `how`, the arguments of `makemore.How`."""
    import numpy as np

    import makemore
    from makemore.corpus.cache import read_corpus

    how = makemore.How(**job["how"])
    found = makemore.inspect(job["source"], how)
    corpus = read_corpus(job["source"], how)
    some = np.unique(np.linspace(0, len(corpus) - 1, EXAMPLES).astype(int))
    examples = [line[:LONGEST] for line in corpus.lines(some)]
    tell("inspected", found=found.to_json(lambda name: name.replace("_", " ")), examples=examples)


def train(job: Job, tell: Tell, stop: threading.Event) -> None:
    """Train. job: the arguments of `makemore.train`, and `size`, how many times as wide as usual networks are."""
    import makemore
    from makemore.distributed.devices import own_process
    from makemore.models import knobs, model_class

    own_process()
    if "type" in job and model_class(job["type"]).counting:
        job.pop("time", None)  # counting takes the time that it takes
    if (size := job.pop("size", 1)) != 1:
        wide = [knob for knob in knobs(job["type"]) if knob.name in ("n_embd", "n_embd2")]
        job |= {knob.name: int(knob.default * size) for knob in wide}
    makemore.train(**job, on_event=Reporter(tell), stop=stop.is_set)


DO: dict[str, Callable[[Job, Tell, threading.Event], None]] = {
    "warm": warm,
    "inspect": inspect,
    "train": train,
}


class Reporter:
    """Tells the events of a training; of its steps only some."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.began = time.perf_counter()
        self.told = -EVERY
        self.corpus: Any = None  # until its baselines are told

    def __call__(self, event: object) -> None:
        """Tell an event."""
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
                self.corpus = event.run.corpus
            case events.Step():
                if seconds - self.told >= EVERY:
                    self.told = seconds
                    self.tell("step", step=event.step, loss=event.loss, done=event.done, seconds=seconds)
            case events.Samples():
                samples = [
                    {"text": each.text, "label": each.label, "ended": each.ended, "seen": seen}
                    for each, seen in zip(event.samples, event.seen, strict=True)
                ]
                self.tell("samples", step=event.step, samples=samples)
            case events.Done():
                summary = None if event.summary is None else plain(event.summary)
                self.tell("done", step=event.step, reason=event.reason, summary=summary)
            case events.Evaluation() | events.Overfitting() | events.Ended():
                self.tell(type(event).__name__.lower(), **dataclasses.asdict(event))
                if self.corpus is not None:  # after the first point of the curve, since it takes a second
                    self.tell("baselines", baselines=baselines(self.corpus))
                    self.corpus = None


def baselines(corpus: Any) -> dict[str, float]:
    """Return validation losses, in nats per token, of guessing, of pairs and of the 6-gram."""
    import math

    from makemore.metrics.baselines import SCORED_TOKENS, baseline

    rows = {"validation": corpus.at_most("validation", SCORED_TOKENS)}
    if not len(rows["validation"]):
        return {}
    counted = {type: baseline(corpus, type, rows)["validation"].tokens for type in ("bigram", "ngram")}
    return {"uniform": math.log(len(corpus.vocab))} | {type: float(x.mean()) for type, x in counted.items()}


if __name__ == "__main__":
    main()
