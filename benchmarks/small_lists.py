"""Up to how many lines does counting win? The default type against the 6-gram on lists of 50 to 1,300 lines.

    uv run python benchmarks/small_lists.py              all lists and sizes; continues where it stopped
    uv run python benchmarks/small_lists.py --lists names --repeats 3
    uv run python benchmarks/small_lists.py --short

A small list holds out too few lines for a loss on them to say anything. So each small list is subsampled from
a larger one, trained on like any list, and judged on other lines of the larger one (those that have only its
characters).
"""

from __future__ import annotations

import random
import statistics
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch

import makemore
from makemore.corpus.corpus import Corpus
from makemore.metrics import losses as evaluation
from makemore.runs.settings import DEFAULT_TYPE

LISTS = ("dinosaurs", "towns", "names", "words", "companies")
SIZES = (50, 150, 500, 1300)
TYPES = ("ngram", DEFAULT_TYPE)
FRESH, SAMPLES, STEPS = 500, 500, 300


def pool(name: str) -> list[str]:
    """Return the different lines of a list: a bundled one, or one beside this script."""
    path = common.HERE / "lists" / f"{name}.txt"
    corpus = common.read(path if path.exists() else name)
    return sorted(set(corpus.lines(range(len(corpus)))))


def measure(lines: list[str], fresh: list[str], seed: int, steps: int) -> dict[str, dict[str, float]]:
    """Train both types on some lines, and judge them on fresh ones and by their samples."""
    found = {}
    kinds = {unicodedata.category(line[0]) for line in lines}
    for type in TYPES:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "lines.txt"
            path.write_text("\n".join(lines) + "\n", "utf-8")
            more = {} if type == "ngram" else {"max_steps": steps, "seed": seed}
            run = makemore.train(path, type=type, work_dir=Path(directory) / "run", device="cpu", **more)
            known = [line for line in fresh if run.vocab.knows(line)]
            tokens = run.vocab.encode("\n" + "".join(line + "\n" for line in known))
            judged = Corpus(run.vocab, tokens)
            loss = evaluation.evaluate(run.model, judged, np.arange(len(known))).nll
            samples = run.sample(SAMPLES, seed=seed)
            found[type] = {
                "fresh": loss,
                "test": run.summary().nll["test"],
                "copies": run.corpus.seen(samples).count("train") / len(samples),
                "strange": sum(not s or unicodedata.category(s[0]) not in kinds for s in samples)
                / len(samples),
            }
    return found


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    rows = []
    for name, sizes in kept["lists"].items():
        for size, repeats in sizes.items():
            pairs = [[each[type]["fresh"] for type in TYPES] for each in repeats]
            ahead = [counting - learned for counting, learned in pairs]
            wrong = sum(
                (each["ngram"]["test"] < each[DEFAULT_TYPE]["test"]) != (a < b)
                for each, (a, b) in zip(repeats, pairs, strict=True)
            )
            mean = {
                (type, key): statistics.mean(each[type][key] for each in repeats)
                for type in TYPES
                for key in ("copies", "strange")
            }
            rows.append(
                [
                    name,
                    size,
                    str(len(repeats)),
                    *(common.spread([pair[i] for pair in pairs]) for i in (0, 1)),
                    common.spread(ahead),
                    str(sum(a < 0 for a in ahead)),
                    str(wrong),
                    *(f"{mean[type, key]:.0%}" for key in ("copies", "strange") for type in TYPES),
                ]
            )
    head = [
        "list",
        "lines",
        "repeats",
        "6-gram",
        DEFAULT_TYPE,
        f"6-gram minus {DEFAULT_TYPE}",
        "6-gram ahead",
        "own test lines favour the other",
        "copies, 6-gram",
        f"copies, {DEFAULT_TYPE}",
        "strange first, 6-gram",
        f"strange first, {DEFAULT_TYPE}",
    ]
    return (
        "## Small lists\n\n`uv run python benchmarks/small_lists.py`: lists subsampled from larger ones; "
        f"{DEFAULT_TYPE} is trained for at most {kept['steps']} steps. Losses are on fresh lines: lines of "
        'the larger list that are not in the small one. "6-gram ahead": in how many repeats the 6-gram has '
        'the lower loss on fresh lines. "Own test lines favour the other": in how many repeats the small '
        "list's own test lines would have chosen the other type. Copies: samples that are training "
        "lines. Strange first: samples whose first character is of a kind (Unicode category) that no line "
        "begins with.\n\n" + common.table(head, rows) + "\n" + common.about(kept)
    )


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--lists", default=",".join(LISTS), help="which lists, separated by commas")
    parser.add_argument("--repeats", type=int, default=5, help="random lists of each size")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    before = {} if options.short else common.load("small_lists")
    kept: dict[str, Any] = common.machine() | {"steps": STEPS, "lists": before.get("lists", {})}
    for repeat in range(1 if options.short else options.repeats):
        for name in options.lists.split(","):
            every = pool(name)
            for size in SIZES[:1] if options.short else SIZES:
                done = kept["lists"].get(name, {}).get(str(size), [])
                if size > len(every) - 50 or len(done) > repeat:
                    continue
                chance = random.Random(f"{name} {size} {repeat}")
                order = chance.sample(every, min(len(every), size + FRESH))
                done.append(measure(order[:size], order[size:], repeat, 5 if options.short else STEPS))
                kept["lists"].setdefault(name, {})[str(size)] = done
                print(f"{name} {size} {repeat}: {done[-1]}", flush=True)
                if not options.short:
                    common.keep("small_lists", kept)
    print(section(kept))
    if not options.short:
        common.keep("small_lists", kept)


if __name__ == "__main__":
    main()
