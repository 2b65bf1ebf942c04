"""Does an ejected script learn as much as makemore? Each type with its defaults on names, one seed.

    uv run python benchmarks/eject.py --threads 1                  an hour; continues where it stopped
    uv run python benchmarks/eject.py --types bow,mlp
    uv run python benchmarks/eject.py --alone                      minutes
    uv run python benchmarks/eject.py --short

A script (`makemore eject TYPE`) runs in a process of its own. The losses of makemore are those of defaults.py or, of
newer types, of ladder.py; types that count are fitted again here. With --alone every script takes 300 steps on
lists/towns.txt, in an environment that is made for it and has torch and numpy only.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import common
import ladder

import makemore
from makemore.models import MODELS, model_class

TYPES = [*MODELS]

LIST, SEED = "names", 3407

ALONE_STEPS = 300

SAID = r"nats per character: train (\S+), validation (\S+), test (\S+)"
"""What a script prints after training."""


def losses_of(printed: str) -> dict[str, float]:
    """Return the losses in what a script has printed."""
    found = re.search(SAID, printed)
    assert found is not None, printed
    return dict(zip(("train", "validation", "test"), map(float, found.groups()), strict=True))


def script(
    type: str, directory: Path, threads: int, max_steps: int | None, python: str = sys.executable
) -> dict[str, Any]:
    """Train a script; return its length in lines, its losses, and the seconds of processor time it took."""
    text = makemore.eject(type)
    (directory / "mine.py").write_text(text, "utf-8")
    steps = [] if max_steps is None or model_class(type).counting else ["--max-steps", str(max_steps)]
    command = [python, "-P", "mine.py", "-i", "list.txt", *steps]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return {"lines": len(text.splitlines()), "seconds": seconds, "script": losses_of(done.stdout)}


def library(type: str, directory: Path) -> dict[str, float]:
    """Return the losses of makemore; the means of other seeds if there is no run with the same."""
    if model_class(type).counting:
        run = makemore.train(LIST, type=type, work_dir=directory / "run", progress=False, overwrite=True)
        summary = run.summary()
        assert summary is not None
        return dict(summary.nll)
    what = {"list": LIST, "type": type, "time": None, "knobs": ""}
    found = [run for run in common.load("defaults").get("runs", []) if what.items() <= run.items()]
    found = [run for run in found if run["seed"] == SEED] or found
    if not found:  # the ladder has newer types
        rung = next(rung for rung in ladder.RUNGS if rung.type == type and not rung.knobs | rung.recipe)
        kept = common.load("ladder")
        found = [kept[key] for key in kept if key.startswith(f"{rung.name} | own |")]
    splits = found[0]["nll"] if found else ()
    return {split: statistics.mean(run["nll"][split] for run in found) for split in splits}


def alone(directory: Path, threads: int) -> dict[str, dict[str, float]]:
    """Train every script in an environment that has torch and numpy only; return their losses."""
    place = directory / "alone"
    python = str(place / ("Scripts" if os.name == "nt" else "bin") / "python")
    torch = f"torch=={importlib.metadata.version('torch').split('+')[0]}"
    for command in (["venv", place], ["pip", "install", "--python", python, torch, "numpy"]):
        subprocess.run(["uv", *command], check=True, capture_output=True)
    (directory / "list.txt").write_bytes((common.HERE / "lists" / "towns.txt").read_bytes())
    found = {}
    for type in TYPES:
        found[type] = script(type, directory, threads, ALONE_STEPS, python)["script"]
        print(type, found[type], flush=True)
    return found


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    kept, apart = {type: kept[type] for type in TYPES if type in kept}, kept.get("alone")
    rows = []
    for type in TYPES:
        if not (found := kept.get(type)):
            continue
        own, ours = found["script"], found["library"]
        losses = [
            f"{each[split]:.4f}" if each else "–" for split in ("validation", "test") for each in (own, ours)
        ]
        difference = f"{own['test'] - ours['test']:+.4f}" if ours else "–"
        rows.append([f"`{type}`", str(found["lines"]), *losses, difference])
    head = ["type", "lines", "validation", "makemore", "test", "makemore", "difference"]
    return (
        "## Scripts\n\n`uv run python benchmarks/eject.py`: each type as one Python file (`makemore eject`), trained "
        "with its defaults on names, one seed, beside makemore's losses with as many steps: with the same seed, "
        "or for `mixture` the mean of three others, and for `mingru` and `llama` the ladder's.\n\n"
        + common.table(head, rows)
        + "\n"
        + "".join(sorted({common.about(each) for each in kept.values()}))
        + (_alone(apart) if apart else "")
    )


def _alone(apart: dict[str, Any]) -> str:
    rows = [
        [f"`{type}`", f"{of['validation']:.4f}", f"{of['test']:.4f}"] for type, of in apart["losses"].items()
    ]
    return (
        f"\nIn an environment with torch and numpy only, {ALONE_STEPS} steps on lists/towns.txt, a list in Cyrillic:"
        f"\n\n{common.table(['type', 'validation', 'test'], rows)}\n{common.about(apart)}"
    )


def main() -> None:
    """Measure what has not been measured yet."""
    parser = common.parser(__doc__)
    parser.add_argument("--types", default=",".join(TYPES), help="types, separated by commas")
    parser.add_argument("--alone", action="store_true", help="run each with torch and numpy only")
    given = parser.parse_args()
    kept = {} if given.short else common.load("eject")
    for type in kept.keys() & set(TYPES):  # these do not depend on training
        kept[type]["lines"] = len(makemore.eject(type).splitlines())
    corpus = common.read(LIST)
    with tempfile.TemporaryDirectory() as place:
        there = Path(place)
        if given.alone:
            kept["alone"] = common.machine() | {"losses": alone(there, given.threads)}
            common.keep("eject", kept)
            return
        lines = corpus.lines(range(0, len(corpus), 50 if given.short else 1))
        (there / "list.txt").write_text("\n".join(lines), "utf-8")
        for type in given.types.split(","):
            if type in kept:
                continue
            kept[type] = script(type, there, given.threads, 3 if given.short else None)
            kept[type] |= {"library": {} if given.short else library(type, there)} | common.machine()
            print(type, json.dumps(kept[type]["script"]), flush=True)
            if not given.short:
                common.keep("eject", kept)
    if not given.short:
        common.keep("eject", kept)
    if given.short:
        print(section(kept))


if __name__ == "__main__":
    main()
