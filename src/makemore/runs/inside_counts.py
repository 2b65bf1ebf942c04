"""What there is to see in models that count: a table of pairs, or contexts of several lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from makemore.corpus.vocab import BOUNDARY
from makemore.inference.base import Array, State, log_softmax
from makemore.inference.counts import CTW, Bigram, BigramNN, NGram
from makemore.runs.views import Grid, Level, View

PAIRS = 60
"""The most characters of a table of pairs."""

CHOICES = 10
"""The characters whose probabilities are followed from level to level."""


def pairs(form: Bigram | BigramNN, names: Sequence[str], ids: Array, last: int, label: int) -> View:
    """Return the table of a model of pairs.

    Args:
        form: The model.
        names: What people see for each of the V ids.
        ids: Those to show, (K,).
        last: The id that was read last.
        label: The number of the line's label.

    """
    rows = np.unique(np.append(ids, last))
    p = np.exp(log_softmax(form.table[rows + label * form.V]))[:, ids]  # (R, K)
    shown = [names[i] for i in ids]
    grid = Grid.of(p, [names[i] for i in rows], shown, high=float(p.max()), marked=rows.tolist().index(last))
    few = (
        f" Only the {len(ids)} most frequent of {form.V:,} characters are shown." if len(ids) < form.V else ""
    )
    return View(
        "Table of pairs",
        "This table is the whole model. A row is the last character, a column the next one; the stronger the colour, the more "
        f"probable. The framed row is where the text has got to.{few}",
        across="next character",
        down="last character",
        grids=(grid,),
    )


def contexts(form: NGram, names: Sequence[str], line: Array, p: Sequence[Array], state: State) -> View:
    """Return the contexts of an n-gram from none to the longest, and what each does to the estimate.

    Args:
        form: The model.
        names: What people see for each of the V ids.
        line: The ids that it has read, (T,), the boundary first.
        p: The probabilities (V,) after each level, which `step` noted last.
        state: The state after the last one.

    """
    ends = np.cumsum(form.weights["sizes"])[:-1]
    counts = np.split(form.weights["counts"], ends)
    top = _top(p[-1])
    p = [*p[: len(line)], p[-1]]  # with labels, even contexts that begin before the line change the answer
    levels = []
    for k, context in enumerate([0, *state[0][0].tolist()][: len(p)]):
        seen, share = 0, 1.0
        if k == 0:
            seen, share = int(counts[0].sum()), 0.0
        elif context >= 0:
            its = slice(form.first[k][context], form.first[k][context + 1])
            seen, share = int(counts[k][its].sum()), float(form.back[k][context])
        levels.append(Level(_last(names, line, k), seen, share, tuple(p[k][top].tolist())))
    return View(
        "Contexts, from none to the longest",
        "Each row looks one character further back, keeps part of the row above (“left to shorter”), and adds what "
        "it has counted itself; the last row is the answer. Except for the longest contexts and the beginning of "
        "the line, “seen” is after how many different characters (Kneser-Ney).",
        characters=tuple(names[i] for i in top),
        levels=tuple(levels),
        share="left to shorter",
    )


def depths(form: CTW, names: Sequence[str], line: Array, state: State, label: int) -> View:
    """Return the contexts of context-tree weighting, each with its weight and its own estimate.

    The arguments are those of `contexts`, and the number of the line's label.
    """
    tree, base, root, of = form.tree, form.tree.base, 0, ""
    places = state[0][0]
    if tree.own is not None:  # the label's tree leans on what all lines say
        root, of = label, " Counted are the lines with this label; each row leans on what all lines say."
        base = _mean(tree.levels(np.append(0, places), base))
        tree, places = tree.own, state[1][0]
    found = tree.levels(np.append(root, places), base)
    top = _top(_mean(found))
    levels = [
        Level(_last(names, line, k), seen, weight, tuple(estimate[top].tolist()))
        for k, (seen, weight, estimate) in enumerate(found[: len(line) + 1])
    ]
    return View(
        "Contexts, each with its weight",
        "Each row looks one character further back and makes an estimate of its own. The answer is their mean by "
        f"weight: how probable it is that looking just so far back is right.{of}",
        characters=tuple(names[i] for i in top),
        levels=tuple(levels),
        share="weight",
    )


def _mean(levels: Sequence[tuple[int, float, Array]]) -> Array:
    """Return what the levels of a context tree predict together, (V,)."""
    p: Array = np.sum([weight * p for _, weight, p in levels], axis=0)
    return p


def _top(p: Array) -> Array:
    """Return the ids of the likeliest characters, likeliest first, with the end of the line."""
    top = np.argsort(-p, kind="stable")[:CHOICES]
    return top if BOUNDARY in top else np.append(top, BOUNDARY)


def _last(names: Sequence[str], line: Array, k: int) -> tuple[str, ...]:
    """Return the last k characters that were read."""
    return tuple(names[i] for i in line[len(line) - k :].tolist())
