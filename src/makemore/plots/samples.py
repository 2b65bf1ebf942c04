"""Plots of samples: how long they are, how far from the list, which pairs they use, how varied they are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from makemore.metrics import quality
from makemore.metrics.assessment import Assessment
from makemore.plots.losses import ENOUGH
from makemore.plots.palette import BLUE, GREY, INK, ORANGE
from makemore.plots.style import Numbers, character, heatmap, label_points, legend, look, new_figure, short
from makemore.runs.embedding_map import frequent
from makemore.runs.run import Run

BARS = 30
"""The most bars in a plot of shares."""

TEMPERATURES = (0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5)

_CHARACTERS = 60_000
"""The most characters to sample at each temperature."""


def affordable(run: Run, share: int) -> int:
    """Return how many lines to sample: more if lines are short.

    `share` is the budget, relative to that of one temperature.
    """
    return int(min(1000, max(50, share * _CHARACTERS / run.corpus.mean_length)))


# lengths and distances


def nearest_distances(found: Assessment) -> Figure | None:
    """Plot how far samples and held-out lines are from the nearest training line, as shares."""
    distances = found.quality.nearest_distances
    if distances.lines < ENOUGH:
        return None
    figure, axes = new_figure()
    _shares(axes, {"held-out lines": distances.held_out, "samples": distances.samples})
    axes.set(xlabel="edits to the nearest training line")
    return figure


def line_lengths(run: Run, samples: list[str]) -> Figure:
    """Plot the lengths of training lines, held-out lines and samples, as shares."""
    lengths = {
        "training lines": run.corpus.subsample("train").lengths,
        "held-out lines": np.array([len(line) for line in _held_out(run)], np.int64),
        "samples": np.array([len(line) for line in map(run.vocab.forms.inner, samples)], np.int64),
    }
    figure, axes = new_figure()
    _shares(axes, {name: np.bincount(each) for name, each in lengths.items() if len(each) >= ENOUGH})
    axes.set(xlabel="length of the line (characters)")
    return figure


def _shares(axes: Axes, counts: dict[str, Sequence[int] | npt.NDArray[np.int64]]) -> None:
    """Plot the shares of 0, 1, 2, ... as steps; many values are merged, and the few largest left out."""
    colours = {"training lines": GREY, "held-out lines": BLUE, "samples": ORANGE}
    wide = max(map(len, counts.values()))
    shares = {name: np.pad(np.array(n, float), (0, wide - len(n))) / sum(n) for name, n in counts.items()}
    mixed = np.mean(list(shares.values()), axis=0)
    first = int(np.searchsorted(mixed.cumsum(), 0.002)) if wide > BARS else 0
    last = int(np.searchsorted(mixed.cumsum(), 0.998)) + 1
    step = math.ceil((last - first) / BARS)
    edges = np.arange(first, last + step, step)
    for name, share in shares.items():
        height = [share[a : a + step].sum() for a in edges[:-1]]
        filled = name != "samples"
        steps = axes.stairs(height, edges - 0.5, baseline=0, fill=filled, color=colours[name], label=name)
        steps.set(linewidth=2, alpha=0.35 if filled else 1)
    axes.yaxis.set_major_formatter(_percent)
    axes.set(ylabel="share of lines" + (f" (bars of {step})" if step > 1 else ""))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()


def _percent(share: float, _: float) -> str:  # not a lambda, since figures are pickled
    return f"{100 * share:.3g}%"


# pairs of characters


def pairs(run: Run, samples: list[str]) -> Figure | None:
    """Plot the frequencies of pairs of characters in samples, minus those in the training lines."""
    if run.corpus.tokens_of("train") < 20 * len(run.vocab):  # most pairs were hardly seen
        return None
    ids = frequent(run.corpus, 30)
    vocab = run.vocab
    streams = (vocab.stream(samples), run.corpus.subsample("train").tokens)
    sampled, trained = (_pair_shares(stream.astype(np.int64), ids) for stream in streams)
    labels = [character(vocab.names[i], vocab.forms.line_breaks) for i in ids]
    names = ("second character", "first character")
    return heatmap(100 * (sampled - trained), labels, "percentage points", names)


def _pair_shares(stream: npt.NDArray[np.int64], ids: npt.NDArray[np.int64]) -> Numbers:
    """Return the share of each pair of the ids among all pairs of a stream, (K, K)."""
    K = len(ids)
    place = np.full(int(max(stream.max(), ids.max())) + 1, K)
    place[ids] = np.arange(K)
    a, b = place[stream[:-1]], place[stream[1:]]
    counts = np.bincount(a * (K + 1) + b, minlength=(K + 1) ** 2).reshape(K + 1, K + 1)
    return np.asarray(counts[:K, :K] / len(a), np.float64)


# quality and variety


class Point(NamedTuple):
    """What samples are like at one temperature."""

    temperature: float
    """0 stands for training lines."""
    variety: float
    """Their Vendi score divided by their number."""
    distance: float
    """The Jensen-Shannon divergence of their n-grams from those of the held-out lines, in bits."""


def over_temperature(run: Run) -> list[Point]:
    """Measure samples at each of TEMPERATURES, then training lines; [] if too few lines are held out."""
    n = affordable(run, 1)
    held_out, of_train = _held_out(run), run.corpus.subsample("train")
    if len(held_out) < ENOUGH:
        return []
    train = of_train.inner_lines(np.random.default_rng(0).choice(len(of_train), n))
    # with thousands of characters, two lists share hardly any 3-gram: take shorter ones
    real = {k: quality.jensen_shannon(_grams(train, k), _grams(held_out, k)) for k in (3, 2, 1)}
    k = next((k for k in real if real[k] < 0.7), 1)
    of_held_out = _grams(held_out, k)
    inner = run.vocab.forms.inner
    sampled = [(t, [*map(inner, run.sample(n, temperature=t, cut=True, seed=0))]) for t in TEMPERATURES]
    return [
        Point(t, quality.vendi(some[:300]), quality.jensen_shannon(_grams(lines, k), of_held_out))
        for t, lines in [*sampled, (0.0, train)]
        if (some := [line for line in lines if line])
    ]


def quality_and_variety(names: Sequence[str], found: Sequence[Sequence[Point]]) -> Figure | None:
    """Plot how varied the samples of each run are, and how similar to held-out lines, at each temperature."""
    if not all(found):
        return None
    figure, axes = new_figure()
    curves = [[point for point in points if point.temperature] for points in found]
    for i, (name, points) in enumerate(zip(names, curves, strict=True)):
        colour, style = look(i)
        x, y = [point.variety for point in points], [point.distance for point in points]
        axes.plot(x, y, style, color=colour, marker="o", markersize=5, label=short(name))
    real = found[0][-1]
    axes.plot(real.variety, real.distance, "*", color=INK, markersize=11, label="training lines")
    axes.margins(0.08)
    axes.autoscale_view()
    t, x, y = (list(each) for each in zip(*curves[0], strict=True))  # the points of other runs are nearby
    first = [j for j, a in enumerate(t) if a in (t[0], 1.0, t[-1])]
    others = [(point.variety, point.distance) for points in found[1:] for point in points]
    avoid = [(real.variety, real.distance), *others]
    label_points(axes, x, y, [f"{a:g}" for a in t], look(0)[0], first, avoid)
    axes.set(xlabel="variety (Vendi score per line)", ylabel="distance from held-out lines (bits)")
    legend(figure, axes, len(names))
    return figure


def _held_out(run: Run) -> list[str]:
    parts = [run.corpus.subsample(split) for split in ("validation", "test")]
    return [line for part in parts for line in part.inner_lines(np.arange(len(part)))]


def _grams(lines: list[str], k: int) -> dict[str, int]:
    return Counter(gram for line in lines for gram in quality.grams(f"\n{line}\n", k))
