"""How fast makemore trains, counts and starts.

    uv run python benchmarks/throughput.py                      about ten minutes
    uv run python benchmarks/throughput.py --lines polish.txt,npm.txt     also n-grams on your own lists
    uv run python benchmarks/throughput.py --short

Training: predicted tokens per second of every type with its default size, batch and teacher on names. Only
steps are timed, and the types take turns. A token takes 6 N floating-point operations (2 N forward, 4 N
backward), where N is the number of weights in the matrices. The operations per second are compared with those
of one large matrix product in the same run, with the same precision and threads. Counting: `fit` of an n-gram
of order 5 on 4,000,000 lines, each made of two random lines of the bundled words. Starting: whole processes,
in turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch
from torch import nn

import makemore
from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.distributed.devices import fast_dtype
from makemore.metrics.baselines import fitted
from makemore.models import MODELS, build, configure
from makemore.models.ngram import Config, NGram
from makemore.runs.settings import DEFAULT_TYPE, Given, recipe
from makemore.training.engine import Engine
from makemore.training.learner import Learner
from makemore.training.plan import settings_for
from makemore.training.teacher import TEACHER_ORDER, teacher_of


def peak(precision: torch.dtype, size: int = 2048) -> float:
    """Return the operations a second of one large matrix product."""
    a, b = (torch.randn(size, size).to(precision) for _ in range(2))
    seconds = []
    for _ in range(7):
        began = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / statistics.median(seconds)


def training(rounds: int, steps: int) -> dict[str, Any]:
    """Return the rates, tokens per step and weights in matrices of every type that is trained."""
    corpus, engine = read("names"), Engine(torch.device("cpu"))
    ngram = fitted(corpus, "ngram", order=TEACHER_ORDER)
    learners: dict[str, Learner] = {}
    found: dict[str, Any] = {}
    for type, cls in MODELS.items():
        if cls.counting:
            continue
        model = build(type, len(corpus.vocab), configure(type, corpus.longest))
        settings = settings_for(type, corpus, Given(), engine.device)
        teacher = teacher_of(ngram, settings.teacher, engine.device)
        learners[type] = Learner(model, corpus, settings, engine, teacher)

        tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
        matrices = sum(p.numel() for p in model.parameters() if p.ndim == 2 and id(p) not in tables)
        batch = recipe(type).tokens
        found[type] = {"matrices": 0 if type == "bigram_nn" else matrices, "batch": batch, "rates": []}
    peaks, precision = [], fast_dtype(engine.device)
    for _ in range(rounds):
        peaks.append(peak(precision))
        for type, learner in learners.items():
            learner.step(0.001, 0)
            began = time.perf_counter()
            tokens = sum(learner.step(0.001, 0)[2] for _ in range(steps))
            found[type]["rates"].append(tokens / (time.perf_counter() - began))
    return {
        "types": found,
        "peak": statistics.median(peaks),
        "precision": str(precision).removeprefix("torch."),
    }


def compounds(corpus: Corpus, n: int) -> np.ndarray[Any, Any]:
    """Return the stream of n lines, each made of two random lines of the corpus."""
    stream = corpus.stream(np.random.default_rng(1).integers(0, len(corpus), 2 * n))
    inner = np.flatnonzero(stream == 0)[1:-1:2]  # the boundaries inside the pairs
    return np.delete(stream, inner)


def counting(lists: list[str], n: int, rounds: int) -> dict[str, Any]:
    """Return lines, tokens, vocabulary and seconds of fitting an n-gram of order 5 on each list."""
    words = read("words")
    found: dict[str, Any] = {}
    for name in ["two bundled words a line", *lists]:
        if name in lists:
            corpus = read(name)
            tokens, vocab_size = corpus.tokens, len(corpus.vocab)
        else:
            tokens, vocab_size = compounds(words, n), len(words.vocab)
        stream, seconds = torch.from_numpy(tokens.astype(np.int64)), []
        for _ in range(rounds):
            model = NGram(vocab_size, Config(5))
            began = time.perf_counter()
            model.fit(stream)
            seconds.append(time.perf_counter() - began)
        found[Path(name).name] = {
            "lines": int((tokens == 0).sum()) - 1,
            "tokens": len(tokens) - 1,
            "characters": vocab_size - 1,
            "first": seconds[0],
            "seconds": statistics.median(seconds),
        }
        print(name, found[Path(name).name], flush=True)
    return found


def starting(rounds: int, type: str) -> dict[str, list[float]]:
    """Return the seconds that whole processes take, in each round."""
    command = str(Path(sys.executable).with_name("makemore"))
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        run = str(Path(directory) / "run")
        makemore.train("names", work_dir=run, type=type, max_steps=20 if type == DEFAULT_TYPE else None)
        commands = {
            "interpreter": [sys.executable, "-c", "pass"],
            "import makemore": [sys.executable, "-c", "import makemore"],
            "makemore --help": [command, "--help"],
            "import torch": [sys.executable, "-c", "import torch"],
            "makemore sample -n 1": [command, "sample", run, "-n", "1"],
        }
        for i in range(rounds + 1):
            for name, line in commands.items():
                began = time.perf_counter()
                subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
                if i:  # the first round fills the disk's cache
                    times.setdefault(name, []).append(time.perf_counter() - began)
    return times


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    train, rows = kept["training"], []
    for type, r in train["types"].items():
        rate = statistics.median(r["rates"])
        share = 6 * r["matrices"] * rate / train["peak"]
        rows.append([f"`{type}`", f"{r['batch']:,}", f"{r['matrices']:,}", f"{rate:,.0f}", f"{share:.1%}"])
    middle = {name: statistics.median(times) for name, times in kept["starting"].items()}
    compiled = (
        "" if kept["bytecode"] else " Python's bytecode was not kept, so every start compiled all sources."
    )
    return (
        "## Throughput\n\n`uv run python benchmarks/throughput.py`\n\n### Training\n\n"
        f"Matrix products in {train['precision']}; one of 2,048 x 2,048 reaches "
        f"{train['peak'] / 1e9:,.0f} GFLOP/s.\n\n"
        + common.table(
            ["type", "tokens a step", "weights in matrices", "tokens/s", "share of the peak"], rows
        )
        + "\n### Counting: n-gram of order 5\n\n"
        + common.table(
            ["list", "lines", "tokens", "characters", "seconds", "lines/s", "first time, lines/s"],
            [
                [
                    name,
                    f"{r['lines']:,}",
                    f"{r['tokens']:,}",
                    str(r["characters"]),
                    f"{r['seconds']:.2f}",
                    f"{r['lines'] / r['seconds']:,.0f}",
                    f"{r['lines'] / r['first']:,.0f}",
                ]
                for name, r in kept["counting"].items()
            ],
        )
        + "\n### Starting\n\n"
        + common.table(["process", "seconds"], [[name, f"{value:.3f}"] for name, value in middle.items()])
        + f"\n`makemore --help` takes {middle['makemore --help'] - middle['interpreter']:.3f} s beyond the "
        f"interpreter's own start, one sample {middle['makemore sample -n 1'] - middle['import torch']:.3f} "
        f"s beyond importing torch (medians).{compiled}\n\n" + common.about(kept)
    )


def main() -> None:
    """Measure all three, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--lines", default="", help="files to count n-grams of, separated by commas")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    short = options.short
    lists = [name for name in options.lines.split(",") if name]
    kept = common.machine() | {
        "starting": starting(1, "bigram") if short else starting(9, DEFAULT_TYPE),
        "training": training(1 if short else 7, 2 if short else 40),
        "counting": counting(lists, 4000 if short else 4_000_000, 1 if short else 5),
        "bytecode": not (sys.dont_write_bytecode or os.environ.get("PYTHONDONTWRITEBYTECODE")),
    }
    print(section(kept))
    if not short:
        common.keep("throughput", kept)


if __name__ == "__main__":
    main()
