"""How makemore deals with files larger than memory, and with several processes.

    uv run python benchmarks/scale.py                      synthetic files of 0.47 and 5 GB; half an hour
    uv run python benchmarks/scale.py --files npm.txt      with lists of your own
    uv run python benchmarks/scale.py --parts processes    only some of files, commands and processes
    uv run python benchmarks/scale.py --short

Files: three processes with one thread each. The first runs `makemore train` for some steps on a file that was
never read before; the second only reads the file into an empty cache; the third finds it in the cache and
reads a first batch. Memory is the peak of the whole process as the system reports it, torch included.
Synthetic lines consist of random words of the bundled list. Batches: how fast one thread reads batches from
the largest file.

Commands: other commands on a file and its run.

Processes: the same training by one process and by two, with one thread each, in turns; the time of a step is
the median. Sampling and scoring are timed as whole processes. Efficiency is the speed of two processes
divided by twice that of one. Exchange: how fast two processes sum numbers, which they do with all gradients
in every step.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import numpy as np
from scale_section import section

from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.corpus.vocab import BOUNDARY

SIZES = (0.47, 5.0)
"""Gigabytes of the synthetic files."""

WORDS_A_LINE = 7

STEPS = 100

SETTINGS = (("lstm", 1024), ("lstm", 8192), ("transformer", 1024), ("transformer", 8192))
"""Types, and tokens in a batch, that one and two processes train with."""

PARTS = ("files", "commands", "processes")


def synthetic(path: Path, size: float) -> None:
    """Write a file of about `size` bytes: lines of random words."""
    words = read("words")
    corpus = Corpus.from_lines([line for line in words.lines(np.arange(len(words))) if line.isascii()])
    random = np.random.default_rng(1)
    codes = corpus.vocab.codes.astype(np.uint8)
    with open(path, "wb") as file:
        while file.tell() < size:
            n = int(min(100_000, max(100, size / 67))) * WORDS_A_LINE
            stream = corpus.stream(random.integers(len(corpus), size=n))[1:]
            text = codes[stream]
            ends = np.flatnonzero(stream == BOUNDARY)
            text[ends] = ord(" ")
            text[ends[random.random(len(ends)) < 1 / WORDS_A_LINE]] = ord("\n")
            text[-1] = ord("\n")
            text.tofile(file)


def process(command: list[Any], cache: Path, threads: int = 1) -> tuple[float, float, str]:
    """Run a process, and return its seconds, its peak in MB and what it printed."""
    environment = os.environ | {"MAKEMORE_CACHE": str(cache), "OMP_NUM_THREADS": str(threads)}
    environment["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    began, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile("w+") as out:
        started = subprocess.Popen(list(map(str, command)), env=environment, stdout=out)
        # from /proc, since the peak reported at its end includes this process, from which it was forked
        while started.poll() is None:
            with contextlib.suppress(OSError, TypeError):
                status = Path(f"/proc/{started.pid}/status").read_text()
                peak = int(re.search(r"VmHWM:\s*(\d+)", status)[1]) * 1024 / 1e6  # type: ignore[index]
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        out.seek(0)
        printed = out.read()
    if started.returncode:
        sys.exit(f"{' '.join(map(str, command))}: status {started.returncode}")
    return seconds, peak, printed


PYTHON = [sys.executable, "-c"]
MAKEMORE = [sys.executable, "-m", "makemore"]

READ = """
import json, sys, time
from makemore.corpus.batches import Batches
from makemore.corpus.cache import read
began = time.perf_counter()
corpus = read(sys.argv[1])
opened = time.perf_counter() - began
corpus.batch(next(iter(Batches(corpus, "train", 1024, 1))))
first = time.perf_counter() - began
rates = {}
for tokens in (1024, 16384, 262144) if len(sys.argv) > 2 else ():
    served, n, began = iter(Batches(corpus, "train", tokens, 1)), 0, time.perf_counter()
    while time.perf_counter() - began < 5:
        n += int((corpus.batch(next(served))[1] >= 0).sum())
    rates[tokens] = n / (time.perf_counter() - began)
    if tokens == 16384:
        began, n = time.perf_counter(), 0
        while time.perf_counter() - began < 5:
            n += int(corpus.lengths[next(served)].sum())
        rates["planned"] = n / (time.perf_counter() - began)
print(json.dumps({"read": opened, "first": first, "lines": len(corpus), "rates": rates}))
"""


def files(paths: list[Path], directory: Path, steps: int) -> dict[str, Any]:
    """Return for each file what reading it and training on it took."""
    found: dict[str, Any] = {}
    cache = directory / "cache"
    for path in paths:
        shutil.rmtree(cache, ignore_errors=True)
        run = directory / f"{path.stem}-run"
        train = ["train", "-i", path, "-o", run, "--overwrite", "--max-steps", steps, "--device", "cpu"]
        trained, peak, _ = process([*MAKEMORE, *train], cache)
        shutil.rmtree(cache, ignore_errors=True)
        _, building, printed = process([*PYTHON, READ, path], cache)
        built = json.loads(printed)
        on_disk = sum(file.stat().st_size for file in cache.glob("*/*"))
        _, reading, printed = process([*PYTHON, READ, path, "rates"], cache)
        again = json.loads(printed)
        found[path.name] = {
            "bytes": path.stat().st_size,
            "lines": built["lines"],
            "trained": trained,
            "trained_peak": peak,
            "built": built["read"],
            "built_peak": building,
            "first": again["first"],
            "read_peak": reading,
            "on_disk": on_disk,
            "rates": again["rates"],
        }
        print(path.name, found[path.name], flush=True)
    return found


def commands(path: Path, directory: Path) -> dict[str, Any]:
    """Return what other commands take on a file and its existing run."""
    run, cache, found = directory / f"{path.stem}-run", directory / "cache", {}
    some = directory / "some.txt"
    with open(path, "rb") as file:
        some.write_bytes(file.read(1_000_000).rpartition(b"\n")[0])
    for name, words in {
        "inspect": ["inspect", path],
        "eval": ["eval", run],
        "report": ["report", run],
        "sample -n 10000 --novel": ["sample", run, "-n", 10_000, "--novel"],
        "score, 1 MB": ["score", run, "-i", some],
    }.items():
        seconds, peak, _ = process([*MAKEMORE, *words], cache)
        found[name] = {"seconds": seconds, "peak": peak}
        print(name, found[name], flush=True)
    return found


TRAIN = """
import json, os, statistics, sys, time
import makemore
source, run, type, tokens, steps = sys.argv[1:]
times, last = [], None
def on_event(event):
    global last
    now = time.perf_counter()
    if event.__class__.__name__ == "Step":
        if last is not None:
            times.append(now - last)
        last = now
    else:
        last = None
mean = 228146 / 32033
trained = makemore.train(source, work_dir=run, overwrite=True, type=type, max_steps=int(steps), device="cpu",
                         on_event=on_event, batch_size=round(int(tokens) / mean), precision="float32")
if os.environ.get("RANK", "0") == "0":
    parameters = sum(p.numel() for p in trained.model.parameters())
    names = ("best.safetensors", "last.safetensors")
    sizes = {name: (trained.directory / name).stat().st_size for name in names}
    print(json.dumps({"step": statistics.median(times[5:]), "parameters": parameters, "sizes": sizes}))
"""

EXCHANGE = """
import json, statistics, sys, time
import torch
from torch import distributed
distributed.init_process_group("gloo")
found = {}
for n in (350_000, 3_500_000, 35_000_000):
    numbers, times = torch.zeros(n), []
    for _ in range(9):
        distributed.barrier()
        began = time.perf_counter()
        distributed.all_reduce(numbers)
        times.append(time.perf_counter() - began)
    found[n] = statistics.median(times)
if distributed.get_rank() == 0:
    print(json.dumps(found))
distributed.barrier()
distributed.destroy_process_group()
"""


def launcher(n: int) -> list[str]:
    """Return the words that start a script in several processes."""
    return ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(n)] if n > 1 else []


def processes(directory: Path, rounds: int, steps: int, lines: int) -> dict[str, Any]:
    """Return how one and two processes train, sample and score."""
    script, cache = directory / "train.py", directory / "cache"
    script.write_text(TRAIN, "utf-8")
    found: dict[str, Any] = {"training": {}, "losses": {}}
    runs = {n: directory / f"run{n}" for n in (1, 2)}
    for type, tokens in SETTINGS:
        each: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(rounds):
            for n, run in runs.items():
                command = [sys.executable, *launcher(n), script, "names", run, type, tokens, steps]
                told = json.loads(process(command, cache)[2].splitlines()[-1])
                each[n].append(told["step"])
        left, right = (
            [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
            for run in runs.values()
        )
        apart = max(
            abs(a[name] - b[name])
            for a, b in zip(left, right, strict=True)
            for name in ("batch", "train", "validation")
        )
        name = f"{type}, {tokens:,}"
        found["training"][name] = {
            "tokens": tokens,
            "steps": {str(n): statistics.median(times) for n, times in each.items()},
            "apart": apart,
            "parameters": told["parameters"],
            "sizes": told["sizes"],
        }
        print(name, found["training"][name], flush=True)
    process([*MAKEMORE, "train", "-o", runs[1], "--overwrite", "--max-steps", 300], cache)
    drawn = directory / "drawn.txt"
    for name, words in {
        "sample": ["sample", runs[1], "-n", lines, "--seed", 1],
        "score": ["score", runs[1], "-i", drawn],
    }.items():
        taken: dict[int, list[float]] = {1: [], 2: []}
        start = {n: process([*MAKEMORE, "sample", runs[1], "-n", 1, "--nproc", n], cache)[0] for n in (1, 2)}
        for _ in range(rounds):
            for n in (1, 2):
                seconds, _, printed = process([*MAKEMORE, *words, "--nproc", n], cache)
                taken[n].append(seconds - start[n])
                if name == "sample":
                    drawn.write_text(printed, "utf-8")
        found[name] = {
            "lines": lines,
            "start": start,
            "seconds": {n: statistics.median(t) for n, t in taken.items()},
        }
        print(name, found[name], flush=True)
    script.write_text(EXCHANGE, "utf-8")
    found["exchange"] = json.loads(process([sys.executable, *launcher(2), script], cache)[2].splitlines()[-1])
    return found


def main() -> None:
    """Measure the parts given on the command line, and keep the results with the earlier ones."""
    parser = common.parser(__doc__)
    parser.add_argument("--files", default="", help="more files to measure, separated by commas")
    parser.add_argument("--parts", default=",".join(PARTS), help="which parts, separated by commas")
    parser.add_argument("--dir", default=None, help="where to write about 20 GB of temporary files")
    options = parser.parse_args()
    short, parts = options.short, options.parts.split(",")
    kept = common.load("scale") | common.machine() | {"threads": 1}
    with tempfile.TemporaryDirectory(dir=options.dir) as temporary:
        directory = Path(temporary)
        paths = [Path(name).resolve() for name in options.files.split(",") if name]
        if "files" in parts or "commands" in parts:
            for size in (0.001,) if short else SIZES:
                paths.append(directory / f"synthetic, {size:g} GB.txt")
                synthetic(paths[-1], size * 1e9)
            kept["steps"] = 3 if short else STEPS
            kept["torch_peak"] = process([*PYTHON, "import torch"], directory)[1]
            kept["files"] = files(paths, directory, kept["steps"])
        if "commands" in parts:
            path = paths[-1 if short else -2]
            kept["commands"], kept["commands_on"] = commands(path, directory), path.name
        if "processes" in parts:
            rounds, steps, lines = (1, 8, 50) if short else (3, 50, 100_000)
            kept["processes"] = processes(directory, rounds, steps, lines)
    kept = json.loads(json.dumps(kept))  # as it will be read
    print(section(kept))
    if not short:
        common.keep("scale", kept)


if __name__ == "__main__":
    main()
