"""What the original makemore.py reaches with as many steps as a script takes, for each type that both have.

    uv run python benchmarks/same_steps.py --reference PATH --threads 1      ten minutes on one core
    uv run python benchmarks/same_steps.py --reference PATH --short

PATH is a copy of karpathy/makemore's makemore.py. The original has no number of steps of its own: it trains until
it is stopped. So it takes here as many steps as the script does by default, and goes on to --long-steps. Both
train on the same lines of names, makemore's split; of both, the test loss is that of the step with the best
validation loss. The scripts' losses are those of eject.py.
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
    for type, found in kept.items():
        ours, steps = scripts[type], recipe(type).max_steps
        same, long = (best(found["curve"], n) for n in (steps, found["curve"][-1][0]))
        rows.append(
            [
                f"`{type}`",
                f"{steps:,}",
                f"{ours['script']['test']:.4f}",
                f"{same[3]:.4f}",
                f"{ours['script']['test'] - same[3]:+.4f}",
                f"{long[3]:.4f}",
                f"{long[0]:,}",
            ]
        )
    head = ["type", "steps", "script", "original", "difference", "original, longer", "its best step"]
    longest = max(found["curve"][-1][0] for found in kept.values())
    return (
        "## Scripts beside the original\n\n`uv run python benchmarks/same_steps.py --reference PATH`: test losses on "
        "names, makemore's split, one seed, after the steps that a script takes by default. The original has no "
        f"number of steps of its own; longer: up to {longest:,}. It learns 32 lines a step at its default size, "
        "with AdamW at a constant rate, a script about 144 (`bow`: 288) at its own size, most of them with Muon "
        "and a 6-gram as teacher. Of both it is the step with the best validation loss.\n\n"
        + common.table(head, rows)
        + "\n"
        + "".join(sorted({common.about(each) for each in kept.values()}))
    )


def main() -> None:
    """Measure what has not been measured yet."""
    parser = common.parser(__doc__)
    parser.add_argument("--reference", required=True, help="a copy of makemore.py")
    parser.add_argument("--types", default=",".join(TYPES), help="types, separated by commas")
    parser.add_argument("--long-steps", type=int, default=6_000)
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
