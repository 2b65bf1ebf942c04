"""What `eval` prints of a run whose lines have labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from makemore.cli.layout import say, table
from makemore.cli.terminal import clipped

if TYPE_CHECKING:
    from makemore.metrics.classification import Classification
    from makemore.reports.compared import Comparison

MOST = 12
"""Labels that are shown, at most: the commonest."""


def show_classification(console: Console, found: Classification) -> None:
    """Print how well labels are told apart, the loss of each, and which are mistaken for which."""
    low, high = found.interval
    say(
        console,
        f"of {found.lines:,} held-out lines {found.accuracy:.1%} are given the right label ({low:.1%} to {high:.1%}); "
        f"always naming the commonest in training would be right for {found.commonest:.1%}",
    )
    rows = []
    for each in found.labels[:MOST]:
        loss = "-" if each.loss is None else f"{each.loss.nll:.4f}"
        right = f"{each.right / each.lines:.1%}" if each.lines else "-"
        rows.append([clipped(each.label or "(none)", 30), f"{each.train:,}", loss, f"{each.lines:,}", right])
    table(console, ["label", "train lines", "nats, test", "held out", "right"], rows)
    if len(found.labels) > MOST:
        say(console, f"and {len(found.labels) - MOST:,} rarer labels; --json has all of them", "dim")
    mistakes = sorted(
        ((n, has, given) for has, of in found.confusion.items() for given, n in of.items() if given != has),
        reverse=True,
    )
    if mistakes:
        most = "; ".join(f"{has} for {given} {n:,}" for n, has, given in mistakes[:5])
        say(console, f"most often mistaken: {most}")


def show_losses_by_label(console: Console, result: Comparison) -> None:
    """Print the loss of each model on the test lines of each label."""
    found = result.entries[0].nll_by_label
    if not found:
        return
    names = [clipped(each.name, 20) for each in result.entries]
    rows = [
        [clipped(label or "(none)", 30), *(f"{each.nll_by_label[label]:.4f}" for each in result.entries)]
        for label in list(found)[:MOST]
    ]
    say(console)
    table(console, ["nats per token, by label", *names], rows)
    if len(found) > MOST:
        say(console, f"and {len(found) - MOST:,} more labels; --json has all of them", "dim")
