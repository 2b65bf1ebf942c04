"""Plots of what is inside a model: its table, embedding and attention, and its layers during training."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import nn

from makemore.corpus.vocab import Ids
from makemore.metrics.layers import Row, matrices, series
from makemore.models.transformer import Block, Transformer, attention_shares
from makemore.plots.palette import COLOURS, GREY, INK
from makemore.plots.style import SIZE, character, fading, heatmap, label_cells, look, new_figure
from makemore.runs.embedding_map import apart, frequent, kind, principal
from makemore.runs.run import Run

LEGEND = 12
"""The most kinds of layers in a panel of the diagnostics."""


@torch.inference_mode()
def table(run: Run) -> Figure | None:
    """Plot the probabilities of a bigram model."""
    if run.type not in ("bigram", "bigram_nn"):
        return None
    ids = frequent(run.corpus, 30)
    logits, _ = run.model(torch.from_numpy(ids)[:, None])
    p = logits[:, 0].softmax(-1)[:, ids].numpy()
    labels = [character(run.vocab.names[i], run.vocab.forms.line_breaks) for i in ids]
    return heatmap(p, labels, "probability", ("next character", "character before it"))


# embedding


def embedding(run: Run) -> Figure | None:
    """Plot the vectors of the 100 most frequent characters on their first two principal components."""
    layer = dict(run.model.named_children()).get("embedding")  # the name is part of the models' contract
    if not isinstance(layer, nn.Embedding) or min(layer.weight.shape) < 2:
        return None
    ids = frequent(run.corpus, 100)
    vectors = layer.weight.detach().numpy()[ids]  # (K, C)
    places, part = principal(vectors)
    points = 13 if len(ids) <= 40 else 9  # font size of the letters
    x, y = apart(places, (SIZE[0] / 1.2, SIZE[1] / 1.2), points).T  # without the margins
    figure, axes = new_figure(4.1)
    axes.scatter(x, y, s=0)  # sets the limits
    colours: dict[str, str] = {}
    for i, a, b in zip(ids, x, y, strict=True):
        text = run.vocab.names[i]
        colour = colours.setdefault(kind(text, run.vocab.end), COLOURS[len(colours) % len(COLOURS)])
        letter = axes.text(
            a,
            b,
            character(text, run.vocab.forms.line_breaks),
            color=colour,
            fontsize=points,
            fontweight="bold",
        )
        letter.set(ha="center", va="center")
    for name, colour in colours.items():
        axes.plot([], [], "s", color=colour, label=name)
    axes.margins(0.08)
    axes.set(xlabel=f"first component ({part[0]:.0%} of the variance)")
    axes.set(ylabel=f"second component ({part[1]:.0%} of the variance)")
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
    axes.legend(fontsize=8)
    return figure


# attention


def attention(run: Run) -> Figure | None:
    """Plot where every head of a Transformer looks while it reads the start of a test line of median length."""
    if run.type != "transformer":
        return None
    test = run.corpus.subsample("test")
    usual = int(np.median(test.lengths))
    ids = test.stream(np.abs(test.lengths - usual).argmin(keepdims=True))[:11]
    weights = attention_weights(run, ids)  # (L, H, T, T)
    L, H = weights.shape[:2]
    figure = Figure(figsize=(5, 0.8 + 5 * L / H if H > 1 else 3 * L))
    labels = [character(run.vocab.names[i], run.vocab.forms.line_breaks) for i in ids]
    for layer in range(L):
        for head in range(H):
            axes = figure.add_subplot(L, H, layer * H + head + 1)
            axes.imshow(weights[layer, head], cmap=fading(False), vmin=0, vmax=0.6, interpolation="none")
            label_cells(axes, labels)
            axes.tick_params(labelleft=head == 0, labelbottom=layer == L - 1)
            axes.set_title(f"block {layer + 1}, head {head + 1}", fontsize=7, color=INK)
    figure.supxlabel("character it looks at", fontsize=9)
    figure.supylabel("character it is at", fontsize=9)
    return figure


@torch.inference_mode()
def attention_weights(run: Run, ids: Ids) -> npt.NDArray[np.float32]:
    """Return where every head of a Transformer looks over ids (T,): a boundary and characters of a line.

    They are shares that sum to 1 over the last dimension, (layers, heads, T, T).
    """
    model = run.model
    assert isinstance(model, Transformer)
    blocks = [block for block in model.blocks if isinstance(block, Block)]
    heard: list[torch.Tensor] = []
    hooks = [
        block.qkv.register_forward_hook(lambda module, given, qkv: heard.append(qkv)) for block in blocks
    ]
    try:
        model(torch.from_numpy(ids.astype(np.int64))[None])
    finally:
        for hook in hooks:
            hook.remove()
    found = []
    for block, qkv in zip(blocks, heard, strict=True):
        q, k, _ = qkv.unflatten(-1, (3, block.n_head, -1)).unbind(2)  # (1, T, H, D)
        found.append(attention_shares(q, k)[0])
    return torch.stack(found).numpy()


# training


_PANELS = (
    ("activations", "std", "activations: standard deviation"),
    ("activations", "saturated", "non-linearities: share of outputs where they are flat"),
    ("parameters", "gradient_std", "gradients: standard deviation"),
    ("parameters", "update_ratio", "updates: log10 of their size relative to the weights"),
)


def diagnostics(rows: Sequence[Row]) -> Figure:
    """Plot the rows of diagnostics.jsonl over the steps of training."""
    rows = [row for row in rows if row.parameters]
    figure = Figure(figsize=(13, 8))
    FigureCanvasAgg(figure)
    for axes, (group, key, title) in zip(figure.subplots(2, 2).flat, _PANELS, strict=True):
        kinds = _kinds_of_layers(rows, group, key)
        for i, (layer, names) in enumerate(list(kinds.items())[:LEGEND]):
            _layers(axes, rows, (group, key), names, layer, look(i))
        if key == "gradient_std":
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda x, _: f"{x:g}")  # not as a formula
            axes.yaxis.set_minor_formatter(lambda x, _: "")
        if key == "saturated":
            axes.set_ylim(-0.02, 1.02)
        if key == "update_ratio":
            axes.axhline(-3, color=GREY, linestyle=":", label="-3, a good size")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        if kinds:
            more = f"{len(kinds) - LEGEND} more not plotted" if len(kinds) > LEGEND else None
            axes.legend(fontsize=7, title=more, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        else:
            axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center")
    return figure


def _kinds_of_layers(rows: Sequence[Row], group: str, key: str) -> dict[str, list[str]]:
    """Return the names of the layers that have a number: blocks.0.fc and blocks.1.fc are of one kind."""
    names = list(dict.fromkeys(name for row in rows for name in row.of(group)))
    if group == "parameters":
        wanted = matrices(rows[0])
        names = [name for name in names if name in wanted]
    kinds: dict[str, list[str]] = {}
    for name in names:
        if np.isfinite(series(rows, group, name, key)).any():
            kinds.setdefault(re.sub(r"\b\d+\b", "*", name), []).append(name)
    return kinds


def _layers(
    axes: Axes,
    rows: Sequence[Row],
    of: tuple[str, str],
    names: list[str],
    kind: str,
    style: tuple[str, str],
) -> None:
    """Plot one number of the layers of one kind in one colour, the last layer darkest."""
    group, key = of
    colour, line_style = style
    steps = [row.step for row in rows]
    for j, name in enumerate(names):
        values = series(rows, group, name, key)
        if key == "update_ratio":
            values = np.log10(np.where(values > 0, values, math.nan))
        last = j == len(names) - 1
        label = names[0] if len(names) == 1 else f"{kind} ({len(names)})"
        axes.plot(
            steps,
            values,
            color=colour,
            linestyle=line_style,
            alpha=0.3 + 0.7 * (j + 1) / len(names),
            linewidth=1,
            label=label if last else None,
        )
