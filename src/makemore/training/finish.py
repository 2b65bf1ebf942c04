"""The end of training: the best weights are scored on every split, beside the baselines."""

from __future__ import annotations

import math

from makemore.corpus.splits import SPLITS
from makemore.metrics.baselines import SCORED_TOKENS, baseline
from makemore.metrics.copying import copied
from makemore.metrics.losses import losses
from makemore.metrics.verdict import judge
from makemore.models import count_parameters
from makemore.runs.run import Run
from makemore.runs.summary import Summary, SummaryBaselines, finite
from makemore.sampling.options import SampleOptions
from makemore.training.checkpoint import Progress

MASS_SAMPLES = 2_000
"""How many samples estimate the probability of the training lines, if not all of these were scored."""


def summarize(run: Run, progress: Progress, seconds: float) -> Summary:
    """Score the best weights of a run; write summary.json, whose content is returned, and loss.png."""
    corpus, group = run.corpus, run.disk.group
    run.forget_model()  # it is older than the best weights
    rows = {split: corpus.at_most(split, SCORED_TOKENS) for split in SPLITS}
    bigram = baseline(corpus, "bigram", rows, group)
    found = {split: losses(run.model, corpus, rows[split], group) for split in SPLITS}
    own = {split: each.loss for split, each in found.items()}
    copies = copied(run.model, corpus, found, run.new_model if run.model.counting else None, group)
    train_mass = copies.train
    if math.isnan(train_mass):
        samples = run.stream(MASS_SAMPLES, SampleOptions(cut=True, seed=run.settings.seed))
        kinds = corpus.seen([sample.text for sample in samples if sample.ended])
        train_mass = kinds.count("train") / MASS_SAMPLES
    del found
    low, high = copies.interval
    summary = Summary(
        type=run.type,
        parameters=count_parameters(run.model),
        steps=progress.step,
        best_step=progress.best_step,
        seconds=round(seconds, 2),
        lines=corpus.counts(),
        tokens={split: loss.tokens for split, loss in own.items()},
        nll={split: loss.nll for split, loss in own.items()},
        copy_ratio=finite(copies.ratio),
        copy_ratio_interval=(finite(low), finite(high)),
        train_mass=finite(train_mass),
        memorising=judge(copies, train_mass),
        baselines=SummaryBaselines(
            uniform=math.log(len(corpus.vocab)), bigram={split: bigram[split].loss.nll for split in SPLITS}
        ),
    )
    run.disk.write_summary(summary)
    # a model that counts is evaluated once, which makes no curve
    if run.disk.writes and len(run.metrics()) > 1:
        from makemore.plots.losses import plot_losses  # here, since matplotlib takes a second to import

        plot_losses(run, summary)
    return summary
