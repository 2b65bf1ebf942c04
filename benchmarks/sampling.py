"""How many names a second are sampled, compared with the original's `generate`.

    uv run python benchmarks/sampling.py --reference PATH      about ten minutes on two cores
    uv run python benchmarks/sampling.py                       without the original
    uv run python benchmarks/sampling.py --short

PATH is a copy of karpathy/makemore's makemore.py. The original's Transformer (4 layers, 4 heads, 64 channels)
and our models, each trained for --steps steps on names with its own recipe, sample 1, 10, 100, ... names at a
time: the original by `generate` of 15 characters, cut at the end as in its `print_samples`; ours as a finished
run does, by `draw.sample` from the form in NumPy. Turning ids into text is timed on both sides. All take turns for several rounds (three for
10,000 names); rates come from medians. The original is timed with all threads and with one, and compared with
the faster of the two. "again" is a run that was sampled from before, so its first steps are cached.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import torch

from makemore.corpus.cache import read
from makemore.distributed.devices import own_process
from makemore.inference import FORMS
from makemore.models import MODELS, configure
from makemore.runs.settings import DEFAULT_TYPE, recipe
from makemore.sampling.draw import sample
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Tree

SIZES = (1, 10, 100, 1_000, 10_000)
ORIGINAL, ALONE = "original", "original, one thread"
COMPARED = tuple(dict.fromkeys(("transformer", DEFAULT_TYPE)))
"""The types that the table compares with the original, each also when it was sampled from before."""


def theirs(path: str, steps: int) -> Callable[[int], list[str]]:
    """Return a function that samples n names from the original's Transformer, trained for some steps."""
    module = common.original(path)
    corpus = common.protocol("makemore.py")
    lines = corpus.lines(corpus.rows("train"))
    data = module.CharDataset(lines, sorted(set("".join(lines))), corpus.longest)
    torch.manual_seed(1)
    config = module.ModelConfig(block_size=corpus.longest + 1, vocab_size=data.get_vocab_size())
    model = common.quietly(module.Transformer, config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01, betas=(0.9, 0.99), eps=1e-8)
    loader = module.InfiniteDataLoader(data, batch_size=32, num_workers=0)
    for _ in range(steps):
        x, y = loader.next()
        model.zero_grad(set_to_none=True)
        model(x, y)[1].backward()
        optimizer.step()
    model.eval()

    def draw(n: int) -> list[str]:
        start = torch.zeros(n, 1, dtype=torch.long)
        rows = module.generate(model, start, corpus.longest, do_sample=True)[:, 1:].tolist()
        return [data.decode(row[: row.index(0)] if 0 in row else row) for row in rows]

    return draw


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    rows = []
    rates = {
        name: {n: int(n) / statistics.median(times) for n, times in sizes.items()}
        for name, sizes in kept["seconds"].items()
    }
    for name, row in rates.items():
        rows.append(
            [name if name.startswith(ORIGINAL) else f"`{name}`", *(f"{rate:,.0f}" for rate in row.values())]
        )
    ratios = ""
    if ORIGINAL in rates:
        best = {n: max(rates[ORIGINAL][n], rates[ALONE][n]) for n in rates[ORIGINAL]}
        for name in (name for type in COMPARED for name in (type, f"{type}, again") if name in rates):
            times = [f"**{rates[name][n] / best[n]:.1f}**" for n in best]
            rows.append([f"**{name} : original**", *times])
        ours = {name: row for name, row in rates.items() if not name.startswith(ORIGINAL)}
        ratio, name, n = min(
            (rate / best[n], name, n) for name, row in ours.items() for n, rate in row.items()
        )
        ratios = (
            f"\nThe smallest ratio of any type to the original is {ratio:.1f} (`{name}`, {n} at a time).\n"
        )
    head = ["model", *(f"{int(n):,}" for n in next(iter(rates.values())))]
    return (
        "## Sampling\n\n`uv run python benchmarks/sampling.py --reference PATH`: names a second, by how many "
        'are sampled at a time. "Again": the first steps are cached from an earlier call.\n\n'
        f"{common.table(head, rows)}{ratios}\nHow long a whole process takes to "
        f"print its first sample: see Throughput, Starting.\n\n{common.about(kept)}"
    )


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--reference", help="a copy of karpathy/makemore's makemore.py")
    parser.add_argument("--steps", type=int, default=500, help="steps to train each model first")
    parser.add_argument("--types", default=",".join(MODELS), help="which types of ours, separated by commas")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    sizes: tuple[int, ...] = SIZES
    if options.short:
        options.steps, options.rounds, sizes = 3, 1, SIZES[:2]
    own_process()  # as the command line does
    torch.set_num_threads(options.threads)
    corpus = read("names")
    any_line = SampleOptions(max_length=corpus.longest)
    draw: dict[str, Callable[[int], Any]] = {}
    if options.reference:
        original = theirs(str(Path(options.reference)), options.steps)
        draw[ORIGINAL] = draw[ALONE] = original
    for type in options.types.split(","):
        how = dataclasses.replace(recipe(type), max_steps=options.steps)
        trained = common.trained(corpus, type, {}, how, 1)
        arrays = {name: tensor.detach().numpy() for name, tensor in trained.state_dict().items()}
        knobs = dataclasses.asdict(configure(type, corpus.longest))
        model = FORMS[type](len(corpus.vocab), knobs, arrays)
        draw[type] = lambda n, model=model: list(sample(model, corpus.vocab, n, any_line))
        if type in COMPARED:
            tree = Tree(model, corpus.vocab, "", corpus.longest)
            tree.look_ahead()
            draw[f"{type}, again"] = lambda n, model=model, tree=tree: list(
                sample(model, corpus.vocab, n, any_line, tree=tree)
            )
        print(f"{type} is ready", flush=True)
    seconds: dict[str, dict[str, list[float]]] = {name: {str(n): [] for n in sizes} for name in draw}
    for n in sizes:
        for i in range((options.rounds if n < 10_000 else min(3, options.rounds)) + 1):
            for name, function in draw.items():
                torch.set_num_threads(1 if name == ALONE else options.threads)
                repeats = max(1, 20 // n)
                began = time.perf_counter()
                for _ in range(repeats):
                    assert len(function(n)) == n
                if i:  # the first round warms up
                    seconds[name][str(n)].append((time.perf_counter() - began) / repeats)
        print(f"{n} at a time: done", flush=True)
    kept = common.machine() | {"seconds": seconds}
    print(section(kept))
    if not options.short and options.types == parser.get_default("types"):
        common.keep("sampling", kept)


if __name__ == "__main__":
    main()
