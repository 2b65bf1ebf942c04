"""Exact losses of lines: their sum, their standard error, and their parts by position, length and character.

Losses are in nats. A token is a character or the end of a line, and every token counts the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from makemore.corpus.corpus import Corpus
from makemore.distributed.group import ALONE, Group
from makemore.files.results import Result
from makemore.files.typed import check_arguments
from makemore.metrics.intervals import FEWEST, Floats, Interval, Units, t
from makemore.models.loss import IGNORE

_LOGITS = 8_000_000
"""The most logits computed at a time: 32 MB; larger pieces are slower."""

_WIDE = 256_000_000
"""The most activations of a model's widest layer computed at a time: 1 GB."""

WHOLE = 16_384
"""The most characters of a line computed at a time; fewer if the vocabulary is large."""

Counts = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Loss:
    """A loss summed over tokens."""

    total: float
    """Sum of -log p, in nats."""
    tokens: int
    """Predicted tokens, ends of lines included."""
    lines: int
    error: float = 0.0
    """Standard error of `nll`: how much it varies with which lines are held out."""

    @property
    def nll(self) -> float:
        """Nats per token."""
        return self.total / self.tokens


@dataclass(frozen=True)
class Losses:
    """-log p of every token of some lines, in nats."""

    tokens: Floats
    """(N,) the tokens of each line in turn, its end last."""
    lengths: Counts
    """(M,) tokens of each line."""
    units: Units | None = None
    """(M,) lines with the same number are the same line; None if all are different."""

    @property
    def starts(self) -> Counts:
        """(M,) where the tokens of each line begin."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def lines(self) -> Floats:
        """(M,) -log p of each line with its end."""
        sums: Floats = np.add.reduceat(self.tokens, self.starts) if len(self.lengths) else np.zeros(0)
        return sums

    def __add__(self, more: Losses) -> Losses:
        """Return the losses of these lines followed by those of others."""
        units = None
        if self.units is not None and more.units is not None:
            units = np.concatenate([self.units, more.units])
        lengths = np.concatenate([self.lengths, more.lengths])
        return Losses(np.concatenate([self.tokens, more.tokens]), lengths, units)

    def whole(self) -> Losses:
        """Return the same with one number for each line, which takes less memory."""
        return Losses(self.lines, np.ones(len(self.lengths), dtype=np.int64), self.units)

    @property
    def loss(self) -> Loss:
        """The sum, with its standard error."""
        error = self._spread(self.lines)
        return Loss(float(self.tokens.sum()), len(self.tokens), len(self.lengths), error)

    def difference(self, other: Losses) -> float:
        """Return the standard error of the difference from another model's loss on the same lines."""
        return self._spread(self.lines - other.lines)

    def _spread(self, lines: Floats) -> float:
        """Return the standard error of sum(lines) / tokens, by the delta method."""
        total = lines.sum()
        if not np.isfinite(total):  # a line has no probability
            return math.nan
        n = max(1, len(self.tokens))
        beyond = lines - total / n * self.lengths
        if self.units is not None:
            beyond = np.bincount(np.unique(self.units, return_inverse=True)[1], beyond)
        return float(np.sqrt((beyond**2).sum()) / n)


# computing them


class Pass(NamedTuple):
    """The result of one forward pass over some lines."""

    which: Counts
    """(B,) which lines."""
    start: int
    """The position of the first logits in the lines."""
    logits: Tensor
    """(B, T, V)."""
    targets: Tensor
    """(B, T), IGNORE at padding."""


def batch_tokens(vocab_size: int) -> int:
    """Return how many positions to compute at once without training."""
    return min(8192, max(64, _LOGITS // vocab_size))


@torch.inference_mode()
def passes(model: nn.Module, corpus: Corpus, group: Group = ALONE) -> Iterator[Pass]:
    """Yield forward passes, in eval mode, that together cover all lines of a corpus.

    A line that is too long for one pass is split over several. Each process of the group gets its own passes.
    """
    widest = max((max(p.shape) for p in model.parameters() if p.ndim == 2), default=1)
    most = max(64, _WIDE // widest)
    piece = min(WHOLE, max(64, 4 * _LOGITS // len(corpus.vocab)), most)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        batches = in_order(np.arange(len(corpus)), corpus.lengths, min(most, batch_tokens(len(corpus.vocab))))
        for which in batches[group.rank :: group.size]:
            inputs, targets = (torch.from_numpy(array).to(device) for array in corpus.batch(which))
            state = None
            for start in range(0, inputs.shape[1], piece):
                part = slice(start, start + piece)
                logits, state = model(inputs[:, part], state)
                yield Pass(which, start, logits, targets[:, part])
    finally:
        model.train(was_training)


def losses(model: nn.Module, corpus: Corpus, rows: Rows, group: Group = ALONE) -> Losses:
    """Return the loss of every token of some rows (M,)."""
    some = corpus.subset(rows)
    lengths = some.lengths + 1
    starts = np.cumsum(lengths) - lengths
    tokens = np.zeros(int(lengths.sum()))
    for which, start, logits, targets in passes(model, some, group):
        logits, right = logits.float().flatten(0, 1), targets.flatten()  # (B T, V), (B T,)
        nll = F.cross_entropy(logits, right, ignore_index=IGNORE, reduction="none")
        found = nll.view(targets.shape).cpu().numpy()  # (B, T)
        at = start + np.arange(found.shape[1])
        real = at < lengths[which, None]
        tokens[(starts[which, None] + at)[real]] = found[real]
    group.fill(tokens)
    return Losses(tokens, lengths, some.hashes)


def evaluate(model: nn.Module, corpus: Corpus, rows: Rows) -> Loss:
    """Return the exact loss of a model on some lines of a corpus.

    Args:
        model: The model.
        corpus: Its vocabulary, and the lines.
        rows: (M,) which lines, for example `corpus.rows("test")`.

    """
    check_arguments(evaluate, {"model": model, "corpus": corpus})
    return losses(model, corpus, rows).loss


def score(model: nn.Module, corpus: Corpus) -> list[list[float]]:
    """Return -log p of every character of every line of a corpus, its end last, in nats."""
    found = losses(model, corpus, np.arange(len(corpus)))
    return [part.tolist() for part in np.split(found.tokens, found.starts[1:])] if len(corpus) else []


def expected(model: nn.Module, corpus: Corpus, row: int) -> Iterator[Floats]:
    """Yield the probabilities of all characters at each position of a line, (V,) float64 each."""
    for _, _, logits, _ in passes(model, corpus.subset(np.array([row]))):
        for some in logits[0].split(64):
            yield from some.double().softmax(-1).cpu().numpy()


# parts


@dataclass(frozen=True)
class Part(Result):
    """The loss of some of the tokens, such as those at one position."""

    tokens: int
    nll: float
    """Nats per token."""
    interval: Interval
    """95% interval of the mean, from its standard error, on a logarithmic scale."""


def by_position(found: Losses) -> dict[int, Part]:
    """Return the loss of the first, second, ... token of the lines."""
    position = np.arange(len(found.tokens)) - np.repeat(found.starts, found.lengths) + 1
    return _parts(position, found.tokens)


def by_character(found: Losses, corpus: Corpus, rows: Rows) -> dict[int, Part]:
    """Return the loss of each character, by its id; 0 is the end of the line."""
    return _parts(corpus.stream(rows)[1:].astype(np.int64), found.tokens)


def by_group(found: Losses, groups: Counts) -> dict[int, Part]:
    """Return the loss of the lines of each group, such as those with one label; groups: (M,) each line's."""
    return _parts(np.repeat(groups, found.lengths), found.tokens)


def by_length(found: Losses) -> dict[int, Part]:
    """Return the loss of the lines of each length, in characters without the end."""
    parts = {}
    for length in np.unique(found.lengths).tolist():
        means = found.lines[found.lengths == length] / length
        (part,) = _parts(np.zeros(len(means), dtype=np.int64), means).values()
        parts[length - 1] = Part(len(means) * length, part.nll, part.interval)
    return parts


@np.errstate(invalid="ignore", divide="ignore")
def _parts(of: Counts, values: Floats) -> dict[int, Part]:
    """Return the mean of the values of each group. of: (N,) the group of each value."""
    n = np.bincount(of)
    mean = np.bincount(of, values) / np.maximum(n, 1)
    square = np.bincount(of, (values - mean[of]) ** 2)
    error = np.sqrt(square / np.maximum(n - 1, 1) / np.maximum(n, 1))
    by = np.exp(t(np.maximum(n, FEWEST)) * np.where(mean > 0, error / mean, 0))
    by = np.where(n >= FEWEST, by, np.nan)
    each = zip(n.tolist(), mean.tolist(), by.tolist(), strict=True)
    return {i: Part(k, m, (m / f, m * f)) for i, (k, m, f) in enumerate(each) if k}


def in_order(
    rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.signedinteger], tokens_per_batch: int
) -> list[npt.NDArray[np.int64]]:
    """Return the rows (N,) once, sorted by their lengths (N,) and cut into batches.

    A batch has at most `tokens_per_batch` tokens, padding included, unless a single line has more.
    """
    order = np.argsort(lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        # lines are sorted, so the last of a batch is its longest: take lines while count x longest fits
        size = np.arange(1, min(len(order) - start, max(1, tokens_per_batch)) + 1)
        fits = size * (lengths[order[start : start + len(size)]] + 1) <= tokens_per_batch
        n = max(1, int(fits.sum()))
        batches.append(rows[order[start : start + n]])
        start += n
    return batches
