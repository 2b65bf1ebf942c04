"""Exact losses, split up, with intervals; and calibration.

Intervals are 95 % and come from drawing the lines anew with replacement (the bootstrap, Efron 1979). Lines that
stand in a file more than once are drawn together: they are one fact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from makemore.corpus.batches import in_order
from makemore.corpus.corpus import Corpus
from makemore.distributed import group as parallel
from makemore.files.results import Result
from makemore.models.loss import token_nll

_LOGITS = 8_000_000
"""Numbers of logits computed at a time: 32 MB, small enough to stay quick."""

_WIDE = 256_000_000
"""Numbers of a model's widest layer computed at a time, at most: 1 GB."""

_WHOLE = 16_384
"""Characters of a line that are computed at a time, at most; fewer where the vocabulary is large."""

REPLICATES = 1000
"""Times that lines are drawn anew for an interval."""

_UNITS = 2000
"""Units drawn for an interval, at most; more lines are first put together at random into so many."""

CALIBRATION_BINS = 15
"""As Guo et al. 2017."""

FEWEST = 5
"""Different lines, or tokens, without which there is no interval: so few say nothing of how much others vary."""

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Loss:
    """A summed loss and what it was summed over."""

    total: float
    """Sum of -log p, in nats."""
    tokens: int
    """Predicted tokens, the ends of the lines included."""
    lines: int
    error: float = 0.0
    """Standard error of `nll`, had other lines been held out."""

    @property
    def nll(self) -> float:
        """Nats per token."""
        return self.total / self.tokens


@dataclass(frozen=True)
class Losses:
    """-log p in nats of every token of some lines."""

    tokens: Floats
    """(N,) those of each line in turn, its end last."""
    lengths: npt.NDArray[np.int64]
    """(M,) tokens of each line."""
    units: npt.NDArray[Any] | None = None
    """(M,) lines with the same number are the same line, one fact; None: all are different."""

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """(M,) where each line's tokens begin."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def lines(self) -> Floats:
        """(M,) -log p(line and its end)."""
        sums: Floats = np.add.reduceat(self.tokens, self.starts) if len(self.lengths) else np.zeros(0)
        return sums

    def __add__(self, more: Losses) -> Losses:
        """The losses of these lines, and then of more."""
        units = None
        if self.units is not None and more.units is not None:
            units = np.concatenate([self.units, more.units])
        lengths = np.concatenate([self.lengths, more.lengths])
        return Losses(np.concatenate([self.tokens, more.tokens]), lengths, units)

    def whole(self) -> Losses:
        """The same with one number for each line, which takes less memory."""
        return Losses(self.lines, np.ones(len(self.lengths), dtype=np.int64), self.units)

    @property
    def loss(self) -> Loss:
        """Their sum, and what it was summed over."""
        return Loss(float(self.tokens.sum()), len(self.tokens), len(self.lengths), self._error())

    def difference(self, other: Losses) -> float:
        """Return the standard error of how far the loss lies from another model's on the same lines."""
        return self._spread(self.lines - other.lines)

    def _error(self) -> float:
        return self._spread(self.lines)

    def _spread(self, lines: Floats) -> float:
        """The standard error of sum(lines) / tokens, by its first derivatives, had other lines been drawn."""
        total = lines.sum()
        if not np.isfinite(total):  # something impossible stands there
            return math.nan
        n = max(1, len(self.tokens))
        beyond = lines - total / n * self.lengths
        if self.units is not None:
            beyond = np.bincount(np.unique(self.units, return_inverse=True)[1], beyond)
        return float(np.sqrt((beyond**2).sum()) / n)


def batch_tokens(vocab_size: int) -> int:
    """Return how many positions to compute at once without training."""
    return min(8192, max(64, _LOGITS // vocab_size))


@torch.inference_mode()
def _passes(
    model: nn.Module, corpus: Corpus, shared: bool = False
) -> Iterator[tuple[Any, int, Tensor, Tensor]]:
    """Yield which lines (B,) of a corpus, from which place on, their logits (B, T, V) and targets (B, T), in eval mode.

    Lines that are long for their vocabulary come in pieces. shared: only the batches that are this process's own.
    """
    widest = max((max(p.shape) for p in model.parameters() if p.ndim == 2), default=1)
    most = max(64, _WIDE // widest)
    piece = min(_WHOLE, max(64, 4 * _LOGITS // len(corpus.vocab)), most)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        batches = in_order(np.arange(len(corpus)), corpus.lengths, min(most, batch_tokens(len(corpus.vocab))))
        for which in batches[parallel.rank() :: parallel.size()] if shared else batches:
            inputs, targets = (torch.from_numpy(array).to(device) for array in corpus.batch(which))
            state = None
            for start in range(0, inputs.shape[1], piece):
                part = slice(start, start + piece)
                logits, state = model(inputs[:, part], state)
                yield which, start, logits, targets[:, part]
    finally:
        model.train(was_training)


def losses(model: nn.Module, corpus: Corpus, rows: Rows) -> Losses:
    """Return the loss of every token of the given rows of a corpus. Several processes share the work."""
    some = corpus.some(rows)
    lengths = some.lengths + 1
    starts = np.cumsum(lengths) - lengths
    tokens = np.zeros(int(lengths.sum()))
    for which, start, logits, targets in _passes(model, some, shared=True):
        found = token_nll(logits.float(), targets).cpu().numpy()  # (B, T)
        t = start + np.arange(found.shape[1])
        real = t < lengths[which, None]
        tokens[(starts[which, None] + t)[real]] = found[real]
    parallel.fill(tokens)
    return Losses(tokens, lengths, some.hashes)


def pair_losses(train: npt.NDArray[Any], corpus: Corpus, rows: Rows, smoothing: float) -> Losses:
    """Return the loss of every token of the given rows under a bigram, from the pairs that occur alone.

        p(b | a) = (count(a, b) + s) / (count(a) + s V)

    is what `models.bigram` computes from a table of V x V, too large for a large vocabulary. train: (M,) the stream of ids
    that is counted.
    """
    V, some = len(corpus.vocab), corpus.some(rows)
    pairs, counts = np.unique(train[:-1].astype(np.int64) * V + train[1:], return_counts=True)
    totals = np.bincount(train[:-1], minlength=V)
    a, b = some.tokens[:-1].astype(np.int64), some.tokens[1:]
    at = np.minimum(np.searchsorted(pairs, a * V + b), len(pairs) - 1)
    count = np.where(pairs[at] == a * V + b, counts[at], 0)
    tokens = np.log(totals[a] + smoothing * V) - np.log(count + smoothing)
    return Losses(tokens, some.lengths + 1, some.hashes)


def evaluate(model: nn.Module, corpus: Corpus, rows: Rows) -> Loss:
    """Return the exact loss of a model on the given rows of a corpus, every token weighted the same."""
    return losses(model, corpus, rows).loss


def score(model: nn.Module, corpus: Corpus) -> list[list[float]]:
    """Return -log p in nats of every character of every line of a corpus, its end last."""
    found = losses(model, corpus, np.arange(len(corpus)))
    return [part.tolist() for part in np.split(found.tokens, found.starts[1:])] if len(corpus) else []


# intervals


@np.errstate(invalid="ignore", divide="ignore")  # a loss may be infinite
def ratio_interval(
    top: Floats, bottom: Floats, units: npt.NDArray[Any], spread: float = 0.0, positive: bool = False
) -> Interval:
    """Return the 95 % interval of sum(top) / sum(bottom) from drawing the units anew; of fewer than FEWEST, not numbers.

    Of few units it is widened as Student's is: drawn anew, they vary too little.

    Args:
        top: (M,) what each line adds.
        bottom: (M,) what each line adds.
        units: (M,) lines with the same number are drawn together.
        spread: Standard deviation that the ratio has besides, from other causes than the lines.
        positive: Whether the ratio cannot be below 0, as a loss cannot: the interval is widened on a logarithmic scale then.

    """
    _, unit = np.unique(units, return_inverse=True)
    random = np.random.default_rng(0)
    n = several = int(unit.max(initial=-1)) + 1
    if n < FEWEST:
        return math.nan, math.nan
    if n > _UNITS:  # sums over groups of lines vary as the lines do
        unit = random.permutation(n)[unit] % _UNITS
        n = _UNITS
    a, b = np.bincount(unit, top, n), np.bincount(unit, bottom, n)
    drawn = random.integers(n, size=(REPLICATES, n))
    ratios = a[drawn].sum(1) / b[drawn].sum(1) + spread * random.standard_normal(REPLICATES)
    ends = np.nanquantile(ratios, (0.025, 0.975)) if not np.isnan(ratios).all() else np.full(2, np.nan)
    middle = a.sum() / b.sum()
    if positive and middle > 0 and np.isfinite(middle):
        ends = middle * (ends / middle) ** student(several)
    elif np.isfinite(middle):
        ends = middle + student(several) * (ends - middle)
    return float(ends[0]), float(ends[1])


def student(n: int) -> float:
    """How much wider than drawing n values anew says the interval of their mean is."""
    return float(_t(n)) / 1.96 * math.sqrt(n / (n - 1))


def _t(n: Any) -> Any:
    """Student's t of 97.5 % for n values, or for arrays of n: Cornish and Fisher's expansion."""
    free = n - 1
    return 1.96 + 2.37 / free + 2.82 / free**2 + 2.56 / free**3 + 1.6 / free**4


@dataclass(frozen=True)
class Part(Result):
    """The loss of some of the tokens: those at one position, say."""

    tokens: int
    nll: float
    """Nats per token."""
    interval: Interval


def by_position(found: Losses) -> dict[int, Part]:
    """Return the loss of the first, second, ... token of a line; its interval is that of a mean, on a logarithmic scale."""
    place = np.arange(len(found.tokens)) - np.repeat(found.starts, found.lengths) + 1
    return _parts(place, found.tokens)


def by_character(found: Losses, corpus: Corpus, rows: Rows) -> dict[int, Part]:
    """Return the loss of each character, by its id; 0 is the end of the line."""
    return _parts(corpus.stream(rows)[1:].astype(np.int64), found.tokens)


def by_length(found: Losses) -> dict[int, Part]:
    """Return the loss of the lines of each length, in characters without the end."""
    parts = {}
    for length in np.unique(found.lengths).tolist():
        means = found.lines[found.lengths == length] / length
        (part,) = _parts(np.zeros(len(means), dtype=np.int64), means).values()
        parts[length - 1] = Part(len(means) * length, part.nll, part.interval)
    return parts


@np.errstate(invalid="ignore", divide="ignore")
def _parts(of: npt.NDArray[np.int64], values: Floats) -> dict[int, Part]:
    """The means of the values of each number, which are 0 or more, as their intervals are."""
    n = np.bincount(of)
    mean = np.bincount(of, values) / np.maximum(n, 1)
    square = np.bincount(of, (values - mean[of]) ** 2)
    error = np.sqrt(square / np.maximum(n - 1, 1) / np.maximum(n, 1))
    by = np.exp(_t(np.maximum(n, FEWEST)) * np.where(mean > 0, error / mean, 0))
    by = np.where(n >= FEWEST, by, np.nan)
    each = zip(n.tolist(), mean.tolist(), by.tolist(), strict=True)
    return {i: Part(n, m, (m / f, m * f)) for i, (n, m, f) in enumerate(each) if n}


def expected(model: nn.Module, corpus: Corpus, row: int) -> Iterator[Floats]:
    """Yield the probabilities that a model gives to every id at each place of a line, (V,) float64 each."""
    for _, _, logits, _ in _passes(model, corpus.some(np.array([row]))):
        for some in logits[0].split(64):
            yield from some.double().softmax(-1).cpu().numpy()


# calibration


@dataclass(frozen=True)
class Bin(Result):
    """The predictions with a probability in [low, high)."""

    low: float
    high: float
    count: int
    predicted: float
    """Their mean probability."""
    observed: float
    """How often what they predicted came true."""


@dataclass(frozen=True)
class Calibration:
    """How far probabilities are from how often they come true."""

    error: float
    """The expected calibration error, from 0 (perfect) to 2."""
    bins: tuple[Bin, ...]
    by_chance: float
    """The error to be expected of a perfect model, on as many tokens."""


def calibration(model: nn.Module, corpus: Corpus, rows: Rows) -> Calibration:
    """Return the expected calibration error over all classes, the bins it comes from, and what is chance in it.

    Every probability that the model gives, to any character at any place, is a prediction. They are put into
    bins of equal width by their size, and the error is

        sum over bins of (predictions in it) |mean probability - share that came true| / (places)

    so 0 is perfect and 2 the worst. After Guo et al., "On Calibration of Modern Neural Networks" (2017), here for all classes, not the likeliest alone.
    """
    count, predicted, true, variance = np.zeros((4, CALIBRATION_BINS))
    places = 0
    for _, _, logits, targets in _passes(model, corpus.some(rows)):
        real = targets >= 0  # (B, T)
        p = logits[real].double().softmax(-1).cpu().numpy()  # (N, V)
        target = targets[real].cpu().numpy()
        which = np.minimum((p * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
        count += np.bincount(which.reshape(-1), minlength=CALIBRATION_BINS)
        predicted += np.bincount(which.reshape(-1), p.reshape(-1), CALIBRATION_BINS)
        variance += np.bincount(which.reshape(-1), (p * (1 - p)).reshape(-1), CALIBRATION_BINS)
        true += np.bincount(which[np.arange(len(p)), target], minlength=CALIBRATION_BINS)
        places += len(p)
    error = float(np.abs(predicted - true).sum() / places)
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1).tolist()
    bins = tuple(
        Bin(edges[i], edges[i + 1], int(n), float(predicted[i] / n), float(true[i] / n))
        for i, n in enumerate(count)
        if n
    )
    chance = float(np.sqrt(2 / np.pi * variance).sum() / places)  # the mean size of normal deviations
    return Calibration(error, bins, chance)
