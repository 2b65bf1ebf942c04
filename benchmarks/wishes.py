"""How long wishes take that few lines satisfy, by looking ahead and by plain sampling.

    uv run python benchmarks/wishes.py              about ten minutes on two cores
    uv run python benchmarks/wishes.py --short

The default model is trained on names, for --steps steps if that is given, and samples 20 names that satisfy each
wish, in NumPy as the command line does. How many lines satisfy a wish is the mean weight of the lines that the
look-ahead proposes. The effective sample size is the share of these lines that would be as good if all had one
weight. Plain sampling is timed on 20,000 lines, and multiplied by what 20 names need.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from typing import Any

import common
import numpy as np

import makemore
from makemore.sampling import rare
from makemore.sampling.draw import _Chunks
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Tree
from makemore.sampling.wanted import Wanted

WISHES: tuple[dict[str, Any], ...] = (
    {"ends_with": "son"},
    {"ends_with": "ington"},
    {"ends_with": "ington", "contains": "z"},
    {"contains": ("q", "x", "z")},
    {"ends_with": "zzz", "length": "5-6"},
)
LINES, PLAIN = 20, 20_000


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    rows = []
    for name, found in kept["wishes"].items():
        plain = statistics.median(kept["plain"]) / PLAIN * LINES / found["share"]
        rows.append(
            [
                name,
                f"{found['share']:.1e}",
                "yes" if found["ahead"] else "no",
                f"{statistics.median(found['seconds']):.1f}",
                f"{found['effective']:.0%}",
                f"{plain:,.0f}",
            ]
        )
    head = ["wish", "lines that satisfy it", "looks ahead", "20 names, s", "effective sample size"]
    return (
        "## Wishes\n\n`uv run python benchmarks/wishes.py`: seconds until 20 names satisfy a wish.\n\n"
        f"{common.table([*head, 'plain sampling, s'], rows)}\n{common.about(kept)}"
    )


def looked_ahead(run: makemore.Run, wishes: dict[str, Any]) -> dict[str, float]:
    """Return the share of lines that satisfy wishes, and the effective sample size, from 32,768 proposed lines."""
    longest = run.corpus.longest
    options = SampleOptions(max_length=longest, **wishes)
    tree = Tree(run.form or run.model, run.vocab, "", longest)
    wanted = Wanted(1, options, tree)
    chunks = _Chunks(tree, wanted)
    assert wanted.outlook is not None
    stream = run.corpus.stream(run.corpus.rows("train"))
    ahead = rare.LookAhead(stream, run.vocab, wanted.outlook, longest, cut=False)
    random = np.random.default_rng(1)
    weights = np.concatenate([chunks.proposed(4096, random, ahead)[1] for _ in range(8)])
    return {"share": float(weights.mean()), "effective": rare.effective_size(weights) / len(weights)}


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--steps", type=int, help="steps to train the model first")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asked = WISHES
    if options.short:
        options.steps, options.rounds, asked = 3, 1, WISHES[:1]
    wishes: dict[str, dict[str, Any]] = {}
    plain = []
    with tempfile.TemporaryDirectory() as place:
        makemore.train("names", work_dir=f"{place}/run", max_steps=options.steps, seed=1, progress=False)
        run = makemore.load(f"{place}/run")
        for i in range(options.rounds):
            began = time.perf_counter()
            run.sample(PLAIN, seed=i)
            plain.append(time.perf_counter() - began)
        for each in asked:
            found: dict[str, Any] = looked_ahead(run, each)
            found |= {"ahead": found["share"] < 1 / rare.RARE, "seconds": []}
            for i in range(options.rounds):
                began = time.perf_counter()
                assert len(run.sample(LINES, seed=i, **each)) == LINES
                found["seconds"].append(time.perf_counter() - began)
            name = ", ".join(f"{key}={value}" for key, value in each.items())
            wishes[f"`{name}`"] = found
            print(f"{name}: done", flush=True)
    kept = common.machine() | {"wishes": wishes, "plain": plain}
    print(section(kept))
    if not options.short:
        common.keep("wishes", kept)


if __name__ == "__main__":
    main()
