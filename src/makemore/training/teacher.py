"""The teacher: an n-gram of the training lines whose predictions make up a share of the targets."""

from __future__ import annotations

import torch

from makemore.corpus.corpus import Corpus
from makemore.metrics.baselines import fitted
from makemore.models.base import Model

TEACHER_ORDER = 6
"""How many characters the teacher sees, the predicted one included."""


def fit_teacher(corpus: Corpus, device: torch.device) -> Model:
    """Return an n-gram fitted to the training lines, on a device.

    It counts in 64-bit floats, which Apple's GPUs do not have, so it stays on the CPU beside those.
    """
    teacher = fitted(corpus, "ngram", order=TEACHER_ORDER)
    return teacher.to(device) if device.type == "cuda" else teacher
