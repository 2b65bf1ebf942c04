"""What the original makemore.py reaches with as many steps as a script takes, for each type that both have.

    uv run python benchmarks/same_steps.py --reference PATH --threads 1      ten minutes on one core
    uv run python benchmarks/same_steps.py --reference PATH --short

PATH is a copy of karpathy/makemore's makemore.py. The original has no number of steps of its own: it trains until
it is stopped. So it takes here as many steps as the script does by default, and goes on to --long-steps, for its
batches are smaller. Both train on the same lines of names, makemore's split; of both, the test loss is that of
the step with the best validation loss. The scripts' losses are those of eject.py.
"""

from __future__ import annotations

from typing import Any

import common
import torch
from time_to_quality import theirs

from makemore.runs.settings import recipe

TYPES = ("bow", "mlp", "rnn", "gru", "transformer")

EVERY, SEED = 500, 3407


def maker(module: Any, type: str) -> Any:
    """Return what makes a model of the original's of a config."""
    if type in ("rnn", "gru"):
        return lambda config: module.RNN(config, type)
    return {"bow": module.BoW, "mlp": module.MLP, "transformer": module.Transformer}[type]


def best(curve: list[Any], steps: int) -> Any:
    """Return the point with the lowest validation loss up to a step: step, seconds, validation and test loss."""
    return min((point for point in curve if point[0] <= steps), key=lambda point: point[2])


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    rows, scripts = [], common.load("eject")
    for type in TYPES:
        if type not in kept:
            continue
        ours, curve = scripts[type]["script"]["test"], kept[type]["curve"]
        row = [f"`{type}`", f"{ours:.4f}"]
        for steps in (recipe(type).max_steps, curve[-1][0]):
            loss = best(curve, steps)[3]
            row += [f"{steps:,}", f"{loss:.4f}", f"{ours - loss:+.4f}"]
        rows.append(row)
    head = ["type", "script", "steps", "original", "difference", "steps", "original", "difference"]
    return (
        "## Scripts beside the original\n\n`uv run python benchmarks/same_steps.py --reference PATH`: test losses on "
        "names, makemore's split, one seed. The original has no number of steps of its own. First it takes as many "
        "as a script does by default; then it goes on, for it learns 32 lines a step, a script about 144 (`bow`: "
        "288), and was still improving at the end. It has its own sizes and AdamW at a constant rate; the scripts, "
        "but for the Transformer, are larger, and most have Muon and a 6-gram as teacher. Of both it is the step "
        "with the best validation loss. What the original's Transformer reaches at its best, on a split whose test "
        "lines are partly in training, is in the first section.\n\n"
        + common.table(head, rows)
        + "\n"
        + "".join(sorted({common.about(each) for each in kept.values()}))
    )


def main() -> None:
    """Measure what has not been measured yet."""
    parser = common.parser(__doc__)
    parser.add_argument("--reference", required=True, help="a copy of makemore.py")
    parser.add_argument("--types", default=",".join(TYPES), help="types, separated by commas")
    parser.add_argument("--long-steps", type=int, default=6_000, help="steps of the original, in all")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    module, corpus = common.original(given.reference), common.protocol("own")
    kept = {} if given.short else common.load("same_steps")
    for type in given.types.split(","):
        if type in kept:
            continue
        steps, every = (3, 3) if given.short else (given.long_steps, EVERY)
        curve = [*theirs(module, corpus, SEED, steps, every, maker(module, type), ("validation", "test"))]
        kept[type] = {"curve": curve} | common.machine()
        print(type, curve[-1], flush=True)
        if not given.short:
            common.keep("same_steps", kept)


if __name__ == "__main__":
    main()
