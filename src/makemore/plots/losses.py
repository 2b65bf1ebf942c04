"""Plots of losses: over time, by position, by line length and by character, and of calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from makemore.metrics.assessment import Assessment, Baselines
from makemore.metrics.losses import Part
from makemore.plots.entry import Entry, same_lines
from makemore.plots.palette import BLUE, GREY, ORANGE
from makemore.plots.style import (
    Numbers,
    character,
    count,
    label_points,
    legend,
    look,
    new_figure,
    short,
    styled,
)
from makemore.runs.run import Run
from makemore.runs.summary import Metrics, Summary

MOST = 60
"""The most points of a curve; more are merged."""

FEWEST = 20
"""The fewest tokens behind a point."""

POINTS, ENOUGH = 4, 30
"""Points of a curve, and held-out lines (or test lines), below which a plot would show only chance."""

LOSS = "loss (nats per token)"


def plot_losses(run: Run, summary: Summary) -> None:
    """Write loss.png of a run: training and validation loss over the steps, and the bigram's loss."""
    metrics = run.metrics()
    with styled():
        figure = Figure(figsize=(8, 5))
        figure.set_layout_engine("none")  # it would draw everything twice, to measure it
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.09, 0.11, 0.89, 0.82))
        step = [row.step for row in metrics]
        axes.plot(step, [row.train for row in metrics], color=BLUE, label="train (a sample)")
        axes.plot(step, [row.validation for row in metrics], color=ORANGE, label="validation")
        bigram = summary.baselines.bigram["validation"]
        axes.axhline(bigram, color=GREY, linestyle=":", label=f"bigram, validation: {bigram:.3f}")
        best, loss = min(((row.step, row.validation) for row in metrics), key=lambda pair: pair[1])
        axes.plot([best], [loss], "o", color=ORANGE)
        axes.annotate(f"{loss:.3f}", (best, loss), (0, 8), textcoords="offset points", ha="center")
        # show the whole end, where overfitting is visible; the high losses at the start would flatten it
        low = min(min(row.train, row.validation) for row in metrics)
        end = max(row.validation for row in metrics if row.step >= best)
        axes.set_ylim(low - 0.15, max(bigram, end) + 0.2)
        axes.set(xlabel="step", ylabel=LOSS, title=f"{run.type}, {summary.parameters:,} parameters")
        axes.legend()
        run.disk.write_picture("loss.png", figure)


# over time


@dataclass
class _Range:
    """The losses that the axes must show."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)


def learning_curves(entries: Sequence[Entry]) -> Figure | None:
    """Plot train and validation loss over the steps; for several runs, validation loss over the seconds."""
    curves = [(i, entry.name, entry.run.metrics()) for i, entry in enumerate(entries)]
    curves = [each for each in curves if len(each[2]) >= POINTS]
    if not curves:  # models that count are evaluated once
        return None
    figure, axes = new_figure()
    single = len(entries) == 1
    seen = _Range()
    for i, name, metrics in curves:
        if single:
            train = [row.train for row in metrics]
            axes.plot([_place(row, single) for row in metrics], train, color=BLUE, label="train (a sample)")
            seen.low.append(min(train))
        style = (ORANGE, "-") if single else look(i)
        _validation_curve(axes, metrics, single, style, "validation" if single else short(name), seen)
    levels = _baselines(axes, entries[0].found.baselines) if same_lines(entries) else []
    seen.low += levels
    seen.high += levels
    room = 0.08 * (max(seen.high) - min(seen.low)) + 0.01
    axes.set(ylim=(min(seen.low) - room, max(seen.high) + room))
    axes.set(xlabel="step" if single else "seconds of training", ylabel=LOSS)
    legend(figure, axes, len(entries))
    return figure


def _place(row: Metrics, by_step: bool) -> float:
    """Return where an evaluation is on the x axis: at its step, or at the seconds since training began."""
    return row.step if by_step else row.seconds or 0.0


def _validation_curve(
    axes: Axes, metrics: list[Metrics], by_step: bool, style: tuple[str, str], label: str, seen: _Range
) -> None:
    """Plot the validation loss with its standard error, and a dot where the weights were kept."""
    at = [_place(row, by_step) for row in metrics]
    loss = np.array([row.validation for row in metrics])
    error = np.array([row.validation_error or 0.0 for row in metrics])
    colour, line_style = style
    axes.fill_between(at, loss - error, loss + error, color=colour, alpha=0.2, linewidth=0)
    axes.plot(at, loss, line_style, color=colour, label=label)
    best = int(loss.argmin())
    axes.plot(at[best], loss[best], "o", color=colour)
    seen.low.append(loss[best])
    seen.high.append(max(loss[best:].max(), loss[len(loss) // 5]))  # the start would flatten the rest


def _baselines(axes: Axes, baselines: Baselines) -> list[float]:
    """Plot the losses of the bigram and of the 6-gram as lines, and return them."""
    losses = (("bigram", baselines.bigram, ":"), ("6-gram", baselines.ngram, "--"))
    levels = [(of["validation"], name, style) for name, of, style in losses]
    levels = [level for level in levels if math.isfinite(level[0])]
    for level, name, style in levels:
        axes.axhline(level, color=GREY, linestyle=style, label=f"{name}: {level:.3f}")
    return [level for level, *_ in levels]


# by position, length and character


def by_position(entries: Sequence[Entry]) -> Figure | None:
    """Plot the loss of the first, second, ... token of the test lines, with intervals."""
    parts = [entry.found.nll_by_position for entry in entries]
    shown = [i for i, entry in enumerate(entries) if _enough(entry.found, parts[i])]
    if not shown:
        return None
    figure, axes = new_figure()
    top = [_curve(axes, parts[i], look(i), short(entries[i].name)) for i in shown]
    axes.set(xlabel="position in the line", ylabel=LOSS, ylim=(0, 1.12 * max(top)))
    if len(entries) > 1:
        legend(figure, axes, len(entries))
    return figure


def by_length(found: Assessment) -> Figure | None:
    """Plot the loss of test lines of each length, with intervals."""
    if not _enough(found, found.nll_by_length):
        return None
    figure, axes = new_figure()
    top = _curve(axes, found.nll_by_length, (BLUE, "-"), "")
    axes.set(xlabel="length of the line (characters)", ylabel=LOSS, ylim=(0, 1.12 * top))
    return figure


def by_character(found: Assessment, most: int = 30) -> Figure | None:
    """Plot the loss of each of the most frequent characters of the test lines, with intervals."""
    possible = [(c, part) for c, part in found.nll_by_character.items() if math.isfinite(part.nll)]
    shown = dict(sorted(possible, key=lambda pair: -pair[1].tokens)[:most])
    if len(shown) < POINTS or found.scored_lines["test"] < ENOUGH:
        return None
    nll, half = np.array([(part.nll, _half(part)) for part in shown.values()]).T
    figure, axes = new_figure()
    end = "" if "" in found.nll_by_character else "\n"
    x = np.arange(len(shown))
    axes.bar(x, nll, color=[ORANGE if c == end else BLUE for c in shown])
    axes.errorbar(x, nll, half, fmt="none", ecolor=GREY, elinewidth=1)
    axes.set_xticks(x, [character(c, end == "") for c in shown], fontsize=8)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False, axis="x")
    axes.set(xlabel="character, most frequent first", ylabel=LOSS)
    axes.set(ylim=(0, 1.15 * nll.max()), xlim=(-0.7, len(shown) - 0.3))
    return figure


def _curve(axes: Axes, parts: Mapping[int, Part], style: tuple[str, str], label: str) -> float:
    """Plot the losses of parts with their intervals, and return the highest loss."""
    x, y, half = merged(parts)
    colour, line_style = style
    axes.fill_between(x, y - half, y + half, color=colour, alpha=0.18, linewidth=0)
    axes.plot(x, y, line_style, color=colour, label=label, marker="o", markersize=3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return float(y.max())


def _enough(found: Assessment, parts: Mapping[int, Part]) -> bool:
    """Say whether there are enough test lines, and enough points, for a curve."""
    possible = any(math.isfinite(part.nll) for part in parts.values())
    return possible and found.scored_lines["test"] >= ENOUGH and len(merged(parts)[0]) >= POINTS


def merged(parts: Mapping[int, Part]) -> tuple[Numbers, Numbers, Numbers]:
    """Return the points of a curve: places, losses and half the widths of their intervals, each (K,).

    `parts` are the losses by place, in order. Neighbours are merged where there are many, or where tokens are
    few. Parts with an infinite loss, which hold a token that the model gives no probability, are left out.
    """
    possible = {place: part for place, part in parts.items() if math.isfinite(part.nll)}
    width = math.ceil((max(possible) - min(possible) + 1) / MOST)
    groups: list[list[tuple[float, ...]]] = []
    for place, part in possible.items():
        enough = groups and sum(n for _, n, *_ in groups[-1]) >= FEWEST
        if not groups or (enough and place - groups[-1][0][0] >= width):
            groups.append([])
        groups[-1].append((place, part.tokens, part.nll, _half(part)))
    if len(groups) > 1 and sum(n for _, n, *_ in groups[-1]) < FEWEST:
        groups[-2:] = [groups[-2] + groups[-1]]
    points = []
    for group in groups:
        at, n, nll, half = np.array(group, dtype=float).T
        points.append((n @ at / n.sum(), n @ nll / n.sum(), np.linalg.norm(n * half) / n.sum()))
    x, y, half = np.array(points).T
    return x, y, half


def _half(part: Part) -> float:
    """Return half the width of an interval; 0 if there is none."""
    high = part.interval[1]
    return high - part.nll if math.isfinite(high) else 0.0


def reliability(found: Assessment) -> Figure | None:
    """Plot how often predictions come true against the probability that the model gave them."""
    bins = [b for b in found.calibration.bins if b.count >= FEWEST]
    if len(bins) < POINTS or found.scored_lines["test"] < ENOUGH:
        return None
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    x, y, n = np.array([(b.predicted, b.observed, b.count) for b in bins]).T
    axes.errorbar(x, y, 1.96 * np.sqrt(y * (1 - y) / n), fmt="none", ecolor=BLUE, elinewidth=1)
    axes.scatter(x, y, s=12 + 14 * np.log10(n), color=BLUE)
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{tick:.0%}" for tick in ticks])
    axes.set(xlabel="the model's probability", ylabel="share that came true")
    axes.set(xlim=(-0.03, 1.05), ylim=(-0.03, 1.05))
    label_points(
        axes, x, y, [count(b.count) for b in bins], GREY, avoid=[(a, a) for a in np.linspace(0, 1, 60)]
    )
    return figure
