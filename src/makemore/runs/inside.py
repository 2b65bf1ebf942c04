"""Looking inside a model while it reads a text: what its table, contexts, gates or heads hold."""

from __future__ import annotations

import contextlib
from collections import ChainMap
from collections.abc import Mapping, Sequence

import numpy as np

from makemore.inference.attention import BagOfWords
from makemore.inference.base import Array, Inference, State
from makemore.inference.blend import Blend
from makemore.inference.counts import CTW, Bigram, BigramNN, NGram
from makemore.inference.ladder import TYPES
from makemore.inference.lines import Reader
from makemore.inference.recurrent import Mixture
from makemore.runs import inside_counts, labels, scoring
from makemore.runs.embedding_map import apart, frequent, kind, principal
from makemore.runs.run import Run
from makemore.runs.views import Grid, Inside, Point, View

LAST = 24
"""The characters of a text for which inner values are returned, its last ones."""

UNITS = 24
"""The units of a layer whose values are returned."""

HEADS = 32
"""The heads whose attention is returned."""

POINTS = 100
"""The characters on the map."""

GATES = {
    "hidden": ("Hidden units", "what a unit has learned to look for makes it 1, the opposite -1", -1.0),
    "i": ("Input gate", "the stronger the colour, the more is written into the memory", 0.0),
    "f": ("Forget gate", "the stronger the colour, the more of the memory is kept", 0.0),
    "o": (
        "Output gate",
        "the stronger the colour, the more of the memory is shown to the rest of the model",
        0.0,
    ),
    "r": (
        "Reset gate",
        "the stronger the colour, the more of the memory is used for what is written next",
        0.0,
    ),
    "z": ("Update gate", "the stronger the colour, the more of the memory is kept", 0.0),
    "replaced": ("Update gate", "the stronger the colour, the more of the memory is replaced", 0.0),
    "gate": ("Gates", "the stronger the colour, the more of what a unit has found passes on", 0.0),
}
"""What models note for each unit: the title, what a value means, and the lowest one; the highest is 1."""


def inside(run: Run, text: str, label: str | None = None) -> Inside:
    """Return what there is to see in a run's model when it has read a text.

    Args:
        run: The run.
        text: The beginning of a line, taken as by `Run.expects`.
        label: The label that the line has; None: the one that is most probable after the text.

    Raises:
        MakemoreError: The text has a character that is not known, is not one line or too long; or there is no
            such label.

    """
    text = run.spelling.normal(text)
    run.spelling.check_length(text)
    line = scoring.ids(run.vocab, text)[:-1].astype(np.intp)
    names, form = run.vocab.names, run.form
    read = tuple(names[i] for i in line[1:].tolist())
    blend = run.setup.blend
    known = TYPES.get(run.type)
    says = f"It {known.says}." if known else f"It is {blend or f'a model of type {run.type}'}."
    if form is None:
        return Inside(run.type, f"{says} It has no form in NumPy, so there is nothing more to see.", read, ())
    number = labels.numbers(run.vocab, [label], run.directory)[0] if label is not None else None
    reader = run.reader(form, number if run.vocab.labels else 0)
    number = int(reader.labels[reader.posterior(line).argmax()])
    if run.vocab.labels:
        named = run.vocab.labels[number - 1] if number else "none"
        says += f" The text is read as a line with the label {named}."
    seen, state = _watch(form, reader, line, number)
    characters = [names[i] for i in line[-LAST:].tolist()]
    views = [
        *_counted(run, form, line, seen, state, number),
        *_attention(form, characters, seen, len(line)),
        *_trust(form, characters, seen, [part.name for part in blend.parts] if blend else []),
        *_gates(characters, seen, len(line)),
        *_map(run, form),
    ]
    if not views:
        says += " There is nothing more to see inside it here."
    return Inside(run.type, says, read, tuple(views))


def _watch(
    form: Inference, reader: Reader, line: Array, label: int
) -> tuple[Mapping[str, Sequence[Array]], State]:
    """Return what a model notes at the last LAST ids of a line, and its state after them."""
    state: State | None = None
    if len(line) > LAST:
        (row,) = np.flatnonzero(reader.labels == label)
        state = tuple(each[[row]] for each in reader.read(line[:-LAST]).state)
    with contextlib.ExitStack() as watching:
        watched = [form, form.ngram] if isinstance(form, Mixture) else [form]
        seen = [watching.enter_context(each.watched()) for each in watched]
        for i in line[-LAST:]:
            _, state = form.step(i[None] + label * form.V, state)
    assert state is not None
    return dict(ChainMap(*seen)), state


def _counted(
    run: Run, form: Inference, line: Array, seen: Mapping[str, Sequence[Array]], state: State, label: int
) -> list[View]:
    """Return the views of what has counted."""
    names = run.vocab.names
    if isinstance(form, Mixture):
        state = state[form.n_state :]
        form = form.ngram
    match form:
        case Bigram() | BigramNN():
            ids = frequent(run.corpus, inside_counts.PAIRS)
            return [inside_counts.pairs(form, names, ids, int(line[-1]), label)]
        case NGram():
            p = [each[0] for each in seen["levels"][-form.n :]]
            return [inside_counts.contexts(form, names, line, p, state)]
        case CTW():
            return [inside_counts.depths(form, names, line, state, label)]
    return []


def _attention(
    form: Inference, characters: Sequence[str], seen: Mapping[str, Sequence[Array]], T: int
) -> list[View]:
    """Return where each head looks at each of the last characters. T: how many were read in all."""
    R = len(characters)
    if isinstance(form, BagOfWords):
        found = [[np.full(T - R + 1 + t, 1 / (T - R + 1 + t)) for t in range(R)]]
        titles, says = [""], "It looks at all characters alike"
    elif "attention" in seen:
        n = len(seen["attention"]) // R  # layers
        heads = [[each[0] for each in seen["attention"][i::n]] for i in range(n)]  # (S, H) each
        H = heads[0][0].shape[1]
        found = [[each[:, h] for each in layer] for layer in heads for h in range(H)][:HEADS]
        titles = [f"layer {i + 1}, head {h + 1}" for i in range(n) for h in range(H)][:HEADS]
        says = "Each square is a head" if len(titles) > 1 else "There is one head"
    else:
        return []
    columns, cut = list(characters), T - R
    if cut:
        columns = ["earlier", *columns]
        found = [[np.append(row[:cut].sum(), row[cut:]) for row in rows] for rows in found]
    width = len(columns)
    grids = []
    for title, rows in zip(titles, found, strict=True):
        values = np.array([np.pad(row, (0, width - len(row))) for row in rows])
        grids.append(Grid.of(values, characters, columns, title=title))
    more = " Sums of all earlier characters are in the first column." if cut else ""
    return [
        View(
            "Attention",
            f"{says}. A row is the character that has just been read, a column one that it looks back at; the "
            f"stronger the colour, the more is taken from there. Each row adds up to 100%.{more}",
            across="looks at",
            down="has read",
            grids=tuple(grids),
        )
    ]


def _trust(
    form: Inference, characters: Sequence[str], seen: Mapping[str, Sequence[Array]], parts: Sequence[str]
) -> list[View]:
    """Return how far a mixture trusts its parts at each of the last characters."""
    if "trust" in seen:
        values = np.concatenate(seen["trust"]).T  # (2, R)
        says = "How far it trusts the network and the n-gram for the next character: 0 is not at all."
        grid = Grid.of(values, ["network", "n-gram"], characters)
    elif isinstance(form, Blend) and "shares" in seen:
        values = np.concatenate(seen["shares"]).T  # (P, R)
        says = (
            "The share of each part in the next character; 0 where it could not have written the line so far."
        )
        grid = Grid.of(values, parts, characters)
    else:
        return []
    return [View("Trust", says, across="has read", down="part", grids=(grid,))]


def _gates(characters: Sequence[str], seen: Mapping[str, Sequence[Array]], T: int) -> list[View]:
    """Return the values of hidden units or gates at each of the last characters."""
    views = []
    for name, (title, means, low) in GATES.items():
        if name not in seen:
            continue
        n = len(seen[name]) // len(characters)  # layers
        grids, units = [], 0
        for i in range(n):
            values = np.concatenate(seen[name][i::n]).T  # (units, R)
            units = len(values)
            most = np.sort(np.argsort(-values.std(1), kind="stable")[:UNITS])  # of interest
            rows = [str(unit + 1) for unit in most.tolist()]
            grids.append(
                Grid.of(values[most], rows, characters, low=low, title=f"layer {i + 1}" if n > 1 else "")
            )
        few = f" Shown are the {UNITS} of {units} units that change most." if units > UNITS else ""
        says = f"A row is a unit, a column the character just read; {means}.{few}"
        if len(characters) < T:
            says += f" Shown are the last {len(characters)} characters."
        views.append(View(title, says, across="has read", down="unit", grids=tuple(grids)))
    return views


def _map(run: Run, form: Inference) -> list[View]:
    """Return the embeddings of the most frequent characters on their first two principal components."""
    ids = frequent(run.corpus, POINTS)
    if "embedding.weight" not in form.weights:
        return []
    weights = form.weights["embedding.weight"]
    if min(len(ids), weights.shape[1]) < 2:
        return []
    places, part = principal(weights[ids])
    places = places / max(float(np.abs(places).max()), 1e-9)
    places = apart(places, (290.0, 240.0), 13.0 if len(ids) <= 40 else 9.0)
    names = [run.vocab.names[i] for i in ids.tolist()]
    points = [
        Point(name, kind(name, run.vocab.end), round(x, 4), round(y, 4))
        for name, (x, y) in zip(names, places.tolist(), strict=True)
    ]
    return [
        View(
            "Map of the characters",
            "Each character is a point in a space that the model has learned, here flattened to two dimensions "
            f"({part[:2].sum():.0%} of the differences); the model treats characters close together alike. It is "
            "the same for every text.",
            points=tuple(points),
        )
    ]
