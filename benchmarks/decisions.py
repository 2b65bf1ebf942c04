"""Two decisions: how unique lines are found, and whether dropout is equal for any number of processes.

    uv run python benchmarks/decisions.py                      about ten minutes
    uv run python benchmarks/decisions.py --parts unique       only unique, or only dropout
    uv run python benchmarks/decisions.py --short

Unique: n different lines by the search that `--unique` uses, or by sampling and rejecting repeats; both have
the same distribution. The models are an LSTM that has memorised thirty names, and the default LSTM on all of
names. Rejection stops after --limit seconds, and is then reported as stalled. Both take turns; seconds are
medians, and rows are how many characters the model was given.

Dropout: several processes that train together each make the mask of the whole batch, so that together they do
what one process does. One process takes the steps of training that it would take as one of several, with this
dropout and with torch's, in turns; the exchange of gradients is left out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from typing import Any

import common
import numpy as np
import torch
from torch import nn

from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.corpus.splits import SPLITS
from makemore.distributed.dropout import SharedDropout
from makemore.distributed.group import Group
from makemore.errors import MakemoreError
from makemore.models import build, configure
from makemore.runs.settings import Given, recipe
from makemore.sampling.draw import sample
from makemore.sampling.options import SampleOptions
from makemore.training.engine import Engine
from makemore.training.learner import Learner
from makemore.training.plan import settings_for
from makemore.training.teacher import fit_teacher

PARTS = ("unique", "dropout")
PEAKED = "thirty names, memorised"
WANTED = {PEAKED: (20, 30, 40, 100), "names": (20, 1000, 10_000)}
"""How many different lines are wanted of each model."""


def models(short: bool) -> dict[str, tuple[nn.Module, Corpus]]:
    """Return the peaked model and the model of names, each with its corpus."""
    names = read("names")
    few = Corpus.from_lines(names.lines(np.arange(0, len(names), len(names) // 30)[:30]))
    few.split = np.full(len(few), SPLITS.index("train"), np.uint8)
    usual = recipe("lstm")
    if short:
        usual = dataclasses.replace(usual, max_steps=5)
    peaked = dataclasses.replace(usual, max_steps=min(usual.max_steps, 500), teacher=0.0)
    return {
        PEAKED: (common.trained(few, "lstm", {"dropout": 0.0}, peaked, 1), few),
        "names": (common.trained(names, "lstm", {}, usual, 1), names),
    }


def search(model: nn.Module, corpus: Corpus, n: int, seed: int, _: float) -> tuple[int, int]:
    """Find n different lines by the search; return how many were found, twice."""
    options = SampleOptions(max_length=corpus.longest, unique=True, seed=seed)
    found = len({line.text for line in sample(model, corpus.vocab, n, options)})
    return found, found


def reject(model: nn.Module, corpus: Corpus, n: int, seed: int, limit: float) -> tuple[int, int]:
    """Find n different lines by rejecting repeats; return how many were found, and how many sampled."""
    options = SampleOptions(max_length=corpus.longest, seed=seed)
    seen: set[str] = set()
    sampled, end = 0, time.perf_counter() + limit

    def keep(lines: list[str]) -> list[bool]:
        nonlocal sampled
        sampled += len(lines)
        new = []
        for line in lines:
            new.append(line not in seen)
            seen.add(line)
        if time.perf_counter() > end and len(seen) < n:
            raise MakemoreError("stalled")
        return new

    with contextlib.suppress(MakemoreError):  # stalled, here or after too many repeats in a row
        for _ in sample(model, corpus.vocab, n, options, keep=keep):
            pass
    return min(n, len(seen)), sampled


WAYS = {"search": search, "rejection": reject}


def unique(rounds: int, limit: float, short: bool) -> dict[str, Any]:
    """Return for each model, number of lines and way what finding them took, in each round."""
    found: dict[str, Any] = {}
    for name, (model, corpus) in models(short).items():
        rows = 0

        def count(module: nn.Module, arguments: Any) -> None:
            nonlocal rows
            rows += arguments[0].numel()

        model.register_forward_pre_hook(count)
        sizes = found.setdefault(name, {})
        for n in WANTED[name][: 2 if short else None]:
            ways = sizes.setdefault(str(n), {way: [] for way in WAYS})
            for i in range(rounds + 1):
                for way, function in WAYS.items():
                    rows, began = 0, time.perf_counter()
                    lines, sampled = function(model, corpus, n, i, limit)
                    seconds = time.perf_counter() - began
                    one = {"seconds": seconds, "lines": lines, "sampled": sampled, "rows": rows}
                    ways[way].append(one)
                if lines < n:  # every round would stall: one is enough
                    break
            else:
                ways |= {way: results[1:] for way, results in ways.items()}  # the first round warms up
            print(f"{name}, {n} lines: done", flush=True)
    return found


class OneOf(Group):
    """A process of a group without the others: it takes its part of each batch and exchanges nothing."""

    def __init__(self, size: int, whole: bool) -> None:
        """size: Processes that the group would have. whole: Whether each makes the whole batch's mask."""
        super().__init__(0, size)
        self.whole = whole

    def spread(self, model: nn.Module, forward: Any) -> Any:
        """Replace the dropout modules of a model, if that was asked for."""
        for parent in list(model.modules()):
            for name, child in parent.named_children():
                if isinstance(child, nn.Dropout) and self.whole:
                    setattr(parent, name, SharedDropout(child.p, self))
        return forward

    def mean(self, value: float) -> float:
        """Return the value of this process."""
        return value


def learner_in(group: Group, type: str, corpus: Corpus) -> Learner:
    """Return what takes the steps of training, with the type's defaults, of a process in a group."""
    engine = Engine(torch.device("cpu"), group=group)
    settings = settings_for(type, corpus, Given(), engine.device)
    torch.manual_seed(settings.seed)
    model = build(type, len(corpus.vocab), configure(type, corpus.longest))
    teacher = fit_teacher(corpus, settings.teacher, engine.device)
    return Learner(model, corpus, settings, engine, teacher)


def dropout(rounds: int, repeats: int) -> dict[str, Any]:
    """Return for each type and number of processes the seconds of a step with each kind of dropout."""
    corpus = read("names")
    found: dict[str, Any] = {}
    for type in ("lstm", "transformer"):
        for processes in (2, 8):
            learners = {kind: learner_in(OneOf(processes, kind == "shared"), type, corpus) for kind in KINDS}
            times: dict[str, list[float]] = {kind: [] for kind in KINDS}
            for i in range(rounds + 1):
                for kind, learner in learners.items():
                    began = time.perf_counter()
                    for _ in range(repeats):
                        learner.step(0.5, 0)
                    if i:  # the first round warms up
                        times[kind].append((time.perf_counter() - began) / repeats)
            found.setdefault(type, {})[str(processes)] = times
            print(f"{type}, {processes} processes: done", flush=True)
    return found


KINDS = ("torch's", "shared")


def middle(rounds: list[dict[str, float]], key: str) -> float:
    """Return the median of one number over the rounds."""
    return statistics.median(one[key] for one in rounds)


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    parts = ["## Decisions\n\n`uv run python benchmarks/decisions.py`\n"]
    if "unique" in kept:
        rows = []
        for name, sizes in kept["unique"].items():
            for n, ways in sizes.items():
                ratio = middle(ways["rejection"], "seconds") / middle(ways["search"], "seconds")
                for way, rounds in ways.items():
                    lines = int(min(one["lines"] for one in rounds))
                    stalled = f"stalled at {lines:,}" if lines < int(n) else ""
                    rows.append(
                        [
                            name,
                            f"{int(n):,}",
                            way,
                            f"{middle(rounds, 'sampled'):,.0f}",
                            f"{middle(rounds, 'rows'):,.0f}",
                            f"{middle(rounds, 'seconds'):.3f}",
                            stalled or ("" if way == "search" else f"{ratio:.2f}"),
                        ]
                    )
        head = ["model", "lines wanted", "way", "lines sampled", "rows", "seconds", "rejection : search"]
        parts.append("\n### Unique lines: search or rejection\n\n" + common.table(head, rows))
    if "dropout" in kept:
        rows = []
        for type, groups in kept["dropout"].items():
            for processes, times in groups.items():
                plain, shared = (1e3 * statistics.median(times[kind]) for kind in KINDS)
                rows.append(
                    [f"`{type}`", processes, f"{plain:.2f}", f"{shared:.2f}", f"**{shared / plain:.3f}**"]
                )
        head = ["type", "processes", "torch's dropout, ms a step", "shared", "ratio"]
        parts.append("\n### Dropout that is equal for any number of processes\n\n" + common.table(head, rows))
    return "".join(parts) + "\n" + common.about(kept)


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="which parts, separated by commas")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=float, default=30, help="seconds after which rejection has stalled")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rounds, parts = (1 if options.short else options.rounds), options.parts.split(",")
    kept = common.load("decisions") | common.machine()
    if "unique" in parts:
        kept["unique"] = unique(rounds, 1 if options.short else options.limit, options.short)
    if "dropout" in parts:
        kept["dropout"] = dropout(rounds, 2 if options.short else 40)
    print(section(kept))
    if not options.short:
        common.keep("decisions", kept)


if __name__ == "__main__":
    main()
