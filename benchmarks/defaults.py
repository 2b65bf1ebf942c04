"""Train every type with its defaults on every bundled list, as a person would.

    uv run python benchmarks/defaults.py                       all of it, an hour on two cores
    uv run python benchmarks/defaults.py --types lstm,gru --lists names
    uv run python benchmarks/defaults.py --types mixture --seeds 1,2,3
    uv run python benchmarks/defaults.py --time 60             every type for 60 seconds
    uv run python benchmarks/defaults.py --types mixture --time 300 --knobs n_embd2=512
    uv run python benchmarks/defaults.py --short               20 steps each: does it work?

Results are kept in benchmarks/results/defaults.json, one entry per type, list, time, seed and knobs, so that
some can be measured again without the others. Losses are nats per token on makemore's own split. Each training
has a process of its own. Its seconds are those of the training, evaluations included; "whole" counts imports,
reading, scoring and pictures as well, and the memory is the highest of that process.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common

from makemore.models import MODELS

LISTS = ("names", "words", "companies")
SEED = 3407
TRAIN = """
import json, re, sys, torch, makemore
from pathlib import Path
how = json.loads(sys.argv[1])
torch.set_num_threads(how.pop("threads"))
makemore.train(**how, device="cpu", progress=False)
print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def main() -> None:
    """Measure the types and lists given on the command line, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--types", default=",".join(MODELS), help="which types, separated by commas")
    parser.add_argument("--lists", default=",".join(LISTS), help="which lists, separated by commas")
    parser.add_argument("--seeds", default=str(SEED), help="which seeds, separated by commas")
    parser.add_argument(
        "--knobs", default="", help="other values than the defaults, as n_embd2=512,dropout=0.3"
    )
    parser.add_argument(
        "--time", type=float, help="seconds to train each, instead of its own number of steps"
    )
    options = parser.parse_args()
    kept = common.load("defaults").get("runs", [])
    for source in options.lists.split(","):
        for type in options.types.split(","):
            how: dict[str, Any] = {"time": options.time} if options.time else {}
            how = {} if MODELS[type].counting else {"max_steps": 20} if options.short else how
            how |= {
                k: json.loads(v) for k, v in (each.split("=") for each in options.knobs.split(",") if each)
            }
            for seed in [SEED] if MODELS[type].counting else map(int, options.seeds.split(",")):
                what = {
                    "list": source,
                    "type": type,
                    "time": options.time,
                    "seed": seed,
                    "knobs": options.knobs,
                }
                result = what | measure(source, type, options.threads, how | {"seed": seed})
                print(source, type, seed, result["seconds"], result["nll"], flush=True)
                kept = [each for each in kept if any(each[k] != what[k] for k in what)] + [result]
                if not options.short:
                    common.keep("defaults", {"runs": kept})
    print(section({"runs": kept}))


def measure(source: str, type: str, threads: int, how: dict[str, Any]) -> dict[str, Any]:
    """Train one type on one list in a process of its own, and return what its summary says."""
    with tempfile.TemporaryDirectory() as directory:
        run = str(Path(directory) / "run")
        how = how | {"source": source, "type": type, "work_dir": run, "threads": threads}
        busy = os.getloadavg()[0] > threads + 1  # its own last training counts, too
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", TRAIN, json.dumps(how)], capture_output=True, text=True, check=True
        )
        whole = time.monotonic() - start
        summary = json.loads((Path(run) / "summary.json").read_text("utf-8"))
    cost = {
        "whole": round(whole, 1),
        "megabytes": round(int(done.stdout.split()[-1]) * 1024 / 1e6),
        "busy": busy,
    }
    kept = {k: summary[k] for k in ("parameters", "steps", "seconds", "nll")}
    return kept | cost | common.machine() | {"threads": threads}


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md: a table per list, then one of types with the same time."""
    parts = [
        "## Defaults\n\n`uv run python benchmarks/defaults.py`: every type with its defaults. Seconds are those "
        "of the training; whole ones count imports, reading, scoring and pictures as well; MB is the highest "
        "memory of that process. Times taken beside other work are left out.\n"
    ]
    runs = grouped(kept["runs"])
    head = ["type", "parameters", "steps", "seconds", "whole", "MB", "seeds", "train", "validation", "test"]
    for source in LISTS:
        rows = [row(runs[key]) for key in runs if key[:3] == (source, None, "")]
        if rows:
            parts.append(f"\n### {source}\n\n" + common.table(head, rows))
    for seconds in sorted({key[1] for key in runs if key[1]}):
        parts.append(same_time(runs, seconds))
    return "".join(parts) + "\n" + "".join(sorted({common.about(each) for each in kept["runs"]}))


Key = tuple[str, float | None, str, str]


def grouped(runs: list[dict[str, Any]]) -> dict[Key, list[dict[str, Any]]]:
    """Return the seeds of each list, time, knobs and type, in the order of MODELS."""
    found: dict[Key, list[dict[str, Any]]] = {}
    for each in sorted(runs, key=lambda each: list(MODELS).index(each["type"])):
        found.setdefault((each["list"], each["time"], each["knobs"], each["type"]), []).append(each)
    return found


def row(seeds: list[dict[str, Any]]) -> list[str]:
    """Return the row of a type. Times that were taken beside other work are left out."""

    def cost(key: str, digits: int) -> str:
        found = [each[key] for each in seeds if key in each and not (each.get("busy") and key != "megabytes")]
        return f"{statistics.median(found):,.{digits}f}" if found else ""

    return [
        f"`{seeds[0]['type']}`",
        f"{seeds[0]['parameters']:,}",
        f"{statistics.median(each['steps'] for each in seeds):,.0f}",
        *(cost(key, digits) for key, digits in (("seconds", 1), ("whole", 1), ("megabytes", 0))),
        str(len(seeds)),
        *(
            common.spread([each["nll"][split] for each in seeds], 4)
            for split in ("train", "validation", "test")
        ),
    ]


def same_time(runs: dict[Key, list[dict[str, Any]]], seconds: float) -> str:
    """Return a table of the types that had the same time on every list, ordered by their mean rank."""
    found: dict[str, dict[str, list[float]]] = {}
    for (source, limit, knobs, type), seeds in runs.items():
        if limit == seconds:
            name = f"`{type}`" + f", {knobs}" * bool(knobs)
            found.setdefault(name, {})[source] = [each["nll"]["test"] for each in seeds]
    mean = {
        name: {source: statistics.mean(x) for source, x in lists.items()} for name, lists in found.items()
    }
    ranks = {
        name: {s: 1 + sum(other.get(s, math.inf) < own[s] for other in mean.values()) for s in own}
        for name, own in mean.items()
    }
    rows = [
        [
            name,
            *(
                f"{common.spread(found[name][s], 4)} ({ranks[name][s]})" if s in found[name] else ""
                for s in LISTS
            ),
            f"{statistics.mean(ranks[name].values()):.1f}",
        ]
        for name in sorted(found, key=lambda name: statistics.mean(ranks[name].values()))
    ]
    return (
        f"\n### In the same {seconds:g} seconds\n\n`--time {seconds:g}`: test loss, and its rank among these "
        "types. Counting (`ngram`) is done long before the time is over.\n\n"
        + common.table(["type", *LISTS, "mean rank"], rows)
    )


if __name__ == "__main__":
    main()
