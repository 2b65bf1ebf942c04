"""Train every type with its defaults on every bundled list, as a person would.

    uv run python benchmarks/defaults.py                       all of it, half an hour on two cores
    uv run python benchmarks/defaults.py --types lstm,gru --lists names
    uv run python benchmarks/defaults.py --time 60             all in the same time
    uv run python benchmarks/defaults.py --short               20 steps each: does it work?

Results are kept in benchmarks/results/defaults.json, one entry a type and list, so that some can be measured
again without the others. Losses are nats per token on makemore's own split, one seed; the time is the whole
of training, evaluations included.
"""

from __future__ import annotations

import tempfile
from typing import Any

import common
import torch

import makemore
from makemore.models import MODELS

LISTS = ("names", "words", "companies")


def main() -> None:
    """Measure what was asked for, and keep what came out."""
    parser = common.parser(__doc__)
    parser.add_argument("--types", default=",".join(MODELS), help="which types, with commas between")
    parser.add_argument("--lists", default=",".join(LISTS), help="which lists, with commas between")
    parser.add_argument(
        "--time", type=float, help="seconds to train each, instead of its own number of steps"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    kept = common.load("defaults")
    for source in options.lists.split(","):
        for type in options.types.split(","):
            how: dict[str, Any] = {"time": options.time} if options.time else {}
            result = measure(source, type, {"max_steps": 20} if options.short else how)
            kept[f"{source} {type}" + (f" {options.time:g} s" if options.time else "")] = result
            print(source, type, result["seconds"], result["nll"], flush=True)
            if not options.short:
                common.keep("defaults", kept)
    print(section(kept))


def measure(source: str, type: str, how: dict[str, Any]) -> dict[str, Any]:
    """Train one type on one list and return what its summary says."""
    with tempfile.TemporaryDirectory() as directory:
        summary = makemore.train(source, type=type, work_dir=directory, device="cpu", **how).summary
    return {k: summary[k] for k in ("parameters", "steps", "seconds", "nll")} | common.machine()


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md: one table a list, the types in the order of the ladder."""
    parts = [
        "## Defaults\n\n`uv run python benchmarks/defaults.py`: every type with its defaults, one seed.\n"
    ]
    for source in LISTS:
        entries = {key.partition(" ")[2]: r for key, r in kept.items() if key.startswith(source + " ")}
        rows = [
            [f"`{name}`", f"{r['parameters']:,}", f"{r['steps']:,}", f"{r['seconds']:.1f}"]
            + [f"{r['nll'][split]:.4f}" for split in ("train", "validation", "test")]
            for name, r in sorted(entries.items(), key=lambda pair: list(MODELS).index(pair[0].split()[0]))
        ]
        if rows:
            head = ["type", "parameters", "steps", "seconds", "train", "validation", "test"]
            parts.append(f"\n### {source}\n\n" + common.table(head, rows))
    return "".join(parts) + "\n" + "".join(sorted({common.about(r) for r in kept.values()}))


if __name__ == "__main__":
    main()
