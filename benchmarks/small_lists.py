"""Which type is best on a short list? Every type on random lists of 50 to 1,300 lines.

    uv run python benchmarks/small_lists.py              hours; continues where it stopped
    uv run python benchmarks/small_lists.py --lists names --types ngram,mixture --repeats 3
    uv run python benchmarks/small_lists.py --short

A small list holds out too few lines for a loss on them to say anything. So each small list is subsampled from
a larger one, trained on like any list, and judged on other lines of the larger one (those that have only its
characters). Processes may work on different lists or sizes at the same time.
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
from makemore.models import MODELS
from makemore.runs.settings import DEFAULT_TYPE

LISTS = ("dinosaurs", "towns", "names", "words", "companies")
SIZES = (50, 150, 300, 1300)
FRESH, SAMPLES, STEPS = 500, 500, 300


def pool(name: str) -> list[str]:
    """Return the different lines of a list: a bundled one, or one beside this script."""
    path = common.HERE / "lists" / f"{name}.txt"
    corpus = common.read(path if path.exists() else name)
    return sorted(set(corpus.lines(range(len(corpus)))))


def sizes_of(every: list[str]) -> list[int]:
    """Return the sizes that leave fresh lines; 150 only if 300 do not."""
    fits = [size for size in SIZES if size <= len(every) - 50]
    return [size for size in fits if size != 150 or 300 not in fits]


def measure(type: str, lines: list[str], fresh: list[str], seed: int, steps: int) -> dict[str, float]:
    """Train a type on some lines, and judge it on fresh ones and by its samples."""
    kinds = {unicodedata.category(line[0]) for line in lines}
    with tempfile.TemporaryDirectory() as directory:
        more = {} if MODELS[type].counting else {"max_steps": steps, "seed": seed}
        run = makemore.train(
            lines=lines, type=type, work_dir=Path(directory) / "run", device="cpu", progress=False, **more
        )
        known = [line for line in fresh if run.vocab.knows(line)]
        judged = Corpus(run.vocab, run.vocab.encode("\n" + "".join(line + "\n" for line in known)))
        loss = evaluation.evaluate(run.model, judged, np.arange(len(known))).nll
        samples = run.sample(SAMPLES, seed=seed)
        strange = sum(unicodedata.category(line[0]) not in kinds for line in samples)
        return {
            "fresh": loss,
            "test": run.summary().nll["test"],
            "copies": run.corpus.seen(samples).count("train") / len(samples),
            "strange": strange / len(samples),
        }


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    types = [type for type in MODELS if any(type in each for each in cells(kept).values())]
    rows, shares = [], []
    for (name, size), found in cells(kept).items():
        mean = {type: statistics.mean(each["fresh"] for each in found[type].values()) for type in found}
        repeats = max(len(each) for each in found.values())
        best = min((type for type in mean if len(found[type]) == repeats), key=mean.__getitem__)
        cell = {
            type: f"**{x:.3f}**"
            if type == best
            else f"{x:.3f}" + f" ({len(found[type])})" * (len(found[type]) < repeats)
            for type, x in mean.items()
        }
        both = sorted(found[best].keys() & found.get(DEFAULT_TYPE, {}).keys())
        behind = [found[DEFAULT_TYPE][i]["fresh"] - found[best][i]["fresh"] for i in both]
        rows.append(
            [name, size, str(repeats), *(cell.get(type, "") for type in types), common.spread(behind)]
        )
        for key in ("copies", "strange"):
            share = [
                f"{statistics.mean(e[key] for e in found[t].values()):.1%}" if t in found else ""
                for t in types
            ]
            shares.append([name, size, key, *share])
    return (
        "## Small lists\n\n`uv run python benchmarks/small_lists.py`: random lists, subsampled from larger ones; "
        f"types that are trained step by step take at most {kept['steps']} steps. Losses are means over the "
        "repeats, in nats per token, on fresh lines: lines of the larger list that are not in the small one. "
        "A number in brackets says that there were fewer repeats; the best of the others is bold. "
        f'"Behind": by how much {DEFAULT_TYPE}, the default, is behind that one on the same lists.\n\n'
        + common.table(["list", "lines", "repeats", *types, "behind"], rows)
        + "\nOf the samples, copies are training lines, and strange ones begin with a kind of character (Unicode "
        "category) that no line begins with.\n\n"
        + common.table(["list", "lines", "share", *types], shares)
        + "\n"
        + common.about(kept)
    )


def cells(kept: dict[str, Any]) -> dict[tuple[str, str], dict[str, dict[str, dict[str, float]]]]:
    """Return for each list and size what was measured, by type and repeat."""
    return {(name, size): found for name, sizes in kept["lists"].items() for size, found in sizes.items()}


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--lists", default=",".join(LISTS), help="which lists, separated by commas")
    parser.add_argument("--types", default=",".join(MODELS), help="which types")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="which sizes")
    parser.add_argument("--repeats", type=int, default=20, help="random lists of each size")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    kept: dict[str, Any] = common.machine() | {"steps": STEPS, "lists": {}}
    names, types = options.lists.split(","), options.types.split(",")
    sizes = [int(size) for size in options.sizes.split(",")]
    if not options.short:
        kept["lists"] = common.load("small_lists").get("lists", {})
    for repeat in range(1 if options.short else options.repeats):
        for name in names:
            every = pool(name)
            for size in SIZES[:1] if options.short else [n for n in sizes_of(every) if n in sizes]:
                chance = random.Random(f"{name} {size} {repeat}")
                order = chance.sample(every, min(len(every), size + FRESH))
                done = kept["lists"].setdefault(name, {}).setdefault(str(size), {})
                steps = 5 if options.short else STEPS
                new = {
                    type: {str(repeat): measure(type, order[:size], order[size:], repeat, steps)}
                    for type in types
                    if str(repeat) not in done.get(type, {})
                }
                if not options.short:  # another process may have kept other cells
                    kept["lists"] = common.load("small_lists").get("lists", {})
                    done = kept["lists"].setdefault(name, {}).setdefault(str(size), {})
                for type, measured in new.items():
                    done.setdefault(type, {}).update(measured)
                if new and not options.short:
                    common.keep("small_lists", kept)
                    print(f"{name} {size} {repeat}: done", flush=True)
    print(section(kept))


if __name__ == "__main__":
    main()
