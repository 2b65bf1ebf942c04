"""The weights of a model in few bytes, for the page that runs in a browser.

Learned weights become multiples of a step, the largest one that keeps the model's log-probabilities of some
validation lines within CLOSE; counts stay what they are. The strings of a tree are kept as the number of
continuations of each and their last characters, from which their keys follow. Each array is written as the lowest
byte of all its numbers, then the next byte, and so on, which compresses well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from makemore.inference.base import Array, Inference
from makemore.inference.blend import Blend
from makemore.inference.lines import score
from makemore.runs.forms import form_of
from makemore.runs.run import Run

CLOSE = 3e-5
"""By how much a log-probability of the lines that are looked at may change; others change by less than 1e-4."""

BITS = range(14, 22)
"""A step is the weights' root mean square divided by 2 to the power of one of these."""

CHECKED_LINES, CHECKED_CHARACTERS = 100, 3_000
"""Lines that are scored, and characters of them, at most: validation lines, and training lines where these are few.
By the test lines the page is judged."""


@dataclass(frozen=True)
class Stepped:
    """Weights as multiples of a step."""

    step: float
    times: Array
    """(...) int64"""

    @property
    def weights(self) -> Array:
        """The weights, as 32-bit floats."""
        return (self.times * self.step).astype(np.float32)


class Packing:
    """Arrays as bytes, one after another."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def __bytes__(self) -> bytes:
        return b"".join(self._parts)

    def add(self, some: bytes) -> int:
        """Append some bytes; return where they begin."""
        self._parts.append(some)
        self._size += len(some)
        return self._size - len(some)

    def model(self, form: Inference, type: str, bits: int | None) -> dict[str, object]:
        """Append the weights of a model; return what the page must know to read them.

        Args:
            form: The model.
            type: Its type.
            bits: How small the steps are; None keeps learned weights as they are.

        """
        tensors = []
        for name, values in in_lists(form.weights, form.V).items():
            about: dict[str, object] = {"name": name, "shape": values.shape}
            if values.dtype == np.float32 and (found := stepped(values, bits)):
                about |= {"kind": "steps", "step": found.step}
                plain = np.where(found.times < 0, -2 * found.times - 1, 2 * found.times)
            elif values.dtype != np.float32 and _counts(values):
                about["kind"], plain = "whole", values.astype(np.int64)
            else:
                about["kind"], plain = "float", values.astype(np.float32).view(np.uint32).astype(np.int64)
            size = (int(plain.max(initial=0)).bit_length() + 7) // 8
            planes = plain.astype("<u4").reshape(-1).view(np.uint8).reshape(-1, 4).T[:size]
            tensors.append(about | {"size": size, "offset": self.add(planes.tobytes())})
        return {"type": type, "V": form.V, "config": dict(form.config), "tensors": tensors}


def packed(run: Run, packing: Packing) -> dict[str, object]:
    """Append the weights of a run to a packing, with steps as large as can be; return what describes them."""
    form, blend = run.form, run.setup.blend
    assert form is not None
    bits = _bits(run)
    if blend is None:
        return packing.model(form, run.type, bits)
    assert isinstance(form, Blend)
    return {
        "type": "blend",
        "V": form.V,
        "product": form.product,
        "reads": form.reads.tolist(),
        "writes": form.writes.tolist(),
        "shares": form.shares.tolist(),
        "parts": [
            packing.model(each, about.type, bits) for each, about in zip(form.parts, blend.parts, strict=True)
        ],
    }


def stepped(weights: Array, bits: int | None) -> Stepped | None:
    """Return weights as multiples of a step; None if they stay as they are, or a multiple would be too large."""
    if bits is None or not weights.size:
        return None
    step = float(np.sqrt(np.mean(weights.astype(np.float64) ** 2))) / 2**bits or 1.0
    times = np.rint(weights.astype(np.float64) / step).astype(np.int64)
    return Stepped(step, times) if np.abs(times).max() < 2**30 else None


def in_lists(weights: Mapping[str, Array], V: int) -> dict[str, Array]:
    """Return weights by name, with two lists in place of the keys of each tree of strings (counting/strings.py).

    `children` is the number of continuations of each context, those of the empty one first, of all levels one
    after another; `last` is the last character of each string.
    """
    found = {name: weights[name] for name in weights if not name.endswith("keys")}
    for name in (name for name in weights if name.endswith("keys")):
        tree = name.removesuffix("keys")
        size = V
        if tree.endswith("shape."):  # its characters are the kinds of the others
            size = int(weights[f"{tree.removesuffix('shape.')}kinds"].max()) + 1
        children, contexts = [], 0
        for keys in np.split(weights[name], np.cumsum(weights[f"{tree}sizes"])[:-1]):
            children.append(np.bincount(keys // size, minlength=contexts))
            contexts = len(keys)
        found |= {f"{tree}children": np.concatenate(children), f"{tree}last": weights[name] % size}
    return found


def _counts(values: Array) -> bool:
    """Return whether an array holds whole numbers of up to 32 bits."""
    return bool(((values >= 0) & (values < 2**32) & (values == np.floor(values))).all())


def _bits(run: Run) -> int | None:
    """Return how small the steps must be for log-probabilities to stay CLOSE; None if no step is small enough."""
    form = run.form
    assert form is not None
    rows = np.concatenate([run.corpus.rows(split)[:CHECKED_LINES] for split in ("validation", "train")])
    rows = rows[:CHECKED_LINES]
    kept = np.cumsum(run.corpus.lengths_of(rows)) <= CHECKED_CHARACTERS
    kept[0] = True
    rows = rows[kept]
    labels = run.corpus.labels_of(rows)
    numbers = [0] * len(rows) if labels is None else labels.tolist()
    lines = [run.vocab.stream([line])[:CHECKED_CHARACTERS] for line in run.corpus.lines(rows)]
    before = np.concatenate(score(form, lines, numbers))
    for bits in BITS:
        rounded = dict(form.weights)
        for name, values in form.weights.items():
            if values.dtype == np.float32 and (found := stepped(values, bits)):
                rounded[name] = found.weights
        after = np.concatenate(score(form_of(run.setup, rounded), lines, numbers))
        possible = np.isfinite(before)
        if (
            np.abs(before - after)[possible].max(initial=0) < CLOSE
            and not np.isfinite(after[~possible]).any()
        ):
            return bits
    return None
