"""Train every type with its defaults on every bundled list, and write what came out to RESULTS.md.

    uv run python benchmarks/defaults.py                       all of it, about half an hour on two cores
    uv run python benchmarks/defaults.py --types lstm,gru --lists names
    uv run python benchmarks/defaults.py --short               20 steps each: does it work?

Results are kept in benchmarks/defaults.json, one entry a type and list, so that some can be measured
again without the others. Losses are nats per token on makemore's own split; the time is the whole of
training, evaluations included.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import torch

import makemore
from makemore.models import MODELS
from makemore.run import to_json

HERE = Path(__file__).parent
KEPT = HERE / "defaults.json"
LISTS = ("names", "words", "companies")


def main() -> None:
    """Measure what was asked for, keep it, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--types", default=",".join(MODELS), help="which types, with commas between")
    parser.add_argument("--lists", default=",".join(LISTS), help="which lists, with commas between")
    parser.add_argument("--short", action="store_true", help="20 steps each, nothing kept")
    options = parser.parse_args()

    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    for source in options.lists.split(","):
        for type in options.types.split(","):
            result = measure(source, type, 20 if options.short else None)
            kept[f"{source} {type}"] = result
            print(source, type, result, flush=True)
            if not options.short:
                KEPT.write_text(to_json(kept, indent=1) + "\n", "utf-8")
    if not options.short:
        (HERE / "RESULTS.md").write_text(tables(kept), "utf-8")


def measure(source: str, type: str, max_steps: int | None) -> dict[str, Any]:
    """Train one type on one list and return what its summary says."""
    with tempfile.TemporaryDirectory() as directory:
        run = makemore.train(source, type=type, work_dir=directory, max_steps=max_steps, device="cpu")
        summary = run.summary
    assert summary is not None
    return {
        "parameters": summary["parameters"],
        "steps": summary["steps"],
        "seconds": summary["seconds"],
        "nll": summary["nll"],
        "measured": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__.split('+')[0]}",
    }


def tables(kept: dict[str, Any]) -> str:
    """Return RESULTS.md: one table a list, the types in the order of the ladder."""
    parts = [
        "# Results\n\nWritten by `uv run python benchmarks/defaults.py`: every type with its defaults, one seed,"
        " makemore's own split.\nLosses in nats per token, times of a shared machine.\n"
    ]
    for source in LISTS:
        rows = [(type, kept[f"{source} {type}"]) for type in MODELS if f"{source} {type}" in kept]
        if not rows:
            continue
        parts.append(
            f"\n## {source}\n\n| type | parameters | steps | seconds | train | validation | test |\n"
        )
        parts.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
        for type, r in rows:
            nll = " | ".join(f"{r['nll'][split]:.4f}" for split in ("train", "validation", "test"))
            parts.append(f"| {type} | {r['parameters']:,} | {r['steps']:,} | {r['seconds']:.1f} | {nll} |\n")
        about = sorted({f"{r['machine']}, {r['measured']}" for _, r in rows})
        parts.append(f"\nMeasured on {'; '.join(about)}.\n")
    return "".join(parts)


if __name__ == "__main__":
    main()
