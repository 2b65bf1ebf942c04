"""What lessons use: the bundled names, numbers beside published ones, and figures."""

from __future__ import annotations

import itertools
import os
import sys
import textwrap
from pathlib import Path

from makemore.corpus.source import locate

FAST = os.environ.get("MAKEMORE_FAST") == "1"
"""Whether a lesson trains only for a moment, to test that it runs."""

_figures = itertools.count(1)


def names() -> list[str]:
    """Return the 32,033 bundled names, in the order of the file."""
    return locate("names").paths[0].read_text("utf-8").splitlines()


def beside(what: str, ours: float, published: float, source: str) -> None:
    """Print a number beside the published one."""
    print(f"{what:44} ours {ours:8.4f}   published {published:8.4f}   ({source})")


def show(look_for: str) -> None:
    """Show the current figure: in a notebook below the cell, in a script as a file in figures/.

    Args:
        look_for: What to look for in the figure; this sentence goes below it.

    """
    import matplotlib.pyplot as plt

    figure = plt.gcf()
    fixed = any(ax.get_label() == "<colorbar>" for ax in figure.axes)
    if figure.get_layout_engine() is None and not fixed:
        figure.set_layout_engine("constrained")  # so that no label lies on a neighbouring panel
    if "ipykernel" in sys.modules:
        from IPython.display import Markdown, display

        plt.show()
        display(Markdown(f"*Look for:* {look_for}"))
        return
    width = int(figure.get_figwidth() * 13)
    figure.text(0.02, -0.02, textwrap.fill(f"Look for: {look_for}", width), fontsize=9, va="top")
    script = Path(sys.argv[0]).stem or "lesson"
    to = Path("figures") / f"{script}-{next(_figures)}.png"
    to.parent.mkdir(exist_ok=True)
    figure.savefig(to, dpi=120, bbox_inches="tight")
    print(f"figure: {to}")
    plt.close(figure)
