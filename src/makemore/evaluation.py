"""Exact losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from makemore.batches import in_order
from makemore.corpus import Corpus
from makemore.loss import nll, token_nll

_LOGITS = 8_000_000
"""Numbers of logits computed at a time: 32 MB, small enough to stay quick."""


@dataclass(frozen=True)
class Loss:
    """A summed loss and what it was summed over."""

    total: float
    """Sum of -log p, in nats."""
    tokens: int
    """Predicted tokens, the ends of the lines included."""
    lines: int

    @property
    def nll(self) -> float:
        """Nats per token."""
        return self.total / self.tokens


def batch_tokens(vocab_size: int) -> int:
    """Return how many positions to compute at once without training."""
    return min(8192, max(64, _LOGITS // vocab_size))


@torch.inference_mode()
def evaluate(model: nn.Module, corpus: Corpus, rows: npt.NDArray[np.int64]) -> Loss:
    """Return the exact loss of a model on the given rows of a corpus, every token weighted the same."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    total, tokens = 0.0, 0
    for batch in in_order(rows, corpus.lengths[rows], batch_tokens(len(corpus.vocab))):
        inputs, targets = (torch.from_numpy(a).to(device) for a in corpus.batch(batch))
        logits, _ = model(inputs)
        loss, count = nll(logits, targets)
        total += float(loss)
        tokens += int(count)
    model.train(was_training)
    return Loss(total, tokens, len(rows))


@torch.inference_mode()
def score(model: nn.Module, corpus: Corpus) -> list[list[float]]:
    """Return -log p in nats of every character of every line of a corpus, its end last."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    scores: list[list[float]] = [[] for _ in range(len(corpus))]
    for batch in in_order(np.arange(len(corpus)), corpus.lengths, batch_tokens(len(corpus.vocab))):
        inputs, targets = (torch.from_numpy(a).to(device) for a in corpus.batch(batch))
        logits, _ = model(inputs)
        losses = token_nll(logits, targets).cpu()
        for i, row in enumerate(batch):
            scores[row] = losses[i, : corpus.lengths[row] + 1].tolist()
    model.train(was_training)
    return scores
