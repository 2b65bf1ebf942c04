"""How much sooner makemore reaches the best loss that the original ever reaches, and how far it gets.

    uv run python benchmarks/time_to_quality.py --reference PATH     about half an hour on two cores
    uv run python benchmarks/time_to_quality.py --reference PATH --short

PATH is a copy of karpathy/makemore's makemore.py. Both train the same Transformer (4 layers, 4 heads, 64
channels, 204,544 parameters) on names under makemore.py's protocol, in turns: so many steps of the one, a
slice of the other. Only steps are timed. The test loss is exact, over all 1,000 lines, on both sides. The
original: AdamW at 5e-4, 32 lines drawn with replacement, padded to the longest; its loading of data is left
out of its time, as if its workers did that for nothing. Ours: what `makemore.train` does a step, with batches and the n-gram
that teaches included, and a schedule that ends after --steps; then, for the best loss, after --long-steps.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import common
import torch

from makemore.batches import Batches
from makemore.corpus import Corpus
from makemore.evaluation import evaluate
from makemore.loop import TEACHER_ORDER, fitted
from makemore.models import build, configure, count_parameters
from makemore.optimizer import fast_dtype, optimizers, schedule, update

RATE, TOKENS, TEACHER = 1e-2, 512, 0.5


def theirs(
    module: Any, corpus: Corpus, seed: int, steps: int, every: int
) -> Iterator[tuple[int, float, float]]:
    """Train the original; yield step, seconds of training so far and test loss every so many steps."""
    train, test = (corpus.lines(corpus.rows(split)) for split in ("train", "test"))
    chars = sorted(set("".join(train + test)))
    data = {
        k: module.CharDataset(lines, chars, corpus.longest) for k, lines in (("train", train), ("test", test))
    }
    inputs, targets = (torch.stack(rows) for rows in zip(*data["test"], strict=True))
    torch.manual_seed(seed)
    config = module.ModelConfig(block_size=corpus.longest + 1, vocab_size=len(chars) + 1)
    model = common.quietly(module.Transformer, config)
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
            with torch.inference_mode():
                loss = model(inputs, targets)[1]  # one batch: the mean is over all tokens
            model.train()
            yield step, seconds, float(loss)


def ours(
    corpus: Corpus, seed: int, steps: int, every: int, dropout: float
) -> Iterator[tuple[int, float, float]]:
    """The same for makemore's own step."""
    torch.manual_seed(seed)
    model = build("transformer", len(corpus.vocab), configure("transformer", corpus.longest, dropout=dropout))
    assert count_parameters(model) == 204_544
    opts = optimizers(model.train(), RATE, 0.01, muon=True)
    began = time.perf_counter()
    teacher = fitted(corpus, "ngram", order=TEACHER_ORDER)
    seconds = time.perf_counter() - began
    rows = corpus.rows("train")
    batches = iter(Batches(rows, corpus.lengths[rows], TOKENS, seed))
    precision = fast_dtype(torch.device("cpu"))
    for step in range(1, steps + 1):
        began = time.perf_counter()
        inputs, targets = (torch.from_numpy(array) for array in corpus.batch(next(batches)))
        update(
            model, opts, RATE * schedule((step - 0.5) / steps), inputs, targets, precision, teacher, TEACHER
        )
        seconds += time.perf_counter() - began
        if step % every == 0 or step == steps:
            yield step, seconds, evaluate(model, corpus, corpus.rows("test")).nll


def measure(module: Any, seed: int, options: Any) -> dict[str, Any]:
    """Train both with one seed, in turns, and return their curves: [step, seconds, test loss] each."""
    corpus = common.protocol("makemore.py")
    curves: dict[str, list[tuple[int, float, float]]] = {"original": [], "makemore": [], "makemore long": []}
    runs = {
        "original": theirs(module, corpus, seed, options.reference_steps, options.reference_steps // 40),
        "makemore": ours(corpus, seed, options.steps, max(1, options.steps // 40), 0.0),
        "makemore long": ours(
            corpus, seed, options.long_steps, max(1, options.long_steps // 40), options.dropout
        ),
    }
    while runs:
        for name, run in list(runs.items()):
            if (point := next(run, None)) is None:
                del runs[name]
            else:
                curves[name].append(point)
                print(
                    f"seed {seed}  {name:14} step {point[0]:6,}  {point[1]:7.1f} s  test {point[2]:.4f}",
                    flush=True,
                )
    return curves


def summary(curves: dict[str, Any]) -> dict[str, float]:
    """Return the best losses and the times of one seed."""
    step, seconds, best = min(curves["original"], key=lambda point: point[2])
    reached = [point for point in curves["makemore"] if point[2] <= best]
    return {
        "original best": best,
        "original step": step,
        "original seconds": seconds,
        "makemore step": reached[0][0] if reached else -1,
        "makemore seconds": reached[0][1] if reached else float("inf"),
        "makemore end": curves["makemore"][-1][2],
        "makemore best": min(point[2] for point in curves["makemore long"]),
        "makemore long end": curves["makemore long"][-1][2],
        "makemore long seconds": curves["makemore long"][-1][1],
    }


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    found = {seed: summary(curves) for seed, curves in kept["seeds"].items()}
    rows = [
        [
            seed, f"{s['original best']:.4f}", f"{s['original step']:,}", f"{s['original seconds']:.1f}",
            f"{s['makemore step']:,}", f"{s['makemore seconds']:.1f}", f"{s['makemore end']:.4f}",
            f"{s['makemore best']:.4f}", f"{s['makemore long seconds']:.0f}",
        ]
        for seed, s in found.items()
    ]  # fmt: skip
    middle = {key: statistics.median(s[key] for s in found.values()) for key in next(iter(found.values()))}
    ratio = middle["original seconds"] / middle["makemore seconds"]
    return (
        "## Time to quality\n\n"
        "`uv run python benchmarks/time_to_quality.py --reference PATH`: the original's Transformer and ours, both "
        f"with {204_544:,} parameters, names, makemore.py's protocol, {kept['precision']} matrix products in ours. "
        "Seconds are those of training steps alone.\n\n"
        + common.table(
            ["seed", "original's best test", "at step", "seconds", "ours there at step", "seconds", "our end", "our best",
             "its seconds"],
            rows,
        )
        + f"\n**{ratio:.1f} times sooner** (medians: {middle['original seconds']:.1f} s and "
        f"{middle['makemore seconds']:.1f} s); best test losses, medians: original {middle['original best']:.4f}, ours "
        f"**{middle['makemore best']:.4f}**, which its {kept['long_steps']:,} steps end with "
        f"{middle['makemore long end']:.4f}.\n\n" + common.about(kept)
    )  # fmt: skip


def main() -> None:
    """Measure every seed, and keep what came out."""
    parser = common.parser(__doc__)
    parser.add_argument("--reference", required=True, help="a copy of karpathy/makemore's makemore.py")
    parser.add_argument("--seeds", default="3407,1,2", help="with commas between")
    parser.add_argument("--steps", type=int, default=700, help="our steps to the original's best")
    parser.add_argument("--long-steps", type=int, default=3000, help="our steps for the best loss")
    parser.add_argument("--dropout", type=float, default=0.1, help="our dropout for the best loss")
    parser.add_argument("--reference-steps", type=int, default=16_000)
    options = parser.parse_args()
    if options.short:
        options.seeds, options.steps, options.long_steps, options.reference_steps = "1", 40, 40, 40
    torch.set_num_threads(options.threads)
    module = common.original(str(Path(options.reference)))
    kept: dict[str, Any] = common.machine() | {
        "precision": str(fast_dtype(torch.device("cpu"))).removeprefix("torch."),
        "long_steps": options.long_steps,
        "seeds": {},
    }
    for seed in options.seeds.split(","):
        kept["seeds"][seed] = measure(module, int(seed), options)
        print(summary(kept["seeds"][seed]), flush=True)
        if not options.short:
            common.keep("time_to_quality", kept, section(kept))
    print(section(kept))


if __name__ == "__main__":
    main()
