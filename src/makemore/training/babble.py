"""Some samples of a model in training: from babble to names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from makemore.errors import MakemoreError
from makemore.runs import forms
from makemore.runs.run import Run
from makemore.sampling.draw import sample
from makemore.sampling.options import SampleOptions
from makemore.sampling.tree import Tree
from makemore.training.events import Samples
from makemore.training.state import TrainState

SAMPLES, EARLY_SAMPLES = 10, 5
"""How many samples are shown at a time."""

EARLY_LENGTH = 60
"""The longest early sample, in characters: short, so that it costs next to nothing."""


class Babble:
    """Samples from a model in training, as it is, with a random state of their own."""

    def __init__(self, run: Run, state: TrainState, top_k: int | None = None) -> None:
        """Keep what is sampled from; `top_k` is as in `SampleOptions`."""
        self._run, self._state, self._model, self._top_k = run, state, state.learner.model, top_k

    def samples(self, n: int = SAMPLES, max_length: int | None = None) -> Samples:
        """Sample from the model as it is, with its own random state.

        Samples are cut at `max_length` characters; None means the length of the longest line.
        """
        run, model, step = self._run, self._model, self._state.step
        longest = run.corpus.longest if max_length is None else min(run.corpus.longest, max_length)
        seed = (run.settings.seed + step) % 2**63
        options = SampleOptions(top_k=self._top_k, max_length=longest, cut=True, seed=seed)
        form = forms.of_model(model, run.setup)
        was_training = model.training
        try:
            shares = None if run.labels is None else run.labels.shares()
            tree = Tree(form, run.vocab, "", longest, shares)
            found = list(sample(form, run.vocab, n, options, tree=tree))
        finally:
            model.train(was_training)
        return Samples(step, found, run.corpus.seen([each.text for each in found]))

    def early_samples(self) -> Iterator[Samples]:
        """Yield a few short samples; none if the weights are lost, which the next loss will report."""
        with contextlib.suppress(MakemoreError):
            yield self.samples(EARLY_SAMPLES, EARLY_LENGTH)
