"""What the numbers on memorising say about n-grams of order 2 to 7, which memorise more and more.

    uv run python benchmarks/memorisation.py                   a few minutes
    uv run python benchmarks/memorisation.py --lists names
    uv run python benchmarks/memorisation.py --short

The verdict is that of `makemore.metrics.verdict`, whose thresholds were set by this table. Only the samples
are random. Discounts are Chen and Goodman's, which trust long contexts too much: the fitted ones memorise
little.
"""

from __future__ import annotations

import tempfile
from typing import Any

import common
import numpy as np
import torch

import makemore
from makemore.counting import smoothing
from makemore.counting.strings import Array
from makemore.reports.assessment import assess

ORDERS = range(2, 8)


def by_formula(levels: object, base: object, usual: list[Array]) -> Array:
    """Replace `smoothing.fitted`: the discounts of the formulas."""
    return np.array([[1e-9, *discounts] for discounts in usual])


def measure(source: str, order: int, samples: int | None) -> dict[str, Any]:
    """Fit an n-gram on a list and return what `makemore eval` finds."""
    with tempfile.TemporaryDirectory() as directory:
        run = makemore.train(source, type="ngram", order=order, work_dir=directory, device="cpu")
        found = assess(run, samples).to_json()
    return {"nll": found["nll"]["test"], "memorising": found["memorising"]["level"]} | {
        key: found[key]
        for key in (
            "copy_ratio",
            "copy_ratio_interval",
            "c_t",
            "train_mass",
            "uniqueness",
            "uniqueness_of_train",
            "novelty",
            "vendi_ratio",
            "calibration_error",
        )
    }


def number(x: float | None) -> str:
    """Return a number for the table; a dash if it is not known."""
    return "-" if x is None else f"{x:.2f}"


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    parts = [
        "## Memorisation\n\n`uv run python benchmarks/memorisation.py`: n-grams judged by `makemore eval`. Their discounts are Chen and Goodman's, which trust long contexts too much.\n"
    ]
    for source, orders in kept["lists"].items():
        rows = [
            [
                order,
                f"{r['nll']:.3f}",
                number(r["copy_ratio"]),
                " to ".join(map(number, r["copy_ratio_interval"])),
                f"{r['c_t']:+.1f}",
                f"{r['train_mass']:.1%}",
                f"{r['novelty']:.0%}",
                f"{r['uniqueness'] / r['uniqueness_of_train']:.2f}",
                f"{r['vendi_ratio']:.2f}",
                f"{r['calibration_error']:.3f}",
                r["memorising"],
            ]
            for order, r in orders.items()
        ]
        head = [
            "order",
            "test",
            "R",
            "95 % interval",
            "C_T",
            "copies",
            "novelty",
            "uniqueness : training lines'",
            "Vendi ratio",
            "calibration error",
            "memorised",
        ]
        parts.append(f"\n### {source}\n\n" + common.table(head, rows))
    return "".join(parts) + "\n" + common.about(kept)


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--lists", default="names,words,companies", help="which lists, separated by commas")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    smoothing.fitted = by_formula
    orders = range(2, 4) if options.short else ORDERS
    kept: dict[str, Any] = common.machine() | {"lists": {}}
    for source in options.lists.split(","):
        kept["lists"][source] = {
            str(order): measure(source, order, 200 if options.short else None) for order in orders
        }
        print(f"{source}: done", flush=True)
    print(section(kept))
    if not options.short and options.lists == parser.get_default("lists"):
        common.keep("memorisation", kept)


if __name__ == "__main__":
    main()
