"""Train every type with its defaults on every bundled list, as a person would.

    uv run python benchmarks/defaults.py                       all of it, half an hour on two cores
    uv run python benchmarks/defaults.py --types lstm,gru --lists names
    uv run python benchmarks/defaults.py --time 60             every type for 60 seconds
    uv run python benchmarks/defaults.py --short               20 steps each: does it work?

Results are kept in benchmarks/results/defaults.json, one entry per type and list, so that some can be
measured again without the others. Losses are nats per token on makemore's own split, with one seed; times are
those of whole trainings, evaluations included.
"""

from __future__ import annotations

import statistics
import tempfile
from typing import Any

import common
import torch

import makemore
from makemore.models import MODELS

LISTS = ("names", "words", "companies")


def main() -> None:
    """Measure the types and lists given on the command line, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--types", default=",".join(MODELS), help="which types, separated by commas")
    parser.add_argument("--lists", default=",".join(LISTS), help="which lists, separated by commas")
    parser.add_argument(
        "--time", type=float, help="seconds to train each, instead of its own number of steps"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    kept = common.load("defaults")
    for source in options.lists.split(","):
        for type in options.types.split(","):
            how: dict[str, Any] = {"time": options.time} if options.time else {}
            how = {} if MODELS[type].counting else {"max_steps": 20} if options.short else how
            result = measure(source, type, how)
            kept[f"{source} {type}" + (f" {options.time:g} s" if options.time else "")] = result
            print(source, type, result["seconds"], result["nll"], flush=True)
            if not options.short:
                common.keep("defaults", kept)
    print(section(kept))


def measure(source: str, type: str, how: dict[str, Any]) -> dict[str, Any]:
    """Train one type on one list and return what its summary says."""
    with tempfile.TemporaryDirectory() as directory:
        summary = (
            makemore.train(source, type=type, work_dir=directory, device="cpu", **how).summary().to_json()
        )
    return {k: summary[k] for k in ("parameters", "steps", "seconds", "nll")} | common.machine()


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md: a table per list, then one of types with the same time."""
    parts = [
        "## Defaults\n\n`uv run python benchmarks/defaults.py`: every type with its defaults, one seed.\n"
    ]
    for source in LISTS:
        rows = [
            [f"`{type}`", f"{r['parameters']:,}", f"{r['steps']:,}", f"{r['seconds']:.1f}"]
            + [f"{r['nll'][split]:.4f}" for split in ("train", "validation", "test")]
            for type in MODELS
            if (r := kept.get(f"{source} {type}"))
        ]
        if rows:
            head = ["type", "parameters", "steps", "seconds", "train", "validation", "test"]
            parts.append(f"\n### {source}\n\n" + common.table(head, rows))
    for time in sorted({float(key.split()[2]) for key in kept if key.endswith(" s")}):
        parts.append(_same_time(kept, time))
    return "".join(parts) + "\n" + "".join(sorted({common.about(r) for r in kept.values()}))


def _same_time(kept: dict[str, Any], time: float) -> str:
    """Return a table of the types that had the same time on every list, ordered by their mean rank."""
    name = f" {time:g} s"
    losses = {
        type: [kept[f"{source} {type}{name}"]["nll"]["test"] for source in LISTS]
        for type in MODELS
        if all(f"{source} {type}{name}" in kept for source in LISTS)
    }
    if not losses:
        return ""
    ranks = {
        type: [1 + sum(others[i] < own[i] for others in losses.values()) for i in range(len(LISTS))]
        for type, own in losses.items()
    }
    rows = [
        [
            f"`{type}`",
            *(f"{loss:.4f} ({rank})" for loss, rank in zip(losses[type], ranks[type], strict=True)),
            f"{statistics.mean(ranks[type]):.1f}",
        ]
        for type in sorted(losses, key=lambda type: statistics.mean(ranks[type]))
    ]
    head = ["type", *LISTS, "mean rank"]
    return (
        f"\n### In the same {time:g} seconds\n\n`--time {time:g}`: test loss, and its rank among these "
        "types. Counting (`ngram`) is done long before the time is over.\n\n" + common.table(head, rows)
    )


if __name__ == "__main__":
    main()
