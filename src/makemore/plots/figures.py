"""Pictures of what was measured: matplotlib figures, as SVG for a page that is light or dark, and as PNG files.

Every function gives a Figure, or None where a run has nothing of the kind to show; `draw` calls them all, within `styled`.
"""

from __future__ import annotations

import functools
import io
import itertools
import math
import pickle
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from matplotlib import font_manager
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from makemore.files.atomic import held, refuse_unless
from makemore.files.manifest import Manifest
from makemore.metrics import quality
from makemore.metrics.advice import shown
from makemore.plots.style import BLUE, COLOURS, GREY, INK, ORANGE, PAPER, look, settings, styled
from makemore.runs.directory import SIGNED, is_picture, is_report
from makemore.runs.run import Run

Entry = tuple[str, Run, dict[str, Any]]
"""A run's name, the run, and what `assessment.assess` says of it."""

Temperatures = list[tuple[float, float, float]]
"""What `over_temperature` gives."""

TEMPERATURES = (0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5)

ROOM = 300.0
"""Points that the axes of a figure are wide, about."""

MOST = 60
"""Points of a curve, at most; more are put together."""

FEWEST = 20
"""Tokens of a point, at least."""

POINTS, ENOUGH = 4, 30
"""Points of a curve, and held-out lines (or test lines, for what is of those), below which a plot would show chance alone."""

_CHARACTERS = 60_000
"""Characters to draw at each temperature, at most."""

NOTES = {
    "curve": "Where validation rises while train falls, the list is learned by heart. The dot is the step whose weights were kept; the band is one standard error.",
    "curves": "Lower, and further left, is better. Dots are the weights that were kept; bands are one standard error.",
    "position": "Of the first, second ... character of a test line, with 95 % intervals: how a line begins is hard to foresee.",
    "positions": "No model can know how a line begins; the better ones know sooner how it goes on. Bands are 95 % intervals.",
    "length": "Per token of the test lines of each length, with 95 % intervals.",
    "character": "Of the characters most frequent in the test lines, the most frequent first, with 95 % intervals. ⏎ is the end of a line.",
    "calibration": "What the model gives 20 % should come true in 20 % of the places: dots on the line are honest, dots below it too sure. The numbers count predictions.",
    "temperature": "Samples at temperatures from 0.3 (safe) to 1.5 (wild). Low is like the held-out lines, right is varied; the star is training lines.",
    "nearest": "Edits that make a line a training line. Copies (0) aside, which held-out lines never are, samples should lie where those do.",
    "lengths": "Samples should be as long as real lines are.",
    "pairs": "The share of each pair among all pairs: samples less training lines. Orange pairs come too often, blue ones too rarely. ⏎ ends a line and stands before the next.",
    "table": "The probability of each character (column) after each other (row).",
    "embedding": "The model's vectors of the most frequent characters, in the two directions in which they differ most (PCA). Characters used alike lie together; letters that would lie on each other were moved apart.",
    "attention": "Each square is a head: where it looks (column) when it stands at a character (row) and foresees the next. Rows sum to 1.",
}  # fmt: skip
"""How to read each plot."""
NOTES["temperatures"] = NOTES["temperature"]


@dataclass(frozen=True)
class Plot:
    """A figure and what to say with it."""

    name: str
    """As a file is called, without an ending."""
    title: str
    note: str
    figure: Figure


def draw(entries: Sequence[Entry]) -> list[list[Plot]]:
    """Draw everything: first the plots of all runs together (none for a single run), then those of each run."""
    with styled():
        temperatures = [over_temperature(run) for _, run, _ in entries]
        together: list[Plot] = []
        if len(entries) > 1:
            names = [name for name, _, _ in entries]
            together = _some(
                ("curves", "Validation loss over time", learning_curves(entries)),
                ("positions", "Loss by position", by_position(entries)),
                ("temperatures", "Quality and variety", quality_and_variety(names, temperatures)),
            )
        return [together, *(_of_run(*each) for each in zip(entries, temperatures, strict=True))]


def _of_run(entry: Entry, temperatures: Temperatures) -> list[Plot]:
    name, run, found = entry
    samples = run.sample(_affordable(run, 10), seed=0)
    return _some(
        ("curve", "Learning curve", learning_curves([entry])),
        ("temperature", "Quality and variety", quality_and_variety([name], [temperatures])),
        ("position", "Loss by position", by_position([entry])),
        ("length", "Loss by line length", by_length(found)),
        ("character", "Loss by character", by_character(found)),
        ("lengths", "Line lengths", line_lengths(run, samples)),
        ("nearest", "Distance to the nearest training line", nearest_distances(found)),
        ("calibration", "Reliability", reliability(found)),
        ("pairs", "Pairs of characters", pairs(run, samples)),
        ("table", "What the bigram has learned", table(run)),
        ("embedding", "Embedding", embedding(run)),
        ("attention", "Attention", attention(run)),
    )


def _some(*made: tuple[str, str, Figure | None]) -> list[Plot]:
    return [Plot(name, title, NOTES[name], figure) for name, title, figure in made if figure is not None]


def same_lines(entries: Sequence[Entry]) -> bool:
    """Say whether all runs learned the same lines, so that their losses may be compared."""
    return len({run.corpus.fingerprint for _, run, _ in entries}) == 1


# losses


def learning_curves(entries: Sequence[Entry]) -> Figure | None:
    """Draw train and validation loss over the steps; of several runs, validation over the seconds."""
    all_metrics = [(i, name, run.metrics()) for i, (name, run, _) in enumerate(entries)]
    curves = [each for each in all_metrics if len(each[2]) >= POINTS]
    if not curves:  # models that count have one evaluation
        return None
    figure, axes = _figure()
    single = len(entries) == 1
    levels: list[tuple[float, str]] = []
    x = "step" if single else "seconds"
    low, high = [], []
    for i, name, metrics in curves:
        at = [line[x] for line in metrics]
        loss = np.array([line["validation"] for line in metrics])
        error = np.array([line.get("validation_error") or 0.0 for line in metrics])
        colour, style = (ORANGE, "-") if single else look(i)
        if single:
            train = [line["train"] for line in metrics]
            axes.plot(at, train, color=BLUE, label="train (a sample)")
            low.append(min(train))
        axes.fill_between(at, loss - error, loss + error, color=colour, alpha=0.2, linewidth=0)
        axes.plot(at, loss, style, color=colour, label="validation" if single else _short(name))
        best = int(loss.argmin())
        axes.plot(at[best], loss[best], "o", color=colour)
        low.append(loss[best])
        high.append(max(loss[best:].max(), loss[len(loss) // 5]))  # the start would squeeze the rest
    if same_lines(entries):
        of = entries[0][2]["baselines"]
        for name, key, style in (("bigram", "bigram", ":"), ("6-gram", "ngram", "--")):
            if (level := of[key]["validation"]) is None:
                continue
            axes.axhline(level, color=GREY, linestyle=style)
            levels.append((level, f"{name} {level:.3f}"))
            low.append(level)
            high.append(level)
    room = 0.08 * (max(high) - min(low)) + 0.01
    for level, text in levels:  # the lower of two goes below its line, where they would meet
        below = len(levels) > 1 and level == min(levels)[0]
        place = {
            "xycoords": ("axes fraction", "data"),
            "textcoords": "offset points",
            "color": GREY,
            "ha": "right",
        }
        axes.annotate(
            text,
            (1, level),
            xytext=(0, -3 if below else 3),
            va="top" if below else "bottom",
            fontsize=8,
            **place,
        )
    axes.set(ylim=(min(low) - room, max(high) + room), xlabel=x, ylabel="nats per token")
    _legend(figure, axes, len(entries))
    return figure


def by_position(entries: Sequence[Entry]) -> Figure | None:
    """Draw the loss of the first, second, ... token of the test lines, with intervals."""
    if not any(_worth_it(found, "nll_by_position", "position") for _, _, found in entries):
        return None
    figure, axes = _figure()
    top = []
    for i, (name, _, found) in enumerate(entries):
        colour, style = look(i)
        if not _worth_it(found, "nll_by_position", "position"):
            continue
        top.append(_curve(axes, found["nll_by_position"], "position", colour, style, _short(name)))
    axes.set(xlabel="position in the line", ylabel="nats per token", ylim=(0, 1.12 * max(top)))
    if len(entries) > 1:
        _legend(figure, axes, len(entries))
    return figure


def by_length(found: dict[str, Any]) -> Figure | None:
    """Draw the loss of test lines of each length, with intervals."""
    if not _worth_it(found, "nll_by_length", "length"):
        return None
    figure, axes = _figure()
    top = _curve(axes, found["nll_by_length"], "length", BLUE, "-", "")
    axes.set(xlabel="characters of the line", ylabel="nats per token", ylim=(0, 1.12 * top))
    return figure


def _curve(axes: Any, parts: list[dict[str, Any]], of: str, colour: str, style: str, label: str) -> float:
    """Draw the losses of parts with their intervals; return the highest loss."""
    x, y, half = _joined(parts, of)
    axes.fill_between(x, y - half, y + half, color=colour, alpha=0.18, linewidth=0)
    axes.plot(x, y, style, color=colour, label=label, marker="o", markersize=3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return float(y.max())


def _worth_it(found: dict[str, Any], key: str, of: str) -> bool:
    """Whether there are test lines enough, and points enough, for a curve."""
    parts = _known(found[key])
    return bool(parts) and found["scored_lines"]["test"] >= ENOUGH and len(_joined(parts, of)[0]) >= POINTS


def _joined(parts: list[dict[str, Any]], of: str) -> tuple[npt.NDArray[Any], ...]:
    """Return places, losses and half intervals; neighbours are put together where there are many, or few tokens."""
    parts = _known(parts)
    width = math.ceil((parts[-1][of] - parts[0][of] + 1) / MOST)
    groups: list[list[tuple[float, ...]]] = []
    for part in parts:
        enough = groups and sum(n for _, n, *_ in groups[-1]) >= FEWEST
        if not groups or (enough and part[of] - groups[-1][0][0] >= width):
            groups.append([])
        groups[-1].append((part[of], *_numbers(part)))
    if len(groups) > 1 and sum(n for _, n, *_ in groups[-1]) < FEWEST:
        groups[-2:] = [groups[-2] + groups[-1]]
    joined = []
    for group in groups:
        place, n, nll, half = np.array(group, dtype=float).T
        joined.append((n @ place / n.sum(), n @ nll / n.sum(), np.linalg.norm(n * half) / n.sum()))
    x, y, half = np.array(joined).T
    return x, y, half


def _known(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the parts with something that the model holds for impossible."""
    return [part for part in parts if part["nll"] is not None]


def _numbers(part: dict[str, Any]) -> tuple[int, float, float]:
    high = part["interval"][1]
    return part["tokens"], part["nll"], 0.0 if high is None else high - part["nll"]


def by_character(found: dict[str, Any], most: int = 30) -> Figure | None:
    """Draw the loss of each of the most frequent characters of the test lines, with intervals."""
    parts = sorted(_known(found["nll_by_character"]), key=lambda part: -part["tokens"])[:most]
    if len(parts) < POINTS or found["scored_lines"]["test"] < ENOUGH:
        return None
    _, nll, half = (np.array(x, dtype=float) for x in zip(*map(_numbers, parts), strict=True))
    figure, axes = _figure()
    x = np.arange(len(parts))
    axes.bar(x, nll, color=[ORANGE if part["character"] == "\n" else BLUE for part in parts])
    axes.errorbar(x, nll, half, fmt="none", ecolor=GREY, elinewidth=1)
    axes.set_xticks(x, [character(part["character"]) for part in parts], fontsize=8)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False, axis="x")
    axes.set(ylabel="nats per token", ylim=(0, 1.15 * nll.max()), xlim=(-0.7, len(parts) - 0.3))
    return figure


def reliability(found: dict[str, Any]) -> Figure | None:
    """Draw how often what the model gives a probability comes true."""
    bins = [b for b in found["calibration"] if b["count"] >= FEWEST]
    if len(bins) < POINTS or found["scored_lines"]["test"] < ENOUGH:
        return None
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    x, y, n = (np.array([b[key] for b in bins]) for key in ("predicted", "observed", "count"))
    axes.errorbar(x, y, 1.96 * np.sqrt(y * (1 - y) / n), fmt="none", ecolor=BLUE, elinewidth=1)
    axes.scatter(x, y, s=12 + 14 * np.log10(n), color=BLUE)
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{tick:.0%}" for tick in ticks])
    axes.set(
        xlabel="the model's probability",
        ylabel="share that came true",
        xlim=(-0.03, 1.05),
        ylim=(-0.03, 1.05),
    )
    _labels(axes, x, y, [_count(b["count"]) for b in bins], GREY)
    return figure


def _labels(
    axes: Any,
    x: Any,
    y: Any,
    texts: Sequence[str],
    colour: str,
    first: Sequence[int] = (),
    avoid: Sequence[tuple[float, float]] = (),
) -> None:
    """Write beside points what each is, as far as there is room; the limits of the axes must be set.

    first: the points that come before all others. avoid: other places that are not to be covered.
    """
    size = np.array([ROOM, ROOM * 0.6])  # of the axes in points, about
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    scale = size / (right - left, high - low)
    at = (np.column_stack([x, y]) - (left, low)) * scale
    taken = [
        (*(point - 4), *(point + 4)) for point in [*at, *((np.array(a) - (left, low)) * scale for a in avoid)]
    ]
    for i in [*first, *(i for i in range(len(at)) if i not in first)]:
        width, height = 5.5 * len(texts[i]) + 2, 10.0
        for dx, dy in ((6, 3), (-6 - width, 3), (6, -3 - height), (-6 - width, -3 - height)):
            a, b = at[i] + (dx, dy)
            box = (a, b, a + width, b + height)
            inside = a >= 0 and b >= 0 and box[2] <= size[0] + 8 and box[3] <= size[1] + 8
            if inside and not any(
                box[0] < q[2] and q[0] < box[2] and box[1] < q[3] and q[1] < box[3] for q in taken
            ):
                taken.append(box)
                axes.annotate(
                    texts[i],
                    (x[i], y[i]),
                    xytext=(dx, dy),
                    textcoords="offset points",
                    fontsize=8,
                    color=colour,
                )
                break


# samples


def nearest_distances(found: dict[str, Any]) -> Figure | None:
    """Draw how far samples and held-out lines are from the nearest training line, as shares."""
    distances = found["nearest_distances"]
    if distances["lines"] < ENOUGH:
        return None
    figure, axes = _figure()
    _shares(axes, {"held-out lines": distances["held_out"], "samples": distances["samples"]})
    axes.set(xlabel="edits to the nearest training line")
    return figure


def line_lengths(run: Run, samples: list[str]) -> Figure:
    """Draw the lengths of training lines, held-out lines and samples, as shares."""
    lengths: dict[str, npt.ArrayLike] = {
        "training lines": run.corpus.drawn("train").lengths,
        "held-out lines": [len(line) for line in _held_out(run)],
        "samples": [len(text) for text in samples],
    }
    lengths = {name: each for name, each in lengths.items() if len(each) >= ENOUGH}  # type: ignore[arg-type]
    figure, axes = _figure()
    _shares(axes, {name: np.bincount(each).tolist() for name, each in lengths.items()})
    axes.set(xlabel="characters of the line")
    return figure


def _shares(axes: Any, counts: dict[str, list[int]], most: int = 30) -> None:
    """Draw how often 0, 1, 2, ... came, as steps; many are put together, and the few largest left out."""
    colours = {"training lines": GREY, "held-out lines": BLUE, "samples": ORANGE}
    wide = max(map(len, counts.values()))
    shares = {name: np.pad(np.array(n, float), (0, wide - len(n))) / sum(n) for name, n in counts.items()}
    mixed = np.mean(list(shares.values()), axis=0)
    first = int(np.searchsorted(mixed.cumsum(), 0.002)) if wide > most else 0
    last = int(np.searchsorted(mixed.cumsum(), 0.998)) + 1
    step = math.ceil((last - first) / most)
    edges = np.arange(first, last + step, step)
    for name, share in shares.items():
        height = [share[a : a + step].sum() for a in edges[:-1]]
        plain = name != "samples"
        axes.stairs(height, edges - 0.5, color=colours[name], label=name, fill=plain, alpha=0.35 if plain else 1,
                    linewidth=2, baseline=0)  # fmt: skip
    axes.yaxis.set_major_formatter(_percent)
    axes.set(ylabel="share" + (f" of each {step}" if step > 1 else ""))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()


def _percent(share: float, _: int) -> str:
    return f"{100 * share:.3g}%"


def pairs(run: Run, samples: list[str]) -> Figure | None:
    """Draw the frequencies of pairs of characters in samples, less those in the training lines."""
    if run.corpus.tokens_of("train") < 20 * len(run.vocab):  # most pairs were hardly seen
        return None
    ids = _frequent(run, 30)
    vocab = run.vocab
    lines = vocab.encode("\n" + "".join(text + "\n" for text in samples))
    a, b = (_pairs(stream, ids) for stream in (lines, run.corpus.drawn("train").tokens))
    labels = [character(vocab.decode([i])) for i in ids]
    return _heatmap(100 * (a - b), labels, "percentage points", ("second", "first"))


def _pairs(stream: npt.NDArray[Any], ids: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The share of each pair of the ids among all pairs of a stream, (K, K)."""
    K = len(ids)
    place = np.full(int(max(stream.max(), ids.max())) + 1, K)
    place[ids] = np.arange(K)
    a, b = place[stream[:-1]], place[stream[1:]]
    return np.bincount(a * (K + 1) + b, minlength=(K + 1) ** 2).reshape(K + 1, K + 1)[:K, :K] / len(a)


def _frequent(run: Run, most: int) -> npt.NDArray[Any]:
    """The ids of the most frequent characters, the boundary among them, in the order of ids."""
    counts = run.corpus.times
    return np.sort(np.argsort(-counts, kind="stable")[:most])


@torch.inference_mode()
def table(run: Run) -> Figure | None:
    """Draw the probabilities of a bigram model."""
    if run.type not in ("bigram", "bigram_nn"):
        return None
    ids = _frequent(run, 30)
    logits, _ = run.model(torch.from_numpy(ids)[:, None])
    p = logits[:, 0].softmax(-1)[:, ids].numpy()
    labels = [character(run.vocab.decode([i])) for i in ids]
    return _heatmap(p, labels, "probability", ("next character", "after"))


def _heatmap(values: npt.NDArray[Any], labels: list[str], unit: str, names: tuple[str, str]) -> Figure:
    figure, axes = _figure(4.1)
    least = -float(np.abs(values).max()) if values.min() < 0 else 0.0
    image = axes.imshow(
        values, cmap=_faded(least < 0), vmin=least, vmax=np.abs(values).max() or 1, interpolation="none"
    )
    _characters(axes, labels, labels, 7)
    axes.set(xlabel=names[0], ylabel=names[1])
    bar: Any = figure.colorbar(image, ax=axes, label=unit, shrink=0.8)
    bar.outline.set_visible(False)
    return figure


def _faded(diverging: bool) -> LinearSegmentedColormap:
    """A colour map in which nothing is transparent, so that it suits light pages and dark ones."""
    blue, orange = to_rgb(BLUE), to_rgb(ORANGE)
    colours = [(0.5, (*orange, 0.0)), (1.0, (*orange, 1.0))]
    if diverging:
        colours = [(0.0, (*blue, 1.0)), (0.5, (*blue, 0.0)), *colours]
    else:
        colours = [(0.0, (*blue, 0.0)), (1.0, (*blue, 1.0))]
    return LinearSegmentedColormap.from_list("faded", colours, N=65)


def _characters(axes: Any, rows: list[str], columns: list[str], size: float) -> None:
    """Put characters on both axes of a heatmap."""
    axes.set_xticks(range(len(columns)), columns, fontsize=size)
    axes.set_yticks(range(len(rows)), rows, fontsize=size)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set(visible=True, alpha=0.3)


def over_temperature(run: Run) -> Temperatures:
    """Return temperature, variety and distance of samples at each temperature; at last, as temperature 0, of real lines.

    Variety is the Vendi score over the number of lines; the distance the Jensen-Shannon divergence, in bits, of
    their 3-grams (or shorter ones) from those of the held-out lines. Empty where there are too few of those.
    """
    n = _affordable(run, 1)
    held_out, of_train = _held_out(run), run.corpus.drawn("train")
    if len(held_out) < ENOUGH:
        return []
    train = of_train.lines(np.random.default_rng(0).choice(len(of_train), n))
    # where there are thousands of characters, no two lists have their 3-grams in common
    real = {k: quality.jensen_shannon(_grams(train, k), _grams(held_out, k)) for k in (3, 2, 1)}
    k = next((k for k in real if real[k] < 0.7), 1)
    of_held_out = _grams(held_out, k)
    drawn = [(t, run.sample(n, temperature=t, seed=0)) for t in TEMPERATURES]
    return [
        (t, quality.vendi(some[:300]), quality.jensen_shannon(_grams(lines, k), of_held_out))
        for t, lines in [*drawn, (0.0, train)]
        if (some := [line for line in lines if line])
    ]


def _affordable(run: Run, share: int) -> int:
    """How many lines to draw."""
    return int(min(1000, max(50, share * _CHARACTERS / run.corpus.mean_length)))


def _held_out(run: Run) -> list[str]:
    parts = [run.corpus.drawn(split) for split in ("validation", "test")]
    return [line for part in parts for line in part.lines(np.arange(len(part)))]


def _grams(lines: list[str], k: int) -> dict[str, int]:
    return Counter(gram for line in lines for gram in quality.grams(f"\n{line}\n", k))


def quality_and_variety(names: list[str], found: list[Temperatures]) -> Figure | None:
    """Draw how like held-out lines, and how varied, samples are at each temperature. found: of `over_temperature`."""
    if not all(found):
        return None
    figure, axes = _figure()
    for i, (name, points) in enumerate(zip(names, found, strict=True)):
        colour, style = look(i)
        t, x, y = zip(*(point for point in points if point[0]), strict=True)
        axes.plot(x, y, style, color=colour, marker="o", markersize=5, label=_short(name))
    _, *real = found[0][-1]
    axes.plot(*real, "*", color=INK, markersize=11, label="training lines")
    axes.margins(0.08)
    axes.autoscale_view()
    t, x, y = zip(*(point for point in found[0] if point[0]), strict=True)  # those of other runs lie nearby
    first = [j for j, a in enumerate(t) if a in (t[0], 1.0, t[-1])]
    others = [(a, b) for points in found[1:] for _, a, b in points]
    _labels(axes, x, y, [f"{a:g}" for a in t], look(0)[0], first, [(real[0], real[1]), *others])
    axes.set(xlabel="variety (Vendi score of each line)", ylabel="bits from held-out lines")
    _legend(figure, axes, len(names))
    return figure


# inside the model


def embedding(run: Run, most: int = 100) -> Figure | None:
    """Draw the vectors of the most frequent characters on their first two principal components."""
    weight = getattr(getattr(run.model, "embedding", None), "weight", None)
    if weight is None or min(weight.shape) < 2:
        return None
    ids = _frequent(run, most)
    vectors = weight.detach().double().numpy()[ids]  # (K, C)
    u, size, _ = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    x, y = (u * size)[:, :2].T
    figure, axes = _figure(4.1)
    size_of = 13 if len(ids) <= 40 else 9
    x, y = _apart(x, y, size_of)
    axes.scatter(x, y, s=0)  # sets the limits
    seen: dict[str, str] = {}
    for i, a, b in zip(ids, x, y, strict=True):
        text = run.vocab.decode([i])
        kind = _kind(text)
        colour = seen.setdefault(kind, COLOURS[len(seen) % len(COLOURS)])
        axes.text(
            a, b, character(text), color=colour, ha="center", va="center", fontsize=size_of, fontweight="bold"
        )
    for kind, colour in seen.items():
        axes.plot([], [], "s", color=colour, label=kind)
    part = size**2 / (size**2).sum()
    axes.margins(0.08)
    axes.set(xlabel=f"{part[0]:.0%} of the variance", ylabel=f"{part[1]:.0%} of the variance")
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
    axes.legend(fontsize=8)
    return figure


def _apart(x: Any, y: Any, size: float, rounds: int = 200) -> Any:
    """Move letters of a size, in points, away from each other until none lies on another, each as little as it must."""
    scale = np.array([ROOM, ROOM]) / np.maximum([np.ptp(x), np.ptp(y)], 1e-9)
    at = np.column_stack([x, y]) * scale  # (K, 2) in points
    for _ in range(rounds):
        away = at[:, None] - at[None]  # (K, K, 2)
        far = np.hypot(*away.T).T
        np.fill_diagonal(far, np.inf)
        close = far < size
        if not close.any():
            break
        push = np.where(close, (size - far) / 2, 0.0)[..., None] * away / np.maximum(far, 1e-6)[..., None]
        at = at + push.sum(1)
    return (at / scale).T


def _kind(text: str) -> str:
    """Say what kind of character it is."""
    if text == "\n":
        return "end of line"
    if unicodedata.normalize("NFD", text)[0] in "aeiouAEIOU":
        return "vowel"
    kinds = {"Ll": "small letter", "Lu": "capital", "L": "letter", "N": "digit"}
    category = unicodedata.category(text)
    return kinds.get(category) or kinds.get(category[0]) or "sign"


def attention(run: Run, line: str | None = None, most: int = 10) -> Figure | None:
    """Draw where every head of a Transformer looks. line: None takes a held-out one of usual length."""
    if run.type != "transformer":
        return None
    if line is None:
        test = run.corpus.drawn("test")
        usual = int(np.median(test.lengths))
        line = test.lines([np.abs(test.lengths - usual).argmin()])[0]
    line = line[:most]
    weights = attention_weights(run, line)  # (L, H, T, T)
    L, H = weights.shape[:2]
    figure = Figure(figsize=(5, 0.5 + 5 * L / H if H > 1 else 3 * L))
    labels = [character(c) for c in "\n" + line]
    for layer in range(L):
        for head in range(H):
            axes: Any = figure.add_subplot(L, H, layer * H + head + 1)
            axes.imshow(weights[layer, head], cmap=_faded(False), vmin=0, vmax=0.6, interpolation="none")
            _characters(axes, labels, labels, 7)
            axes.tick_params(labelleft=head == 0, labelbottom=layer == L - 1)
            axes.set_title(f"block {layer + 1}, head {head + 1}", fontsize=7, color=INK)
    return figure


@torch.inference_mode()
def attention_weights(run: Run, line: str) -> npt.NDArray[Any]:
    """Return the weights of every head over a line and its beginning, (layers, heads, T, T)."""
    model: Any = run.model
    heard: list[torch.Tensor] = []
    hooks = [
        block.qkv.register_forward_hook(lambda module, given, qkv: heard.append(qkv))
        for block in model.blocks
    ]
    try:
        model(torch.from_numpy(run.vocab.encode("\n" + line).astype(np.int64))[None])
    finally:
        for hook in hooks:
            hook.remove()
    found = []
    for block, qkv in zip(model.blocks, heard, strict=True):
        _, T, C = qkv.shape
        q, k, _ = qkv[0].view(T, 3, block.n_head, C // 3 // block.n_head).permute(1, 2, 0, 3)  # (H, T, D)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        past = torch.ones(T, T, dtype=torch.bool).tril()
        found.append(scores.masked_fill(~past, -math.inf).softmax(-1))
    return torch.stack(found).numpy()


# text


def character(text: str) -> str:
    """Return a character as it can be read on an axis; the end of a line is ⏎, a space ␣."""
    if text in ("\n", " "):
        return "⏎" if text == "\n" else "␣"
    return "◌" + text if unicodedata.category(text).startswith("M") else shown(text)


def _short(name: str) -> str:
    """A run's name for a legend, which leaves out what begins with an underscore."""
    name = name if len(name) <= 24 else "…" + name[-23:]
    return " " + name if name.startswith("_") else name


def _count(n: int) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.2g}{unit}" if n < 100 * size else f"{n / size:.0f}{unit}"
    return str(n)


def _figure(height: float = 3.4) -> tuple[Figure, Any]:
    """A figure as wide as a telephone can show, and its axes."""
    figure = Figure(figsize=(5, height))
    return figure, figure.add_subplot()


def _legend(figure: Figure, axes: Any, runs: int) -> None:
    """Name the curves; those of several runs below, where nothing lies under the names."""
    if runs == 1:
        axes.legend()
        return
    figure.set_figheight(3.4 + 0.2 * math.ceil(runs / 2))
    figure.legend(loc="outside lower center", ncols=2)


# files


def svg(plot: Plot, key: str) -> str:
    """Return a plot as an SVG element for a page, in the page's colours and fonts. key: unique on the page."""
    file = io.StringIO()
    with styled():
        plot.figure.savefig(
            file,
            format="svg",
            transparent=True,
            metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")),
        )
    text = file.getvalue()
    box = re.search(r'viewBox="([^"]*)"', text)
    start = text.index(">", text.index("<svg")) + 1
    text = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", text[start:], flags=re.S)
    text = text.replace(INK, "currentColor").replace(PAPER, "var(--card)").replace("xlink:href", "href")
    text = re.sub(r"font: (?:(bold|700) )?([\d.]+px)[^;\"]*",
                  lambda m: f"font-size: {m[2]}" + "; font-weight: bold" * bool(m[1]), text)  # fmt: skip
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{key}-", text)
    return f'<svg viewBox="{box[1] if box else ""}" role="img" aria-label="{plot.title}">{text}'


def write_plots(
    directory: Path, entries: Sequence[Entry], drawn: list[list[Plot]] | None = None
) -> list[Path]:
    """Write all plots as PNG files to a directory, and return their paths. drawn: of `draw`, if there already."""
    drawn = drawn or draw(entries)
    names = picture_names(entries, drawn)
    refuse_unless(directory, "directory")
    with held(directory, wait=True):
        files = picture_files(directory, names)
        files.claim(*names)
        for name, plot in zip(names, itertools.chain(*drawn), strict=True):
            with files.writing(name) as beside:
                write_png(beside, plot)
    return [directory / name for name in names]


def picture_names(entries: Sequence[Entry], drawn: list[list[Plot]]) -> list[str]:
    """Return the file names of all plots, in their order."""
    names = []
    for i, plots in enumerate(drawn):
        # names of runs may be the same, or differ in what no file may be called
        safe = re.sub(r"[^\w.-]+", "_", entries[i - 1][0])[-40:]
        before = "" if len(drawn) < 3 or not i else f"{i}-{safe}-"
        names += [f"{before}{plot.name}.png" for plot in plots]
    return names


def picture_files(directory: Path, names: Sequence[str] = ()) -> Manifest:
    """Return the manifest of a directory of pictures. Raises MakemoreError if something else is in the way of one.

    Pictures without a manifest are an older makemore's if the page that they belong to is there.
    """
    there = refuse_unless(directory, "directory")
    page = directory.with_name(directory.name.removesuffix("-plots") + ".html")
    old = (
        [path.name for path in directory.glob("*.png") if is_picture(path)]
        if there and is_report(page)
        else []
    )
    files = Manifest(directory, old)
    files.check(*names)
    return files


def write_png(path: Path, plot: Plot) -> None:
    """Write a plot to a file as PNG; a character that no font here has becomes its code point."""
    figure: Figure = pickle.loads(pickle.dumps(plot.figure))
    with styled():
        figure.suptitle(plot.title)
        _spell(figure)
        figure.savefig(path, format="png", dpi=150, metadata=SIGNED)


def _spell(figure: Figure) -> None:
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = [label.get_text() for label in axis.get_ticklabels()]
            if "".join(map(_spelled, labels)) != "".join(labels):
                spelled = list(map(_spelled, labels))
                axis.set_ticks(axis.get_ticklocs(), spelled, fontsize=5, rotation=90 * (axis is axes.xaxis))
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_text(_spelled(text.get_text()))


def _spelled(text: str) -> str:
    return "".join(c if c == "\n" or ord(c) in _glyphs() else f"U+{ord(c):04X}" for c in text)


@functools.cache
def _glyphs() -> frozenset[int]:
    def of(family: str) -> Iterator[int]:
        yield from font_manager.get_font(font_manager.findfont(family)).get_charmap()

    return frozenset(code for family in settings()["font.family"] for code in of(family))
