"""How long a training step takes on this machine."""

from __future__ import annotations

import time

import numpy as np
import torch

from makemore.corpus.corpus import Corpus
from makemore.distributed.devices import pick_device
from makemore.models import build, configure
from makemore.models.base import Model
from makemore.runs.settings import Given
from makemore.training.engine import Engine
from makemore.training.learner import Learner
from makemore.training.plan import settings_for
from makemore.training.teacher import teacher_of

_WARM_UP, _TIMED = 2, 5
"""Steps before the timed ones, and timed steps."""


def pace_of(corpus: Corpus, type: str, ngram: Model, device: str = "auto") -> float:
    """Return the seconds that a training step of a type takes here, by default settings, measured on a few.

    `ngram` is fitted to the training lines; it is the teacher if the type has one.
    """
    to = pick_device(device)
    settings = settings_for(type, corpus, Given(), to)
    with torch.random.fork_rng():
        model = build(
            type, len(corpus.vocab), configure(type, corpus.longest, labels=len(corpus.vocab.labels))
        )
        teacher = teacher_of(ngram, settings.teacher, to)
        learner, seconds = Learner(model, corpus, settings, Engine(to), teacher), []
        for step in range(_WARM_UP + _TIMED):
            began = time.monotonic()
            learner.step((step + 0.5) / settings.max_steps, step)
            seconds.append(time.monotonic() - began)
    return float(np.median(seconds[_WARM_UP:]))  # the median, since other programs may delay a step
