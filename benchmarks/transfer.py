"""What does it help to start from a run on another list? Small lists, learned from scratch and from words.

    uv run python benchmarks/transfer.py                 half an hour; continues where it stopped
    uv run python benchmarks/transfer.py --types gru --seeds 1
    uv run python benchmarks/transfer.py --short

A run on the bundled words is the source (`makemore.train(..., from_run=...)`). Each small list is subsampled
from a larger one and judged on other lines of it, as in small_lists.py.
"""

from __future__ import annotations

import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

import common
import numpy as np
import small_lists
import torch

import makemore
from makemore.corpus.corpus import Corpus
from makemore.metrics import losses as evaluation
from makemore.runs.settings import DEFAULT_TYPE

LISTS, SIZES, FRESH = ("dinosaurs", "names", "companies"), (50, 300, 1300), 500
SOURCE_STEPS = 1000


def loss(lines: list[str], fresh: list[str], directory: Path, **options: Any) -> float:
    """Train on some lines; return the loss on fresh ones, in nats per token."""
    run = makemore.train(
        lines=lines, work_dir=directory, device="cpu", progress=False, overwrite=True, **options
    )
    known = [line for line in fresh if run.vocab.knows(line)]
    judged = Corpus(run.vocab, run.vocab.encode("\n" + "".join(line + "\n" for line in known)))
    return evaluation.evaluate(run.model, judged, np.arange(len(known))).nll


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    rows = []
    for place, found in kept["lists"].items():
        type, name, size = place.split()
        scratch, learned = ([each[way] for each in found.values()] for way in ("scratch", "words"))
        gains = [a - b for a, b in zip(scratch, learned, strict=True)]
        means = (f"{statistics.mean(each):.3f}" for each in (scratch, learned))
        rows.append([type, name, size, *means, common.spread(gains)])
    return (
        "## Learning from another run\n\n`uv run python benchmarks/transfer.py`: small lists, subsampled from larger "
        f"ones, learned from scratch and from a run on words of {kept['source_steps']:,} steps "
        "(`--from`). Losses are in nats per token, on fresh lines of the larger list.\n\n"
        + common.table(["type", "list", "lines", "from scratch", "from words", "gain"], rows)
        + "\n"
        + common.about(kept)
    )


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--types", default=f"lstm,{DEFAULT_TYPE}", help="which types, separated by commas")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    steps = {"max_steps": 5} if options.short else {}
    kept: dict[str, Any] = common.machine() | {"source_steps": SOURCE_STEPS, "lists": {}}
    if not options.short:
        kept["lists"] = common.load("transfer").get("lists", {})
    with tempfile.TemporaryDirectory() as directory:
        for type in options.types.split(","):
            source = Path(directory) / type
            of = {"type": type, "device": "cpu", "progress": False}
            makemore.train("words", work_dir=source, **({"max_steps": SOURCE_STEPS} | steps), **of)
            for name in LISTS[:1] if options.short else LISTS:
                every = small_lists.pool(name)
                for size in [size for size in SIZES if size <= len(every) - 50]:
                    found = kept["lists"].setdefault(f"{type} {name} {size}", {})
                    for seed in range(1 if options.short else options.seeds):
                        if str(seed) in found:
                            continue
                        chosen = random.Random(f"{name} {size} {seed}")
                        lines = chosen.sample(every, min(len(every), size + FRESH))
                        parts = lines[:size], lines[size:], Path(directory) / "run"
                        found[str(seed)] = {
                            "scratch": loss(*parts, type=type, seed=seed, **steps),
                            "words": loss(*parts, from_run=source, seed=seed, **steps),
                        }
                        print(f"{type} {name} {size} {seed}: {found[str(seed)]}", flush=True)
                        if not options.short:
                            common.keep("transfer", kept)
    print(section(kept))


if __name__ == "__main__":
    main()
