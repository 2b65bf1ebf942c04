"""Everything that can be measured about a trained run: what `makemore eval` prints."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import chain

import numpy as np

from makemore.corpus.corpus import Corpus
from makemore.corpus.splits import SPLITS
from makemore.errors import MakemoreError, shown
from makemore.files.typed import check_arguments
from makemore.metrics import advice, quality
from makemore.metrics import losses as evaluation
from makemore.metrics.assessment import (
    Assessment,
    Baselines,
    Estimate,
    NearestDistances,
    Neighbour,
    Quality,
    SplitLoss,
    Vendi,
)
from makemore.metrics.baselines import SCORED_TOKENS, baseline
from makemore.metrics.calibration import calibration
from makemore.metrics.copying import copied
from makemore.metrics.intervals import ratio_interval
from makemore.metrics.losses import Losses
from makemore.metrics.verdict import Copying, judge
from makemore.models import count_parameters
from makemore.reports.classified import classified
from makemore.runs.run import Run
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Sample

SAMPLES = 10_000
"""Samples to take, if lines are short."""

LEAST_SAMPLES, MOST_SAMPLES = 100, 1_000_000
"""The fewest and the most samples that a caller may ask for; all are kept in memory."""

_CHARACTERS = 1_000_000
"""The most characters to sample, if the number of samples is not given."""

NEAREST = 20
"""Samples whose nearest training line is returned."""

Said = Callable[[str], None]
"""Called with what is being done."""


def assess(run: Run, n: int | None = None, seed: int = 0, said: Said = lambda text: None) -> Assessment:
    """Measure a trained run.

    Args:
        run: The run.
        n: Samples to take, from 100 to 1,000,000; None takes 10,000, or fewer if lines are long.
        seed: Seed of the samples and of every other random choice.
        said: Called with what is being measured.

    Returns:
        Losses with intervals, what samples are like, and warnings.

    Raises:
        MakemoreError: If the run has no weights, or an argument is out of range.

    """
    check_arguments(assess, {"run": run, "n": n, "seed": seed})
    if n is not None and not LEAST_SAMPLES <= n <= MOST_SAMPLES:
        raise MakemoreError(f"n must be from {LEAST_SAMPLES} to {MOST_SAMPLES:,}, not {shown(n)}", option="n")
    SampleOptions(seed=seed)
    corpus, model = run.corpus, run.model
    # all lines; of a large split, the ones that were scored at the end of training
    rows = {split: corpus.at_most(split, SCORED_TOKENS) for split in SPLITS}
    said("losses")
    found = {split: evaluation.losses(model, corpus, rows[split]) for split in SPLITS}
    losses = {split: _in_all_units(each) for split, each in found.items()}
    said("baselines")
    beside = {name: baseline(corpus, name, {s: rows[s] for s in SPLITS[1:]}) for name in ("bigram", "ngram")}
    levels = {name: {split: each.loss.nll for split, each in of.items()} for name, of in beside.items()}
    of_test = evaluation.by_character(found["test"], corpus, rows["test"])
    said("calibration")
    copying = copied(model, corpus, found, run.new_model if model.counting else None)
    unique = {split: corpus.unique_of(split) for split in SPLITS}
    samples = _Sampling(run, n, seed).quality(unique["validation"] + unique["test"], copying, said)
    verdict = judge(copying, samples.train_mass)

    said("warnings")
    counted = beside["ngram"]["test"]
    apart = (
        model.counting or run.setup.blend is not None
    )  # a blend is not meant to beat one model of all lines
    lead = None if apart else (counted.loss.nll, found["test"].difference(counted))
    n_held_out = sum(corpus.counts()[split] for split in SPLITS[1:])
    nll = {split: loss.nll.value for split, loss in losses.items()}
    warnings = advice.of_training(run.metrics(), nll, lead, n_held_out)
    warnings += advice.of_samples(verdict, samples.uniqueness, samples.uniqueness_of_train, samples.validity)
    names = corpus.vocab.names
    times = {c: n for c, n in zip(names[1:], corpus.frequencies[1:].tolist(), strict=True) if n}
    warnings += advice.of_counts(times, 0, sum(unique.values()), n_held_out)
    summary = run.summary()
    return Assessment(
        type=run.type,
        parameters=count_parameters(model),
        steps=summary.steps if summary else None,
        seconds=summary.seconds if summary else None,
        lines=corpus.counts(),
        tokens={split: corpus.tokens_of(split) for split in SPLITS},
        scored_lines={split: len(rows[split]) for split in SPLITS},
        losses=losses,
        baselines=Baselines(math.log(len(corpus.vocab)), levels["bigram"], levels["ngram"]),
        nll_by_position=evaluation.by_position(found["test"]),
        nll_by_length=evaluation.by_length(found["test"]),
        nll_by_character={names[id]: part for id, part in of_test.items()},
        calibration=calibration(model, corpus, rows["test"]),
        classification=classified(run, found["test"], rows["test"]),
        copying=copying,
        quality=samples,
        memorising=verdict,
        warnings=tuple(warnings),
    )


def _in_all_units(losses: Losses) -> SplitLoss:
    """Return the loss of a split in every unit, with intervals."""
    lines, units = losses.lines, np.asarray(losses.units)
    lengths, one = losses.lengths.astype(np.float64), np.ones(len(lines))
    low, high = ratio_interval(lines, lengths, units, positive=True)
    nll = Estimate(losses.loss.nll, (low, high))
    per_line = ratio_interval(lines, one, units, positive=True)
    return SplitLoss(
        nll=nll,
        bits_per_character=_converted(nll, _bits),
        perplexity=_converted(nll, _exp),
        bits_per_line=_converted(Estimate(float(lines.mean()), per_line), _bits),
    )


def _bits(nats: float) -> float:
    return nats / math.log(2)


def _exp(nats: float) -> float:
    return math.exp(nats) if nats < 700 else math.inf + nats  # beyond the largest float; NaN stays NaN


def _converted(estimate: Estimate, convert: Callable[[float], float]) -> Estimate:
    low, high = estimate.interval
    return Estimate(convert(estimate.value), (convert(low), convert(high)))


class _Sampling:
    """Samples of a run, and the lines that they are compared with."""

    def __init__(self, run: Run, n: int | None, seed: int) -> None:
        self.run, self.corpus, self.seed = run, run.corpus, seed
        self.n = n or int(min(SAMPLES, max(500, _CHARACTERS / run.corpus.mean_length)))
        self.random = np.random.default_rng(seed)

    def quality(self, unique_held_out: int, copying: Copying, said: Said) -> Quality:
        """Take the samples and measure them."""
        n, random, corpus = self.n, self.random, self.corpus
        said(f"{n:,} samples")
        samples = list(self.run.stream(n, SampleOptions(cut=True, seed=self.seed)))
        outer = [sample.text for sample in samples]
        # what is measured has one code point for each character
        texts = list(map(corpus.vocab.forms.inner, outer))
        kinds = dict(zip(texts, corpus.seen(outer), strict=True))
        train_lines, *others = (_lines(corpus, split) for split in SPLITS)
        if len(train_lines) == corpus.counts()["train"]:
            resampled = [train_lines[i] for i in random.choice(len(train_lines), n)]
        else:  # resampling a subsample would repeat lines more often than resampling all lines
            resampled = [train_lines[i] for i in random.permutation(len(train_lines))[:n]]
        train = list(dict.fromkeys(train_lines))
        held_out = list(chain.from_iterable(others))
        held_out = [held_out[i] for i in random.permutation(len(held_out))]
        masses = copying.train, copying.held_out
        if math.isnan(copying.train):  # a subsample does not tell the mass of all lines
            times = Counter(kinds[text] for text, each in zip(texts, samples, strict=True) if each.ended)
            masses = times["train"] / n, times["held-out"] / n
        said("nearest training lines")
        c_t, nearest_distances = self._nearest_distances(texts, held_out, train)
        nearest = self._nearest([*zip(texts, samples, strict=True)][:NEAREST], train, kinds)
        said("distances")
        many = min(quality.VENDI_LINES, n, len(held_out))
        return Quality(
            samples=n,
            validity=sum(sample.ended for sample in samples) / n,
            uniqueness=quality.uniqueness(texts),
            uniqueness_of_train=quality.uniqueness(resampled),
            novelty=quality.novelty(texts, {text for text, kind in kinds.items() if kind == "train"}),
            held_out_hits=sum(kind == "held-out" for kind in kinds.values()) / unique_held_out,
            train_mass=masses[0],
            held_out_mass=masses[1],
            c_t=c_t,
            nearest_distances=nearest_distances,
            nearest=nearest,
            distances=quality.distances(texts, held_out, train_lines),
            vendi=Vendi(many, quality.vendi(texts[:many]), quality.vendi(held_out[:many])),
        )

    def _nearest_distances(
        self, texts: list[str], held_out: list[str], train: list[str]
    ) -> tuple[float, NearestDistances]:
        """Return C_T, and how far samples and held-out lines are from training lines."""
        # as many samples as held-out lines, and no more than can be compared in a few seconds
        both = 2 * min(len(texts), len(held_out))
        many, beside = quality.affordable(both, self.corpus.mean_length, len(train))
        many = max(1, min(many // 2, len(texts), len(held_out)))
        near = [train[i] for i in self.random.choice(len(train), beside, replace=False)]
        of_samples = quality.nearest(texts[:many], near).distances
        of_held_out = quality.nearest(held_out[:many], near).distances
        counts = (tuple(np.bincount(each).tolist()) for each in (of_samples, of_held_out))
        return quality.mann_whitney(of_samples, of_held_out), NearestDistances(many, beside, *counts)

    def _nearest(
        self, samples: list[tuple[str, Sample]], train: list[str], kinds: Mapping[str, str]
    ) -> tuple[Neighbour, ...]:
        """Return the training line nearest to each of some samples, which come with their inner forms."""
        texts = [text for text, _ in samples]
        # a subsample may lack the training line that a sample copies
        near = list(dict.fromkeys([*train, *(text for text in texts if kinds[text] == "train")]))
        found = quality.nearest(texts, near)
        each = zip(samples, found.which, found.distances, strict=True)
        outer = self.corpus.vocab.forms.outer
        return tuple(
            Neighbour(s.text, not s.ended, s.nll, kinds[text], outer(near[i]), int(distance))
            for (text, s), i, distance in each
        )


def _lines(corpus: Corpus, split: str) -> list[str]:
    """Return the lines of a split in their inner form; of a large one, a subsample from all over the file."""
    some = corpus.subsample(split)
    return some.inner_lines(np.arange(len(some)))
