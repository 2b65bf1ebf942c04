"""How much sooner makemore reaches the best loss of the original, and how low its own loss gets.

    uv run python benchmarks/time_to_quality.py --reference PATH     most of an hour on two cores
    uv run python benchmarks/time_to_quality.py --reference PATH --short

PATH is a copy of karpathy/makemore's makemore.py. Both train the same Transformer (4 layers, 4 heads, 64
channels, 204,544 parameters) on names under makemore.py's protocol, in turns: some steps of one, then some of
the other. Only steps are timed. The test loss is exact, over all 1,000 lines, on both sides.

The original trains with AdamW at 5e-4 on batches of 32 lines, sampled with replacement and padded to the
longest. Loading its data is not timed, as if its workers took no time. After 18,000 steps it has long
overfitted (its best step in a run of 30,000 was 16,000). Ours takes the steps of `makemore.train`; making
batches and fitting the teacher are timed. Its schedule ends after --steps, and in a second run, for the best
loss, after --long-steps.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import common
import torch

from makemore.corpus.corpus import Corpus
from makemore.distributed.devices import fast_dtype
from makemore.metrics.losses import evaluate
from makemore.models import build, configure, count_parameters
from makemore.runs.settings import Given, Recipe
from makemore.training.engine import Engine
from makemore.training.learner import Learner
from makemore.training.plan import settings_for
from makemore.training.teacher import fit_teacher

ORIGINAL, OURS, ALONE, LONG = "original", "makemore", "makemore, no teacher", "makemore, long"
RATE, TOKENS, TEACHER = 1e-2, 512, 0.5


def theirs(
    module: Any,
    corpus: Corpus,
    seed: int,
    steps: int,
    every: int,
    make: Any = None,
    held_out: Any = ("test",),
) -> Iterator[tuple[Any, ...]]:
    """Train the original, a Transformer or what `make` makes of a config, with its defaults.

    Every `every` steps, yield the step, seconds of training so far and the loss of each split that is held out.
    """
    lines = {split: corpus.lines(corpus.rows(split)) for split in ("train", *held_out)}
    chars = corpus.vocab.characters
    data = {split: module.CharDataset(each, chars, corpus.longest) for split, each in lines.items()}
    scored = [[torch.stack(rows) for rows in zip(*data[split], strict=True)] for split in held_out]
    torch.manual_seed(seed)
    config = module.ModelConfig(block_size=corpus.longest + 1, vocab_size=len(chars) + 1)
    model = common.quietly(make or module.Transformer, config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01, betas=(0.9, 0.99), eps=1e-8)
    loader = module.InfiniteDataLoader(data["train"], batch_size=32, num_workers=0)
    seconds = 0.0
    for step in range(1, steps + 1):
        x, y = loader.next()
        began = time.perf_counter()
        _, loss = model(x, y)
        model.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        seconds += time.perf_counter() - began
        if step % every == 0:
            model.eval()
            with torch.inference_mode():  # one batch for each split: the mean is over all tokens
                losses = [float(model(inputs, targets)[1]) for inputs, targets in scored]
            model.train()
            yield step, seconds, *losses


def ours(
    corpus: Corpus, seed: int, steps: int, every: int, dropout: float, share: float
) -> Iterator[tuple[int, float, float]]:
    """Do the same with makemore's own step. share: The n-gram's share of the targets."""
    torch.manual_seed(seed)
    model = build("transformer", len(corpus.vocab), configure("transformer", corpus.longest, dropout=dropout))
    assert count_parameters(model) == 204_544
    engine = Engine(torch.device("cpu"))
    how = Recipe(steps, RATE, 0.01, muon=True, teacher=share, tokens=TOKENS)
    settings = settings_for("transformer", corpus, Given(seed=seed), engine.device, how)
    learner = Learner(model, corpus, settings, engine, fit_teacher(corpus, share, engine.device))
    seconds = 0.0
    for step in range(1, steps + 1):
        began = time.perf_counter()
        learner.step((step - 0.5) / steps, step - 1)
        seconds += time.perf_counter() - began
        if step % every == 0 or step == steps:
            yield step, seconds, evaluate(model, corpus, corpus.rows("test")).nll


def measure(module: Any, seed: int, options: Any) -> dict[str, Any]:
    """Train both with one seed, in turns, and return their curves: [step, seconds, test loss] each."""
    corpus = common.protocol("makemore.py")
    every = max(1, options.steps // 40), max(1, options.long_steps // 40)
    runs: dict[str, Iterator[tuple[Any, ...]]] = {
        ORIGINAL: theirs(
            module, corpus, seed, options.reference_steps, max(1, options.reference_steps // 75)
        ),
        OURS: ours(corpus, seed, options.steps, every[0], 0.0, TEACHER),
        ALONE: ours(corpus, seed, 2 * options.steps, 2 * every[0], 0.0, 0.0),
        LONG: ours(corpus, seed, options.long_steps, every[1], options.dropout, TEACHER),
    }
    curves: dict[str, list[tuple[Any, ...]]] = {name: [] for name in runs}
    random = dict.fromkeys(
        runs, torch.get_rng_state()
    )  # each has its own, so that none depends on the others
    while runs:
        for name, run in list(runs.items()):
            torch.set_rng_state(random[name])
            point = next(run, None)
            random[name] = torch.get_rng_state()
            if point is None:
                del runs[name]
            else:
                curves[name].append(point)
                print(
                    f"seed {seed}  {name:22} step {point[0]:6,}  {point[1]:7.1f} s  test {point[2]:.4f}",
                    flush=True,
                )
    return curves


def reached(curve: list[Any], loss: float) -> float:
    """Return the seconds after which a curve is at a loss or below; inf if it never is."""
    return next((point[1] for point in curve if point[2] <= loss), float("inf"))


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    rows, times = [], []
    for seed, curves in ((seed, each["curves"]) for seed, each in kept.items()):
        step, seconds, best = min(curves[ORIGINAL], key=lambda point: point[2])
        times.append((seconds, reached(curves[OURS], best), reached(curves[ALONE], best)))
        rows.append(
            [
                seed,
                f"{best:.4f}",
                f"{step:,} of {curves[ORIGINAL][-1][0]:,}",
                *(f"{t:.1f}" for t in times[-1]),
                f"{curves[OURS][-1][2]:.4f}",
                f"{curves[ALONE][-1][2]:.4f}",
                f"{curves[LONG][-1][2]:.4f}",
                f"{curves[LONG][-1][1]:.0f}",
            ]
        )
    original, ours_, alone = (statistics.median(each) for each in zip(*times, strict=True))
    long = statistics.median(each["curves"][LONG][-1][2] for each in kept.values())
    precision = " or ".join(sorted({each["precision"] for each in kept.values()}))
    (long_steps,) = {each["curves"][LONG][-1][0] for each in kept.values()}
    head = [
        "seed",
        "original's best test",
        "at step",
        "after s",
        "ours equal after s",
        "without teacher s",
        "our end",
        "without teacher",
        "our long end",
        "after s",
    ]
    return (
        "## Time to quality\n\n`uv run python benchmarks/time_to_quality.py --reference PATH`: the "
        "original's Transformer and ours, both with 204,544 parameters, on names under makemore.py's "
        f"protocol. Ours trains with Muon, steps of {TOKENS} tokens, other initial weights and {precision} "
        f"matrix products, and takes {TEACHER:.0%} of its targets from a 6-gram of the training lines; its "
        'time includes fitting the 6-gram. "Without teacher" is the same without the 6-gram and with twice '
        "the steps. Our settings were chosen while watching this test split.\n\n"
        + common.table(head, rows)
        + f"\n**{original / ours_:.1f} times faster** to the original's best loss ({original / alone:.1f} "
        f"without the teacher; ratios of medians); at the end of {long_steps:,} steps the median test loss "
        f"is **{long:.4f}**.\n\n" + "".join(sorted({common.about(each) for each in kept.values()}))
    )


def main() -> None:
    """Measure every seed, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--reference", required=True, help="a copy of karpathy/makemore's makemore.py")
    parser.add_argument("--seeds", default="3407,1,2", help="seeds, separated by commas")
    parser.add_argument("--steps", type=int, default=800, help="our steps to the original's best")
    parser.add_argument("--long-steps", type=int, default=3000, help="our steps for the best loss")
    parser.add_argument("--dropout", type=float, default=0.1, help="our dropout for the best loss")
    parser.add_argument("--reference-steps", type=int, default=18_000)
    options = parser.parse_args()
    if options.short:
        options.seeds, options.steps, options.long_steps, options.reference_steps = "1", 40, 40, 40
    torch.set_num_threads(options.threads)
    module = common.original(str(Path(options.reference)))
    kept = {} if options.short else common.load("time_to_quality")
    for seed in options.seeds.split(","):
        kept[seed] = common.machine() | {
            "precision": str(fast_dtype(torch.device("cpu"))).removeprefix("torch."),
            "curves": measure(module, int(seed), options),
        }
        if not options.short:
            common.keep("time_to_quality", kept)
    print(section(kept))


if __name__ == "__main__":
    main()
