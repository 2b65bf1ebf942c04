"""What to expect of training on a list: what the simplest models reach, and how long it takes here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from makemore.files.results import Result

if TYPE_CHECKING:  # the playground's server reads the result, and needs no torch
    from makemore.corpus.corpus import Corpus
    from makemore.models.base import Model


@dataclass(frozen=True)
class Expected(Result):
    """What takes seconds to find out about a list."""

    baselines: Mapping[str, float]
    """Validation losses, in nats per token, of guessing, "uniform", of pairs, "bigram", and of the 6-gram, "ngram"."""
    seconds: float | None
    """Seconds that training by default takes here; None if there was no time to measure them."""


def measure(corpus: Corpus, stop: Callable[[], bool] = lambda: False) -> Expected:
    """Return what to expect of training on a list; once `stop` returns true, its time is not measured."""
    from makemore.metrics.baselines import fitted
    from makemore.reports.pace import pace_of
    from makemore.runs.settings import DEFAULT_TYPE, recipe
    from makemore.training.teacher import TEACHER_ORDER

    ngram = fitted(corpus, "ngram", order=TEACHER_ORDER)
    found = baselines(corpus, ngram)
    if stop():
        return Expected(found, None)
    return Expected(found, recipe(DEFAULT_TYPE).max_steps * pace_of(corpus, DEFAULT_TYPE, ngram))


def baselines(corpus: Corpus, ngram: Model | None = None) -> dict[str, float]:
    """Return validation losses, as in `Expected`; none if there are no validation lines.

    Args:
        corpus: The list.
        ngram: A 6-gram that is fitted to the training lines; None fits one.

    """
    from makemore.metrics.baselines import SCORED_TOKENS, baseline, fitted
    from makemore.metrics.losses import losses
    from makemore.training.teacher import TEACHER_ORDER

    if not len(rows := corpus.at_most("validation", SCORED_TOKENS)):
        return {}
    ngram = ngram or fitted(corpus, "ngram", order=TEACHER_ORDER)
    pairs = baseline(corpus, "bigram", {"validation": rows})["validation"].loss.nll
    six = losses(ngram, corpus, rows).loss.nll
    return {"uniform": math.log(len(corpus.vocab)), "bigram": pairs, "ngram": six}
