"""The section of RESULTS.md that scale.py fills: what it measured, and what larger files would take."""

from __future__ import annotations

from typing import Any

import common

GPU, LINK, NETWORK = 989e12, 450e9, 50e9
"""NVIDIA's figures for an H200: operations per second in bfloat16, bytes per second one way to the other GPUs
of its machine, and to other machines by InfiniBand of 400 Gbit/s. Not measured."""

USED = 0.3
"""Share of these operations that training reaches. An assumption."""

PLANNED = {"12 layers of 768": 12 * 12 * 768**2, "24 layers of 2,048": 24 * 12 * 2048**2}
"""Transformers of the plan, and their weights: 12 C^2 a layer, nearly all of them in matrices."""

BATCH = 65_536
"""Tokens per step on each GPU of the plan."""


def plan(kept: dict[str, Any]) -> str:
    """Compute what larger files and more machines would take, from the measurements and the figures above."""
    file = list(kept["files"].values())[-1]
    speed, ratio = file["bytes"] / file["built"], file["on_disk"] / file["bytes"]
    text = "### Computed from these figures\n\n"
    rows = []
    for name, size in (("5 GB", 5e9), ("100 GB", 1e11), ("10 TB", 1e13)):
        chunks = size / 65_536
        rows.append(
            [
                name,
                f"{size / speed / 3600:,.1f}",
                f"{ratio * size / 1e9:,.0f}",
                f"{17 * chunks / 1e6:,.0f}",
                f"{size / file['rates']['planned'] / 3600:,.1f}",
            ]
        )
    text += common.table(
        [
            "file",
            "reading once, hours",
            "cache, GB",
            "memory for its 64 kB blocks, MB",
            "choosing the lines of an epoch, hours",
        ],
        rows,
    )
    rows = []
    for name, weights in PLANNED.items():
        each = USED * GPU / (6 * weights)  # tokens a second
        for gpus, link in ((1, 0.0), (8, LINK), (512, NETWORK)):
            moved = 2 * (gpus - 1) / gpus * 4 * weights  # bytes that a GPU sends in a step, summing in a ring
            step, summing = BATCH / each, moved / link if link else 0.0
            rate = gpus * BATCH / max(step, summing)  # the two run at the same time
            rows.append(
                [
                    f"{name}, {gpus}",
                    f"{rate / 1e6:,.1f}",
                    f"{1000 * step:,.1f}",
                    f"{1000 * summing:,.2f}",
                    f"{1e11 / rate / 3600:,.2f}",
                    f"{1e13 / rate / 3600:,.1f}",
                    f"{rate / file['rates']['planned']:,.1f}",
                ]
            )
    head = [
        "model, GPUs",
        "million tokens/s",
        "computing a step, ms",
        "summing gradients, ms",
        "an epoch of 100 GB, hours",
        "an epoch of 10 TB, hours",
        "time to choose lines / time of a step",
    ]
    text += "\n" + common.table(head, rows)
    return text + (
        "\nNothing was measured on GPUs. The second table assumes NVIDIA's figures for an H200 "
        f"({GPU / 1e12:.0f} TFLOP/s, {LINK / 1e9:.0f} GB/s within a machine of 8 and {NETWORK / 1e9:.0f} "
        f"GB/s between 64), {USED:.0%} utilisation, and {BATCH:,} tokens per step on each. The last column "
        "is measured: above 1, choosing lines is the bottleneck.\n\n"
    )


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    text = "## Scale\n\n`uv run python benchmarks/scale.py`\n\n"
    if "files" in kept:
        rows = [
            [
                name,
                f"{r['bytes'] / 1e6:,.0f}",
                f"{r['lines']:,}",
                f"{r['bytes'] / 1e6 / r['built']:.0f}",
                f"{r['built_peak']:,.0f}",
                f"{r['on_disk'] / r['bytes']:.2f}",
                f"{r['first']:.2f}",
                f"{r['trained_peak']:,.0f}",
                f"{r['trained']:.0f}",
            ]
            for name, r in kept["files"].items()
        ]
        head = [
            "file",
            "MB",
            "lines",
            "reading, MB/s",
            "peak while reading, MB",
            "size on disk / size of the file",
            "first batch of a cached file, s",
            f"peak of reading and {kept['steps']} steps, MB",
            "their seconds",
        ]
        text += "### Files\n\n" + common.table(head, rows)
        text += (
            f"\nOne thread. A process that only imports torch has a peak of {kept['torch_peak']:,.0f} MB. "
        )
        last = list(kept["files"].values())[-1]
        text += "Batches from the last file: " + ", ".join(
            f"{rate / 1e6:.1f} million tokens/s in batches of {int(n):,}"
            for n, rate in last["rates"].items()
            if n != "planned"
        )
        text += (
            ". Choosing the lines of batches, which every process does for the whole batch, takes a second "
        )
        text += f"for {last['rates']['planned'] / 1e6:.0f} million tokens.\n\n"
    if "commands" in kept:
        rows = [[f"`{n}`", f"{r['seconds']:.1f}", f"{r['peak']:,.0f}"] for n, r in kept["commands"].items()]
        text += f"### Other commands, on {kept['commands_on']}\n\n" + common.table(
            ["command", "seconds", "peak, MB"], rows
        )
        text += "\n"
    if "processes" in kept:
        found = kept["processes"]
        rows = []
        for name, r in found["training"].items():
            one, two = (r["tokens"] / r["steps"][n] for n in "12")
            rows.append(
                [
                    f"training {name} tokens a step",
                    f"{one:,.0f} tokens/s",
                    f"{two:,.0f} tokens/s",
                    f"{two / one / 2:.0%}",
                    f"{r['apart']:.0e}",
                ]
            )
        for name in ("sample", "score"):
            one, two = (found[name]["lines"] / found[name]["seconds"][n] for n in "12")
            rows.append(
                [
                    f"{name} {found[name]['lines']:,} lines",
                    f"{one:,.0f} lines/s",
                    f"{two:,.0f} lines/s",
                    f"{two / one / 2:.0%}",
                    "",
                ]
            )
        text += "### Processes\n\n" + common.table(
            ["what", "one process", "two", "efficiency", "largest difference of a loss"], rows
        )
        text += (
            "\nOne thread each, float32. The last two rows leave out the time that processes take to start. "
        )
        text += "Summing over two processes: "
        text += ", ".join(
            f"{4 * int(n) / 1e6:.1f} MB in {1000 * s:.1f} ms" for n, s in found["exchange"].items()
        )
        text += ". A checkpoint takes " + ", ".join(
            f"{r['sizes']['last.safetensors'] / r['parameters']:.1f} bytes per parameter "
            f"({name.split(',')[0]})"
            for name, r in found["training"].items()
            if name.endswith("1,024")
        )
        text += ".\n\n"
    if "files" in kept:
        text += plan(kept)
    return text + common.about(kept)
