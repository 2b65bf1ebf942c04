"""All that can be measured about a finished run, in one dictionary: what `makemore eval` prints."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from makemore.corpus.corpus import Corpus
from makemore.corpus.splits import SPLITS
from makemore.errors import MakemoreError, shown
from makemore.files.atomic import no_infinities
from makemore.metrics import advice, quality
from makemore.metrics import copying as memorising
from makemore.metrics import losses as evaluation
from makemore.metrics.advice import Warned
from makemore.metrics.baselines import SCORED_TOKENS, baseline
from makemore.metrics.losses import Losses, Part
from makemore.models import count_parameters
from makemore.runs.run import Run
from makemore.sampling.draw import Sample, check_seed

SAMPLES = 10_000
"""Samples to draw, where lines are short."""

LEAST_SAMPLES, MOST_SAMPLES = 100, 1_000_000
"""How many can be asked for: all of them are kept in memory."""

_CHARACTERS = 1_000_000
"""Characters to draw, at most."""

NEAREST = 20
"""Samples whose nearest training line is told."""


def assess(
    run: Run, n: int | None = None, seed: int = 0, said: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Measure a run and return the numbers under the keys that docs/evaluation.md explains, ready for JSON.

    n: samples to draw; None takes SAMPLES, or fewer where lines are long. seed: of all that is random. said: is told
    what is being done. What cannot be computed is None. Raises MakemoreError for a run that is not trained.
    """
    if n is not None and not LEAST_SAMPLES <= n <= MOST_SAMPLES:
        raise MakemoreError(
            f"-n {shown(n)}: must be from {LEAST_SAMPLES}, or there is nothing to measure, to {MOST_SAMPLES:,}"
        )
    check_seed(seed)
    corpus, model = run.corpus, run.model
    # all lines, or those of a larger split that training scored in the end
    rows = {split: corpus.at_most(split, SCORED_TOKENS) for split in SPLITS}

    said("losses")
    found = {split: evaluation.losses(model, corpus, rows[split]) for split in SPLITS}
    hashes = {split: np.asarray(found[split].units) for split in SPLITS}
    numbers: dict[str, Any] = {
        "type": run.type,
        "parameters": count_parameters(model),
        "steps": run.summary.get("steps"),
        "seconds": run.summary.get("seconds"),
        "lines": corpus.counts(),
        "tokens": {split: corpus.tokens_of(split) for split in SPLITS},
        "scored_lines": {split: len(rows[split]) for split in SPLITS},
    }
    numbers |= _losses(found, hashes)
    said("baselines")
    held_out_rows = {split: rows[split] for split in SPLITS[1:]}
    beside = {name: baseline(corpus, name, held_out_rows) for name in ("bigram", "ngram")}
    numbers["baselines"] = {"uniform": math.log(len(corpus.vocab))} | {
        name: {split: each.loss.nll for split, each in of.items()} for name, of in beside.items()
    }
    numbers["nll_by_position"] = [_part("position", part) for part in evaluation.by_position(found["test"])]
    numbers["nll_by_length"] = [_part("length", part) for part in evaluation.by_length(found["test"])]
    numbers["nll_by_character"] = [
        _part("character", part, corpus.vocab.decode([part.of]))
        for part in evaluation.by_character(found["test"], corpus, rows["test"])
    ]
    said("calibration")
    error, bins, chance = evaluation.calibration(model, corpus, rows["test"])
    numbers["calibration_error"], numbers["calibration_error_by_chance"] = error, chance
    numbers["calibration"] = [vars(b) for b in bins]

    copying = memorising.copied(model, corpus, found, run.new_model if model.counting else None)
    numbers["copy_ratio"] = copying.ratio
    numbers["copy_ratio_interval"] = list(copying.interval)
    unique = {split: corpus.unique_of(split) for split in SPLITS}
    unique_held_out = unique["validation"] + unique["test"]
    numbers |= _samples(run, corpus, unique_held_out, (copying.train, copying.held_out), n, seed, said)
    numbers["memorising"] = memorising.judge(copying, numbers["train_mass"]).to_json()

    numbers = dict(no_infinities(numbers))
    said("warnings")
    counts = model.counting
    counted = beside["ngram"]["test"]
    lead = None if counts else (counted.loss.nll, found["test"].difference(counted))
    n_held_out = sum(corpus.counts()[split] for split in SPLITS[1:])
    warnings = advice.of_training(run.metrics(), numbers["nll"], lead, n_held_out)
    times = {c: n for c, n in zip(corpus.vocab.characters, corpus.times[1:].tolist(), strict=True) if n}
    warnings += advice.of_samples(numbers) + advice.of_counts(times, 0, sum(unique.values()), n_held_out)
    numbers["warnings"] = [as_json(w) for w in warnings]
    return numbers


def as_json(warned: Warned) -> dict[str, str]:
    """Return a warning as the JSON of `makemore eval` has it."""
    return vars(warned)


def _losses(found: dict[str, Losses], hashes: dict[str, Any]) -> dict[str, Any]:
    """The loss of each split in every unit, with intervals."""
    nll, interval, bits_per_line, lines_interval = {}, {}, {}, {}
    for split, losses in found.items():
        lines = losses.lines
        nll[split] = losses.loss.nll
        interval[split] = list(
            evaluation.ratio_interval(lines, losses.lengths.astype(np.float64), hashes[split], positive=True)
        )
        bits_per_line[split] = float(lines.mean()) / math.log(2)
        around = evaluation.ratio_interval(lines, np.ones(len(lines)), hashes[split], positive=True)
        lines_interval[split] = [x / math.log(2) for x in around]
    units: dict[str, Callable[[float], float]] = {
        "bits_per_character": lambda x: x / math.log(2),
        "perplexity": lambda x: math.exp(x) if x < 700 else math.inf + x,  # a number has no room for more
    }
    numbers: dict[str, Any] = {"nll": nll, "nll_interval": interval}
    for name, convert in units.items():
        numbers[name] = {split: convert(x) for split, x in nll.items()}
        numbers[name + "_interval"] = {split: [convert(x) for x in pair] for split, pair in interval.items()}
    return numbers | {"bits_per_line": bits_per_line, "bits_per_line_interval": lines_interval}


def _part(name: str, part: Part, value: Any = None) -> dict[str, Any]:
    interval = list(part.interval)
    return {
        name: part.of if value is None else value,
        "tokens": part.tokens,
        "nll": part.nll,
        "interval": interval,
    }


def _samples(
    run: Run, corpus: Corpus, unique_held_out: int, masses: tuple[float, ...], n: int | None, seed: int,
    said: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """What samples are like. unique_held_out: how many different lines are held out. masses: of training and held-out lines."""
    random = np.random.default_rng(seed)
    mean = corpus.mean_length
    n = n or int(min(SAMPLES, max(500, _CHARACTERS / mean)))
    said(f"{n:,} samples")
    samples = list(run.stream(n, seed=seed))
    texts = [s.text for s in samples]
    kinds = dict(zip(texts, corpus.seen(texts), strict=True))
    train_lines, *others = (_lines(corpus, split) for split in SPLITS)
    if len(train_lines) == corpus.counts()["train"]:
        drawn = [train_lines[i] for i in random.choice(len(train_lines), n)]
    else:  # of a share of the lines the same one would be drawn again more often than of all
        drawn = [train_lines[i] for i in random.permutation(len(train_lines))[:n]]
    train = list(dict.fromkeys(train_lines))
    held_out = list(chain.from_iterable(others))
    held_out = [held_out[i] for i in random.permutation(len(held_out))]
    numbers: dict[str, Any] = {
        "samples": n,
        "validity": _validity(run, samples),
        "uniqueness": quality.uniqueness(texts),
        "uniqueness_of_train": quality.uniqueness(drawn),
        "novelty": quality.novelty(texts, {text for text, kind in kinds.items() if kind == "train"}),
        "held_out_hits": sum(kind == "held-out" for kind in kinds.values()) / unique_held_out,
    }
    if math.isnan(masses[0]):  # of lines that were drawn nothing follows for all
        masses = tuple(sum(kinds[text] == kind for text in texts) / n for kind in ("train", "held-out"))
    numbers["train_mass"], numbers["held_out_mass"] = masses
    said("nearest training lines")
    # copies are measured by the lines' own distances; no more of either than a few seconds allow
    many, beside = quality.affordable(2 * min(n, len(held_out)), mean, len(train))
    many = max(1, min(many // 2, n, len(held_out)))
    near = [train[i] for i in random.choice(len(train), beside, replace=False)]
    of_samples = quality.nearest(texts[:many], near)
    of_held_out = quality.nearest(held_out[:many], near)
    numbers["c_t"] = quality.mann_whitney(of_samples.distances, of_held_out.distances)
    numbers["nearest_distances"] = {
        "lines": many,
        "of_train": beside,
        "samples": np.bincount(of_samples.distances).tolist(),
        "held_out": np.bincount(of_held_out.distances).tolist(),
    }
    # where lines were drawn, a copy's own one may not be among them
    near = list(dict.fromkeys([*train, *(text for text in texts[:NEAREST] if kinds[text] == "train")]))
    told = quality.nearest(texts[:NEAREST], near)
    numbers["nearest"] = [
        {
            "text": s.text,
            "cut": c,
            "nll": s.nll,
            "seen": kinds[s.text],
            "nearest": near[i],
            "distance": int(d),
        }
        for s, c, i, d in zip(samples, run.cut(samples[:NEAREST]), told.which, told.distances, strict=False)
    ]
    said("distances")
    numbers["distances"] = {
        name: {"samples": d.samples, "held_out": d.held_out, "ratio": d.ratio}
        for name, d in quality.distances(texts, held_out, train_lines).items()
    }
    many = min(quality.VENDI_LINES, n, len(held_out))
    numbers["vendi"] = {
        "lines": many,
        "samples": quality.vendi(texts[:many]),
        "held_out": quality.vendi(held_out[:many]),
    }
    numbers["vendi_ratio"] = numbers["vendi"]["samples"] / numbers["vendi"]["held_out"]
    return numbers


def _lines(corpus: Corpus, split: str) -> list[str]:
    """The lines of a split, or of a large one some from all over the file."""
    drawn = corpus.drawn(split)
    return drawn.lines(np.arange(len(drawn)))


def _validity(run: Run, samples: list[Sample]) -> float:
    """The share of the samples that end by themselves; for those of the greatest length, the probability of it."""
    cut = [s.text for s in samples if not s.ended]
    ends = sum(math.exp(-letters[-1]) for letters in run.letters(cut)) if cut else 0.0
    return (len(samples) - len(cut) + ends) / len(samples)
